from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import RULE_ID, START, M, Value, as_numbers, batch, facts, numbers, run_rule
from tests.unit.vee.engine.world import Series, World, other_component
from vee.codes import ComponentKind, Condition
from vee.engine.batch import Batch
from vee.engine.findings import RunResult


RULE = "interval_adjustment_from_scalar"
QUARTER = 900
REGULAR, MISSING, ESTIMATED = int(Condition.REGULAR), int(Condition.MISSING), int(Condition.SYSTEM_ESTIMATED)
IN_RANGE = {"adjust_intervals": "IN_CONDITION_RANGE"}


def imd(values: Sequence[Value], *, reference: int | None = 20, scale: int = 6, **changes: Any) -> Batch:
    return batch(values, about=[facts(consumption_reference_id=reference)], scale=scale, **changes)


def world(*reads: tuple[int, Value], **told: Any) -> World:
    """Reads of register 20, at so many quarter-hours from the start of the IMD."""
    at = [(START + quarters * QUARTER, reading) for quarters, reading in reads]
    return World(reads={20: at}, **{"facts": [other_component(20)], **told})


def reason(result: RunResult) -> str:
    return result.row_log(0)[0].reason


class TestAllIntervals:
    def test_are_scaled_to_the_register(self) -> None:
        result = run_rule(RULE, imd([10, 20, 30, 20]), history=world((0, 1000), (4, 1100)))

        assert numbers(result.batch) == as_numbers("12.5", 25, "37.5", 25)
        assert result.batch.conditions[0].tolist() == [REGULAR] * 4
        assert result.batch.set_by[0].tolist() == [RULE_ID] * 4

    def test_each_stretch_between_reads_by_itself(self) -> None:
        result = run_rule(RULE, imd([1, 1, 1, 1]), history=world((0, 0), (2, 10), (4, 12)))

        assert numbers(result.batch) == as_numbers(5, 5, 1, 1)
        assert result.batch.set_by[0].tolist() == [RULE_ID, RULE_ID, 0, 0]

    def test_after_the_last_read_nothing_is_known(self) -> None:
        result = run_rule(RULE, imd([1, 1, 1, 1]), history=world((0, 0), (2, 10)))

        assert numbers(result.batch) == as_numbers(5, 5, 1, 1)

    def test_a_period_that_began_before_is_completed_by_measurements(self) -> None:
        before = Series([3, 4], start=START - 2 * QUARTER)
        history = world((-2, 0), (4, 15), series={10: before})
        result = run_rule(RULE, imd([1, 1, 1, 1]), history=history)

        assert numbers(result.batch) == as_numbers(2, 2, 2, 2)

    def test_and_is_left_where_they_are_not_all_there(self) -> None:
        before = Series([4], start=START - QUARTER)
        result = run_rule(RULE, imd([1, 1]), history=world((-2, 0), (2, 15), series={10: before}))

        assert numbers(result.batch) == as_numbers(1, 1)
        assert reason(result) == "intervals between the register reads are missing"

    def test_a_condition_for_what_was_scaled_is_the_sites(self) -> None:
        parameters = {"adjusted_condition": 301400}
        result = run_rule(RULE, imd([1, 1]), parameters, world((0, 0), (2, 4)))

        assert result.batch.conditions[0].tolist() == [301400] * 2

    def test_what_adds_up_already_stays_as_it_was(self) -> None:
        result = run_rule(RULE, imd([1, 3]), history=world((0, 0), (2, 4)))

        assert result.changed.tolist() == [False]

    def test_numbers_that_cancel_out_have_no_proportion(self) -> None:
        about = [facts(consumption_reference_id=20, allow_negative=True)]
        result = run_rule(RULE, batch([5, -5], about=about), history=world((0, 0), (2, 4)))

        assert numbers(result.batch) == as_numbers(2, 2)


