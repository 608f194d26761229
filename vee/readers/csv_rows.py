"""
Tieline's own CSV: `measuring_component,start,seconds_per_interval,uom,value[,condition]`, one row per interval.

Columns are found by name. `start` has an offset. Consecutive rows of one component and local day that follow each
other without a gap are one item; a gap begins a new one, it is not filled. Every line after the header that is not
empty is a row read: no field may span lines, so that a quote that is not closed costs its own line only.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import IO

from vee.codes import Condition
from vee.readers.base import (
    FileUnreadable,
    Items,
    RowError,
    RowRefused,
    ZoneLookup,
)
from vee.readers.delimited import split_row
from vee.readers.lines import Line, read_lines
from vee.readers.numbers import read_number, shown
from vee.readers.runs import Interval, Runs, local_day


SECONDS_PER_DAY = 86_400
REQUIRED = ("measuring_component", "start", "seconds_per_interval", "uom", "value")
OPTIONAL = ("condition",)
MAX_TEXT = 60
_SECONDS = re.compile(r"[0-9]{1,5}")
_CONDITION = re.compile(r"[1-6][0-9]{5}")
_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.0+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?")


def read(stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None) -> Items:
    """
    Give the readings and refused rows of one text; `first` is the number of its first line.

    `zone_of` gives the zone in which a component's local days are counted; without it, or when it knows no zone,
    the day is that of the row's own offset.

    :raises FileUnreadable: when the header is missing, doubled or has columns of other names; when there is no row.
    """
    lines = read_lines(stream, first=first)
    columns: list[str] | None = None
    runs = Runs()
    given = False
    for line in lines:
        if line.fault is None and not line.text.strip():
            continue
        if columns is None:
            columns = _read_header(line)
            continue
        given = True
        try:
            done = runs.add(_read_row(line, columns, zone_of))
        except RowRefused as refused:
            done = runs.close()
            if done is not None:
                yield done
            yield RowError(line=line.number, code=refused.code, message=refused.message)
            continue
        if done is not None:
            yield done
    if columns is None:
        raise FileUnreadable("empty_file", "The file is empty.")
    if not given:
        raise FileUnreadable("no_data", "The file has a header and no rows.")
    last = runs.close()
    if last is not None:
        yield last


def _read_header(line: Line) -> list[str]:
    expected = ",".join(REQUIRED) + "[,condition]"
    if line.fault is not None:
        raise FileUnreadable(line.fault[0], f"The first line cannot be read: {line.fault[1]}.")
    try:
        columns = [name.strip() for name in split_row(line.text)]
    except RowRefused as refused:
        raise FileUnreadable(refused.code, f"The header cannot be read: {refused.message}.") from None
    doubled = next((name for name in columns if columns.count(name) > 1), None)
    if doubled is not None:
        raise FileUnreadable("duplicate_header", f"The header names {shown(doubled)} twice.")
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise FileUnreadable("missing_header", f"The header lacks {', '.join(missing)}; expected is {expected}.")
    unknown = next((name for name in columns if name not in REQUIRED and name not in OPTIONAL), None)
    if unknown is not None:
        raise FileUnreadable("unknown_column", f"The column {shown(unknown)} is not known; expected is {expected}.")
    return columns


def _read_row(line: Line, columns: list[str], zone_of: ZoneLookup | None) -> Interval:
    if line.fault is not None:
        raise RowRefused(*line.fault)
    cells = [cell.strip() for cell in split_row(line.text)]
    if len(cells) != len(columns):
        raise RowRefused("ragged_row", f"the row has {len(cells)} fields, the header {len(columns)}")
    named = dict(zip(columns, cells, strict=True))
    component = named["measuring_component"]
    _check_text(component, "measuring_component", "invalid_component", MAX_TEXT)
    _check_text(named["uom"], "uom", "invalid_uom", 20)
    seconds = _read_seconds(named["seconds_per_interval"])
    start = _read_start(named["start"])
    value = read_number(named["value"]) if named["value"] else None
    return Interval(
        component=component,
        start=start.astimezone(dt.UTC),
        day=local_day(start, component, zone_of),
        seconds=seconds,
        uom=named["uom"],
        value=value,
        condition=_read_condition(named.get("condition", ""), value),
        line=line.number,
    )


def _check_text(text: str, column: str, code: str, longest: int) -> None:
    if not text or len(text) > longest or not text.isprintable():
        raise RowRefused(code, f"{column}: 1 to {longest} printable characters are expected, not {shown(text)}")


def _read_seconds(text: str) -> int:
    seconds = int(text) if _SECONDS.fullmatch(text) else 0
    if not 1 <= seconds <= SECONDS_PER_DAY or SECONDS_PER_DAY % seconds:
        raise RowRefused("invalid_interval_length", f"{shown(text)} seconds is not an interval that divides a day")
    return seconds


def _read_start(text: str) -> dt.datetime:
    matched = _START.fullmatch(text)
    if matched is None:
        raise RowRefused("invalid_time", f"start: {shown(text)} is not an ISO 8601 date-time")
    if matched[3] is None:
        raise RowRefused("no_offset", f"start: {shown(text)} has no offset; write Z or +hh:mm")
    try:
        start = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RowRefused("invalid_time", f"start: {shown(text)} does not exist") from None
    if not 1971 <= start.year <= 2200:
        raise RowRefused("invalid_time", f"start: {shown(text)} is not from 1971 to 2200")
    return start


def _read_condition(text: str, value: Decimal | None) -> int:
    if not text:
        return int(Condition.MISSING if value is None else Condition.REGULAR)
    if not _CONDITION.fullmatch(text):
        raise RowRefused("invalid_condition", f"condition: {shown(text)} is not a code from 100000 to 699999")
    return int(text)
