"""
Days, offsets and labels. A measurement's label is the end of its period (`vee.md` 7.4).

Two kinds of day: the *standard day* has a constant offset from UTC and always 24 hours, measurement blocks are laid by
it; the *local day* is the day of the service point's IANA zone and has 23, 24 or 25 hours (23.5 or 24.5 at Lord Howe).
"""

from __future__ import annotations

import calendar as stdlib_calendar
import datetime as dt
import functools
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray


SECONDS_PER_DAY = 86_400
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# A year under the zones' present rules, fixed so that an offset never depends on when it is asked for.
_YEAR_OF_RULES = 2030

Instants = TypeVar("Instants", int, NDArray[np.int64], dt.datetime)


class DayIsNotDivisible(ValueError):
    """A local day is no whole number of intervals."""


@functools.lru_cache(maxsize=1024)
def standard_offset_seconds(zone: str) -> int:
    """
    Give the offset from UTC of a zone's standard time, in seconds: the smaller one of its offsets over a year.

    :raises zoneinfo.ZoneInfoNotFoundError: when there is no such zone.
    """
    place = ZoneInfo(zone)
    moments = (dt.datetime(_YEAR_OF_RULES, month, 1, 12, tzinfo=dt.UTC) for month in range(1, 13))
    return min(int((moment.astimezone(place).utcoffset() or dt.timedelta()).total_seconds()) for moment in moments)


def standard_day_start(instant: Instants, offset_seconds: int) -> Instants:
    """
    Give the start of the standard day that an instant lies in, in the form in which the instant was given.

    Instants are aware datetimes, or seconds since 1970 (one or an int64 array). A day includes its start. The label of
    an interval is its end, so the day that an interval belongs to is the one of its start.
    """
    if isinstance(instant, dt.datetime):
        seconds = (instant - _EPOCH) // dt.timedelta(seconds=1)
        return _EPOCH + dt.timedelta(seconds=standard_day_start(seconds, offset_seconds))
    return instant - (instant + offset_seconds) % SECONDS_PER_DAY


def local_date(instant: dt.datetime | int, zone: str) -> dt.date:
    """Give the date on the calendar of the zone at an instant (an aware datetime, or seconds since 1970)."""
    moment = _EPOCH + dt.timedelta(seconds=int(instant)) if not isinstance(instant, dt.datetime) else instant
    return moment.astimezone(ZoneInfo(zone)).date()


def local_day_bounds(date: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """Give the UTC instants at which a local day starts and ends; a day that a zone left out has no length."""
    return _local_midnight(date, zone), _local_midnight(date + dt.timedelta(days=1), zone)


def intervals_in_local_day(date: dt.date, zone: str, seconds_per_interval: int) -> int:
    """
    Give how many intervals a local day has: of quarter-hours 96, and 92 or 100 when the clock changes by an hour.

    :raises DayIsNotDivisible: when the day is no whole number of intervals.
    """
    start, end = local_day_bounds(date, zone)
    count, rest = divmod(int((end - start).total_seconds()), seconds_per_interval)
    if rest:
        raise DayIsNotDivisible(f"{date} in {zone} is no whole number of intervals of {seconds_per_interval} s")
    return count


def interval_labels(start: dt.datetime, seconds_per_interval: int, count: int) -> list[dt.datetime]:
    """Give the labels (ends, UTC) of `count` intervals from `start`."""
    first = start.astimezone(dt.UTC)
    return [first + dt.timedelta(seconds=seconds_per_interval * number) for number in range(1, count + 1)]


def interval_of_label(label: dt.datetime, seconds_per_interval: int) -> tuple[dt.datetime, dt.datetime]:
    """Give the period (start, end] that a label stands for; the start is not stored anywhere."""
    return label - dt.timedelta(seconds=seconds_per_interval), label


def label_text(start: int, seconds_per_interval: int, interval: int, zone: str) -> str:
    """Give the end of interval number `interval` (from 0) as local time with its offset, for people."""
    end = _EPOCH + dt.timedelta(seconds=start + (interval + 1) * seconds_per_interval)
    return end.astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="minutes")


@functools.lru_cache(maxsize=256)
def wall_clock(zone: str, start: int, seconds_per_interval: int, count: int) -> NDArray[np.int64]:
    """
    Give what the clocks of a zone show where each of `count` intervals from `start` begins.

    Both are seconds since 1970-01-01 00:00, the start in UTC, the answer on the zone's own clocks.
    """
    place = ZoneInfo(zone)
    instants = start + np.arange(count, dtype=np.int64) * seconds_per_interval
    edges = range(start, start + count * seconds_per_interval + SECONDS_PER_DAY, SECONDS_PER_DAY)
    offsets = np.array([_offset_seconds(edge, place) for edge in edges], dtype=np.int64)
    into = (instants - start) // SECONDS_PER_DAY
    shown = instants + offsets[into]
    # The clock changes between two edges that differ; only there it is asked for every interval.
    for at in np.flatnonzero(offsets[into] != offsets[np.minimum(into + 1, len(offsets) - 1)]).tolist():
        shown[at] = instants[at] + _offset_seconds(int(instants[at]), place)
    shown.flags.writeable = False
    return shown


def _offset_seconds(instant: int, place: ZoneInfo) -> int:
    moment = (_EPOCH + dt.timedelta(seconds=instant)).astimezone(place)
    return int((moment.utcoffset() or dt.timedelta()).total_seconds())


def months_before(instant: int, zone: str, months: int) -> int:
    """
    Give the same local day and time some months earlier; of a shorter month, its last day. Seconds since 1970, UTC.

    A time that the clock left out there is the one an hour later, of a time that it repeated the first one counts.
    """
    local = (_EPOCH + dt.timedelta(seconds=instant)).astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    day = min(local.day, stdlib_calendar.monthrange(year, month + 1)[1])
    moved = local.replace(year=year, month=month + 1, day=day, fold=0)
    return int(moved.timestamp())


def _local_midnight(date: dt.date, zone: str) -> dt.datetime:
    # The first midnight where it is repeated; the moment of the change where it is left out.
    return dt.datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
