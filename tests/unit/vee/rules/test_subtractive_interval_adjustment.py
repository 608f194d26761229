from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.unit.vee.engine.builders import START, M, Value, as_numbers, batch, facts, numbers, run_rule
from tests.unit.vee.engine.world import Series, World, other_component
from vee.codes import ComponentKind, Condition
from vee.engine.batch import Batch
from vee.engine.findings import Outcome


RULE = "subtractive_interval_adjustment"
HOUR = 3600
R, E = int(Condition.REGULAR), int(Condition.SYSTEM_ESTIMATED)


def imd(values: Sequence[Value], conditions: Sequence[int]) -> Batch:
    about = [facts(consumption_reference_id=20)]
    return batch(values, conditions=[conditions], about=about, seconds=HOUR, kind=ComponentKind.SUBTRACTIVE_INTERVAL)


def world(*reads: tuple[int, Value], **told: Any) -> World:
    """Reads of register 20, at so many hours from the start of the IMD."""
    return World(
        reads={20: [(START + hours * HOUR, reading) for hours, reading in reads]}, facts=[other_component(20)], **told
    )


class TestSubtractiveIntervalAdjustment:
    def test_each_run_is_scaled_to_the_readings_around_it(self) -> None:
        given = imd([5, 1, 3, 5, 2, 5], [R, E, E, R, E, R])
        result = run_rule(RULE, given, history=world((0, 100), (1, 105), (3, 113), (4, 118), (5, 127), (6, 132)))

        assert numbers(result.batch) == as_numbers(5, 2, 6, 5, 9, 5)
        assert result.batch.conditions[0].tolist() == [R, E, E, R, E, R]

    def test_runs_between_the_same_readings_share_their_factor(self) -> None:
        result = run_rule(RULE, imd([1, 5, 3, 5], [E, R, E, R]), history=world((0, 0), (4, 22)))

        assert numbers(result.batch) == as_numbers(3, 5, 9, 5)

    def test_a_reading_after_the_imd_counts_with_what_was_measured_up_to_it(self) -> None:
        after = Series([7], start=START + 2 * HOUR, seconds=HOUR)
        result = run_rule(RULE, imd([5, 1], [R, E]), history=world((0, 0), (3, 20), series={10: after}))

        assert numbers(result.batch) == as_numbers(5, 8)

    def test_a_run_without_values_gets_equal_shares(self) -> None:
        missing = int(Condition.MISSING)
        result = run_rule(RULE, imd([5, M, M], [R, missing, missing]), history=world((0, 0), (3, 12)))

        assert numbers(result.batch) == as_numbers(5, "3.5", "3.5")
        assert result.batch.conditions[0].tolist() == [R, 301400, 301400]

    def test_readings_that_are_not_actual_are_passed_over(self) -> None:
        history = world((0, 0), (2, 8))
        history.read_condition = E
        result = run_rule(RULE, imd([1, 1], [E, E]), history=history)

        assert numbers(result.batch) == as_numbers(1, 1)
        [step] = result.row_log(0)
        assert (step.outcome, step.reason) == (
            Outcome.NOT_EVALUATED, "the register has no read that tells the consumption of the period",
        )  # fmt: skip

    def test_without_estimates_there_is_nothing_to_do(self) -> None:
        result = run_rule(RULE, imd([1, 1], [R, R]), history=world((0, 0), (2, 8)))

        assert result.changed.tolist() == [False]
        assert result.row_log(0)[0].outcome == Outcome.PASSED
