"""
Green Button: ESPI readings in an Atom feed.

A block of a meter reading is the component `UsagePoint-MeterReading` by the identifiers in the addresses of its links
(just one where both are the same). Values are `value × 10^powerOfTenMultiplier` of the reading type's unit; times are
UTC seconds, so that clock changes need no care. Every IntervalReading is a row; since a feed may be one single line,
rows are counted and not lines, and messages name the line. A feed is read twice, since a reading type may stand behind
the blocks that need it; only one reading and the frame of the feed are ever held.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from typing import IO

from vee.codes import Condition
from vee.readers import green_button_codes as codes
from vee.readers.archives import seekable
from vee.readers.base import FileUnreadable, Items, RegisterReading, RowError, RowRefused, ZoneLookup
from vee.readers.green_button_index import Index, Links, ReadingType, read_index
from vee.readers.numbers import read_number, scaled, shown
from vee.readers.runs import Interval, Runs, local_day
from vee.readers.xml_events import NotWellFormed, Start, read_events


SECONDS_PER_DAY = 86_400
# The quarter hours on which the offsets of all time zones lie.
_QUARTER_HOUR = 900
_EARLIEST, _LATEST = 31_536_000, 7_289_654_400
_SECONDS = re.compile(r"[0-9]{1,12}")
_CODE = re.compile(r"[0-9]{1,3}")
_FIELDS = frozenset({"start", "duration", "value", "quality"})


def read(stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None) -> Items:
    """
    Give the readings and refused rows of one feed; `first` is the number of its first reading.

    `zone_of` gives the zone in which a component's local days are counted; without it the day is that of UTC.

    :raises FileUnreadable: when it is no Atom feed or holds no reading, and for XML that is not to be trusted.
    """
    with seekable(stream) as feed:
        begin = feed.tell()
        if not feed.read(1):
            raise FileUnreadable("empty_file", "The file is empty.")
        feed.seek(begin)
        index = read_index(feed)
        feed.seek(begin)
        given = False
        for item in _Reader(index, first=first, zone_of=zone_of).read(feed):
            given = True
            yield item
    if not given:
        raise FileUnreadable("no_data", "The feed holds no reading.")


class _Reader:
    """What is known at a reading: the component of its block, its type, and the intervals before it."""

    def __init__(self, index: Index, *, first: int, zone_of: ZoneLookup | None) -> None:
        self._index = index
        self._zone_of = zone_of
        self._row = first - 1
        self._runs = Runs()
        self._links = Links()
        self._component = ""
        self._type: ReadingType | None = None
        self._end: dt.datetime | None = None
        self._reading: dict[str, list[str]] | None = None

    def read(self, feed: IO[bytes]) -> Items:
        try:
            for event in read_events(feed):
                if isinstance(event, Start):
                    self._start(event)
                elif self._reading is not None and event.name in _FIELDS:
                    self._reading.setdefault(event.name, []).append(event.text)
                elif event.name == "IntervalReading" and self._reading is not None:
                    yield from self._take(self._reading, event.line)
                    self._reading = None
        except NotWellFormed as broken:
            done = self._runs.close()
            if done is not None:
                yield done
            self._row += 1
            yield RowError(line=self._row, code="not_well_formed", message=f"line {broken.line}: {broken.message}")
        done = self._runs.close()
        if done is not None:
            yield done

    def _start(self, event: Start) -> None:
        if event.name == "entry":
            self._links = Links()
        elif event.name == "link":
            self._links.add(dict(event.attributes))
        elif event.name == "IntervalBlock":
            _, component = self._links.meter_reading
            if component != self._component:
                self._component, self._end = component, None
                self._type = self._index.type_of(component)
        elif event.name == "IntervalReading":
            self._reading = {}

    def _take(self, fields: dict[str, list[str]], line: int) -> Items:
        self._row += 1
        try:
            reading = self._judge(fields)
        except RowRefused as refused:
            done = self._runs.close()
            if done is not None:
                yield done
            yield RowError(line=self._row, code=refused.code, message=f"line {line}: {refused.message}")
            return
        done = self._runs.close() if isinstance(reading, RegisterReading) else self._runs.add(reading)
        if done is not None:
            yield done
        if isinstance(reading, RegisterReading):
            yield reading

    def _judge(self, fields: dict[str, list[str]]) -> Interval | RegisterReading:
        kind, uom = self._checked_type()
        start, seconds = _period(fields, kind)
        condition = _condition(fields.get("quality", []), kind)
        texts = [text for text in fields.get("value", []) if text]
        value: Decimal | None = None
        if texts:
            value = scaled(read_number(texts[0]), Decimal(1).scaleb(kind.power_of_ten))
        else:
            condition = int(Condition.MISSING)
        if kind.behaviour in codes.REGISTER_BEHAVIOURS:
            if value is None:
                raise RowRefused("missing_value", "the read of the register has no value")
            return RegisterReading(
                component=self._component,
                read_at=start + dt.timedelta(seconds=seconds),
                uom=uom,
                reading=value,
                condition=condition,
                line=self._row,
            )
        self._check_interval(start, seconds)
        return Interval(
            component=self._component,
            start=start,
            day=local_day(start, self._component, self._zone_of),
            seconds=seconds,
            uom=uom,
            value=value,
            condition=condition,
            line=self._row,
        )

    def _checked_type(self) -> tuple[ReadingType, str]:
        if not self._component or not self._component.isprintable():
            raise RowRefused("no_meter_reading", "the block's links name no usage point and meter reading")
        if self._component in self._index.ambiguous:
            raise RowRefused("ambiguous_meter_reading", f"two meter readings of the feed are {shown(self._component)}")
        kind = self._type
        if kind is None:
            raise RowRefused("no_reading_type", f"the reading type of {shown(self._component)} is not in the feed")
        if kind.uom not in codes.UNITS:
            raise RowRefused("invalid_uom", f"{kind.uom} is not the code of a unit that is metered")
        if not -12 <= kind.power_of_ten <= 12:
            raise RowRefused("invalid_multiplier", f"10^{kind.power_of_ten} is not a multiplier of the schema")
        return kind, codes.UNITS[kind.uom]

    def _check_interval(self, start: dt.datetime, seconds: int) -> None:
        if not 1 <= seconds <= SECONDS_PER_DAY or SECONDS_PER_DAY % seconds:
            raise RowRefused("invalid_interval_length", f"{seconds} seconds is not an interval that divides a day")
        if int(start.timestamp()) % math.gcd(seconds, _QUARTER_HOUR):
            raise RowRefused("off_grid", f"{start:%Y-%m-%d %H:%M:%SZ} does not lie on a grid of {seconds} s")
        if self._end is not None and self._end - dt.timedelta(seconds=seconds) < start < self._end:
            raise RowRefused("overlap", f"{start:%Y-%m-%d %H:%M:%SZ} lies inside the interval before it")
        if self._end is not None and self._end - dt.timedelta(seconds=seconds) == start:
            raise RowRefused("repeated_interval", f"{start:%Y-%m-%d %H:%M:%SZ} was given by the reading before")
        self._end = start + dt.timedelta(seconds=seconds)


def _period(fields: dict[str, list[str]], kind: ReadingType) -> tuple[dt.datetime, int]:
    texts = fields.get("start", [])
    if not texts:
        raise RowRefused("missing_time", "the reading has no start")
    if not _SECONDS.fullmatch(texts[0]) or not _EARLIEST <= int(texts[0]) <= _LATEST:
        raise RowRefused("invalid_time", f"{shown(texts[0])} is not a time, in seconds, from 1971 to 2200")
    durations = fields.get("duration", [])
    if not durations and kind.behaviour in codes.REGISTER_BEHAVIOURS:
        durations = ["0"]
    if not durations and kind.seconds is not None:
        durations = [str(kind.seconds)]
    if not durations or not _SECONDS.fullmatch(durations[0]) or int(durations[0]) > 400 * SECONDS_PER_DAY:
        raise RowRefused("invalid_interval_length", f"{shown(''.join(durations[:1]))} is not a duration in seconds")
    return dt.datetime.fromtimestamp(int(texts[0]), tz=dt.UTC), int(durations[0])


def _condition(qualities: list[str], kind: ReadingType) -> int:
    if not qualities and kind.quality is not None:
        qualities = [str(kind.quality)]
    found = []
    for text in qualities:
        if not _CODE.fullmatch(text) or int(text) not in codes.CONDITIONS:
            raise RowRefused("unknown_quality", f"{shown(text)} is not a quality of the schema")
        found.append(int(codes.CONDITIONS[int(text)]))
    return min(found, default=int(Condition.REGULAR))
