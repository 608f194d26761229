from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, M, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, read, series
from vee.codes import ComponentKind, Severity
from vee.engine import registry
from vee.engine.context import Measured, Period, Windows
from vee.engine.findings import RunResult


RULE = "high_low_check"
YEAR = 365 * DAY
TIGHT = {"historical_pre_window": 0, "historical_post_window": 0}
"""Windows that are as long as the IMD, so that its own days a year ago are the whole history."""


def days(values: list[Any], world: World, about: Any = None, conditions: Any = None, **parameters: Any) -> RunResult:
    given_batch = batch(values, seconds=DAY, about=[about or facts()], conditions=conditions)
    return run_rule(RULE, given_batch, {**TIGHT, **parameters}, world)


def year_ago(values: list[Any], condition: int = 501000) -> World:
    return World(intervals={OWN: series(values, start=START - YEAR, seconds=DAY, condition=condition)})


def points(result: RunResult) -> list[str]:
    return [finding.point for finding in result.findings]


class TestLimits:
    @pytest.mark.parametrize(
        ("values", "found"),
        [(["59", 1], []), (["59", "1.000001"], ["main"]), (["1.5", 0], []), (["1.499999", 0], ["low"])],
    )
    def test_defaults_are_600_and_15_percent_and_the_limits_pass(self, values: list[Any], found: list[str]) -> None:
        assert points(days(values, year_ago([4, 6]))) == found

    def test_the_message_says_what_was_expected_and_from_what(self) -> None:
        [finding] = days([70, 0], year_ago([4, 6])).findings

        assert finding.message == (
            "The consumption 70 lies above 60: 600 % of the 10 expected from 5 a day on average in 2 days of the year "
            "before."
        )
        assert (finding.observed, finding.limit, finding.exception_type) == ("70", "60", "HIGH-CONSUMPTION")

    def test_too_low_may_have_an_exception_type_of_its_own(self) -> None:
        assert days([0, 0], year_ago([4, 6])).findings[0].exception_type == "LOW-CONSUMPTION"
        named = days([0, 0], year_ago([4, 6]), low_exception_type="LOW")
        assert named.findings[0].exception_type == "LOW"
        of_rule = run_rule(RULE, batch([0, 0], seconds=DAY), TIGHT, year_ago([4, 6]), exception_type="HILO")
        assert of_rule.findings[0].exception_type == "HILO"

    @pytest.mark.parametrize(("wanted", "found"), [("HIGH", ["main"]), ("LOW", ["low"]), ("BOTH", ["main", "low"])])
    def test_one_side_may_be_looked_at(self, wanted: str, found: list[str]) -> None:
        high, low = (
            days([99, 0], year_ago([4, 6]), high_low_check=wanted),
            days([1, 0], year_ago([4, 6]), high_low_check=wanted),
        )

        assert points(high) + points(low) == found

    def test_factors_may_be_given_for_percentages(self) -> None:
        assert points(days([11, 0], year_ago([4, 6]), high_tolerance_factor="1.1")) == []
        assert points(days([12, 0], year_ago([4, 6]), high_tolerance_factor="1.1")) == ["main"]
        with pytest.raises(registry.UnableToReadParameters, match="exclude each other"):
            registry.parse_parameters(RULE, {"low_tolerance_factor": 1, "low_tolerance_pct": 100})

    def test_master_data_may_name_the_limits(self) -> None:
        about = facts(characteristics={"high_tolerance_pct": "110", "low_tolerance_pct": "none"})

        assert points(days([12, 0], year_ago([4, 6]), about, limits_from_master_config=True)) == ["main"]
        assert points(days([1, 0], year_ago([4, 6]), about, limits_from_master_config=True)) == ["low"]
        assert points(days([12, 0], year_ago([4, 6]), about)) == []

    def test_the_highest_measurement_may_be_what_is_expected(self) -> None:
        assert points(days([12, 0], year_ago([4, 6]), high_tolerance_pct=100, comparison_method="MAX")) == []
        assert points(days([13, 0], year_ago([4, 6]), high_tolerance_pct=100, comparison_method="MAX")) == ["main"]

    @given(st.lists(st.integers(0, 50), min_size=3, max_size=3), st.lists(st.integers(0, 50), min_size=3, max_size=3))
    def test_decides_exactly(self, values: list[int], before: list[int]) -> None:
        expected = Fraction(sum(before), 3) * 3
        wanted = ["main"] if sum(values) > expected * 3 else ["low"] if sum(values) < expected / 3 else []
        result = days(
            list(values), year_ago(list(before)), high_tolerance_factor=3, low_tolerance_factor="0.333333333333"
        )

        assert points(result) == wanted


