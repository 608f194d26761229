"""
CSV and spreadsheets of a site's own, read by a column profile (`csv:<profile>`).

A row is one reading, or one day of intervals side by side. Times without an offset are read by the clock that the
profile names, else by that of the component's service point and device; a time that the clock skips, or shows twice
without telling which, is refused and never guessed. Rows of intervals join as in Tieline's own CSV.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from vee.readers.base import FileUnreadable, Items, RowError, ZoneLookup
from vee.readers.column_day import DayReader
from vee.readers.column_layout import Arrangement, ColumnLayout
from vee.readers.column_reading import ReadingReader
from vee.readers.column_times import clock_of_layout
from vee.readers.spreadsheets import is_workbook, read_sheet
from vee.readers.tables import Columns, Row, read_text, refuse_old_spreadsheet


def read(
    stream: IO[bytes],
    *,
    layout: ColumnLayout,
    first: int = 1,
    zone_of: ZoneLookup | None = None,
    clock_of: ZoneLookup | None = None,
) -> Items:
    """
    Give the readings and refused rows of one delimited text; `first` is the number of its first line.

    `zone_of` gives the zone in which a component's local days are counted, `clock_of` the clock of its naive times.

    :raises FileUnreadable: when the header lacks a column of the layout, or there is no row.
    """
    return _read(read_text(stream, layout, first=first), layout, zone_of, clock_of)


def read_workbook(
    stream: IO[bytes],
    *,
    layout: ColumnLayout,
    zone_of: ZoneLookup | None = None,
    clock_of: ZoneLookup | None = None,
) -> Items | None:
    """
    Give the readings and refused rows of a workbook; None when the file is none.

    :raises FileUnreadable: as `read`, for a workbook that is damaged or too large, and for an old one.
    """
    begin = stream.tell()
    head = stream.read(4)
    stream.seek(begin)
    refuse_old_spreadsheet(head)
    if not is_workbook(stream):
        return None
    return _read(read_sheet(stream, layout), layout, zone_of, clock_of)


def _read(rows: Iterator[Row], layout: ColumnLayout, zone_of: ZoneLookup | None, clock_of: ZoneLookup | None) -> Items:
    columns = Columns(layout, None) if not layout.has_header else None
    clocks = clock_of_layout(layout, zone_of, clock_of)
    reader: DayReader | ReadingReader | None = None
    given = False
    for row in rows:
        if columns is None:
            columns = _read_header(row, layout)
            continue
        if reader is None:
            kind = DayReader if layout.arrangement == Arrangement.ROW_PER_DAY else ReadingReader
            reader = kind(layout, columns, clocks, zone_of)
        given = True
        if row.fault is not None:
            yield from reader.close()
            yield RowError(line=row.number, code=row.fault[0], message=row.fault[1])
            continue
        yield from reader.take(row)
    if columns is None:
        raise FileUnreadable("empty_file", "The file is empty, or ends before its header.")
    if reader is not None:
        yield from reader.close()
    if not given:
        raise FileUnreadable("no_data", "The file has no rows.")


def _read_header(row: Row, layout: ColumnLayout) -> Columns:
    if row.fault is not None:
        raise FileUnreadable(row.fault[0], f"The header cannot be read: {row.fault[1]}.")
    return Columns(layout, row.cells)
