"""
A CSV file in pieces: chunks in which every line is a record, and single records where that is not so. Plain Python.

Almost all of a file is chunks, so that its rows need not be gone through one by one to count, to divide or to read
them. What a record is, and what makes a file unreadable, is decided by `csv_rows`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from integration.flows import csv_rows
from integration.flows.csv_rows import Header, Record


CHUNK_BYTES = 32 * 1024
# Printable ASCII without space, quotation mark and comma: a cell of these is what it says.
_CALM = bytes(range(0x21, 0x7F)).translate(None, b'",')


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Some whole lines of a file, each of which is a record that is not blank: there are `rows` of them.

    :ivar calm: each line has as many cells as the header and one ending, and its cells hold nothing but printable ASCII
        without spaces and quotation marks.
    """

    offset: int
    line: int
    raw: bytes
    rows: int
    calm: bool = False

    @property
    def ending(self) -> bytes:
        """How its last line ends."""
        return b"\r\n" if self.raw.endswith(b"\r\n") else b"\n"

    def first(self, rows: int) -> Chunk:
        """Give a chunk of the first of its rows."""
        return Chunk(self.offset, self.line, self.raw[: _end_of(self, 0, rows)], rows, self.calm)


def pieces(stream: IO[bytes], *, header: Header, offset: int, line: int, size: int) -> Iterator[Chunk | Record]:
    """
    Give what stands from a byte on, at most `size` bytes in a chunk; the stream may be moved meanwhile.

    :raises FileUnreadable: as `csv_rows.records` does, after what stands before.
    """
    while True:
        stream.seek(offset)
        raw = stream.read(size)
        if not raw:
            return
        raw = raw[: raw.rfind(b"\n") + 1]
        chunk = _chunk(raw, header=header, offset=offset, line=line)
        if chunk is not None:
            offset += len(raw)
            line += chunk.rows
            yield chunk
            continue
        end = offset + max(len(raw), 1)
        for record in csv_rows.records(stream, offset=offset, line=line):
            if record.offset >= end:
                offset, line = record.offset, record.line
                break
            yield record
        else:
            return


def segments(stream: IO[bytes], *, header: Header, size: int) -> Iterator[tuple[int, int, int]]:
    """
    Give `(offset, first line, rows)` of every segment of at most `size` rows, in order and in constant memory.

    :raises FileUnreadable: when the file is no CSV somewhere.
    """
    first = (0, 0)
    rows = 0
    for piece in pieces(stream, header=header, offset=header.body_offset, line=header.body_line, size=CHUNK_BYTES):
        count = piece.rows if isinstance(piece, Chunk) else 1
        taken = start = 0
        while taken < count:
            if rows == 0:
                first = piece.offset + start, piece.line + taken
            more = min(size - rows, count - taken)
            rows += more
            taken += more
            if isinstance(piece, Chunk) and taken < count:
                start = _end_of(piece, start, more)
            if rows == size:
                yield *first, rows
                rows = 0
    if rows:
        yield *first, rows


def _chunk(raw: bytes, *, header: Header, offset: int, line: int) -> Chunk | None:
    # None when not every line is a record. Of calm lines nothing is left but their commas and ends: one look at them.
    shape = raw.translate(None, _CALM)
    rows = shape.count(b"\n")
    chunk = Chunk(offset, line, raw, rows, calm=True)
    width = len(header.names)
    if width > 1 and rows and shape == (b"," * (width - 1) + chunk.ending) * rows:
        return chunk
    return Chunk(offset, line, raw, rows) if _is_plain(raw) else None


def _is_plain(raw: bytes) -> bool:
    if not raw or b"\x00" in raw:
        return False
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n")
        if b"\r" in raw:
            return False
    if raw.startswith(b"\n") or b"\n\n" in raw:
        return False
    return b'"' not in raw or not any(each.count(b'"') % 2 for each in raw.split(b"\n"))


def _end_of(chunk: Chunk, start: int, rows: int) -> int:
    # Where the line ends that is so many on from `start`: near where it would be if all were of one length.
    raw = chunk.raw
    at = min(start + len(raw) * rows // chunk.rows, len(raw))
    found = raw.count(b"\n", start, at)
    while found < rows:
        at = raw.index(b"\n", at) + 1
        found += 1
    while found > rows:
        at = raw.rindex(b"\n", start, at)
        found -= 1
    return raw.rindex(b"\n", start, at) + 1
