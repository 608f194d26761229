"""Rows of cells, from delimited text or a spreadsheet alike, with the columns of a layout found in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

from vee.readers.base import FileUnreadable, RowRefused
from vee.readers.column_layout import COLUMNS, ColumnLayout, position
from vee.readers.delimited import split_row
from vee.readers.lines import read_lines
from vee.readers.numbers import read_number, shown


# A spreadsheet's cell may be a number, a day or a time; text has strings only.
Cell = str | Decimal | dt.datetime | dt.time
# What some programs write first to tell a spreadsheet the delimiter.
_SEPARATOR_HINT = re.compile(r"\W*sep=.?\W*", re.IGNORECASE)
_OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"


@dataclass(slots=True)
class Row:
    """
    A row with its number; `fault` says why it cannot be used.

    A row with an open end goes on with empty cells, as in a spreadsheet.
    """

    number: int
    cells: list[Cell]
    fault: tuple[str, str] | None = None
    open_end: bool = False


def read_text(stream: IO[bytes], layout: ColumnLayout, *, first: int) -> Iterator[Row]:
    """
    Give the rows of a delimited text that are not empty, what the layout skips left out.

    :raises FileUnreadable: for UTF-16 where another encoding is expected.
    """
    for line in read_lines(stream, first=first, encoding=layout.encoding.value):
        if line.number < first + layout.skip_rows:
            continue
        if line.fault is not None:
            yield Row(line.number, [], line.fault)
            continue
        if not line.text.strip() or _SEPARATOR_HINT.fullmatch(line.text):
            continue
        try:
            cells: list[Cell] = [cell.strip() for cell in split_row(line.text, layout.delimiter)]
        except RowRefused as refused:
            yield Row(line.number, [], (refused.code, refused.message))
            continue
        if any(cells):
            yield Row(line.number, cells)


def refuse_old_spreadsheet(head: bytes) -> None:
    """
    Look at the first bytes of a file.

    :raises FileUnreadable: for a spreadsheet in the format before xlsx.
    """
    if head.startswith(_OLD_SPREADSHEET):
        raise FileUnreadable("spreadsheet", "The file is an old spreadsheet (.xls); save it as .xlsx or CSV.")


class Columns:
    """Where the columns of a layout are."""

    def __init__(self, layout: ColumnLayout, header: list[Cell] | None) -> None:
        """
        Find the columns in a header, or by their places alone.

        :raises FileUnreadable: when the header lacks a column, or names one of them twice.
        """
        self.width = None if header is None else len(header)
        names = [] if header is None else [_folded(cell) for cell in header]
        self._places = {field: _place(getattr(layout, field), names) for field in COLUMNS if getattr(layout, field)}

    def __contains__(self, field: str) -> bool:
        return field in self._places

    def fit(self, row: Row) -> bool:
        """Tell whether a row has as many cells as the header; empty ones behind them do no harm."""
        return self.width is None or (len(row.cells) >= self.width and not any(row.cells[self.width :]))

    def cell(self, field: str, row: Row) -> Cell:
        """
        Give the cell of a column.

        :raises RowRefused: when the row ends before it.
        """
        return self.cells(field, row, 1)[0]

    def cells(self, field: str, row: Row, count: int) -> list[Cell]:
        """
        Give as many cells from a column on.

        :raises RowRefused: when the row ends before the last of them.
        """
        begin = self._places[field]
        if row.open_end:
            row.cells.extend([""] * (begin + count - len(row.cells)))
        if len(row.cells) < begin + count:
            raise RowRefused("ragged_row", f"the row has {len(row.cells)} fields; {begin + count} are needed")
        return row.cells[begin : begin + count]


def _place(name: str, names: list[str]) -> int:
    place = position(name)
    if place is not None:
        return place
    wanted = _folded(name)
    if names.count(wanted) > 1:
        raise FileUnreadable("duplicate_header", f"The header names {shown(name)} twice.")
    if wanted not in names:
        raise FileUnreadable("missing_header", f"The header has no column {shown(name)}.")
    return names.index(wanted)


def _folded(cell: Cell) -> str:
    return as_text(cell).casefold()


def as_text(cell: Cell) -> str:
    """Give a cell as text: numbers without exponent, days and times in ISO 8601."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return cell.isoformat()


def as_number(cell: Cell, layout: ColumnLayout) -> Decimal | None:
    """
    Give a cell as a number; None when it is empty or one of the texts that mean no value.

    :raises RowRefused: when it is neither.
    """
    if isinstance(cell, Decimal):
        return read_number(f"{cell:f}")
    text = as_text(cell)
    if not text or text in layout.no_value:
        return None
    if layout.decimal_comma:
        if "." in text:
            raise RowRefused("not_a_number", f"{shown(text)} is not a number with a decimal comma")
        text = text.replace(",", ".", 1)
    return read_number(text)
