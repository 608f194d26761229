"""One NEM12 row after another: streams (200), days (300), spans of quality (400) and register reads (500)."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from vee.codes import Condition
from vee.readers import nem12_quality
from vee.readers.base import IntervalReadings, Item, RegisterReading, RowError, RowRefused
from vee.readers.numbers import Amounts, read_amounts, read_number, shown
from vee.readers.plain_days import PlainDay


NEM_TIME = dt.timezone(dt.timedelta(hours=10), "NEM")
MINUTES_PER_DAY = 1440
_REGULAR = int(Condition.REGULAR)
INTERVAL_LENGTHS = frozenset(length for length in range(1, 31) if MINUTES_PER_DAY % length == 0)
_IDENTIFIER = re.compile(r"[A-Za-z0-9_./-]{1,40}")
_SUFFIX = re.compile(r"[A-Za-z0-9_./-]{1,10}")
# Participants leave the unit out now and then; the Unit of Measure rule judges it.
_UOM = re.compile(r"[A-Za-z0-9/%]{0,20}")
_DIGITS = re.compile(r"[0-9]+")
_SOUND_STREAM = re.compile(
    rf"200,({_IDENTIFIER.pattern}),[^,]*,[^,]*,({_SUFFIX.pattern}),[^,]*,[^,]*,({_UOM.pattern}),([0-9]+)(?:,|\Z)"
)
_MINUTES = {str(length): length for length in INTERVAL_LENGTHS}
# After the values: quality, reason, reason description, update time, load time.
_FIELDS_AFTER_VALUES = 5


@dataclass(slots=True)
class Stream:
    """What a 200 row says of the rows behind it."""

    component: str
    uom: str
    minutes: int

    @property
    def intervals(self) -> int:
        return MINUTES_PER_DAY // self.minutes


@dataclass(slots=True)
class Day:
    """A 300 row that waits for its 400 rows."""

    line: int
    stream: Stream
    start: dt.datetime
    texts: Sequence[str]
    """The values as they were written, unless they came as `amounts`."""
    variable: bool = False
    conditions: list[int] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    fault: RowRefused | None = None
    amounts: Amounts | None = None
    """The values, where all of them are plain numbers."""


def read_stream(fields: list[str]) -> Stream:
    """
    Read a 200 row.

    :raises RowRefused: when it names no usable stream.
    """
    if len(fields) < 9:
        raise RowRefused("missing_fields", f"a 200 row has 9 fields or more, this one {len(fields)}")
    nmi, suffix, uom, length = fields[1], fields[4], fields[7], fields[8]
    component = component_name(nmi, suffix, uom)
    if not _DIGITS.fullmatch(length) or len(length) > 4 or int(length) not in INTERVAL_LENGTHS:
        raise RowRefused(
            "invalid_interval_length", f"{shown(length)} minutes is not a length from 1 to 30 that divides a day"
        )
    return Stream(component=component, uom=uom.upper(), minutes=int(length))


def read_stream_text(text: str) -> Stream:
    """
    Read a 200 row that is not in fields yet; nearly all are sound as they stand.

    :raises RowRefused: when it names no usable stream.
    """
    sound = _SOUND_STREAM.match(text)
    minutes = _MINUTES.get(sound[4]) if sound is not None else None
    if sound is None or minutes is None:
        return read_stream([field.strip() for field in text.split(",")])
    return Stream(f"{sound[1]}-{sound[2]}", sound[3].upper(), minutes)


def component_name(nmi: str, suffix: str, uom: str) -> str:
    """
    Give the name of a stream's component, `NMI-suffix`, once NMI, suffix and unit are sound.

    :raises RowRefused: when one of them is not.
    """
    if not _IDENTIFIER.fullmatch(nmi):
        raise RowRefused("invalid_nmi", f"{shown(nmi)} is not an NMI")
    if not _SUFFIX.fullmatch(suffix):
        raise RowRefused("invalid_suffix", f"{shown(suffix)} is not an NMI suffix")
    if not _UOM.fullmatch(uom):
        raise RowRefused("invalid_uom", f"{shown(uom)} is not a unit of measure")
    return f"{nmi}-{suffix}"


def read_day(fields: list[str], stream: Stream, number: int) -> Day:
    """
    Read a 300 row; its quality follows in 400 rows when its flag is V.

    :raises RowRefused: when its fields do not fit its stream.
    """
    count = stream.intervals
    start = _read_date(fields[1] if len(fields) > 1 else "")
    texts, tail = fields[2 : 2 + count], fields[2 + count :]
    amounts = read_amounts(texts) if len(texts) == count else None
    # Among plain numbers there is no flag.
    plain = count if amounts is not None else 0
    rest = enumerate(fields[2 + plain :], plain)
    found = next((i for i, text in rest if nem12_quality.looks_like_a_flag(text)), None)
    if found is not None and found != count:
        raise RowRefused(
            "interval_count", f"the day has {found} values; {count} are expected at {stream.minutes} minutes"
        )
    if len(texts) < count:
        raise RowRefused("interval_count", f"the day has {len(texts)} fields; {count} values are expected")
    day = Day(line=number, stream=stream, start=start, texts=texts, amounts=amounts)
    _qualify(day, *_quality_of(tail))
    return day


def read_plain_day(plain: PlainDay, stream: Stream, number: int) -> Day:
    """
    Take over a 300 row whose values, as many as its stream has, were read already.

    :raises RowRefused: when its other fields do not fit.
    """
    day = Day(line=number, stream=stream, start=_read_date(plain.date), texts=(), amounts=plain.amounts)
    _qualify(day, *_quality_of_text(plain.tail))
    return day


def whole_plain_day(plain: PlainDay, stream: Stream, number: int) -> IntervalReadings | None:
    """
    Give a 300 row whose values were read already, and that no 400 row follows, as readings; None when its flag is V.

    :raises RowRefused: when its other fields do not fit.
    """
    start = _read_date(plain.date)
    letter, condition = _quality_of_text(plain.tail)
    if condition is None:
        return None
    amounts = plain.amounts
    if letter == "N":
        amounts = amounts.without(np.ones(len(amounts), dtype=bool))
    return IntervalReadings(
        component=stream.component,
        start=start,
        seconds_per_interval=stream.minutes * 60,
        uom=stream.uom,
        values=amounts,
        conditions=_throughout(condition, len(amounts)),
        line=number,
        regular=condition == _REGULAR,
    )


@functools.lru_cache(maxsize=1_024)
def _throughout(condition: int, count: int) -> list[int]:
    """Give the conditions of a day that has one; the days that have it share the list, which nobody changes."""
    return [condition] * count


def _qualify(day: Day, letter: str, condition: int | None) -> None:
    day.variable = condition is None
    if condition is not None:
        day.letters = [letter] * day.stream.intervals
        day.conditions = [condition] * day.stream.intervals


@functools.lru_cache(maxsize=4_096)
def _quality_of_text(tail: str) -> tuple[str, int | None]:
    """Read what stands behind the values, which is the same in many rows of a file."""
    return _quality_of([text.strip() for text in tail.split(",")])


def _quality_of(tail: Sequence[str]) -> tuple[str, int | None]:
    """Give the flag of a day and its condition, None where 400 rows say more; checks the fields behind the values."""
    if not tail or not tail[0]:
        raise RowRefused("missing_fields", "the quality flag is missing")
    letter = nem12_quality.read_flag(tail[0])
    reason = nem12_quality.read_reason(tail[1] if len(tail) > 1 else "")
    extra = next((text for text in tail[_FIELDS_AFTER_VALUES:] if text), None)
    if extra is not None:
        raise RowRefused("too_many_fields", f"{shown(extra)} stands after the last field of the row")
    return letter, None if letter == nem12_quality.VARIABLE else nem12_quality.condition_of(letter, reason)


def apply_span(day: Day, fields: list[str]) -> None:
    """
    Apply a 400 row to the day before it.

    :raises RowRefused: when it does not continue the spans before it.
    """
    if not day.variable:
        raise RowRefused("span_without_variable", "the day is qualified by 400 rows, but its flag is not V")
    if len(fields) < 4:
        raise RowRefused("missing_fields", f"a 400 row has 4 fields or more, this one {len(fields)}")
    first, last = _read_index(fields[1]), _read_index(fields[2])
    expected = len(day.letters) + 1
    count = day.stream.intervals
    if first != expected:
        raise RowRefused("span_not_contiguous", f"the span begins at interval {first}; {expected} is expected")
    if not first <= last <= count:
        raise RowRefused("span_out_of_range", f"the span {first} to {last} does not fit a day of {count} intervals")
    letter = nem12_quality.read_flag(fields[3])
    if letter == nem12_quality.VARIABLE:
        raise RowRefused("span_variable", "a 400 row cannot itself be V")
    reason = nem12_quality.read_reason(fields[4] if len(fields) > 4 else "")
    day.letters.extend([letter] * (last - first + 1))
    day.conditions.extend([nem12_quality.condition_of(letter, reason)] * (last - first + 1))


def finish(day: Day) -> Item:
    """Give a day as readings, or as the one refused row that it is."""
    try:
        _check_quality(day)
        values: Sequence[Decimal | None]
        if day.amounts is not None:
            # Null data is written with any number, usually 0, which means nothing.
            values = day.amounts
            if "N" in day.letters:
                values = day.amounts.without(np.array([letter == "N" for letter in day.letters]))
        else:
            values = [
                _value(text, letter, i) for i, (text, letter) in enumerate(zip(day.texts, day.letters, strict=True), 1)
            ]
    except RowRefused as refused:
        return RowError(line=refused.line or day.line, code=refused.code, message=refused.message)
    return IntervalReadings(
        component=day.stream.component,
        start=day.start,
        seconds_per_interval=day.stream.minutes * 60,
        uom=day.stream.uom,
        values=values,
        conditions=day.conditions,
        line=day.line,
    )


def _check_quality(day: Day) -> None:
    if day.fault is not None:
        raise day.fault
    covered = len(day.letters)
    if covered != day.stream.intervals:
        raise RowRefused(
            "quality_missing", f"the day is V and its 400 rows cover {covered} of {day.stream.intervals} intervals"
        )


def _value(text: str, letter: str, index: int) -> Decimal | None:
    if letter == "N":
        if text:
            _number(text, index)
        return None
    if not text:
        raise RowRefused("missing_value", f"interval {index} has no value, but its flag is {letter}")
    return _number(text, index)


def _number(text: str, index: int) -> Decimal:
    try:
        return read_number(text)
    except RowRefused as refused:
        raise RowRefused(refused.code, f"interval {index}: {refused.message}") from None


def read_register(fields: list[str], stream: Stream, number: int) -> RegisterReading | None:
    """
    Read a 500 row; None when it carries no index read.

    :raises RowRefused: when the read or its time is none.
    """
    text = fields[4] if len(fields) > 4 else ""
    if not text:
        # A transaction without an index read tells about work at the meter, not about energy.
        return None
    reading = read_number(text)
    return RegisterReading(
        component=f"{stream.component}:REG",
        read_at=read_instant(fields[3]),
        uom=stream.uom,
        reading=reading,
        condition=int(Condition.REGULAR),
        line=number,
    )


def _read_index(text: str) -> int:
    if not _DIGITS.fullmatch(text) or len(text) > 5:
        raise RowRefused("span_out_of_range", f"{shown(text)} is not the number of an interval")
    return int(text)


def _read_date(text: str) -> dt.datetime:
    return _parse(text, 8, "%Y%m%d", "invalid_date", "a date (YYYYMMDD)")


def read_instant(text: str) -> dt.datetime:
    """
    Read a time of the market, `YYYYMMDDhhmmss`, in UTC+10.

    :raises RowRefused: when it is none.
    """
    return _parse(text, 14, "%Y%m%d%H%M%S", "invalid_time", "a time (YYYYMMDDhhmmss)")


@functools.lru_cache(maxsize=4_096)
def _parse(text: str, length: int, pattern: str, code: str, what: str) -> dt.datetime:
    # strptime alone would take fewer digits, and digits of other scripts.
    if len(text) == length and _DIGITS.fullmatch(text) and 1970 <= int(text[:4]) <= 2200:
        try:
            return dt.datetime.strptime(text, pattern).replace(tzinfo=NEM_TIME)
        except ValueError:
            pass
    raise RowRefused(code, f"{shown(text)} is not {what} from 1970 to 2200")
