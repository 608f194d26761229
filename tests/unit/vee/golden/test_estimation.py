"""Golden tests of `vee.md` 10.2 for the rules that exist: GT-30 to GT-37 (interpolation)."""

from __future__ import annotations

import pytest

from tests.unit.vee.engine.builders import RULE_ID, M, Neighbours, as_numbers, batch, numbers, run_rule
from vee.codes import Condition


RULE = "interval_interpolation_estimation"


class TestIntervalInterpolation:
    def test_gt_30_four_missing_quarter_hours_become_a_line(self) -> None:
        result = run_rule(RULE, batch([75, M, M, M, M, 100]))

        assert numbers(result.batch) == as_numbers(75, 80, 85, 90, 95, 100)
        interpolated = int(Condition.ESTIMATED_INTERPOLATED)
        assert result.batch.conditions[0].tolist() == [501000, *[interpolated] * 4, 501000]
        assert result.batch.set_by[0].tolist() == [0, *[RULE_ID] * 4, 0]
        assert result.changed.tolist() == [True]
        assert result.blocked.tolist() == [False]

    def test_gt_31_one_missing_value_lies_in_the_middle(self) -> None:
        assert numbers(run_rule(RULE, batch(["2.0", M, "2.4"])).batch) == as_numbers("2.0", "2.2", "2.4")

    def test_gt_32_a_falling_line(self) -> None:
        result = run_rule(RULE, batch([100, M, M, M, M, M, 40]))

        assert numbers(result.batch) == as_numbers(100, 90, 80, 70, 60, 50, 40)

    def test_gt_33_a_gap_at_the_start_refers_to_the_measurement_before(self) -> None:
        history = Neighbours(before=("50", Condition.REGULAR))
        result = run_rule(RULE, batch([M, M, 80, 90]), history=history)

        assert numbers(result.batch) == as_numbers(60, 70, 80, 90)

    def test_gt_34_an_outage_before_is_no_reference(self) -> None:
        history = Neighbours(before=("50", Condition.NO_READ_OUTAGE))
        result = run_rule(RULE, batch([M, M, 80, 90]), history=history)

        assert numbers(result.batch) == as_numbers(80, 80, 80, 90)

    @pytest.mark.parametrize(("limit", "expected"), [(4, (12, 14, 16, 18)), (3, (M, M, M, M))])
    def test_gt_35_a_whole_imd_is_filled_between_the_measurements_around_it(
        self, limit: int, expected: tuple[int | None, ...]
    ) -> None:
        history = Neighbours(before=("10", Condition.REGULAR), after=("20", Condition.REGULAR))
        result = run_rule(RULE, batch([M] * 4), {"max_consecutive_intervals": limit}, history)

        assert numbers(result.batch) == as_numbers(*expected)
        assert result.changed.tolist() == [limit == 4]

    @pytest.mark.parametrize(("first", "last", "filled"), [(32, 40, True), (53, 70, False)])
    def test_gt_36_with_3_hours_a_gap_of_2_is_filled_and_one_of_over_4_is_not(
        self, first: int, last: int, filled: bool
    ) -> None:
        # 08:00-10:00 is quarter-hours 32 to 39 of the day, 13:15-17:30 is 53 to 69.
        day = [M if first <= number < last else 1 for number in range(96)]
        result = run_rule(RULE, batch(day), {"max_hours": 3})

        assert bool(result.batch.valid.all()) is filled
        assert numbers(result.batch)[0] == 1

    @pytest.mark.parametrize(("length", "filled"), [(8, True), (9, False)])
    def test_gt_37_two_hours_are_filled_with_their_limit_included(self, length: int, filled: bool) -> None:
        result = run_rule(RULE, batch([1, *[M] * length, 1]), {"max_hours": 2})

        assert bool(result.batch.valid.all()) is filled
