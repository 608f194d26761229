from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.vee.engine.builders import START, M, Meters, hourly, numbers, read, read_facts, run_rule, scalar
from vee.codes import Condition, Severity
from vee.engine import registry
from vee.engine.findings import RunResult


RULE = "scalar_profile_estimation"


def run(history: Meters, value: Any = M, parameters: Any = None, **about: Any) -> RunResult:
    conditions = about.pop("conditions", None)
    return run_rule(RULE, scalar(value, about=[read_facts(**about)], conditions=conditions), parameters, history)


class TestScalarProfileEstimation:
    def test_scales_the_profile_and_marks_the_value(self) -> None:
        result = run(Meters({}, hourly(20, *["0.1"] * 24)), parameters={"scale": "2.5"})

        assert numbers(result.batch) == [6]
        assert result.batch.conditions.tolist() == [[int(Condition.ESTIMATED_PROFILE)]]

    def test_takes_a_register_that_was_read_at_both_ends(self) -> None:
        history = Meters({20: [read(0, 5), read("0.5", 7, 2), read(1, 12, 5)]})

        assert numbers(run(history).batch) == [7]

    def test_refuses_a_register_that_was_not(self) -> None:
        result = run(Meters({20: [read(0, 5), read("0.5", 7, 2)]}))

        assert [found.exception_type for found in result.findings] == ["PROFILE-INCOMPLETE"]

    @pytest.mark.parametrize(
        ("value", "condition", "changed"),
        [(5, 501000, False), (5, 301400, False), (5, 201000, True), (5, 401000, True)],
    )
    def test_leaves_regular_and_estimated_values_alone(self, value: int, condition: int, changed: bool) -> None:
        result = run(Meters({}, hourly(20, *[1] * 24)), value, conditions=[[condition]])

        assert result.changed.tolist() == [changed]

    def test_an_incomplete_profile_is_an_issue_and_estimates_nothing(self) -> None:
        result = run(Meters({}, hourly(20, *[1] * 23)))

        [found] = result.findings
        assert (found.severity, found.observed, found.limit) == (Severity.ISSUE, "82800 s", "86400 s")
        assert numbers(result.batch) == [None]

    def test_no_profile_is_an_issue_that_may_be_switched_off(self) -> None:
        assert [found.exception_type for found in run(Meters()).findings] == ["NO-PROFILE"]
        assert run(Meters(), parameters={"no_profile_severity": None}).findings == []

    def test_counts_an_interval_that_lies_inside_in_part_in_that_part(self) -> None:
        result = run(Meters({}, hourly(20, *[6] * 3)), previous_read_at=START + 1800, end=START + 2 * 3600 + 600)

        assert numbers(result.batch) == [3 + 6 + 1]

    def test_a_first_read_and_one_that_a_person_set_are_left_out(self) -> None:
        history = Meters({}, hourly(20, *[1] * 24))

        first = run(history, previous_reading=None, previous_read_at=None, reading=Decimal(5))

        assert not first.changed.any()
        assert first.row_log(0)[0].reason == "there is no earlier reading to count from"

    def test_a_consumptive_register_needs_no_earlier_reading(self) -> None:
        result = run(Meters({}, hourly(20, *[1] * 24)), previous_reading=None, previous_read_at=None, subtractive=False)

        assert numbers(result.batch) == [24]

    def test_says_what_it_does(self) -> None:
        said = registry.sentence(RULE, {"factor": "CLASS", "scale": 2}, Severity.ISSUE)

        assert "the profile that the factor CLASS names times 2" in said
