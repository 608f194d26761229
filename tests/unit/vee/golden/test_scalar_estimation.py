"""Golden tests of `vee.md` 10.2 for estimates of registers: GT-40 to GT-45."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.unit.vee.engine.builders import (
    DAY_LONG,
    START,
    M,
    Meters,
    hourly,
    read,
    read_facts,
    run_rule,
    scalar,
)
from tests.unit.vee.engine.builders import numbers as values_of
from vee.codes import Condition
from vee.engine import cpuc, registers
from vee.engine.context import Installation, Period
from vee.engine.registers import Register


A_DAY_OF_100 = [4] * 20 + [5] * 4
"""Hourly values."""


class TestScalarProration:
    def _estimates(self, intervals: dict[int, Any]) -> list[Any]:
        history = Meters({10: [read(0, 1000), read(3, 1150, 150)]}, intervals)

        return values_of(run_rule("scalar_proration", scalar(M), history=history).batch)

    def test_gt_40_what_intervals_tell_is_not_prorated(self) -> None:
        assert self._estimates(hourly(20, *[M] * 48, *A_DAY_OF_100)) == [25]

    def test_gt_40_the_next_day_gets_the_same(self) -> None:
        # The first day is estimated now, and the read after both covers what is left.
        history = Meters(
            {10: [read(0, 1000), read(1, 1025, 25, condition=301400), read(3, 1150, 125)]},
            hourly(20, *[M] * 48, *A_DAY_OF_100),
        )
        next_day = read_facts(
            end=START + 2 * DAY_LONG, previous_reading=Decimal(1025), previous_read_at=START + DAY_LONG
        )

        assert values_of(run_rule("scalar_proration", scalar(M, about=[next_day]), history=history).batch) == [25]

    def test_gt_41_without_interval_data_time_alone_counts(self) -> None:
        assert self._estimates({}) == [50]


class TestScalarCalculationFromInterval:
    @pytest.mark.parametrize(
        ("lowest", "condition"), [(Condition.REGULAR, Condition.REGULAR), (401000, Condition.SYSTEM_ESTIMATED)]
    )
    def test_gt_42_the_condition_tells_whether_all_intervals_were_good(self, lowest: int, condition: int) -> None:
        intervals = hourly(20, *A_DAY_OF_100)
        known, values = intervals[20]
        history = Meters({}, {20: (known, [*values[:-1], (values[-1][0], lowest)])})

        result = run_rule("scalar_calculation_from_interval", scalar(M), history=history)

        assert values_of(result.batch) == [100]
        assert result.batch.conditions.tolist() == [[int(condition)]]


class TestScalarProfileEstimation:
    def test_gt_43_the_profiles_sum(self) -> None:
        history = Meters({}, hourly(20, "23.4", *[0] * 3, *[5] * 20))

        assert values_of(run_rule("scalar_profile_estimation", scalar(M), history=history).batch) == [Decimal("123.4")]

    def test_gt_43_a_regular_value_stays(self) -> None:
        history = Meters({}, hourly(20, *[5] * 24))

        result = run_rule("scalar_profile_estimation", scalar(7), history=history)

        assert values_of(result.batch) == [7]
        assert not result.changed.any()


class TestCpucRounding:
    def test_gt_44_average_and_usage_are_rounded_and_the_steps_truncated(self) -> None:
        told = cpuc.estimate(total=Fraction(1003), covered_days=Fraction(30), days=Fraction(12), constant=Decimal(40))

        assert (told.average, told.usage, told.steps) == (Decimal("33.43"), Decimal("401.16"), 10)
        assert cpuc.half_up(Fraction("3.345")) == Decimal("3.35")

    def test_gt_44_the_estimated_read(self) -> None:
        about = read_facts(end=START + 12 * DAY_LONG, previous_reading=Decimal(5120), combined_multiplier=Decimal(40))
        history = Meters({10: [read(-45, 0), read(-15, 25, 1003), read(0, 30, 0)]})
        parameters = {"rounding": "CPUC_ADU", "historical_pre_window": 14, "required_historical_data_pct": 50}

        result = run_rule("scalar_estimation", scalar(M, about=[about]), parameters, history)

        [consumption] = values_of(result.batch)
        assert consumption == 400
        assert registers.reading_after(Register(), Decimal(5120), Decimal(400), Decimal(40), 0) == 5130


class TestScalarEstimation:
    def test_gt_45_history_of_a_prior_installation_is_none_and_nothing_is_estimated(self) -> None:
        moved_in = Installation(Period(START - 5 * DAY_LONG, START + 400 * DAY_LONG))
        history = Meters({10: [read(-70, 0), read(-10, 600, 600), read(0, 600, None)]}, installed=[moved_in])
        about = read_facts(end=START + 30 * DAY_LONG)

        def run(exclude: str) -> Any:
            given = {"exclude_prior_installations": exclude}
            return run_rule("scalar_estimation", scalar(M, about=[about]), given, history)

        result = run("ALWAYS")
        assert [finding.exception_type for finding in result.findings] == ["INSUFFICIENT-HISTORY"]
        assert (values_of(result.batch), result.blocked.tolist()) == ([None], [True])
        assert values_of(run("NEVER").batch) == [300]
