from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.vee.engine.builders import DAY_LONG, START, M, Meters, numbers, read, read_facts, run_rule, scalar
from vee.codes import Condition, Severity
from vee.engine import registry
from vee.engine.batch import ImdFacts
from vee.engine.findings import RunResult


RULE = "scalar_estimation"
LAST_MONTH = [read(-31, 500), read(-1, 1000, 300), read(0, 1010, 10)]
LAST_YEAR = [read(-365, 100), read(-334, 162, 62)]


def january(**changes: Any) -> ImdFacts:
    return read_facts(**{"end": START + 31 * DAY_LONG, **changes})


def run(*reads: Any, about: ImdFacts | None = None, start: int | None = None, **parameters: Any) -> RunResult:
    given = scalar(M, about=[about or january()])
    if start is not None:
        given.starts[0] = start
    return run_rule(RULE, given, parameters, Meters({10: sorted(reads, key=lambda one: one.read_at)}))


class TestScalarEstimation:
    def test_takes_the_average_daily_usage_of_the_same_days_a_month_ago(self) -> None:
        result = run(*LAST_MONTH)

        # December has 30 days with 10 each and one day with 10.
        assert numbers(result.batch) == [310]
        assert result.batch.conditions.tolist() == [[int(Condition.SYSTEM_ESTIMATED)]]

    def test_or_of_a_year_ago_and_of_the_other_where_that_is_not_usable(self) -> None:
        everything = [*LAST_YEAR, *LAST_MONTH]

        assert numbers(run(*everything, historical_look_first="LAST_YEAR").batch) == [62]
        assert numbers(run(*everything).batch) == [310]
        assert numbers(run(*LAST_YEAR).batch) == [62]
        assert numbers(run(*LAST_MONTH, historical_look_first="LAST_YEAR").batch) == [310]

    @pytest.mark.parametrize(("required", "found"), [("50", True), ("50.000001", False)])
    def test_history_that_covers_too_little_is_not_sufficient(self, required: str, found: bool) -> None:
        result = run(
            read("-15.5", 0), read(0, 31, 31), required_historical_data_pct=required, historical_look_first="LAST_YEAR"
        )

        assert numbers(result.batch) == [62 if found else None]
        assert [one.exception_type for one in result.findings] == ["INSUFFICIENT-HISTORY"] * (not found)

    def test_history_of_which_too_much_was_estimated_or_edited_is_not_usable(self) -> None:
        half = [read(-31, 0), read("-15.5", 10, 10, condition=301000, user_edited=True), read(0, 20, 10)]

        assert numbers(run(*half, allowed_system_estimated_pct=50).batch) == [20]
        assert numbers(run(*half, allowed_system_estimated_pct="49.9").batch) == [None]
        assert numbers(run(*half, allowed_user_edited_pct="49.9").batch) == [None]

    def test_a_wider_window_never_reaches_into_what_is_estimated(self) -> None:
        result = run(
            read(-45, 0), read(-31, 14, 14), read(0, 14 + 62, 62),
            historical_pre_window=14, historical_post_window=40,
        )  # fmt: skip

        assert numbers(result.batch) == [Decimal("52.355556")]

    @pytest.mark.parametrize(("interim", "fits"), [("50", True), ("3", False), ("4000", False)])
    def test_lies_within_the_thresholds_of_an_interim_read(self, interim: str, fits: bool) -> None:
        about = january(end=START + 32 * DAY_LONG, previous_read_at=START + DAY_LONG)

        # One day was read; by it the other 31 are 31 times as much, and the estimate is 310.
        result = run(*LAST_MONTH, read(1, 0, interim), about=about, interim_reading_low_threshold_pct=20)

        expected = Decimal(interim) * 31
        assert fits == (expected / 5 <= 310 <= expected * 3)
        assert (numbers(result.batch) == [None]) != fits
        assert [one.exception_type for one in result.findings] == ["ESTIMATE-BESIDE-INTERIM"] * (not fits)

    def test_a_read_that_is_there_stays(self) -> None:
        assert numbers(run_rule(RULE, scalar(7), history=Meters({10: LAST_MONTH})).batch) == [7]

    def test_a_first_read_and_an_empty_period_are_not_evaluated(self) -> None:
        first = run(*LAST_MONTH, about=january(previous_reading=None))
        empty = run(*LAST_MONTH, about=january(end=START))

        assert first.row_log(0)[0].reason == "there is no earlier reading to count from"
        assert empty.row_log(0)[0].reason == "the period has no length"

    def test_an_estimate_that_no_count_can_hold_is_not_evaluated(self) -> None:
        result = run(read(-31, 0), read(0, 0, 10**14))

        assert result.row_log(0)[0].reason == "the estimate is too large"

    def test_californian_steps_of_a_consumptive_register_are_whole_units(self) -> None:
        about = january(subtractive=False, previous_reading=None, combined_multiplier=Decimal(40))

        assert numbers(run(read(-31, 0), read(0, 0, "100.4"), about=about, rounding="CPUC_ADU").batch) == [100]

    def test_says_what_it_does(self) -> None:
        said = registry.sentence(RULE, {"historical_look_first": "LAST_YEAR"}, Severity.ISSUE)

        assert "a year and then a month ago, of which at least 50 %" in said
