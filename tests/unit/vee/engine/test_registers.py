from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.engine import registers
from vee.engine.fixed_point import to_fixed
from vee.engine.registers import Register


SCALE = 2
RANGE = 10**5 * 10**SCALE
NUMBERS = st.integers(0, RANGE - 1).map(lambda count: Decimal(count).scaleb(-SCALE))
MULTIPLIERS = st.sampled_from([Decimal(1), Decimal("0.5"), Decimal(40), Decimal("1.25")])
REGISTERS = st.builds(
    Register,
    dials=st.sampled_from([None, 5]),
    allow_negative=st.booleans(),
    rollover_threshold=st.sampled_from([Decimal("0.5"), Decimal("0.1"), Decimal("0.999999")]),
)


class TestStep:
    @pytest.mark.parametrize(("start", "stop", "step"), [(50_000, 0, 50_000), (49_999, 0, None)])
    def test_a_rollover_may_be_as_large_as_the_threshold_and_no_larger(
        self, start: int, stop: int, step: int | None
    ) -> None:
        register = Register(dials=5, rollover_threshold=Decimal("0.500000"))

        assert registers.step(register, Decimal(start), Decimal(stop)).amount == step

    def test_a_register_without_dials_never_rolls_over(self) -> None:
        assert registers.step(Register(), Decimal(2), Decimal(1)) == registers.Step(None)
        assert registers.step(Register(allow_negative=True), Decimal(2), Decimal(1)) == registers.Step(Decimal(-1))

    def test_a_large_step_forwards_is_a_step_backwards_only_where_that_is_allowed(self) -> None:
        start, stop = Decimal(100), Decimal(60_000)

        assert registers.step(Register(dials=5), start, stop).amount == 59_900
        assert registers.step(Register(dials=5, allow_negative=True), start, stop).amount == -40_100


class TestConsumption:
    def test_a_first_read_has_none(self) -> None:
        assert registers.consumption(Register(), None, Decimal(5), Decimal(2)) is None

    def test_a_consumptive_register_shows_it(self) -> None:
        assert registers.consumption(Register(subtractive=False), Decimal(9), Decimal(5), Decimal(2)) == 5

    def test_no_digit_is_lost(self) -> None:
        told = registers.consumption(
            Register(), Decimal("123456789012345.123456789"), Decimal("123456789012345.123456790"), Decimal("1.000001")
        )

        assert told == Decimal("0.000000001000001")

    @given(NUMBERS, st.lists(st.integers(0, RANGE // 20), max_size=9), MULTIPLIERS)
    def test_of_many_reads_sums_up_to_last_minus_first_modulo_rollovers(
        self, first: Decimal, steps: list[int], multiplier: Decimal
    ) -> None:
        register = Register(dials=5)
        readings = [first]
        for step in steps:
            readings.append((readings[-1] + Decimal(step).scaleb(-SCALE)) % 100_000)

        told = [
            registers.consumption(register, start, stop, multiplier) for start, stop in itertools.pairwise(readings)
        ]

        assert None not in told
        assert sum(filter(None, told), Decimal(0)) == Decimal(sum(steps)).scaleb(-SCALE) * multiplier


class TestReadingAfter:
    @given(REGISTERS, NUMBERS, NUMBERS, MULTIPLIERS)
    def test_leads_back_to_the_reading_that_a_consumption_came_from(
        self, register: Register, start: Decimal, stop: Decimal, multiplier: Decimal
    ) -> None:
        told = registers.consumption(register, start, stop, multiplier)

        if told is not None:
            assert registers.reading_after(register, start, told, multiplier, SCALE) == stop

    @pytest.mark.parametrize(("consumption", "reading"), [("1", "100.33"), ("0.015", "100.00"), ("0.045", "100.02")])
    def test_is_rounded_half_even_to_what_the_register_shows(self, consumption: str, reading: str) -> None:
        assert registers.reading_after(Register(), Decimal(100), Decimal(consumption), Decimal(3), 2) == Decimal(
            reading
        )

    def test_goes_on_from_0_after_the_last_number(self) -> None:
        assert registers.reading_after(Register(dials=3), Decimal(990), Decimal(40), Decimal(2), 0) == 10
        assert registers.reading_after(Register(dials=3), Decimal(5), Decimal(-10), Decimal(1), 0) == 995

    def test_needs_a_reading_to_start_from_unless_the_register_shows_consumption(self) -> None:
        assert registers.reading_after(Register(), None, Decimal(1), Decimal(1), 0) is None
        assert registers.reading_after(Register(subtractive=False), None, Decimal(1), Decimal(5), 0) == 1


class TestSteps:
    @given(REGISTERS, st.one_of(st.none(), NUMBERS), st.lists(st.one_of(st.none(), NUMBERS), max_size=9), MULTIPLIERS)
    def test_gives_for_intervals_what_one_step_gives_for_each(
        self, register: Register, base: Decimal | None, readings: list[Decimal | None], multiplier: Decimal
    ) -> None:
        found = registers.steps(
            register,
            np.array([0 if reading is None else to_fixed(reading, SCALE) for reading in readings], dtype=np.int64),
            np.array([reading is not None for reading in readings], dtype=np.bool_),
            None if base is None else to_fixed(base, SCALE),
            scale=SCALE,
            multiplier=multiplier,
        )

        expected: list[Decimal | None] = []
        lower = []
        for start, stop in zip([base, *readings], readings, strict=False):
            known = start is not None and stop is not None
            told = registers.consumption(register, start, stop, multiplier) if known else None
            expected.append(told)
            lower.append(known and told is None)
        assert found.lower.tolist() == lower
        assert [
            Decimal(int(value)).scaleb(-SCALE) / found.denominator if valid else None
            for value, valid in zip(found.values, found.valid, strict=True)
        ] == expected
