"""When a schedule is due next: intervals, and cron expressions in a time zone with its clock changes. Plain Python."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass


_HORIZON_DAYS = 366 * 5
_NAMES = {
    name: number
    for names, first in (("jan feb mar apr may jun jul aug sep oct nov dec", 1), ("sun mon tue wed thu fri sat", 0))
    for number, name in enumerate(names.split(), start=first)
}


class UnableToReadSchedule(ValueError):
    """The expression or the zone cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A read cron expression: the minutes, hours, days, months and days of week (0 = Sunday) that it names."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def falls_on(self, day: dt.date) -> bool:
        """Whether it names this day; with both kinds of days given, one of them is enough, as cron has it."""
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_date and by_weekday
        return by_date or by_weekday


def read_cron(text: str) -> Cron:
    """
    Read `minute hour day-of-month month day-of-week`, with `*`, lists, ranges, steps and English short names.

    :raises UnableToReadSchedule: saying what is wrong.
    """
    fields = text.split()
    if len(fields) != 5:
        raise UnableToReadSchedule(
            f"{text!r} has {len(fields)} fields; a cron expression has five, such as 30 2 * * *."
        )
    minutes = _values(fields[0], 0, 59)
    hours = _values(fields[1], 0, 23)
    weekdays = frozenset(value % 7 for value in _values(fields[4], 0, 7))
    return Cron(
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=frozenset(_values(fields[2], 1, 31)),
        months=frozenset(_values(fields[3], 1, 12)),
        weekdays=weekdays,
        any_day=fields[2].startswith("*"),
        any_weekday=fields[4].startswith("*"),
    )


def read_zone(name: str) -> zoneinfo.ZoneInfo:
    """
    Give a time zone by its IANA name.

    :raises UnableToReadSchedule: when there is none.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UnableToReadSchedule(f"There is no time zone {name}.") from None


def next_time(*, cron: str, zone: str, after: dt.datetime) -> dt.datetime:
    """
    Give the first time after `after` that the expression names, in UTC.

    A time that a clock change skips is not due that day; one that comes twice is due the first time.

    :raises UnableToReadSchedule: when it cannot be read, or names no day at all (31 February).
    """
    read, place = read_cron(cron), read_zone(zone)
    first = after.astimezone(place).date()
    for offset in range(_HORIZON_DAYS):
        day = first + dt.timedelta(days=offset)
        if not read.falls_on(day):
            continue
        for hour in read.hours:
            for minute in read.minutes:
                due = dt.datetime.combine(day, dt.time(hour, minute), tzinfo=place).astimezone(dt.UTC)
                local = due.astimezone(place)
                if due > after and (local.hour, local.minute) == (hour, minute):
                    return due
    raise UnableToReadSchedule(f"{cron!r} names no day in the coming five years.")


def _values(field: str, lowest: int, highest: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text, field) if step_text else 1
        if step < 1:
            raise UnableToReadSchedule(f"The step of {field!r} is at least 1.")
        if span == "*":
            first, last = lowest, highest
        else:
            first_text, _, last_text = span.partition("-")
            first = _number(first_text, field)
            last = _number(last_text, field) if last_text else (highest if step_text else first)
        if not lowest <= first <= last <= highest:
            raise UnableToReadSchedule(f"{field!r} lies outside {lowest} to {highest}.")
        found |= set(range(first, last + 1, step))
    return found


def _number(text: str, field: str) -> int:
    named = _NAMES.get(text.lower())
    if named is not None:
        return named
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise UnableToReadSchedule(f"{field!r} cannot be read.")
    return int(text)
