"""Golden tests of `vee.md` 10.1 about Interval Adjustment From Scalar: GT-11 to GT-14."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.unit.vee.engine.builders import START, Value, as_numbers, batch, facts, numbers, run_rule
from tests.unit.vee.engine.world import World, other_component
from vee.codes import Condition
from vee.engine.findings import RunResult


R, E, M = int(Condition.REGULAR), int(Condition.SYSTEM_ESTIMATED), int(Condition.MISSING)


def adjust(
    values: list[Value], total: int, conditions: list[int] | None = None, scale: int = 6, **parameters: Any
) -> RunResult:
    reads: list[tuple[int, Value]] = [(START, 0), (START + 900 * len(values), total)]
    return run_rule(
        "interval_adjustment_from_scalar",
        batch(values, conditions=conditions and [conditions], scale=scale, about=[facts(consumption_reference_id=20)]),
        parameters,
        World(reads={20: reads}, facts=[other_component(20)]),
    )


class TestIntervalAdjustmentFromScalar:
    def test_gt_11_all_intervals_are_multiplied(self) -> None:
        assert numbers(adjust([10, 20, 30, 20], 100).batch) == as_numbers("12.5", 25, "37.5", 25)

    def test_gt_12_what_rounding_leaves_over_is_spread(self) -> None:
        result = adjust([0] * 24, 100, scale=3)

        assert Counter(numbers(result.batch)) == {Decimal("4.166"): 8, Decimal("4.167"): 16}
        assert int(result.batch.values.sum()) == 100_000

    def test_gt_13_only_a_range_of_conditions_is_multiplied(self) -> None:
        result = adjust([4, 3, 2, 6], 25, [R, E, E, R],
                        adjust_intervals="IN_CONDITION_RANGE", condition_range=[300_000, 399_999])  # fmt: skip

        assert numbers(result.batch) == as_numbers(4, 9, 6, 6)

    def test_gt_14_a_range_that_adds_up_to_zero_is_split_equally(self) -> None:
        result = adjust([4, 0, 0, 6], 25, [R, M, M, R],
                        adjust_intervals="IN_CONDITION_RANGE", condition_range=[200_000, 299_999])  # fmt: skip

        assert numbers(result.batch) == as_numbers(4, "7.5", "7.5", 6)
