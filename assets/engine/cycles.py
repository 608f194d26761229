"""When the cycle and the year of a program began, and which day of the cycle it is. Plain Python."""

from __future__ import annotations

import calendar as stdlib_calendar
import datetime as dt
from dataclasses import dataclass

from vee.engine import calendar


WEEK, MONTH = "WEEK", "MONTH"
DAYS_IN_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    A moment on the calendar of a program: `today` there, days as formulas name them, starts as instants in UTC.

    A week begins on Monday, the day of the cycle is counted from 1.
    """

    today: dt.date
    days_in_cycle: int
    day_of_cycle: int
    cycle_began_at: dt.datetime
    year_began_at: dt.datetime


def window(*, zone: str, cycle: str, at: dt.datetime) -> Window:
    """Give the window of a program at a moment."""
    today = calendar.local_date(at, zone)
    if cycle == WEEK:
        first, days = today - dt.timedelta(days=today.weekday()), DAYS_IN_WEEK
    else:
        first, days = today.replace(day=1), stdlib_calendar.monthrange(today.year, today.month)[1]
    return Window(
        today=today,
        days_in_cycle=days,
        day_of_cycle=(today - first).days + 1,
        cycle_began_at=calendar.local_day_bounds(first, zone)[0],
        year_began_at=calendar.local_day_bounds(today.replace(month=1, day=1), zone)[0],
    )


def months_before(moment: dt.datetime, months: int) -> dt.datetime:
    """Give the same moment so many months earlier; the last day of a month that is shorter."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    last = stdlib_calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
