from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
import pytest

from tests.unit.vee.engine.builders import M, as_numbers, batch, facts, numbers, plan_of, spec
from vee.codes import ComponentKind, Condition, Severity
from vee.engine import gaps, registry, runner
from vee.engine.batch import Batch
from vee.engine.context import Boundaries, Context, NoHistory
from vee.engine.findings import Changes, Finding, Outcome, Result, RunResult
from vee.engine.parameters import PointSeverity, RuleParameters, described
from vee.engine.rule import ALL_KINDS, ALL_ROLES, FailurePoint, Rule


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    side_severity: Annotated[PointSeverity, described("Report the side point.")] = None
    side_exception_type: Annotated[str, described("Its exception type.")] = ""


class Probe:
    """A rule that does what a test tells it to, and remembers the IMDs that it saw."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.behave: Any = lambda _batch, _context: Result()

    def evaluate(self, given: Batch, _parameters: Any, context: Context) -> Result:
        self.seen.append([about.imd_id for about in given.facts])
        return self.behave(given, context)


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    made = Probe()
    rule = Rule(
        name="sum_check",
        code="",
        title="Probe",
        summary="",
        kinds=ALL_KINDS,
        roles=ALL_ROLES,
        parameters=Parameters,
        failure_points=(FailurePoint("it fails", "PROBE"), FailurePoint("beside it", "PROBE-SIDE", name="side")),
        sentence=lambda _parameters: "",
        evaluate=made.evaluate,
    )
    monkeypatch.setitem(registry.AVAILABLE, "sum_check", rule)  # type: ignore[misc]
    return made


def run(given: Batch, *specs: Any, context: Any = None) -> RunResult:
    return runner.run(batch=given, plan=plan_of(*specs, kind=given.kind), context=context or NoHistory())


def mixed() -> Batch:
    """Three IMDs of which the one in the middle has the wrong unit."""
    wrong = facts(imd_id=1, uom="KW")
    return batch([1, 2, 3], [4, 5, 6], [7, 8, 9], about=[facts(imd_id=0), wrong, facts(imd_id=2)])


class TestRun:
    def test_a_terminate_takes_only_its_own_imd_out(self, probe: Probe) -> None:
        probe.behave = lambda given, _: Result(findings=[Finding(given.size - 1, "last one")])
        result = run(mixed(), spec("uom_check", sequence=1, severity=Severity.TERMINATE), spec("sum_check", sequence=2))

        assert probe.seen == [[0, 2]]
        assert [(finding.row, finding.rule) for finding in result.findings] == [(1, "uom_check"), (2, "sum_check")]
        assert result.blocked.tolist() == [False, True, True]
        assert [(entry.rule, entry.rows, entry.failed) for entry in result.log] == [
            ("uom_check", 3, 1),
            ("sum_check", 2, 1),
        ]

    def test_an_issue_lets_its_imd_go_on(self, probe: Probe) -> None:
        run(mixed(), spec("uom_check", sequence=1, severity=Severity.ISSUE), spec("sum_check", sequence=2))

        assert probe.seen == [[0, 1, 2]]

    def test_estimates_of_a_part_of_the_batch_are_put_in_their_own_rows(self, probe: Probe) -> None:
        probe.behave = lambda given, _: Result(
            changes=Changes(
                rows=np.array([1]),
                intervals=np.array([2]),
                values=np.array([42_000_000]),
                conditions=np.array([301000], dtype=np.int32),
            )
        )
        given = mixed()
        result = run(
            given, spec("uom_check", sequence=1, severity=Severity.TERMINATE), spec("sum_check", id=99, sequence=2)
        )

        assert [numbers(result.batch, row) for row in range(3)] == [
            as_numbers(1, 2, 3), as_numbers(4, 5, 6), as_numbers(7, 8, 42),
        ]  # fmt: skip
        assert result.batch.set_by.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 99]]
        assert result.batch.conditions[2].tolist() == [501000, 501000, 301000]
        assert result.changed.tolist() == [False, False, True]
        assert numbers(given, 2) == as_numbers(7, 8, 9)

    def test_a_rule_may_take_a_value_away(self, probe: Probe) -> None:
        probe.behave = lambda given, _: Result(
            changes=gaps.emptied(given.values > 2_000_000, int(Condition.MISSING_TEST_MODE))
        )
        result = run(batch([1, 2, 3]), spec("sum_check"))

        assert numbers(result.batch) == as_numbers(1, 2, M)
        assert result.batch.conditions.tolist() == [[501000, 501000, 201200]]

    def test_later_rules_see_what_earlier_ones_estimated(self, probe: Probe) -> None:
        seen = []
        probe.behave = lambda given, _: seen.append(numbers(given)) or Result()
        run(batch([1, M, 3]), spec("interval_interpolation_estimation", sequence=1), spec("sum_check", sequence=2))

        assert seen == [as_numbers(1, 2, 3)]

    def test_a_rule_of_another_kind_is_skipped_with_a_line_in_the_log(self) -> None:
        given = batch([5], kind=ComponentKind.SCALAR, seconds=None)
        result = run(given, spec("interval_spike_check"))

        assert result.findings == []
        assert [(entry.rows, entry.reason) for entry in result.log] == [
            (0, "does not apply to components of kind SCALAR")
        ]
        assert [step.outcome for step in result.row_log(0)] == [Outcome.SKIPPED]

    def test_a_rule_that_is_not_available_terminates(self, rule_not_available: str) -> None:
        result = run(mixed(), spec(rule_not_available, severity=Severity.INFO), spec("uom_check", sequence=20))

        assert [(f.row, f.severity, f.exception_type) for f in result.findings] == [
            (row, Severity.TERMINATE, "RULE-NOT-AVAILABLE") for row in range(3)
        ]
        assert result.blocked.all()
        assert [entry.rule for entry in result.log] == [rule_not_available]

    def test_a_finding_carries_rule_group_and_configured_exception_type(self) -> None:
        result = run(mixed(), spec("uom_check", id=31, exception_type="UNIT"))

        [finding] = result.findings
        assert (finding.rule, finding.rule_id, finding.group, finding.group_path) == ("uom_check", 31, "G", "G")
        assert finding.exception_type == "UNIT"

    def test_a_finding_without_a_configured_exception_type_has_that_of_its_failure_point(self) -> None:
        [finding] = run(mixed(), spec("uom_check")).findings

        assert finding.exception_type == "UOM-MISMATCH"

    def test_a_second_failure_point_takes_severity_and_type_from_the_parameters(self, probe: Probe) -> None:
        probe.behave = lambda _given, _: Result(findings=[Finding(0, "beside", point="side")])
        off = run(batch([1]), spec("sum_check"))
        on = run(batch([1]), spec("sum_check", {"side_severity": "INFO"}))
        named = run(batch([1]), spec("sum_check", {"side_severity": "ISSUE", "side_exception_type": "OWN"}))

        assert off.findings == []
        assert [(f.severity, f.exception_type, f.point) for f in on.findings] == [("INFO", "PROBE-SIDE", "side")]
        assert on.blocked.tolist() == [False]
        assert [(f.severity, f.exception_type) for f in named.findings] == [("ISSUE", "OWN")]
        assert named.blocked.tolist() == [True]

    def test_keeps_one_terminate_per_imd(self, probe: Probe) -> None:
        probe.behave = lambda _given, _: Result(
            findings=[Finding(0, "first"), Finding(0, "second"), Finding(1, "other")]
        )
        result = run(batch([1], [2]), spec("sum_check", severity=Severity.TERMINATE))

        assert [(finding.row, finding.message) for finding in result.findings] == [(0, "first"), (1, "other")]

    def test_texts_are_cut_to_what_their_columns_hold(self, probe: Probe) -> None:
        probe.behave = lambda _given, _: Result(findings=[Finding(0, "m" * 501, observed="o" * 61, limit="l" * 61)])
        [finding] = run(batch([1]), spec("sum_check")).findings

        assert (len(finding.message), len(finding.observed), len(finding.limit)) == (500, 60, 60)


class TestNotEvaluated:
    def test_is_an_outcome_of_its_own(self) -> None:
        about = [facts(multiplier=None), facts(multiplier=Decimal(2), component_multiplier=Decimal(1)), facts()]
        result = run(batch([1], [2], [3], about=about), spec("multiplier_check"))

        assert [(entry.rows, entry.failed, entry.not_evaluated, entry.reason) for entry in result.log] == [
            (3, 1, 1, "no multiplier was delivered")
        ]
        assert [result.row_log(row)[0].outcome for row in range(3)] == [
            Outcome.NOT_EVALUATED,
            Outcome.FAILED,
            Outcome.PASSED,
        ]
        assert result.row_log(0)[0].reason == "no multiplier was delivered"
        assert result.blocked.tolist() == [False, True, False]


class TestRuleThatFails:
    def test_fails_only_the_imd_that_it_fails_on(self, probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
        def behave(given: Batch, _context: Context) -> Result:
            if (given.values == 5_000_000).any():
                raise ZeroDivisionError("secret reading 5")
            return Result(findings=[Finding(row, "seen") for row in range(given.size)])

        probe.behave = behave
        with caplog.at_level("WARNING"):
            result = run(mixed(), spec("sum_check", severity=Severity.INFO), spec("multiplier_check", sequence=20))

        assert probe.seen == [[0, 1, 2], [0], [1], [2]]
        assert [(f.row, f.severity, f.exception_type) for f in sorted(result.findings, key=lambda f: f.row)] == [
            (0, Severity.INFO, "PROBE"),
            (1, Severity.TERMINATE, "RULE-FAILED"),
            (2, Severity.INFO, "PROBE"),
        ]
        [failed] = [finding for finding in result.findings if finding.row == 1]
        assert failed.message == "The rule sum_check could not be evaluated: ZeroDivisionError."
        assert result.blocked.tolist() == [False, True, False]
        # The others go on.
        assert result.log[1].rows == 2
        assert "Unable to evaluate rule sum_check on IMD 1" in caplog.text

    @pytest.mark.parametrize(
        "result",
        [
            Result(findings=[Finding(3, "nobody")]),
            Result(findings=[Finding(0, "undeclared", point="other")]),
            Result(
                changes=Changes(np.array([0]), np.array([3]), np.array([1]), np.array([301000], dtype=np.int32)),
            ),
            Result(
                changes=Changes(
                    np.array([0]), np.array([1]), np.array([1]), np.array([301000], dtype=np.int32), np.array([], bool)
                ),
            ),
            Result(
                changes=Changes(np.array([0]), np.array([1, 2]), np.array([1]), np.array([301000], dtype=np.int32)),
            ),
        ],
    )
    def test_a_result_that_does_not_fit_the_batch_is_a_failure_of_the_rule(self, probe: Probe, result: Result) -> None:
        probe.behave = lambda _given, _: result
        given = batch([1, 2, 3])
        ended = run(given, spec("sum_check"))

        assert [finding.exception_type for finding in ended.findings] == ["RULE-FAILED"]
        assert numbers(ended.batch) == as_numbers(1, 2, 3)

    def test_a_rule_cannot_write_to_what_it_is_given(self, probe: Probe) -> None:
        def behave(given: Batch, _context: Context) -> Result:
            given.values[0, 0] = 0
            return Result()

        probe.behave = behave
        result = run(batch([1, 2, 3]), spec("sum_check"))

        assert [finding.message for finding in result.findings] == [
            "The rule sum_check could not be evaluated: ValueError."
        ]
        assert numbers(result.batch) == as_numbers(1, 2, 3)

    def test_what_the_context_raises_passes_through_and_is_nobodys_finding(self, probe: Probe) -> None:
        class Broken:
            def boundaries(self, _batch: Batch) -> Boundaries:
                raise ConnectionError("the database is gone")

        probe.behave = lambda given, context: context.boundaries(given) and Result()

        with pytest.raises(ConnectionError, match="the database is gone"):
            run(mixed(), spec("sum_check"), context=Broken())
        assert probe.seen == [[0, 1, 2]]


class TestEmptyBatch:
    def test_runs_to_an_empty_result(self) -> None:
        empty = mixed().take([])
        result = run(empty, *(spec(name, sequence=n) for n, name in enumerate(("uom_check", "interval_spike_check"))))

        assert result.findings == []
        assert result.blocked.tolist() == []
