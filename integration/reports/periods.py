"""Periods by name, such as last week: whole local days, counted from a day. Plain Python."""

from __future__ import annotations

import datetime as dt
import enum


class Period(enum.StrEnum):
    """A period that moves with the day on which it is asked for, or one by its two days."""

    YESTERDAY = "YESTERDAY"
    LAST_7_DAYS = "LAST_7_DAYS"
    LAST_31_DAYS = "LAST_31_DAYS"
    LAST_WEEK = "LAST_WEEK"
    LAST_13_WEEKS = "LAST_13_WEEKS"
    THIS_MONTH = "THIS_MONTH"
    LAST_MONTH = "LAST_MONTH"
    CUSTOM = "CUSTOM"


LONGEST_DAYS = 1_100
_DAY = dt.timedelta(days=1)


class UnableToReadPeriod(ValueError):
    """The days do not make a period."""


def days_of(
    period: Period, *, today: dt.date, since: dt.date | None = None, until: dt.date | None = None
) -> tuple[dt.date, dt.date]:
    """
    Give the first and the last day of a period, both inclusive, as seen on `today`; weeks begin on Monday.

    :raises UnableToReadPeriod: when the two days of a custom one are missing, the wrong way round or too far apart.
    """
    yesterday = today - _DAY
    monday = today - dt.timedelta(days=today.weekday())
    first_of_month = today.replace(day=1)
    last_of_month_before = first_of_month - _DAY
    spans = {
        Period.YESTERDAY: (yesterday, yesterday),
        Period.LAST_7_DAYS: (today - 7 * _DAY, yesterday),
        Period.LAST_31_DAYS: (today - 31 * _DAY, yesterday),
        Period.LAST_WEEK: (monday - 7 * _DAY, monday - _DAY),
        Period.LAST_13_WEEKS: (monday - 91 * _DAY, monday - _DAY),
        Period.THIS_MONTH: (first_of_month, today),
        Period.LAST_MONTH: (last_of_month_before.replace(day=1), last_of_month_before),
    }
    if period is not Period.CUSTOM:
        return spans[period]
    if since is None or until is None:
        raise UnableToReadPeriod("A period of one's own needs its first and its last day.")
    if since > until:
        raise UnableToReadPeriod("The first day lies after the last one.")
    if (until - since).days >= LONGEST_DAYS:
        raise UnableToReadPeriod(f"A report reaches over {LONGEST_DAYS} days at most.")
    return since, until
