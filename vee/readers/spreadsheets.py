"""Sheets of an xlsx workbook, row by row in constant memory, with limits against bombs."""

from __future__ import annotations

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from vee.readers.archives import MAX_RATIO, MAX_UNPACKED, RATIO_FREE
from vee.readers.base import FileUnreadable
from vee.readers.column_layout import ColumnLayout
from vee.readers.tables import Cell, Row
from vee.readers.xml_events import NotWellFormed, refuse_document_type


MAX_COLUMNS = 4_000
# Texts that cells share, and styles, are held in memory while a workbook is open.
MAX_HELD = 64 * 1024**2
_ZIP = b"PK\x03\x04"
_CONTENT_TYPES = "[Content_Types].xml"
_SHEETS = "xl/worksheets/"
# What the library lets through when the parts of a workbook are not what they should be.
_DAMAGES = (
    ArithmeticError,
    AttributeError,
    EOFError,
    InvalidFileException,
    LookupError,
    NotImplementedError,
    OSError,
    ParseError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def is_workbook(stream: IO[bytes]) -> bool:
    """Tell whether a file is an office document; the place in it stays."""
    begin = stream.tell()
    head = stream.read(4)
    stream.seek(begin)
    if head != _ZIP:
        return False
    try:
        with zipfile.ZipFile(stream) as archive:
            return _CONTENT_TYPES in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        return False
    finally:
        stream.seek(begin)


def read_sheet(stream: IO[bytes], layout: ColumnLayout) -> Iterator[Row]:
    """
    Give the rows of the layout's sheet that are not empty, what it skips left out; numbered as in the sheet.

    :raises FileUnreadable: when it is no workbook, has no such sheet, or unpacks to more than it should.
    """
    _refuse(stream)
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except _DAMAGES as error:
        raise _damaged(error) from None
    try:
        yield from _rows(_sheet(book, layout.sheet), layout)
    finally:
        book.close()


def _damaged(error: Exception) -> FileUnreadable:
    return FileUnreadable(
        "damaged_spreadsheet", f"The spreadsheet cannot be read: {type(error).__name__}: {error}"[:300]
    )


def _refuse(stream: IO[bytes]) -> None:
    begin = stream.tell()
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
            unpacked, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
            if unpacked > MAX_UNPACKED or (unpacked > RATIO_FREE and unpacked > MAX_RATIO * max(packed, 1)):
                raise FileUnreadable("archive_too_large", "The spreadsheet unpacks to too many bytes.")
            held = sum(info.file_size for info in infos if not info.filename.startswith(_SHEETS))
            if held > MAX_HELD:
                raise FileUnreadable("archive_too_large", f"The spreadsheet's texts are more than {MAX_HELD} bytes.")
            for info in infos:
                if info.filename.endswith((".xml", ".rels")):
                    with archive.open(info) as part:
                        refuse_document_type(part)
    except NotWellFormed as error:
        raise _damaged(error) from None
    except (*_DAMAGES,) as error:
        raise _damaged(error) from None
    finally:
        stream.seek(begin)


def _sheet(book: Any, name: str) -> Any:
    if not name and book.worksheets:
        return book.worksheets[0]
    if name not in book.sheetnames or book[name] not in book.worksheets:
        raise FileUnreadable("no_sheet", f"The workbook has no sheet {name!a}.")
    return book[name]


def _rows(sheet: Any, layout: ColumnLayout) -> Iterator[Row]:
    # What the sheet claims of its size may be a lie, and is needed for nothing.
    sheet.reset_dimensions()
    rows = enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), 1)
    while True:
        try:
            number, values = next(rows, (0, ()))
        except _DAMAGES as error:
            raise _damaged(error) from None
        if not number:
            return
        if number <= layout.skip_rows:
            continue
        cells = [_cell(value) for value in values]
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            yield Row(number, cells, open_end=True)


def _cell(value: object) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        # A spreadsheet keeps fifteen digits; what a float holds beyond them was never typed.
        number = Decimal(format(value, ".15g"))
        return number if number.is_finite() else str(value)
    if isinstance(value, dt.datetime | dt.time):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001  (naive: the layout says which clock)
    return str(value).strip()