class TestHistory:
    def test_last_year_is_widened_on_both_sides(self) -> None:
        world = World()
        run_rule(RULE, batch([1, 1], seconds=DAY), {"historical_pre_window": 3, "historical_post_window": 2}, world)

        first: Windows = world.asked["measured"][0]
        assert (first.starts.tolist(), first.length) == ([START - YEAR - 3 * DAY], 2 + 3 + 2)

    def test_last_reading_is_widened_to_the_past(self) -> None:
        world = World()
        parameters = {"historical_pre_window": 3, "historical_look_first": "LAST_READING"}
        run_rule(RULE, batch([1, 1], seconds=DAY), parameters, world)

        first: Windows = world.asked["measured"][0]
        assert (first.starts.tolist(), first.length) == ([START - 5 * DAY], 5)

    def test_the_other_one_is_taken_when_the_first_is_unusable(self) -> None:
        world = World(intervals={OWN: series([4, 6], start=START - 2 * DAY, seconds=DAY)})
        [finding] = days([70, 0], world).findings

        assert "of the time before" in finding.message

    def test_only_imds_without_the_first_are_asked_for_again(self) -> None:
        world = year_ago([4, 6])
        given_batch = batch([5, 5], [5, 5], seconds=DAY, about=[facts(imd_id=1), facts(imd_id=2, component_id=11)])
        run_rule(RULE, given_batch, TIGHT, world)

        assert [windows.component_ids.tolist() for windows in world.asked["measured"]] == [[OWN, 11], [11]]

    @pytest.mark.parametrize(("basis", "required", "usable"), [
        ("IMD_START_END", 50, True), ("IMD_START_END", "50.1", False),
        ("HISTORICAL_PERIOD", 25, True), ("HISTORICAL_PERIOD", "25.1", False),
    ])  # fmt: skip
    def test_the_history_has_to_cover_enough(self, basis: str, required: Any, usable: bool) -> None:
        parameters = {
            "historical_pre_window": 2,
            "required_historical_data_basis": basis,
            "required_historical_data_pct": required,
        }
        result = days([5, 5], year_ago([5, None]), **parameters)

        assert points(result) == [] if usable else ["insufficient_history"]

    @pytest.mark.parametrize(
        ("name", "condition"), [("allowed_system_estimated_pct", 301100), ("allowed_non_normal_pct", 401000)]
    )
    def test_a_history_of_bad_quality_is_unusable(self, name: str, condition: int) -> None:
        world = World(intervals={OWN: {START - YEAR + DAY: (5, condition), START - YEAR + 2 * DAY: (5, 501000)}})

        assert points(days([5, 5], world, **{name: 50})) == []
        [finding] = days([5, 5], world, **{name: 49}).findings
        assert "to 50 % of at most 49 %" in finding.message

    def test_a_history_that_people_edited_may_be_unusable(self) -> None:
        class Edited(World):
            def measured(self, windows: Windows) -> Measured:
                found = super().measured(windows)
                found.edited[:, 0] = True
                return found

        world = Edited(intervals=year_ago([5, 5]).intervals)

        assert points(days([5, 5], world, allowed_user_edited_pct=50)) == []
        assert points(days([5, 5], world, allowed_user_edited_pct=49)) == ["insufficient_history"]

    def test_insufficient_history_is_an_info_with_both_reasons_and_can_be_turned_off(self) -> None:
        [finding] = days([5, 5], World()).findings

        assert (finding.severity, finding.exception_type) == (Severity.INFO, "INSUFFICIENT-HISTORY")
        assert finding.message == (
            "There is not enough usable history: the year before covers 0 % of 10 %; the time before covers 0 % of "
            "10 %."
        )
        silent = days([5, 5], World(), insufficient_history_severity=None)
        assert silent.findings == []
        assert silent.row_log(0)[0].reason == "there is not enough usable history"


