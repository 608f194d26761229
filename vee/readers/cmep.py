"""
CMEP, the California Metering Exchange Protocol: one record a line, up to its count of data sets in each.

    MEPMD01  intervals, or reads of a register when the unit ends in REG; a set is time, quality, value
    MEPMD02  reads of time-of-use registers at one time; a set is label, quality, value

Times are UTC and stand at the end of an interval; a set without a time follows the one before it. A meter's channel
is the component `meter-unit`, its register `meter-unit:REG`, a time-of-use register `meter-unit:REG:LABEL`. Values are
multiplied by the record's calculation constant. A MEPMD01 line is one row, accepted or refused as a whole; intervals
that its times leave out are missing ones. A MEPMD02 line is as many rows as it has sets. Administrative, billing,
configuration and alarm records carry no readings and are passed over.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import IO

from vee.codes import Condition
from vee.readers.base import (
    EarlierRead,
    FileUnreadable,
    IntervalReadings,
    Item,
    Items,
    RegisterReading,
    RowError,
    RowRefused,
    ZoneLookup,
    refuse,
)
from vee.readers.lines import read_lines
from vee.readers.numbers import read_number, scaled, shown


WITHOUT_READINGS = frozenset(
    {"MEPAD01", "MEPAD02", "MEPBD01", "MEPBD02", "MEPBD03", "MEPEC01", "MEPLF01", "MEPRR01", "MLA01"}
)
# Data of other purposes are totals, profiles and rejections, not what a meter measured.
MEASURED_PURPOSES = frozenset({"", "OK", "RESEND", "HISTORY"})
CONDITIONS: dict[str, Condition] = {
    "": Condition.REGULAR,
    "R": Condition.REGULAR,
    "A": Condition.EXTERNAL_ESTIMATED,
    "E": Condition.EXTERNAL_ESTIMATED,
    "N": Condition.MISSING,
}
SECONDS_PER_DAY = 86_400
# A record's times may leave intervals out, but not so many that a slip of the year fills the memory.
MAX_INTERVALS = 10_000
_REG = "REG"
_METER = re.compile(r"[!-~](?:[ -~]{0,38}[!-~])?")
_UNITS = re.compile(r"[A-Za-z0-9/%_.-]{1,20}")
_LABEL = re.compile(r"[A-Za-z0-9-]{1,20}")
_QUALITY = re.compile(r"([A-Z]?)[0-9]{0,9}")
_INTERVAL = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")
_TIME = re.compile(r"[0-9]{12}")
_COUNT = re.compile(r"[0-9]{1,5}")


def read(stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None) -> Items:
    """
    Give the readings and refused rows of one CMEP text; `first` is the number of its first line.

    :raises FileUnreadable: when the first line is no CMEP record, or no record carries a reading.
    """
    begun = given = False
    for line in read_lines(stream, first=first):
        if line.fault is None and not line.text.strip():
            continue
        fields = [text.strip().strip('"') for text in line.text.split(",")]
        if not begun and not fields[0].startswith(("MEP", "MLA")):
            message = f"The first line begins with {shown(fields[0])}, which is no CMEP record."
            raise FileUnreadable("other_format", message)
        begun = True
        if fields[0] in WITHOUT_READINGS and line.fault is None:
            continue
        given = True
        try:
            refuse(line.fault)
            items = _read_record(fields, line.number)
        except RowRefused as refused:
            items = [RowError(line=line.number, code=refused.code, message=refused.message)]
        yield from items
    if not begun:
        raise FileUnreadable("empty_file", "The file is empty.")
    if not given:
        raise FileUnreadable("no_data", "The file holds no record with readings.")


def _read_record(fields: list[str], number: int) -> list[Item]:
    if fields[0] == "MEPMD01":
        return [_read_channel(fields, number)]
    if fields[0] == "MEPMD02":
        return list(_read_time_of_use(fields, number))
    raise RowRefused("unknown_record", f"{shown(fields[0])} is not a CMEP record")


def _read_channel(fields: list[str], number: int) -> Item:
    if len(fields) < 14:
        raise RowRefused("missing_fields", f"a MEPMD01 record has 14 fields and its data, this one {len(fields)}")
    meter, units = _meter_and_units(fields)
    constant = _constant(fields[11])
    seconds = _interval(fields[12])
    sets = _sets(fields, 13)
    ends = _ends([entry[0] for entry in sets], seconds)
    values = [_value(value, quality, constant, place) for place, (_, quality, value) in enumerate(sets, 1)]
    if units.endswith(_REG):
        return _registers(f"{meter}-{units.removesuffix(_REG)}:REG", units.removesuffix(_REG), ends, values, number)
    return _intervals(f"{meter}-{units}", units, ends, values, seconds, number)


def _meter_and_units(fields: list[str]) -> tuple[str, str]:
    meter, purpose, units = fields[7], fields[8].upper(), fields[10].upper()
    if not _METER.fullmatch(meter):
        raise RowRefused("invalid_meter", f"{shown(meter)} is not the identifier of a meter")
    if purpose not in MEASURED_PURPOSES:
        raise RowRefused("purpose", f"data of the purpose {shown(purpose)} is not what a meter measured")
    if not _UNITS.fullmatch(units) or units == _REG:
        raise RowRefused("invalid_uom", f"{shown(units)} is not a unit of measure")
    return meter, units


def _constant(text: str) -> Decimal:
    constant = read_number(text) if text else Decimal(1)
    if constant <= 0:
        raise RowRefused("invalid_constant", f"the calculation constant {shown(text)} is not positive")
    return constant


def _interval(text: str) -> int | None:
    if not text:
        return None
    matched = _INTERVAL.fullmatch(text)
    months, days, hours, minutes = map(int, matched.groups()) if matched else (0, 0, 0, 0)
    seconds = ((days * 24 + hours) * 60 + minutes) * 60
    if months or not 0 < seconds <= SECONDS_PER_DAY or SECONDS_PER_DAY % seconds:
        raise RowRefused("invalid_interval_length", f"{shown(text)} (MMDDhhmm) is not an interval that divides a day")
    return seconds


def _sets(fields: list[str], place: int) -> list[tuple[str, str, str]]:
    count = int(fields[place]) if _COUNT.fullmatch(fields[place]) else 0
    data = fields[place + 1 :]
    while len(data) > 3 * count and not data[-1]:
        data.pop()
    if not count or len(data) != 3 * count:
        raise RowRefused(
            "interval_count",
            f"the record counts {shown(fields[place])} sets of three fields; {len(data)} fields follow",
        )
    return list(zip(data[::3], data[1::3], data[2::3], strict=True))


def _ends(texts: list[str], seconds: int | None) -> list[dt.datetime]:
    ends: list[dt.datetime] = []
    for place, text in enumerate(texts, 1):
        if text:
            end = _time(text)
        elif ends and seconds is not None:
            end = ends[-1] + dt.timedelta(seconds=seconds)
        else:
            raise RowRefused("missing_time", f"set {place} has no time, and no interval tells it")
        if ends and end <= ends[-1]:
            raise RowRefused(
                "time_order", f"the time of set {place}, {end:%Y%m%d%H%M}, is not later than the one before"
            )
        ends.append(end)
    return ends


def _time(text: str) -> dt.datetime:
    # strptime alone would take fewer digits, and digits of other scripts.
    if _TIME.fullmatch(text) and 1971 <= int(text[:4]) <= 2200:
        try:
            return dt.datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=dt.UTC)
        except ValueError:
            pass
    raise RowRefused("invalid_time", f"{shown(text)} is not a time (YYYYMMDDhhmm) from 1971 to 2200")


def _value(text: str, quality: str, constant: Decimal, place: int) -> tuple[Decimal | None, int]:
    matched = _QUALITY.fullmatch(quality)
    if matched is None or matched[1] not in CONDITIONS:
        raise RowRefused("unknown_quality", f"set {place}: {shown(quality)} is not a quality flag (R, A, E or N)")
    condition = int(CONDITIONS[matched[1]])
    if condition == Condition.MISSING:
        return None, condition
    if not text:
        raise RowRefused("missing_value", f"set {place} has no value, but its flag is not N")
    try:
        return scaled(read_number(text), constant), condition
    except RowRefused as refused:
        raise RowRefused(refused.code, f"set {place}: {refused.message}") from None


def _intervals(
    component: str,
    units: str,
    ends: list[dt.datetime],
    found: list[tuple[Decimal | None, int]],
    seconds: int | None,
    number: int,
) -> IntervalReadings:
    if seconds is None:
        raise RowRefused("invalid_interval_length", "the record names no interval")
    values: list[Decimal | None] = []
    conditions: list[int] = []
    for end, (value, condition) in zip(ends, found, strict=True):
        steps, rest = divmod(int((end - ends[0]).total_seconds()), seconds)
        if rest:
            raise RowRefused("off_grid", f"{end:%Y%m%d%H%M} does not lie on the record's intervals of {seconds} s")
        if steps >= MAX_INTERVALS:
            raise RowRefused("interval_count", f"the record's times span more than {MAX_INTERVALS} intervals")
        left_out = steps - len(values)
        values += [None] * left_out + [value]
        conditions += [int(Condition.MISSING)] * left_out + [condition]
    return IntervalReadings(
        component=component,
        start=ends[0] - dt.timedelta(seconds=seconds),
        seconds_per_interval=seconds,
        uom=units,
        values=values,
        conditions=conditions,
        line=number,
    )


def _registers(
    component: str, units: str, times: list[dt.datetime], found: list[tuple[Decimal | None, int]], number: int
) -> RegisterReading:
    reads = [
        EarlierRead(read_at=at, reading=value, condition=condition)
        for at, (value, condition) in zip(times, found, strict=True)
        if value is not None
    ]
    if not reads:
        raise RowRefused("missing_value", "the record has no read")
    last = reads[-1]
    return RegisterReading(
        component=component,
        read_at=last.read_at,
        uom=units,
        reading=last.reading,
        condition=last.condition,
        line=number,
        earlier=tuple(reads[:-1]),
    )


def _read_time_of_use(fields: list[str], number: int) -> Items:
    if len(fields) < 16:
        raise RowRefused("missing_fields", f"a MEPMD02 record has 16 fields and its data, this one {len(fields)}")
    meter, units = _meter_and_units(fields)
    if not units.endswith(_REG):
        raise RowRefused("not_a_register", f"{units} is no register: only reads can be taken from a MEPMD02 record")
    constant, read_at, sets = _constant(fields[12]), _time(fields[14]), _sets(fields, 15)
    uom = units.removesuffix(_REG)
    for place, (label, quality, text) in enumerate(sets, 1):
        try:
            value, condition = _labelled_read(label, quality, text, constant, place)
        except RowRefused as refused:
            yield RowError(line=number, code=refused.code, message=refused.message)
            continue
        register = "REG" if label.upper() == "TOTAL" else f"REG:{label.upper()}"
        yield RegisterReading(
            component=f"{meter}-{uom}:{register}",
            read_at=read_at,
            uom=uom,
            reading=value,
            condition=condition,
            line=number,
        )


def _labelled_read(label: str, quality: str, text: str, constant: Decimal, place: int) -> tuple[Decimal, int]:
    if not _LABEL.fullmatch(label):
        raise RowRefused("invalid_label", f"set {place}: {shown(label)} is not a time-of-use label")
    value, condition = _value(text, quality, constant, place)
    if value is None:
        raise RowRefused("missing_value", f"set {place} has no read")
    return value, condition
