"""Gaps and overlaps of periods, held against a walk over the days themselves."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from vee.periods import Period, gaps, overlaps


DAY = [dt.date(2026, 1, day) for day in range(1, 13)]


def days_of(periods: list[Period]) -> set[dt.date]:
    return {day for day in DAY for period in periods if period.holds(day)}


def walked(periods: tuple[Period, ...]) -> tuple[set[dt.date], set[dt.date]]:
    holds = {day: sum(period.holds(day) for period in periods) for day in DAY}
    covered = [day for day in DAY if holds[day]]
    between = {day for day in DAY if covered and covered[0] < day < covered[-1] and not holds[day]}
    return between, {day for day in DAY if holds[day] > 1}


CHOICES = [
    Period(None, DAY[2]),
    Period(DAY[1], DAY[4]),
    Period(DAY[3], DAY[3]),
    Period(DAY[6], DAY[8]),
    Period(DAY[7], None),
    Period(DAY[9], DAY[10]),
]


@pytest.mark.parametrize(
    "periods", list(itertools.chain(*(itertools.combinations(CHOICES, size) for size in (1, 2, 3, 4))))
)
def test_gaps_and_overlaps_are_those_of_the_days(periods: tuple[Period, ...]) -> None:
    between, doubled = walked(periods)

    assert days_of(gaps(periods)) == between
    assert days_of(overlaps(periods)) == doubled


def test_periods_that_follow_each_other_leave_no_gap() -> None:
    assert gaps([Period(DAY[0], DAY[1]), Period(DAY[2], None)]) == []


def test_two_open_periods_overlap_for_ever() -> None:
    assert overlaps([Period(None, None), Period(None, None)]) == [Period(None, None)]


def test_overlaps_that_touch_are_one() -> None:
    whole = Period(DAY[0], DAY[11])

    assert overlaps([whole, Period(DAY[1], DAY[2]), Period(DAY[3], DAY[4])]) == [Period(DAY[1], DAY[4])]
