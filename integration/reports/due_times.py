"""When a report is due next: on days of the calendar, at a time on the clock of a zone."""

from __future__ import annotations

import calendar
import datetime as dt
from zoneinfo import ZoneInfo

from integration.choices import ReportFrequency


_DAY = dt.timedelta(days=1)


def next_due(
    *,
    frequency: str,
    weekday: int,
    day_of_month: int,
    local_time: dt.time,
    zone: ZoneInfo,
    after: dt.datetime,
) -> dt.datetime:
    """
    Give the first due time after an instant, UTC: one on each day that the frequency names, whatever the clocks do.

    A time that the clocks skip is due as much later as they jump; one that comes twice is due the first time.
    """
    day = after.astimezone(zone).date() - _DAY
    while True:
        if _falls_on(day, frequency, weekday, day_of_month):
            due = dt.datetime.combine(day, local_time, tzinfo=zone).astimezone(dt.UTC)
            if due > after:
                return due
        day += _DAY


def _falls_on(day: dt.date, frequency: str, weekday: int, day_of_month: int) -> bool:
    if frequency == ReportFrequency.WEEKLY:
        return day.isoweekday() == weekday
    if frequency == ReportFrequency.MONTHLY:
        return day.day == min(day_of_month, calendar.monthrange(day.year, day.month)[1])
    return True
