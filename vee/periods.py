"""Periods of whole days, both ends included and None open: where several leave a gap and where they overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to `end`, both included; None is open."""

    start: dt.date | None
    end: dt.date | None

    def holds(self, day: dt.date) -> bool:
        """Tell whether a day lies in the period."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


def gaps(periods: Iterable[Period]) -> list[Period]:
    """Give the days between the first and the last period that none of them holds, in order."""
    found: list[Period] = []
    reached: dt.date | None = None
    for number, period in enumerate(_in_order(periods)):
        if number and reached is not None and _first(period) > reached + ONE_DAY:
            found.append(Period(reached + ONE_DAY, _first(period) - ONE_DAY))
        reached = _last(period) if reached is None else max(reached, _last(period))
        if reached == dt.date.max:
            break
    return found


def overlaps(periods: Iterable[Period]) -> list[Period]:
    """Give the days that more than one period holds, in order; those that three hold are named once."""
    found: list[Period] = []
    reached: dt.date | None = None
    for period in _in_order(periods):
        if reached is not None and _first(period) <= reached:
            last = min(reached, _last(period))
            begins, ends = max(_first(period), dt.date.min), last
            if found and _last(found[-1]) >= begins - (ONE_DAY if begins > dt.date.min else dt.timedelta(0)):
                begins, ends = _first(found[-1]), max(_last(found[-1]), last)
                found.pop()
            found.append(Period(_open(begins, dt.date.min), _open(ends, dt.date.max)))
        reached = _last(period) if reached is None else max(reached, _last(period))
    return found


def _in_order(periods: Iterable[Period]) -> Sequence[Period]:
    return sorted(periods, key=lambda period: (_first(period), _last(period)))


def _first(period: Period) -> dt.date:
    return period.start or dt.date.min


def _last(period: Period) -> dt.date:
    return period.end or dt.date.max


def _open(day: dt.date, bound: dt.date) -> dt.date | None:
    return None if day == bound else day