class TestNegative:
    def test_amounts_are_compared_where_negative_is_allowed(self) -> None:
        about = facts(allow_negative=True)

        assert points(days([-70, 0], year_ago([-4, -6]), about)) == ["main"]
        assert points(days([-7, 0], year_ago([-4, -6]), about)) == []

    def test_a_negative_history_is_unusable_elsewhere(self) -> None:
        [finding] = days([7, 0], year_ago([-4, -6])).findings

        assert "the year before is negative" in finding.message


class TestOutage:
    WORLD = World(outage=[Period(START, START + 60)], intervals=year_ago([4, 6]).intervals)

    @pytest.mark.parametrize(
        ("handling", "high", "low"),
        [("COMPARE", ["main"], ["low"]), ("HIGH_ONLY", ["main"], []), ("SKIP", [], [])],
    )
    def test_is_handled_as_configured(self, handling: str, high: list[str], low: list[str]) -> None:
        assert points(days([70, 0], self.WORLD, outage_handling=handling)) == high
        assert points(days([0, 0], self.WORLD, outage_handling=handling)) == low

    def test_a_condition_says_so_too(self) -> None:
        result = days([0, 0], year_ago([4, 6]), conditions=[[501000, 101000]], outage_handling="SKIP")

        assert result.row_log(0)[0].reason == "there was an outage"


class TestRegisters:
    def run(self, consumption: Any, *reads: Any, **parameters: Any) -> RunResult:
        given_batch = batch([consumption], seconds=None, kind=ComponentKind.SCALAR, about=[facts(end=START + 30 * DAY)])
        return run_rule(RULE, given_batch, parameters, World(reads={OWN: list(reads)}))

    def test_reads_whose_period_lies_in_the_window_are_the_history(self) -> None:
        # The month before; what was counted up to its beginning began outside.
        reads = (read(START - 90 * DAY, None), read(START - 30 * DAY, 9_999), read(START, 60))

        assert points(self.run(360, *reads)) == []
        [finding] = self.run(361, *reads).findings
        assert "from 2 a day on average in 30 days of the time before" in finding.message

    def test_the_days_of_the_imd_are_those_since_the_read_before(self) -> None:
        reads = (read(START - 40 * DAY, None), read(START - 10 * DAY, 60))

        assert points(self.run(480, *reads)) == []
        assert points(self.run(481, *reads)) == ["main"]

    def test_an_estimated_or_edited_read_counts_by_its_days(self) -> None:
        reads = (
            read(START - 30 * DAY, None),
            read(START - 20 * DAY, 20, condition=301000),
            read(START, 40, edited=True),
        )

        assert points(self.run(60, *reads, allowed_system_estimated_pct=34, allowed_user_edited_pct=67)) == []
        assert points(self.run(60, *reads, allowed_system_estimated_pct=33)) == ["insufficient_history"]
        assert points(self.run(60, *reads, allowed_user_edited_pct=66)) == ["insufficient_history"]

    def test_without_a_read_before_it_is_not_evaluated(self) -> None:
        result = self.run(60)

        assert (result.findings, result.row_log(0)[0].reason) == ([], "the register has no read before")


class TestIncomplete:
    def test_an_imd_with_missing_values_is_not_evaluated(self) -> None:
        assert days([5, M], year_ago([4, 6])).row_log(0)[0].reason == "values are missing"
