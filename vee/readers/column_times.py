"""Times in columns: formats, 24:00, clocks, and the hour that an autumn day shows twice."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from vee.readers.base import RowRefused, ZoneLookup
from vee.readers.clocks import clock_for, meanings
from vee.readers.column_layout import ColumnLayout, Label, TimeShift
from vee.readers.numbers import shown
from vee.readers.tables import Cell, as_text


_MIDNIGHTS = ("24:00:00", "24:00", "2400")
_DAY = dt.timedelta(days=1)
# The longest text that any sensible format fills.
_LONGEST = 80

T = TypeVar("T")


def fixed_clock(layout: ColumnLayout) -> dt.tzinfo | None:
    """Give the clock that a layout names itself; None when it is that of each component's service point."""
    if not layout.time_zone:
        return None
    zone = ZoneInfo(layout.time_zone)
    return zone if layout.time_shift == TimeShift.LEGAL else standard_clock(zone)


def standard_clock(zone: dt.tzinfo) -> dt.tzinfo:
    """Give a zone's clock without daylight saving time: its offset of this century's winters, or summers down under."""
    for month in (1, 7):
        moment = dt.datetime(2024, month, 1, tzinfo=zone)
        if not moment.dst():
            return dt.timezone(moment.utcoffset() or dt.timedelta())
    return zone


def clock_of_layout(layout: ColumnLayout, zone_of: ZoneLookup | None, clock_of: ZoneLookup | None) -> ZoneLookup:
    """Give the clock by which a layout's times are read, by component."""
    fixed = fixed_clock(layout)
    if fixed is not None:
        return lambda _component: fixed
    if layout.time_shift == TimeShift.DEVICE:
        return lambda component: clock_for(component, clock_of)

    def clock(component: str) -> dt.tzinfo:
        zone = clock_for(component, zone_of)
        return zone if layout.time_shift == TimeShift.LEGAL else standard_clock(zone)

    return clock


def read_stamp(date: Cell, time: Cell | None, layout: ColumnLayout) -> dt.datetime:
    """
    Read the time of a row: naive, or with the offset that the text itself carries.

    :raises RowRefused: with code `invalid_time`.
    """
    stamp, later = _parsed(date, layout.date_format, midnights=time is None)
    if time is not None:
        if not _is_midnight(stamp):
            raise RowRefused("invalid_time", f"{shown(as_text(date))} has a time of its own beside the time column")
        of_day, later = _time_of_day(time, layout.time_format)
        stamp = dt.datetime.combine(stamp.date(), of_day.replace(tzinfo=of_day.tzinfo or stamp.tzinfo))
    if later:
        if layout.label != Label.END:
            raise RowRefused("invalid_time", "24:00 can only be the end of an interval")
        stamp += _DAY
    if stamp.microsecond:
        raise RowRefused("invalid_time", f"{shown(as_text(date))} has fractions of a second")
    if not 1971 <= stamp.year <= 2200:
        raise RowRefused("invalid_time", f"{shown(as_text(date))} is not from 1971 to 2200")
    return stamp


def read_day(date: Cell, layout: ColumnLayout) -> dt.date:
    """
    Read the date of a row that holds a whole day.

    :raises RowRefused: with code `invalid_time`.
    """
    stamp, _ = _parsed(date, layout.date_format, midnights=False)
    if not _is_midnight(stamp) or stamp.tzinfo is not None:
        raise RowRefused("invalid_time", f"{shown(as_text(date))} is more than a date")
    if not 1971 <= stamp.year <= 2200:
        raise RowRefused("invalid_time", f"{shown(as_text(date))} is not from 1971 to 2200")
    return stamp.date()


def _is_midnight(stamp: dt.datetime) -> bool:
    return stamp.time() == dt.time()


def _parsed(cell: Cell, form: str, *, midnights: bool) -> tuple[dt.datetime, bool]:
    """Give a cell as date and time, and whether 24:00 moves it to the next day."""
    if isinstance(cell, dt.datetime):
        return cell, False
    text, later = as_text(cell), False
    if midnights:
        found = next((end for end in _MIDNIGHTS if text.endswith(end) and text != end), None)
        if found is not None:
            text, later = text.removesuffix(found) + found.replace("24", "00", 1), True
    return _strptime(text, form, dt.datetime.fromisoformat), later


