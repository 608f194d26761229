from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.vee.engine.builders import DAY, batch, facts, spec
from vee.codes import ComponentKind, Severity
from vee.engine import registry, runner
from vee.engine.context import NoHistory
from vee.engine.findings import RunResult
from vee.engine.plan import GroupSpec, Plan, RuleSpec, build_plan, find_cycle


def plan(
    factors: Mapping[str, str], *rules: RuleSpec, parameters: Mapping[str, Any] | None = None, **changes: Any
) -> Plan:
    matrix = spec("vee_group_matrix", {"factor": "CLASS", **(parameters or {})}, sequence=1, **changes)
    groups = {
        "OUTER": GroupSpec("OUTER", [matrix, spec("multiplier_check", id=9, sequence=2)]),
        "SMALL": GroupSpec("SMALL", [spec("uom_check", id=8), *rules]),
    }
    return build_plan(groups=groups, group="OUTER", on=DAY, kind=ComponentKind.INTERVAL, factors=factors)


def run(made: Plan) -> RunResult:
    return runner.run(batch=batch([1, 1, 1], about=[facts(uom="KW", multiplier=7)]), plan=made, context=NoHistory())


class TestVeeGroupMatrix:
    def test_runs_the_group_that_the_factor_leads_to_in_its_place(self) -> None:
        made = plan({"CLASS": "SMALL"})

        assert [(step.rule, step.group_path) for step in made.steps] == [
            ("uom_check", "OUTER > SMALL"),
            ("multiplier_check", "OUTER"),
        ]

    def test_without_a_group_it_leaves_silently(self) -> None:
        made = plan({})

        assert [(step.rule, step.skip) for step in made.steps] == [
            ("vee_group_matrix", "no group results"),
            ("multiplier_check", ""),
        ]
        assert [finding.rule for finding in run(made).findings] == ["multiplier_check"]

    @pytest.mark.parametrize(
        ("severity", "rules"),
        [
            (Severity.ISSUE, ["vee_group_matrix", "multiplier_check"]),
            (Severity.TERMINATE, ["vee_group_matrix"]),
        ],
    )
    def test_without_a_group_it_fails_when_that_is_an_error(self, severity: Severity, rules: list[str]) -> None:
        made = plan({}, parameters={"error_if_none": True}, severity=severity, exception_type="NO-CLASS")
        result = run(made)

        assert [finding.rule for finding in result.findings] == rules
        assert result.findings[0].exception_type == "NO-CLASS"
        assert result.findings[0].severity == severity
        assert result.findings[0].message == "The factor CLASS leads to no VEE group."

    def test_a_group_that_does_not_exist_ends_the_run(self) -> None:
        made = plan({"CLASS": "NOWHERE"})

        assert [finding.exception_type for finding in run(made).findings] == ["VEE-GROUP-UNKNOWN"]

    def test_a_circle_through_a_factor_ends_the_run_and_is_found_for_the_refusal_at_save(self) -> None:
        made = plan({"CLASS": "OUTER"})
        groups = {"OUTER": GroupSpec("OUTER", [spec("vee_group_matrix", {"factor": "CLASS"})])}

        assert [finding.exception_type for finding in run(made).findings] == ["VEE-CYCLE"]
        assert find_cycle(groups, {"CLASS": ["OUTER"]}) == ("OUTER", "OUTER")

    def test_says_in_words_what_it_does_and_a_consequence_only_where_it_can_fail(self) -> None:
        quiet = registry.sentence("vee_group_matrix", {"factor": "CLASS"}, Severity.ISSUE)
        loud = registry.sentence("vee_group_matrix", {"factor": "CLASS", "error_if_none": True}, Severity.INFO)

        assert quiet == (
            "Runs the rules of the group that the factor CLASS leads to, and goes on where it leads to none."
        )
        assert loud.endswith("fails where it leads to none. Then an Info is kept for reporting.")
