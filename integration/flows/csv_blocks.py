"""
Rows of a CSV file many at once, by column. Plain Python.

Where each line is a record, the cells of a chunk are had by splitting it. What has a line break inside quotation marks,
a blank line, or anything that may be wrong is read row by row by `csv_rows`, which says what it is.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from integration.flows import csv_pieces, csv_rows
from integration.flows.csv_pieces import Chunk
from integration.flows.csv_rows import FileUnreadable, Header, Layout, Record, Row, RowFault


ERRORS_KEPT = 100
# Read for each row that is wanted, at first: more than most rows have.
_ROW_BYTES = 96
# Rows of a block that had to be read one by one.
_TOGETHER = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    Rows that stand one after the other.

    :ivar lines: the line of each row that can be read.
    :ivar columns: by name, the cell of each of these rows, stripped.
    :ivar misfits: the rows that cannot be read, each with its problem; they are in no column.
    :ivar calm: whether all cells are known to hold nothing but printable ASCII without spaces.
    """

    lines: Sequence[int]
    columns: Mapping[str, Sequence[str]]
    misfits: Sequence[Row] = ()
    calm: bool = False

    def __len__(self) -> int:
        return len(self.lines) + len(self.misfits)

    def row(self, place: int) -> Row:
        """Give one of the rows that can be read."""
        return Row(self.lines[place], {name: cells[place] for name, cells in self.columns.items()})

    def rows(self) -> list[Row]:
        """Give every row in the order of the file."""
        return sorted([*map(self.row, range(len(self.lines))), *self.misfits], key=lambda row: row.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one pass over a file found: every row is valid or refused, `faults` are the first of the refused."""

    rows: int
    refused: int
    faults: tuple[RowFault, ...]

    @property
    def valid(self) -> int:
        """Rows that can be sent."""
        return self.rows - self.refused


def scan(
    stream: IO[bytes],
    *,
    layout: Layout,
    refused: Callable[[Block], Sequence[Row]],
    record_count: int | None = None,
) -> Scan:
    """
    Read a file to its end, in constant memory, and judge every row.

    :param refused: gives the rows of a block that are not valid, each with its problem, in the order of the file.
    :raises FileUnreadable: when it is refused as a whole, also when it has not the rows that it should have.
    """
    header = csv_rows.read_header(stream, layout)
    rows = bad = 0
    faults: list[RowFault] = []
    for block in blocks(stream, header=header, offset=header.body_offset, line=header.body_line):
        rows += len(block)
        found = refused(block)
        bad += len(found)
        faults += [
            RowFault(row.line, *row.problem) for row in found[: ERRORS_KEPT - len(faults)] if row.problem is not None
        ]
    if record_count is not None and record_count != rows:
        raise FileUnreadable(f"The file has {rows} rows, recordCount says {record_count}.", code="record_count")
    if not rows:
        raise FileUnreadable("The file holds no row below its header.", code="empty")
    return Scan(rows=rows, refused=bad, faults=tuple(faults))


def block_of(stream: IO[bytes], *, header: Header, offset: int, line: int, count: int) -> Block:
    """
    Give the rows of one segment, at most `count`, from its byte on.

    :raises FileUnreadable: when the file is no CSV there.
    """
    found = list(blocks(stream, header=header, offset=offset, line=line, count=count))
    if len(found) == 1:
        return found[0]
    return Block(
        lines=[line for block in found for line in block.lines],
        columns={name: [cell for block in found for cell in block.columns[name]] for name in header.places},
        misfits=[row for block in found for row in block.misfits],
        calm=all(block.calm for block in found),
    )


def blocks(stream: IO[bytes], *, header: Header, offset: int, line: int, count: int | None = None) -> Iterator[Block]:
    """
    Give the rows from a byte on, `count` at most, in blocks of any size.

    :raises FileUnreadable: when the file is no CSV there.
    """
    left = sys.maxsize if count is None else count
    size = csv_pieces.CHUNK_BYTES if count is None else min(csv_pieces.CHUNK_BYTES, count * _ROW_BYTES)
    single: list[Row] = []
    for piece in csv_pieces.pieces(stream, header=header, offset=offset, line=line, size=size):
        if isinstance(piece, Record):
            single.append(csv_rows.read_row(piece, header))
            if len(single) < min(left, _TOGETHER):
                continue
        if single:
            yield _of_rows(single, header)
            left -= len(single)
            single = []
        if isinstance(piece, Chunk) and left:
            chunk = piece if piece.rows <= left else piece.first(left)
            yield _of_chunk(chunk, header)
            left -= chunk.rows
        if not left:
            return
    if single:
        yield _of_rows(single, header)


def _of_chunk(chunk: Chunk, header: Header) -> Block:
    width = len(header.names)
    if chunk.calm:
        cells = chunk.raw.decode("ascii").replace(chunk.ending.decode("ascii"), ",").split(",")
        del cells[-1]
        return Block(
            lines=range(chunk.line, chunk.line + chunk.rows),
            columns={name: cells[place::width] for name, place in header.places.items()},
            calm=True,
        )
    rows = _cells(chunk.raw.replace(b"\r\n", b"\n"))
    if rows is None:
        records = csv_rows.records(io.BytesIO(chunk.raw), offset=0, line=chunk.line)
        return _of_rows([csv_rows.read_row(record, header) for record in records], header)
    numbered = list(enumerate(rows, chunk.line))
    even = [(line, row) for line, row in numbered if len(row) == width]
    columns = list(zip(*(row for _, row in even), strict=True)) or [()] * width
    return Block(
        lines=[line for line, _ in even],
        columns={name: list(map(str.strip, columns[place])) for name, place in header.places.items()},
        misfits=[csv_rows.uneven(line, row, header) for line, row in numbered if len(row) != width],
    )


def _cells(raw: bytes) -> list[list[str]] | None:
    # None when the rows have to be read one by one.
    try:
        texts = raw.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        return None
    if b'"' not in raw:
        return [text.split(",") for text in texts]
    try:
        rows = list(csv.reader(texts, strict=True))
    except csv.Error:
        return None
    # Fewer: a cell went on in the next line.
    return rows if len(rows) == len(texts) else None


def _of_rows(rows: Sequence[Row], header: Header) -> Block:
    good = [row for row in rows if row.problem is None]
    return Block(
        lines=[row.line for row in good],
        columns={name: [row.values[name] for row in good] for name in header.places},
        misfits=[row for row in rows if row.problem is not None],
    )