class TestInConditionRange:
    def test_only_these_are_scaled(self) -> None:
        codes = [[REGULAR, ESTIMATED, ESTIMATED, REGULAR]]
        result = run_rule(RULE, imd([4, 3, 2, 6], conditions=codes), IN_RANGE, world((0, 0), (4, 25)))

        assert numbers(result.batch) == as_numbers(4, 9, 6, 6)
        assert result.batch.conditions[0].tolist() == codes[0]

    def test_missing_intervals_get_equal_shares_and_are_estimates_then(self) -> None:
        result = run_rule(RULE, imd([4, M, M, 6]), IN_RANGE, world((0, 0), (4, 25)))

        assert numbers(result.batch) == as_numbers(4, "7.5", "7.5", 6)
        assert result.batch.conditions[0].tolist() == [REGULAR, 301400, 301400, REGULAR]

    def test_an_interval_without_a_value_beside_estimates_prevents_it(self) -> None:
        codes = [[ESTIMATED, MISSING, REGULAR]]
        result = run_rule(RULE, imd([4, M, 6], conditions=codes), IN_RANGE, world((0, 0), (3, 25)))

        assert reason(result) == "intervals between the register reads are missing"

    def test_a_register_that_says_less_than_the_others_is_a_failure(self) -> None:
        codes = [[REGULAR, ESTIMATED, REGULAR]]
        result = run_rule(RULE, imd([4, 3, 6], conditions=codes), IN_RANGE, world((0, 0), (3, 9)))

        [finding] = result.findings
        assert (finding.exception_type, finding.observed, finding.limit) == ("ADJUSTMENT-NEGATIVE", "-1", "0")
        assert numbers(result.batch) == as_numbers(4, 3, 6)
        assert result.blocked.tolist() == [True]

    def test_unless_the_component_measures_both_directions(self) -> None:
        about = [facts(consumption_reference_id=20, allow_negative=True)]
        given_batch = batch([4, 3, 6], conditions=[[REGULAR, ESTIMATED, REGULAR]], about=about)

        assert numbers(run_rule(RULE, given_batch, IN_RANGE, world((0, 0), (3, 9))).batch) == as_numbers(4, -1, 6)


class TestWhenItCannot:
    def test_says_why(self) -> None:
        history = world((0, 0), (2, 4))
        interval = World(facts=[other_component(20, ComponentKind.INTERVAL, seconds=900)])

        assert reason(run_rule(RULE, imd([1, 1], reference=None))) == "the component has no consumption reference"
        assert reason(run_rule(RULE, imd([1, 1]), history=interval)) == "the consumption reference is no register"
        assert reason(run_rule(RULE, imd([1, 1], reference=21), history=history)) == (
            "the consumption reference is no register"
        )
        assert reason(run_rule(RULE, imd([1, 1]), history=world((0, 0)))) == (
            "the register has no read that tells the consumption of the period"
        )
        assert reason(run_rule(RULE, imd([1, M]), history=history)) == (
            "intervals between the register reads are missing"
        )
        off = World(reads={20: [(START, 0), (START + 1000, 4)]}, facts=[other_component(20)])
        assert reason(run_rule(RULE, imd([1, 1]), history=off)) == (
            "a register read does not lie on the border of an interval"
        )

    def test_numbers_that_would_be_too_large_are_left(self) -> None:
        about = [facts(consumption_reference_id=20, allow_negative=True)]
        nearly_nothing = batch([10**11, "-99999999999.999999"], about=about)
        result = run_rule(RULE, nearly_nothing, history=world((0, 0), (2, 90_000)))

        assert reason(result) == "the result is too large a number"

    def test_holds_the_imd_where_the_site_wants_it(self) -> None:
        result = run_rule(RULE, imd([1, 1]), {"not_adjusted_severity": "ISSUE"}, world((0, 0)))

        assert [finding.exception_type for finding in result.findings] == ["NOT-ADJUSTED"]
        assert result.blocked.tolist() == [True]


class TestInvariant:
    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(st.integers(0, 10**9), min_size=1, max_size=96),
        st.integers(0, 10**12),
        st.integers(0, 9),
    )
    def test_the_intervals_add_up_to_the_register_to_the_last_digit(
        self, counts: list[int], total: int, scale: int
    ) -> None:
        values = [Decimal(count).scaleb(-scale) for count in counts]
        consumption = Decimal(total).scaleb(-scale)
        result = run_rule(RULE, imd(values, scale=scale), history=world((0, 0), (len(values), consumption)))

        assert sum(result.batch.values[0].tolist()) == total
        assert result.batch.valid.all()
