"""
Tieline's own CSV: `measuring_component,start,seconds_per_interval,uom,value[,condition]`, one row per interval.

Columns are found by name. `start` has an offset. Consecutive rows of one component and local day that follow each
other without a gap are one item; a gap begins a new one, it is not filled. Every line after the header that is not
empty is a row read: no field may span lines, so that a quote that is not closed costs its own line only.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO

from vee.codes import Condition
from vee.readers.base import (
    FileUnreadable,
    IntervalReadings,
    Items,
    RowError,
    RowRefused,
    ZoneLookup,
)
from vee.readers.lines import Line, read_lines
from vee.readers.numbers import read_number, shown


SECONDS_PER_DAY = 86_400
REQUIRED = ("measuring_component", "start", "seconds_per_interval", "uom", "value")
OPTIONAL = ("condition",)
MAX_TEXT = 60
_SECONDS = re.compile(r"[0-9]{1,5}")
_CONDITION = re.compile(r"[1-6][0-9]{5}")
_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.0+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?")


@dataclass(slots=True)
class _Row:
    component: str
    start: dt.datetime
    day: dt.date
    seconds: int
    uom: str
    value: Decimal | None
    condition: int


@dataclass(slots=True)
class _Group:
    """Rows that become one item."""

    line: int
    head: _Row
    end: dt.datetime
    values: list[Decimal | None] = field(default_factory=list)
    conditions: list[int] = field(default_factory=list)

    def add(self, row: _Row) -> None:
        self.values.append(row.value)
        self.conditions.append(row.condition)
        self.end = row.start + dt.timedelta(seconds=row.seconds)

    def takes(self, row: _Row) -> bool:
        head = self.head
        return (
            row.start == self.end
            and row.component == head.component
            and row.seconds == head.seconds
            and row.uom == head.uom
            and row.day == head.day
        )

    def item(self) -> IntervalReadings:
        return IntervalReadings(
            component=self.head.component,
            start=self.head.start,
            seconds_per_interval=self.head.seconds,
            uom=self.head.uom,
            values=self.values,
            conditions=self.conditions,
            line=self.line,
            rows=len(self.values),
        )


def read(stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None) -> Items:
    """
    Give the readings and refused rows of one text; `first` is the number of its first line.

    `zone_of` gives the zone in which a component's local days are counted; without it, or when it knows no zone,
    the day is that of the row's own offset.

    :raises FileUnreadable: when the header is missing, doubled or has columns of other names; when there is no row.
    """
    lines = read_lines(stream, first=first)
    columns: list[str] | None = None
    group: _Group | None = None
    given = False
    for line in lines:
        if line.fault is None and not line.text.strip():
            continue
        if columns is None:
            columns = _read_header(line)
            continue
        given = True
        try:
            row = _read_row(line, columns, zone_of)
        except RowRefused as refused:
            if group is not None:
                yield group.item()
                group = None
            yield RowError(line=line.number, code=refused.code, message=refused.message)
            continue
        # Lines of an item are consecutive, so that a file can be taken up again at any row.
        if group is not None and not (group.takes(row) and line.number == group.line + len(group.values)):
            yield group.item()
            group = None
        if group is None:
            group = _Group(line=line.number, head=row, end=row.start)
        group.add(row)
    if columns is None:
        raise FileUnreadable("empty_file", "The file is empty.")
    if not given:
        raise FileUnreadable("no_data", "The file has a header and no rows.")
    if group is not None:
        yield group.item()


def _read_header(line: Line) -> list[str]:
    expected = ",".join(REQUIRED) + "[,condition]"
    if line.fault is not None:
        raise FileUnreadable(line.fault[0], f"The first line cannot be read: {line.fault[1]}.")
    try:
        columns = [name.strip() for name in _split(line.text)]
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


def _split(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        code = "unterminated_quote" if "unexpected end" in str(error) else "malformed_row"
        raise RowRefused(code, f"the row is not CSV: {error}") from None


def _read_row(line: Line, columns: list[str], zone_of: ZoneLookup | None) -> _Row:
    if line.fault is not None:
        raise RowRefused(*line.fault)
    cells = [cell.strip() for cell in _split(line.text)]
    if len(cells) != len(columns):
        raise RowRefused("ragged_row", f"the row has {len(cells)} fields, the header {len(columns)}")
    named = dict(zip(columns, cells, strict=True))
    component = named["measuring_component"]
    _check_text(component, "measuring_component", "invalid_component", MAX_TEXT)
    _check_text(named["uom"], "uom", "invalid_uom", 20)
    seconds = _read_seconds(named["seconds_per_interval"])
    start = _read_start(named["start"])
    value = read_number(named["value"]) if named["value"] else None
    zone = zone_of(component) if zone_of is not None else None
    return _Row(
        component=component,
        start=start.astimezone(dt.UTC),
        day=(start.astimezone(zone) if zone is not None else start).date(),
        seconds=seconds,
        uom=named["uom"],
        value=value,
        condition=_read_condition(named.get("condition", ""), value),
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
