"""
NEM13, the accumulation meter data file of the Australian market.

    100  header                    550  details of a business-to-business order; carries no energy
    250  two reads of a register   900  end

A 250 row tells of a register's previous and current read, each with time (UTC+10 all year) and quality. Its component
is that of NEM12's register reads, `NMI-suffix:REG`. The row is one row and two readings: it is accepted or refused as
a whole. The quantity that it states is not taken: consumption follows from the reads, and a rule may compare them.
A file that ends without its 900 row may have been cut: the rows are kept and `missing_trailer` says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import IO

from vee.readers import nem12_quality
from vee.readers.base import (
    EarlierRead,
    FileUnreadable,
    Items,
    RegisterReading,
    RowError,
    RowRefused,
    ZoneLookup,
    refuse,
)
from vee.readers.lines import Line, read_lines
from vee.readers.nem12_rows import component_name, read_instant
from vee.readers.numbers import read_number, shown


# Up to the quality of the current read, and the unit.
_NEEDED_FIELDS = 20
_ALL_FIELDS = 23


def read(stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None) -> Items:
    """
    Give the readings and refused rows of one NEM13 text; `first` is the number of its first line.

    :raises FileUnreadable: when there is no NEM13 header, or nothing between header and end.
    """
    return _Reader().read(read_lines(stream, first=first))


class _Reader:
    """What is known at a row: whether the file is open, and whether a 550 row has a 250 row to belong to."""

    def __init__(self) -> None:
        self._open = False
        self._after_read = False
        self._last = 1

    def read(self, lines: Iterator[Line]) -> Items:
        given = False
        header_seen = False
        for line in lines:
            self._last = line.number
            if line.fault is None and not line.text.strip():
                continue
            if not header_seen:
                _read_header(line)
                header_seen = self._open = True
                continue
            for item in self._row(line):
                given = True
                yield item
        if not header_seen:
            raise FileUnreadable("empty_file", "The file is empty.")
        if self._open:
            given = True
            message = "the file ends without its 900 row: it may have been cut"
            yield RowError(line=self._last, code="missing_trailer", message=message)
        if not given:
            raise FileUnreadable("no_data", "There is no reading between the header and the end of the file.")

    def _row(self, line: Line) -> Items:
        fields = [text.strip() for text in line.text.split(",")]
        try:
            # The 550 row of a row that cannot be read is no fault of its own.
            self._after_read = self._after_read or line.fault is not None
            refuse(line.fault)
            item = self._record(fields, line.number)
        except RowRefused as refused:
            yield RowError(line=line.number, code=refused.code, message=refused.message)
            return
        if item is not None:
            yield item

    def _record(self, fields: list[str], number: int) -> RegisterReading | RowError | None:
        kind = fields[0]
        if kind == "100":
            return self._header_again(fields, number)
        if not self._open:
            raise RowRefused("after_end", "the row stands after the 900 row")
        if kind == "250":
            self._after_read = True
            return _read_record(fields, number)
        if kind == "550":
            if not self._after_read:
                raise RowRefused("details_without_read", "the 550 row follows no 250 row")
            return None
        self._after_read = False
        if kind == "900":
            self._open = False
            return None
        raise RowRefused("unknown_record", f"{shown(kind)} is not a NEM13 record")

    def _header_again(self, fields: list[str], number: int) -> RowError | None:
        self._after_read = False
        if fields[1:2] != ["NEM13"]:
            raise RowRefused("other_format", f"the header names {shown(','.join(fields[1:2]))}, not NEM13")
        was_open, self._open = self._open, True
        if not was_open:
            return None
        message = "a new header begins before the 900 row of the file before it: that file may have been cut"
        return RowError(line=number, code="missing_trailer", message=message)


def _read_header(line: Line) -> None:
    if line.fault is not None:
        raise FileUnreadable(line.fault[0], f"The first line cannot be read: {line.fault[1]}.")
    fields = [text.strip() for text in line.text.split(",")]
    if fields[0] != "100":
        raise FileUnreadable("missing_header", "The file does not begin with a 100 header row.")
    if fields[1:2] != ["NEM13"]:
        raise FileUnreadable("other_format", f"The header names {shown(','.join(fields[1:2]))}, not NEM13.")


def _read_record(fields: list[str], number: int) -> RegisterReading:
    if len(fields) < _NEEDED_FIELDS:
        raise RowRefused("missing_fields", f"a 250 row has {_NEEDED_FIELDS} fields or more, this one {len(fields)}")
    extra = next((text for text in fields[_ALL_FIELDS:] if text), None)
    if extra is not None:
        raise RowRefused("too_many_fields", f"{shown(extra)} stands after the last field of the row")
    uom = fields[19]
    component = component_name(fields[1], fields[4], uom)
    previous_at, previous, previous_condition = _read_read(fields[8:12], "previous")
    current_at, current, current_condition = _read_read(fields[13:17], "current")
    if current_at <= previous_at:
        raise RowRefused("read_order", "the current read is not later than the previous one")
    return RegisterReading(
        component=f"{component}:REG",
        read_at=current_at,
        uom=uom.upper(),
        reading=current,
        condition=current_condition,
        line=number,
        earlier=(EarlierRead(read_at=previous_at, reading=previous, condition=previous_condition),),
    )


def _read_read(fields: list[str], which: str) -> tuple[dt.datetime, Decimal, int]:
    """Read the fields of one read: the read, its time, its quality and its reason."""
    try:
        letter = _read_letter(fields[2])
        reason = nem12_quality.read_reason(fields[3])
        return read_instant(fields[1]), read_number(fields[0]), nem12_quality.condition_of(letter, reason)
    except RowRefused as refused:
        raise RowRefused(refused.code, f"{which} read: {refused.message}") from None


def _read_letter(text: str) -> str:
    letter = nem12_quality.read_flag(text)
    if letter in (nem12_quality.VARIABLE, "N"):
        raise RowRefused("quality_not_allowed", f"{letter} is no quality of a register read")
    return letter
