"""
MSCONS, the metered services consumption report of EDIFACT, as energy markets of Europe use it.

    LOC+172  metering point        QTY      one quantity: quality, value, unit
    PIA+5    OBIS code             DTM+163  start, DTM+164 end of its interval; DTM+9 time of a register's read

A channel is the component `point-OBIS`. Times carry their own offset; one without is read by the component's clock.
Every quantity is a row; since a file is often one single line, rows are counted and not lines, and messages name the
segment. A channel's intervals have one length, lie on its grid and follow each other: a quantity that does not is
refused alone. A file that ends without its UNZ segment may have been cut: the rows are kept and `missing_trailer`
says so.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO

from vee.codes import Condition
from vee.readers import mscons_codes
from vee.readers.base import FileUnreadable, Items, RegisterReading, RowError, RowRefused, ZoneLookup
from vee.readers.clocks import clock_for, to_instant
from vee.readers.edifact import Interchange, Segment
from vee.readers.numbers import read_number, shown
from vee.readers.runs import Interval, Runs, local_day


SECONDS_PER_DAY = 86_400
# Divisors of an hour in whole minutes, and of a day in whole hours: no market measures in 16 or 25 minutes.
INTERVAL_LENGTHS = frozenset(
    {60 * minutes for minutes in range(1, 61) if 60 % minutes == 0}
    | {3600 * hours for hours in range(1, 25) if 24 % hours == 0}
)
_POINT = re.compile(r"[A-Za-z0-9]{1,35}")
_PRODUCT = re.compile(r"[A-Za-z0-9:.*-]{1,35}")
_UNIT = re.compile(r"[A-Za-z0-9/%]{0,20}")
_STAMPS = {
    "203": re.compile(r"([0-9]{12})"),
    "204": re.compile(r"([0-9]{14})"),
    "303": re.compile(r"([0-9]{12})([+-][0-9]{2}(?:[0-9]{2})?)"),
    "304": re.compile(r"([0-9]{14})([+-][0-9]{2}(?:[0-9]{2})?)"),
}
_START, _END, _READ_AT = "163", "164", "9"
# Segments that belong to the quantity before them; any other ends it.
_OF_A_QUANTITY = frozenset({"DTM", "STS"})
_HARMLESS_WHEN_BROKEN = frozenset({"QTY", "DTM", "STS"})


def read(
    stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None, clock_of: ZoneLookup | None = None
) -> Items:
    """
    Give the readings and refused rows of one interchange; `first` is the number of its first row.

    `zone_of` gives the zone in which a component's local days are counted, `clock_of` the clock of its naive times.

    :raises FileUnreadable: when it is no EDIFACT, or holds no quantity.
    """
    return _Reader(first=first, zone_of=zone_of, clock_of=clock_of).read(Interchange(stream))


@dataclass(slots=True)
class _Quantity:
    """A QTY segment that waits for its times."""

    row: int
    segment: Segment
    stamps: dict[str, Segment] = field(default_factory=dict)


class _Reader:
    """What is known at a segment: the metering point, the channel and its intervals so far, the open quantity."""

    def __init__(self, *, first: int, zone_of: ZoneLookup | None, clock_of: ZoneLookup | None) -> None:
        self._zone_of = zone_of
        self._clock_of = clock_of
        self._row = first - 1
        self._runs = Runs()
        self._quantity: _Quantity | None = None
        self._open = self._foreign = False
        self._point = ""
        self._begin_channel()

    def _begin_channel(self, product: str = "") -> None:
        self._product = product
        self._seconds = 0
        self._end: dt.datetime | None = None

    def read(self, interchange: Interchange) -> Items:
        given = False
        for segment in interchange.segments():
            for item in self._segment(segment):
                given = True
                yield item
        for item in self._finish():
            given = True
            yield item
        if self._open:
            given = True
            yield self._error("missing_trailer", "the file ends without its UNZ segment: it may have been cut")
        if not given:
            raise FileUnreadable("no_data", "The file holds no quantity.")

    def _finish(self) -> Items:
        yield from self._close_quantity()
        last = self._runs.close()
        if last is not None:
            yield last

    def _segment(self, segment: Segment) -> Items:
        if segment.tag not in _OF_A_QUANTITY:
            yield from self._close_quantity()
        if segment.fault is not None:
            yield from self._broken(segment)
            return
        if segment.tag == "UNB":
            self._open = True
        elif segment.tag == "UNZ":
            self._open = False
        elif segment.tag == "UNH":
            self._foreign = segment.component(1) != "MSCONS"
            self._point = ""
            self._begin_channel()
            if self._foreign:
                yield from self._refuse(
                    "other_format", f"the message is {shown(segment.component(1))}, not MSCONS", segment
                )
        elif not self._foreign:
            self._in_message(segment)

    def _in_message(self, segment: Segment) -> None:
        if segment.tag in ("NAD", "UNT"):
            self._point = ""
            self._begin_channel()
        elif segment.tag == "LOC" and segment.component(0) == "172":
            self._point = segment.component(1)
            self._begin_channel()
        elif segment.tag == "LIN":
            self._begin_channel()
        elif segment.tag == "PIA" and segment.component(0) == "5":
            self._begin_channel(segment.component(1))
        elif segment.tag == "QTY":
            self._row += 1
            self._quantity = _Quantity(self._row, segment)
        elif segment.tag == "DTM" and self._quantity is not None:
            self._quantity.stamps[segment.component(0)] = segment

    def _broken(self, segment: Segment) -> Items:
        code, message = segment.fault or ("", "")
        if segment.tag not in _HARMLESS_WHEN_BROKEN:
            # It may have named another point or channel: what follows must not be counted to the old one.
            self._point = ""
            self._begin_channel()
        yield from self._refuse(code, message, segment)

    def _refuse(self, code: str, message: str, segment: Segment) -> Items:
        done = self._runs.close()
        if done is not None:
            yield done
        yield self._error(code, f"segment {segment.number}: {message}")

    def _error(self, code: str, message: str) -> RowError:
        self._row += 1
        return RowError(line=self._row, code=code, message=message)

    def _close_quantity(self) -> Items:
        quantity, self._quantity = self._quantity, None
        if quantity is None:
            return
        try:
            reading = self._reading(quantity)
        except RowRefused as refused:
            done = self._runs.close()
            if done is not None:
                yield done
            message = f"segment {quantity.segment.number}: {refused.message}"
            yield RowError(line=quantity.row, code=refused.code, message=message)
            return
        done = self._runs.close() if isinstance(reading, RegisterReading) else self._runs.add(reading)
        if done is not None:
            yield done
        if isinstance(reading, RegisterReading):
            yield reading

    def _reading(self, quantity: _Quantity) -> Interval | RegisterReading:
        if not _POINT.fullmatch(self._point):
            raise RowRefused(
                "no_point", f"no metering point (LOC+172) stands before the quantity: {shown(self._point)}"
            )
        if not _PRODUCT.fullmatch(self._product):
            raise RowRefused("no_channel", f"no OBIS code (PIA+5) stands before the quantity: {shown(self._product)}")
        component = f"{self._point}-{self._product}"
        condition, value = _quality_and_value(quantity.segment)
        unit = quantity.segment.component(0, 2)
        if not _UNIT.fullmatch(unit):
            raise RowRefused("invalid_uom", f"{shown(unit)} is not a unit of measure")
        uom = mscons_codes.unit_of(unit, self._product)
        if _READ_AT in quantity.stamps and _START not in quantity.stamps:
            if value is None:
                raise RowRefused("missing_value", "the read is not usable")
            read_at = self._stamp(quantity, _READ_AT, component)
            return RegisterReading(
                component=component, read_at=read_at, uom=uom, reading=value, condition=condition, line=quantity.row
            )
        start, end = self._stamp(quantity, _START, component), self._stamp(quantity, _END, component)
        seconds = self._checked_length(start, end)
        self._seconds, self._end = seconds, end
        return Interval(
            component=component,
            start=start,
            day=local_day(start, component, self._zone_of),
            seconds=seconds,
            uom=uom,
            value=value,
            condition=condition,
            line=quantity.row,
        )

    def _checked_length(self, start: dt.datetime, end: dt.datetime) -> int:
        seconds = int((end - start).total_seconds())
        span = f"{start:%Y-%m-%d %H:%M:%S%z} to {end:%H:%M:%S}"
        if seconds not in INTERVAL_LENGTHS:
            raise RowRefused("invalid_interval_length", f"{span} is no interval: {seconds} s")
        if self._seconds and seconds != self._seconds:
            raise RowRefused("interval_length_changed", f"{span} has {seconds} s, the channel {self._seconds} s")
        if (start.hour * 3600 + start.minute * 60 + start.second) % seconds:
            raise RowRefused("off_grid", f"{span} does not lie on the grid of {seconds} s")
        if self._end is not None and start < self._end:
            raise RowRefused("repeated_interval", f"{span} was given before, or stands out of order")
        return seconds

    def _stamp(self, quantity: _Quantity, qualifier: str, component: str) -> dt.datetime:
        segment = quantity.stamps.get(qualifier)
        if segment is None:
            raise RowRefused("missing_time", f"the quantity has no DTM+{qualifier}")
        text, form = segment.component(0, 1), segment.component(0, 2)
        matched = _STAMPS[form].fullmatch(text) if form in _STAMPS else None
        if matched is None:
            raise RowRefused("invalid_time", f"{shown(text)} is not a time of the format {shown(form)}")
        digits, offset = matched[1], matched[2] if matched.lastindex == 2 else ""
        try:
            naive = _naive(digits)
        except ValueError:
            raise RowRefused("invalid_time", f"{shown(text)} does not exist") from None
        if not 1971 <= naive.year <= 2200:
            raise RowRefused("invalid_time", f"{shown(text)} is not from 1971 to 2200")
        if not offset:
            clock = clock_for(component, self._clock_of)
            return to_instant(naive, clock).astimezone(clock)
        hours, minutes = int(offset[1:3]), int(offset[3:5] or "0")
        if hours > 14 or minutes > 59:
            raise RowRefused("invalid_time", f"{shown(text)} has no offset that exists")
        distance = dt.timedelta(hours=hours, minutes=minutes)
        return naive.replace(tzinfo=dt.timezone(-distance if offset[0] == "-" else distance))


def _naive(digits: str) -> dt.datetime:
    seconds = int(digits[12:14] or "0")
    year, month, day, hour, minute = (int(digits[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12)))
    return dt.datetime(year, month, day, hour, minute, seconds)  # noqa: DTZ001  (the offset follows)


def _quality_and_value(segment: Segment) -> tuple[int, Decimal | None]:
    qualifier, text = segment.component(0), segment.component(0, 1)
    if qualifier not in mscons_codes.CONDITIONS:
        raise RowRefused("unknown_quality", f"{shown(qualifier)} is not a known qualifier of a quantity")
    condition = int(mscons_codes.CONDITIONS[qualifier])
    if condition == Condition.MISSING:
        return condition, None
    # Both decimal marks are in use, whatever the service string advice says.
    return condition, read_number(text.replace(",", ".", 1))
