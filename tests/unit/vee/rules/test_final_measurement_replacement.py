"""The seven scenarios of `vee.md` 6.3, and what lies between them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, M, Value, as_numbers, batch, facts, numbers, run_rule
from tests.unit.vee.engine.world import Series, World
from vee.codes import ComponentKind, Condition, Severity
from vee.engine.findings import RunResult


RULE = "final_measurement_replacement"
REGULAR, SUPER, ESTIMATED = int(Condition.REGULAR), int(Condition.SUPER), int(Condition.SYSTEM_ESTIMATED)
OUTAGE, MISSING = int(Condition.NO_READ_OUTAGE), int(Condition.MISSING)
RANKING = [[300_000, 499_999], [500_000, 599_999], [100_000, 108_999]]


def replaced(old: tuple[Value, int], new: tuple[Value, int], *, edited: bool = False, **parameters: Any) -> bool:
    """Tell whether a reading goes through as it came, over what was measured."""
    world = World(series={10: Series([old[0]], conditions=old[1], edited=edited)})
    result = run_rule(RULE, batch([new[0]], conditions=[[new[1]]]), parameters, world)
    left = (numbers(result.batch)[0], int(result.batch.conditions[0, 0]))
    assert left in ((as_numbers(new[0])[0], new[1]), (as_numbers(old[0])[0], old[1]))
    return left == (as_numbers(new[0])[0], new[1])


class TestScenarios:
    @pytest.mark.parametrize(("value", "expected"), [("10.5", True), ("9.5", True), ("10.499999", False), (10, True)])
    def test_1_solely_by_value_difference(self, value: Value, expected: bool) -> None:
        # A reading equal to what was measured goes through unchanged: there is nothing to keep.
        assert replaced((10, REGULAR), (value, REGULAR), min_value_change="0.5") is expected

    @pytest.mark.parametrize(("value", "expected"), [("10.5", True), ("10.499999", False), ("9.5", True)])
    def test_2_by_percentage_change(self, value: Value, expected: bool) -> None:
        assert replaced((10, REGULAR), (value, REGULAR), min_pct_change=5) is expected
        assert replaced((-10, REGULAR), (-Decimal(value or 0), REGULAR), min_pct_change=5) is expected

    def test_3_partial_replacement_of_estimated_with_regular(self) -> None:
        codes = [REGULAR, ESTIMATED, ESTIMATED, REGULAR]
        world = World(series={10: Series([1, 2, 3, 4], conditions=codes)})
        result = run_rule(RULE, batch([10, 20, 30, 40]), {"condition_ranking": RANKING}, world)

        assert numbers(result.batch) == as_numbers(1, 20, 30, 4)
        assert result.batch.conditions[0].tolist() == [REGULAR] * 4

    def test_4_partial_replacement_of_regular_with_outage(self) -> None:
        world = World(series={10: Series([1, 2, 3])})
        given_batch = batch([9, 0, M], conditions=[[REGULAR, OUTAGE, OUTAGE]])
        result = run_rule(RULE, given_batch, {"condition_ranking": RANKING}, world)

        assert numbers(result.batch) == as_numbers(1, 0, M)
        assert result.batch.conditions[0].tolist() == [REGULAR, OUTAGE, OUTAGE]
        # By number an outage ranks below a regular value.
        assert numbers(run_rule(RULE, given_batch, {}, world).batch) == as_numbers(9, 2, 3)

    def test_5_super_is_not_replaced_by_regular(self) -> None:
        assert not replaced((3, SUPER), (30, REGULAR))
        assert replaced((3, REGULAR), (30, SUPER))

    def test_6_what_a_person_set_is_kept(self) -> None:
        assert not replaced((3, REGULAR), (30, REGULAR), edited=True)
        assert not replaced((3, ESTIMATED), (30, SUPER), edited=True)

    def test_7_unless_its_condition_ranks_lower(self) -> None:
        unless_lower = {"protect_user_edited": "UNLESS_LOWER"}

        assert replaced((3, ESTIMATED), (30, REGULAR), edited=True, **unless_lower)
        assert not replaced((3, REGULAR), (30, REGULAR), edited=True, **unless_lower)
        assert replaced((3, REGULAR), (30, REGULAR), edited=False, **unless_lower)


class TestOrderOfDecisions:
    def test_the_guard_comes_before_ranking_and_threshold(self) -> None:
        assert not replaced((3, ESTIMATED), (300, REGULAR), edited=True, min_value_change=1)
        assert replaced((3, ESTIMATED), (300, REGULAR), edited=True, min_value_change=1, protect_user_edited="NO")

    def test_the_ranking_comes_before_the_threshold(self) -> None:
        assert replaced((3, ESTIMATED), ("3.1", REGULAR), min_value_change=1)
        assert not replaced((3, REGULAR), (300, ESTIMATED), min_value_change=1)

    def test_a_threshold_decides_between_equal_ranks_of_a_configured_ranking(self) -> None:
        assert replaced((3, REGULAR), (4, REGULAR), condition_ranking=RANKING, min_value_change=1)
        assert not replaced((3, REGULAR), ("3.9", REGULAR), condition_ranking=RANKING, min_value_change=1)

    def test_both_thresholds_have_to_be_reached(self) -> None:
        both = {"min_value_change": 1, "min_pct_change": 50}

        assert replaced((2, REGULAR), (3, REGULAR), **both)
        assert not replaced(("0.1", REGULAR), (1, REGULAR), **both)
        assert not replaced((10, REGULAR), (12, REGULAR), **both)

    def test_without_any_parameter_a_regular_reading_replaces_a_regular_one(self) -> None:
        assert replaced((3, REGULAR), (4, REGULAR))

    def test_of_zero_any_change_is_a_large_share(self) -> None:
        assert replaced((0, REGULAR), ("0.000001", REGULAR), min_pct_change=1000)

    def test_a_condition_outside_the_ranking_ranks_lowest(self) -> None:
        assert not replaced((3, ESTIMATED), (4, SUPER), condition_ranking=RANKING)
        assert replaced((3, SUPER), (4, ESTIMATED), condition_ranking=RANKING)


class TestWhatIsCompared:
    def test_a_missing_reading_changes_nothing(self) -> None:
        world = World(series={10: Series([1, 2])})
        result = run_rule(RULE, batch([M, 5]), {}, world)

        assert numbers(result.batch) == as_numbers(M, 5)

    def test_what_was_not_measured_or_has_no_value_is_taken(self) -> None:
        world = World(series={10: Series([M], conditions=MISSING)})

        assert numbers(run_rule(RULE, batch([1, 2]), {"min_value_change": 9}, world).batch) == as_numbers(1, 2)

    def test_keeping_is_reported_where_it_is_asked_for(self) -> None:
        world = World(series={10: Series([1, 2, 3])})
        parameters = {"min_value_change": 5, "kept_severity": "INFO"}
        result = run_rule(RULE, batch([2, 20, 4]), parameters, world)

        [finding] = result.findings
        assert (finding.severity, finding.exception_type, finding.count) == (Severity.INFO, "MEASUREMENT-KEPT", 2)
        assert (finding.first_interval, finding.last_interval) == (0, 2)
        assert run_rule(RULE, batch([2, 20, 4]), {"min_value_change": 5}, world).findings == []

    @given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(1, 300))
    def test_the_share_is_decided_exactly(self, old: int, new: int, percent: int) -> None:
        before, after = Decimal(old).scaleb(-6), Decimal(new).scaleb(-6)
        expected = old == new or abs(new - old) * 100 >= percent * abs(old)

        assert replaced((before, REGULAR), (after, REGULAR), min_pct_change=percent) is expected


class TestRegisters:
    def _run(self, consumption: Value, condition: int = REGULAR, **parameters: Any) -> RunResult:
        """A read whose consumption is compared with the 8 that were measured at the same time."""
        end = START + 86_400
        given_batch = batch(
            [consumption], conditions=[[condition]], kind=ComponentKind.SCALAR, seconds=None, about=[facts(end=end)]
        )
        return run_rule(RULE, given_batch, parameters, World(reads={10: [(START, 100), (end, 108)]}))

    def test_the_consumption_at_the_same_time_is_kept_or_replaced(self) -> None:
        assert numbers(self._run("8.5", min_value_change=1).batch) == as_numbers(8)
        assert numbers(self._run("9", min_value_change=1).batch) == as_numbers(9)
        assert numbers(self._run("20", ESTIMATED).batch) == as_numbers(8)

    def test_a_first_read_or_another_time_has_nothing_to_keep(self) -> None:
        about = [facts(end=START), facts(end=START + 7)]
        given_batch = batch([3], [4], kind=ComponentKind.SCALAR, seconds=None, about=about)
        result = run_rule(RULE, given_batch, {"min_value_change": 9}, World(reads={10: [(START, 100)]}))

        assert result.changed.tolist() == [False, False]