def _time_of_day(cell: Cell, form: str) -> tuple[dt.time, bool]:
    if isinstance(cell, dt.datetime):
        cell = cell.time()
    if isinstance(cell, dt.time):
        return cell, False
    text, later = as_text(cell), False
    if text in _MIDNIGHTS:
        text, later = text.replace("24", "00", 1), True
    stamp = _strptime(text, form, lambda iso: dt.datetime.combine(dt.date(2000, 1, 1), dt.time.fromisoformat(iso)))
    return stamp.timetz(), later


def _strptime(text: str, form: str, iso: Callable[[str], dt.datetime]) -> dt.datetime:
    # Digits of other scripts would be taken for digits.
    if text.isascii() and 0 < len(text) <= _LONGEST:
        try:
            return dt.datetime.strptime(text, form) if form else iso(text)  # noqa: DTZ007  (naive: the clock follows)
        except (ValueError, OverflowError):
            pass
    raise RowRefused("invalid_time", f"{shown(text)} is not a time of the format {form or 'ISO 8601'}")


def start_of_day(day: dt.date, clock: dt.tzinfo) -> dt.datetime:
    """Give the first instant, UTC, that a clock counts to a day."""
    return dt.datetime.combine(day, dt.time(), clock).astimezone(dt.UTC)


class RepeatedHour(Generic[T]):
    """
    Rows whose times the clock shows twice, held until it is certain which of the two each means.

    It is certain when the whole repeated hour stands there twice, one after the other, on consecutive rows of one
    component; then the first half is the first. Anything less is ambiguous, and is refused.
    """

    def __init__(self, layout: ColumnLayout) -> None:
        self._seconds = layout.seconds_per_interval
        self._component = ""
        self._held: list[tuple[T, dt.datetime, tuple[dt.datetime, ...]]] = []

    def takes(self, component: str, naive: dt.datetime) -> bool:
        """Tell whether a time may belong to the rows that are held."""
        if not self._held:
            return True
        if component != self._component or len(self._held) >= 2 * self._needed:
            return False
        return naive.date() == self._held[0][1].date()

    def hold(self, row: T, component: str, naive: dt.datetime, found: tuple[dt.datetime, ...]) -> None:
        """Keep a row with its time and the two instants that it may mean."""
        self._component = component
        self._held.append((row, naive, found))

    @property
    def _needed(self) -> int:
        """How many intervals the repeated hour has."""
        first, second = self._held[0][2]
        return int((second - first).total_seconds()) // self._seconds if self._seconds else 0

    def release(self) -> Sequence[tuple[T, dt.datetime | None]]:
        """Give the rows that are held, each with its instant, or with None when it stays ambiguous."""
        if not self._held:
            return []
        half = self._needed
        certain = half > 0 and len(self._held) == 2 * half and self._is_twice_the_same(half)
        released = [
            (row, found[place // half] if certain else None) for place, (row, _, found) in enumerate(self._held)
        ]
        self._held = []
        return released

    def _is_twice_the_same(self, half: int) -> bool:
        times = [naive for _, naive, _ in self._held]
        step = dt.timedelta(seconds=self._seconds or 0)
        return times[:half] == times[half:] and all(
            later - earlier == step for earlier, later in itertools.pairwise(times[:half])
        )


def instants(stamp: dt.datetime, clock: dt.tzinfo | None) -> tuple[dt.datetime, ...]:
    """
    Give the instants that a row's time may mean: one, or two in a repeated hour.

    :raises RowRefused: with code `nonexistent_time` when the clock skips it.
    """
    if stamp.tzinfo is not None or clock is None:
        return (stamp.astimezone(dt.UTC),)
    found = meanings(stamp, clock)
    if not found:
        raise RowRefused("nonexistent_time", f"{stamp:%Y-%m-%d %H:%M:%S} does not exist on the clock of {clock}")
    return found
