"""Golden tests of `vee.md` 10.4 as far as they are the engine's: GT-70 to GT-76. States and To Dos are tested above."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.unit.vee.engine.builders import batch, facts, plan_of, spec
from vee.codes import ComponentKind, Severity
from vee.engine import runner
from vee.engine.context import NoHistory
from vee.engine.findings import Outcome, RunResult
from vee.engine.plan import GroupSpec, Plan, build_plan, find_cycle


WRONG = facts(uom="KW", component_uom="KWH", seconds_per_interval=1800)
SPIKED = [1, 1, 9, 1]


def run(plan: Plan) -> RunResult:
    return runner.run(batch=batch(SPIKED, about=[WRONG]), plan=plan, context=NoHistory())


class TestSeverities:
    def test_gt_70_info_and_issues_let_all_rules_run_and_block(self) -> None:
        result = run(
            plan_of(
                spec("uom_check", sequence=10, severity=Severity.INFO),
                spec("interval_size_validation", sequence=20, severity=Severity.ISSUE),
                spec("interval_spike_check", sequence=30, severity=Severity.ISSUE),
            )
        )

        assert [(finding.rule, finding.severity) for finding in result.findings] == [
            ("uom_check", "INFO"),
            ("interval_size_validation", "ISSUE"),
            ("interval_spike_check", "ISSUE"),
        ]
        assert result.blocked.tolist() == [True]

    def test_gt_71_a_terminate_ends_the_run(self) -> None:
        result = run(
            plan_of(
                spec("multiplier_check", sequence=10),
                spec("uom_check", sequence=20, severity=Severity.TERMINATE),
                spec("interval_spike_check", sequence=30),
            )
        )

        assert [(finding.rule, finding.severity) for finding in result.findings] == [("uom_check", "TERMINATE")]
        assert result.blocked.tolist() == [True]
        assert [(step.rule, step.outcome) for step in result.row_log(0)] == [
            ("multiplier_check", Outcome.PASSED),
            ("uom_check", Outcome.FAILED),
        ]

    def test_gt_72_only_info_does_not_block_and_is_kept(self) -> None:
        result = run(plan_of(spec("uom_check", severity=Severity.INFO)))

        assert [finding.severity for finding in result.findings] == [Severity.INFO]
        assert result.blocked.tolist() == [False]


class TestEffectiveDates:
    @pytest.mark.parametrize(("start", "rules"), [(dt.date(2010, 11, 14), []), (dt.date(2010, 11, 15), ["uom_check"])])
    def test_gt_73_the_imds_start_date_decides_whether_a_rule_applies(self, start: dt.date, rules: list[str]) -> None:
        plan = plan_of(spec("uom_check", start_date=dt.date(2010, 11, 15)), on=start)

        assert [step.rule for step in plan.steps] == rules

    @pytest.mark.parametrize(
        ("start", "observed"), [(dt.date(2024, 2, 29), [("1.3", "1.2")]), (dt.date(2024, 3, 1), [])]
    )
    def test_gt_74_two_versions_of_a_rule_give_tolerances_by_date(
        self, start: dt.date, observed: list[tuple[str, str]]
    ) -> None:
        plan = plan_of(
            spec("interval_spike_check", {"tolerance": 1.2}, id=1, sequence=10, end_date=dt.date(2024, 2, 29)),
            spec("interval_spike_check", {"tolerance": 1.5}, id=2, sequence=10, start_date=dt.date(2024, 3, 1)),
            on=start,
        )
        result = runner.run(batch=batch(["2.3", "1", "1"]), plan=plan, context=NoHistory())

        assert [(finding.observed, finding.limit) for finding in result.findings] == observed


class TestGroupSelection:
    def test_gt_75_the_plan_is_that_of_the_group_that_was_chosen(self) -> None:
        # Which group that is (the component's own, else its type's for the role) is chosen above the engine, where the
        # choice itself is tested; here it must be the only one that is run.
        groups = {
            "OWN-MANUAL": GroupSpec("OWN-MANUAL", [spec("multiplier_check")]),
            "TYPE-INITIAL": GroupSpec("TYPE-INITIAL", [spec("uom_check")]),
        }

        plan = build_plan(groups=groups, group="TYPE-INITIAL", on=dt.date(2024, 1, 1), kind=ComponentKind.INTERVAL)

        assert [(step.group, step.rule) for step in plan.steps] == [("TYPE-INITIAL", "uom_check")]

    def test_without_any_group_no_rules_run_and_the_log_says_so(self) -> None:
        plan = build_plan(groups={}, group=None, on=dt.date(2024, 1, 1), kind=ComponentKind.INTERVAL)
        result = run(plan)

        assert result.findings == []
        assert result.blocked.tolist() == [False]
        assert [entry.reason for entry in result.log] == ["no VEE group is set for this role: no rules run"]


class TestCycles:
    GROUPS = {
        "A": GroupSpec("A", [spec("execute_vee_group", {"group": "B"})]),
        "B": GroupSpec("B", [spec("execute_vee_group", {"group": "A"})]),
    }

    def test_gt_76_a_cycle_is_found_for_the_refusal_at_save(self) -> None:
        cycle = find_cycle(self.GROUPS)

        assert cycle in (("A", "B", "A"), ("B", "A", "B"))

    def test_gt_76_a_cycle_terminates_at_run_time(self) -> None:
        plan = build_plan(groups=self.GROUPS, group="A", on=dt.date(2024, 1, 1), kind=ComponentKind.INTERVAL)
        result = run(plan)

        [finding] = result.findings
        assert (finding.severity, finding.exception_type) == (Severity.TERMINATE, "VEE-CYCLE")
        assert "A > B > A" in finding.message
        assert result.blocked.tolist() == [True]
