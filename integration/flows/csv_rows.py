"""
Rows of a CSV file, in constant memory and with their place: byte, line, column (`integration.md` 3.6). Plain Python.

This is the exact reading, row by row; `csv_blocks` reads many at once where it comes to the same.

RFC 4180 with a header row: UTF-8 with or without a byte order mark, lines that end with LF or CRLF, columns by name in
any order. What makes the whole file unreadable raises `FileUnreadable`; what is wrong with one row is told by the row.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from foundation.kept_texts import kept


BOM = b"\xef\xbb\xbf"
# A record longer than this is an open quotation mark, or no text at all.
MAX_RECORD_BYTES = 1024 * 1024
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"


class FileUnreadable(ValueError):
    """The file as a whole is refused: `line` and `column` say where, as far as that is known."""

    def __init__(self, message: str, *, code: str, line: int = 0, column: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of a file: the required ones must be in the header, others that are not named are passed over."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One record as bytes, without its line end; blank lines are none."""

    offset: int
    line: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column name; `problem` (column, reason) when it cannot be read."""

    line: int
    values: dict[str, str]
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one row."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where each column stands, how many there are, and where the first row starts."""

    names: tuple[str, ...]
    places: dict[str, int]
    body_offset: int
    body_line: int


def records(stream: IO[bytes], *, offset: int, line: int) -> Iterator[Record]:
    """
    Give the records from a byte on, a quoted line break inside one included.

    :raises FileUnreadable: for a NUL, a lone CR, or an open quotation mark.
    """
    stream.seek(offset)
    at, first_line = offset, line
    position, current = offset, line
    pieces: list[bytes] = []
    length = quotes = 0
    while piece := stream.readline(MAX_RECORD_BYTES + 1):
        if b"\x00" in piece:
            raise FileUnreadable(f"Line {current} holds a NUL byte.", code="nul", line=current)
        position += len(piece)
        length += len(piece)
        if length > MAX_RECORD_BYTES:
            raise FileUnreadable(
                f"The row that starts at line {first_line} is longer than {MAX_RECORD_BYTES} bytes; "
                "a quotation mark may be open.",
                code="row_too_long",
                line=first_line,
            )
        current += 1
        quotes += piece.count(b'"')
        pieces.append(piece)
        if quotes % 2:
            continue
        raw = _without_line_end(b"".join(pieces) if len(pieces) > 1 else piece)
        if not quotes and b"\r" in raw:
            raise FileUnreadable(
                f"Line {first_line} holds a lone carriage return; lines end with LF or CRLF.",
                code="line_end",
                line=first_line,
            )
        if raw:
            yield Record(at, first_line, raw)
        at, first_line, pieces = position, current, []
        length = quotes = 0
    if pieces:
        raise FileUnreadable(
            f"A quotation mark in the row that starts at line {first_line} is never closed.",
            code="open_quote",
            line=first_line,
        )


def _without_line_end(record: bytes) -> bytes:
    if record.endswith(b"\n"):
        record = record[:-1]
    return record.removesuffix(b"\r")


def read_header(stream: IO[bytes], layout: Layout) -> Header:
    """
    Read the header row.

    :raises FileUnreadable: when there is none, a column is missing or stands twice, or it is no UTF-8 text.
    """
    stream.seek(0)
    start = stream.read(4)
    if not start:
        raise FileUnreadable("The file is empty.", code="empty")
    if start.startswith(_UTF16):
        raise FileUnreadable("The file is UTF-16; UTF-8 is expected.", code="encoding", line=1)
    if start.startswith((_ZIP, _GZIP)):
        raise FileUnreadable("The file is an archive or a spreadsheet, not CSV.", code="not_csv", line=1)
    first = next(records(stream, offset=len(BOM) if start.startswith(BOM) else 0, line=1), None)
    if first is None:
        raise FileUnreadable("The file holds no header row.", code="header", line=1)
    try:
        names = tuple(name.strip() for name in cells(first))
    except csv.Error as error:
        raise FileUnreadable(f"The header cannot be read: {error}.", code="header", line=first.line) from None
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise FileUnreadable(f"The column {twice[0]} stands twice.", code="header", line=first.line, column=twice[0])
    missing = [name for name in layout.required if name not in names]
    if missing:
        hint = kept(" The columns are separated by commas.") if len(names) == 1 else ""
        listed = ", ".join(missing)
        raise FileUnreadable(
            f"The header lacks the columns {listed}.{hint}"
            if len(missing) > 1
            else f"The header lacks the column {listed}.{hint}",
            code="header",
            line=first.line,
            column=missing[0],
        )
    ended = stream.tell()
    known = (*layout.required, *layout.optional)
    return Header(
        names=names,
        places={name: names.index(name) for name in known if name in names},
        body_offset=ended,
        body_line=first.line + first.raw.count(b"\n") + 1,
    )


def with_all_columns(header: Header) -> Header:
    """Give a header by which rows bring every column that has a name, known or not: overlays may ask for them."""
    return dataclasses.replace(header, places={name: place for place, name in enumerate(header.names) if name})


def cells(record: Record) -> list[str]:
    """
    Give the cells of a record.

    :raises FileUnreadable: when it is no UTF-8.
    :raises csv.Error: when its quotation marks stand where RFC 4180 has none.
    """
    try:
        text = record.raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FileUnreadable(f"Line {record.line} is not UTF-8.", code="encoding", line=record.line) from None
    if '"' not in text:
        return text.split(",")
    return next(csv.reader([text], strict=True))


def uneven(line: int, found: Sequence[str], header: Header) -> Row:
    """Give the row whose cells are not as many as the header's."""
    return Row(line, {}, ("", f"the row has {len(found)} cells, the header {len(header.names)}"))


def read_row(record: Record, header: Header) -> Row:
    """
    Give a record by column name, cells stripped.

    :raises FileUnreadable: when it is no UTF-8.
    """
    try:
        found = cells(record)
    except csv.Error as error:
        return Row(record.line, {}, ("", f"the quotation marks do not fit: {error}"))
    if len(found) != len(header.names):
        return uneven(record.line, found, header)
    return Row(record.line, {name: found[place].strip() for name, place in header.places.items()})


def as_errors(faults: Sequence[RowFault]) -> list[dict[str, Any]]:
    """Give row faults as entries of a problem document."""
    return [
        {
            "pointer": f"/file/{fault.line}" + (f"/{fault.column}" if fault.column else ""),
            "code": "invalid_row",
            "message": f"line {fault.line}: {fault.message}",
            "line": fault.line,
            "column": fault.column,
        }
        for fault in faults
    ]
