"""How the columns of a site's own CSV or spreadsheet are meant: what a column profile says, and when it makes sense."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec


SECONDS_PER_DAY = 86_400
_POSITION = re.compile(r"#[1-9][0-9]{0,4}")
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

ColumnName = Annotated[str, msgspec.Meta(max_length=100)]
Format = Annotated[str, msgspec.Meta(max_length=60)]


class Arrangement(enum.StrEnum):
    """What a row stands for."""

    ROW_PER_READING = "ROW_PER_READING"
    ROW_PER_DAY = "ROW_PER_DAY"


class Content(enum.StrEnum):
    """What a row measures: quantities of intervals, or reads of a register."""

    INTERVAL = "INTERVAL"
    REGISTER = "REGISTER"


class Encoding(enum.StrEnum):
    """How the text is encoded; the values are Python's names."""

    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    LATIN_1 = "iso-8859-1"
    WINDOWS = "cp1252"


class TimeShift(enum.StrEnum):
    """By which clock times without an offset are read: the device's own setting, or one for the whole file."""

    DEVICE = "DEVICE"
    STANDARD = "STANDARD"
    LEGAL = "LEGAL"


class Label(enum.StrEnum):
    """Which end of its interval a time names."""

    START = "START"
    END = "END"


class DayColumns(enum.StrEnum):
    """What the n-th value of a day is when the clock changes: the n-th interval, or the one that begins at its time."""

    SEQUENCE = "SEQUENCE"
    CLOCK = "CLOCK"


class ColumnLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    One layout of columns.

    A column is named as in the header, or by its place from 1 as `#3`. Formats are those of `strptime`; an empty one
    is ISO 8601.
    """

    arrangement: Arrangement = Arrangement.ROW_PER_READING
    content: Content = Content.INTERVAL
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    encoding: Encoding = Encoding.UTF_8
    sheet: Annotated[str, msgspec.Meta(max_length=31)] = ""
    skip_rows: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    has_header: bool = True
    component_column: ColumnName = ""
    component_suffix: Annotated[str, msgspec.Meta(max_length=30)] = ""
    date_column: ColumnName = ""
    date_format: Format = ""
    time_column: ColumnName = ""
    time_format: Format = ""
    time_zone: Annotated[str, msgspec.Meta(max_length=60)] = ""
    time_shift: TimeShift = TimeShift.DEVICE
    label: Label = Label.START
    seconds_per_interval: Annotated[int, msgspec.Meta(ge=1, le=SECONDS_PER_DAY)] | None = None
    value_column: ColumnName = ""
    value_count: Annotated[int, msgspec.Meta(ge=1, le=2_000)] | None = None
    day_columns: DayColumns = DayColumns.SEQUENCE
    uom: Annotated[str, msgspec.Meta(max_length=20)] = ""
    uom_column: ColumnName = ""
    unit_factor: Annotated[Decimal, msgspec.Meta()] = Decimal(1)
    decimal_comma: bool = False
    no_value: list[Annotated[str, msgspec.Meta(max_length=40)]] = []
    quality_column: ColumnName = ""
    quality_conditions: dict[str, Annotated[int, msgspec.Meta(ge=100_000, le=699_999)]] = {}
    total_column: ColumnName = ""
    total_tolerance: Annotated[Decimal, msgspec.Meta()] = Decimal(0)

    @property
    def values_of_a_day(self) -> int:
        """How many columns of values a row per day has."""
        return self.value_count or SECONDS_PER_DAY // (self.seconds_per_interval or SECONDS_PER_DAY)


# The fields that name a column.
COLUMNS = (
    "component_column",
    "date_column",
    "time_column",
    "value_column",
    "uom_column",
    "quality_column",
    "total_column",
)


def position(name: str) -> int | None:
    """Give the place of a column that is named by its place, from 0; None for a name."""
    return int(name[1:]) - 1 if _POSITION.fullmatch(name) else None


def faults(layout: ColumnLayout) -> Iterator[tuple[str, str]]:
    """Give the fields of a layout that make no sense, each with what is wrong."""
    yield from _column_faults(layout)
    if layout.delimiter not in _DELIMITERS:
        yield "delimiter", f"The delimiter is one of {', '.join(_DELIMITERS.values())}."
    seconds = layout.seconds_per_interval
    if layout.content == Content.INTERVAL and seconds is None:
        yield "seconds_per_interval", "Intervals need their length in seconds."
    if seconds is not None and SECONDS_PER_DAY % seconds:
        yield "seconds_per_interval", "The interval does not divide a day."
    if layout.content == Content.REGISTER and seconds is not None:
        yield "seconds_per_interval", "Reads of a register have no interval."
    if layout.time_zone and not _is_zone(layout.time_zone):
        yield "time_zone", "This is not an IANA time zone; write for example Europe/London."
    if not layout.uom and not layout.uom_column:
        yield "uom", "Name the unit, or the column that names it."
    if not 0 < abs(layout.unit_factor) < Decimal(10) ** 9:
        yield "unit_factor", "The factor is not 0 and lies below a thousand million."
    if layout.total_tolerance < 0:
        yield "total_tolerance", "The tolerance is not negative."
    if layout.quality_column and not layout.quality_conditions:
        yield "quality_conditions", "Say which condition each text of the quality column means."


def _column_faults(layout: ColumnLayout) -> Iterator[tuple[str, str]]:
    for field in ("component_column", "date_column", "value_column"):
        if not getattr(layout, field):
            yield field, "This column is needed."
    if not layout.has_header:
        for field in COLUMNS:
            name = getattr(layout, field)
            if name and position(name) is None:
                yield field, "Without a header, columns are named by their place, for example #3."
    if layout.arrangement == Arrangement.ROW_PER_DAY:
        if layout.content == Content.REGISTER:
            yield "content", "Reads of a register come one in a row."
        if layout.time_column:
            yield "time_column", "A row for a whole day has no time."
    else:
        for field in ("total_column", "value_count"):
            if getattr(layout, field):
                yield field, "This is for rows that hold a whole day."


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
