from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import (
    DAY_LONG,
    START,
    M,
    Meters,
    hourly,
    numbers,
    read,
    read_facts,
    run_rule,
    scalar,
)
from vee.codes import Condition, Severity
from vee.engine import registry
from vee.engine.findings import RunResult


RULE = "scalar_proration"


def run(*reads: Any, intervals: Any = None, **parameters: Any) -> RunResult:
    return run_rule(RULE, scalar(M), parameters, Meters({10: [read(0, 1000), *reads]}, intervals))


class TestScalarProration:
    def test_marks_the_value(self) -> None:
        result = run(read(2, 1100, 100))

        assert result.batch.conditions.tolist() == [[int(Condition.ESTIMATED_PRORATED)]]

    @pytest.mark.parametrize("reads", [[], [read(3, 1100, None)], [read(3, 1100, 100, condition=301000)]])
    def test_without_a_good_next_read_it_is_not_evaluated(self, reads: list[Any]) -> None:
        silent, told = run(*reads), run(*reads, no_next_read_severity="ISSUE")

        assert numbers(silent.batch) == [None]
        assert silent.row_log(0)[0].reason == "there is no good read after it"
        assert [found.exception_type for found in told.findings] == ["NO-NEXT-READ"]

    def test_intervals_of_its_own_time_are_added_as_they_are(self) -> None:
        # Of the first day 12 hours are known to be 30; the rest of 150 goes to the other 60 hours.
        result = run(read(3, 1150, 150), intervals=hourly(20, *["2.5"] * 12))

        assert numbers(result.batch) == [30 + Decimal(120) * 12 / 60]

    def test_intervals_of_all_its_time_leave_nothing_to_prorate(self) -> None:
        assert numbers(run(read(1 + 1, 1150, 150), intervals=hourly(20, *[1] * 48)).batch) == [24]

    def test_intervals_that_are_not_good_enough_do_not_count(self) -> None:
        intervals = hourly(20, *[M] * 48, *[5] * 24, condition=301000)

        assert numbers(run(read(3, 1150, 150), intervals=intervals).batch) == [50]
        good = run(read(3, 1150, 150), intervals=intervals, minimum_related_measurement_condition=300000)
        assert numbers(good.batch) == [15]

    def test_a_read_that_is_there_stays(self) -> None:
        history = Meters({10: [read(0, 1000), read(3, 1150, 150)]})

        assert numbers(run_rule(RULE, scalar(7), history=history).batch) == [7]

    @given(st.integers(-(10**9), 10**9), st.lists(st.integers(1, 40), min_size=1, max_size=6))
    def test_in_sequence_the_estimates_and_the_rest_add_up_to_what_was_used(self, used: int, days: list[int]) -> None:
        left, begin, last = Decimal(used).scaleb(-3), 0, sum(days) + 1
        shares = []
        for count in days:
            about = read_facts(end=START + (begin + count) * DAY_LONG, previous_read_at=START + begin * DAY_LONG)
            history = Meters({10: [read(begin, 0), read(last, 0, left)]})
            [share] = numbers(run_rule(RULE, scalar(M, about=[about]), history=history).batch)
            shares.append(share)
            left, begin = left - share, begin + count

        even = Decimal(used).scaleb(-3) / last
        assert all(abs(share - even * count) < Decimal("0.00001") for share, count in zip(shares, days, strict=True))
        assert sum(shares) + left == Decimal(used).scaleb(-3)

    def test_says_what_it_does(self) -> None:
        assert "its share, by time" in registry.sentence(RULE, {}, Severity.ISSUE)
