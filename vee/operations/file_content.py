"""The bytes of an uploaded file: measured while they stream by, and its name made a harmless label."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from vee import readers


_PIECE = 262_144
_LONGEST_LABEL = 255


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """A file of known size and digest that can be read again from its beginning."""

    size: int
    sha256: str
    stream: IO[bytes]
    begin: int

    @contextmanager
    def rewound(self) -> Iterator[IO[bytes]]:
        """Give the content from its beginning."""
        self.stream.seek(self.begin)
        yield self.stream


def measure(stream: IO[bytes], *, limit: int) -> Measured | None:
    """
    Read a file once to its end, in constant memory, and give its size and SHA-256; None when it is over the limit.

    A stream that cannot seek is copied to disk on the way.
    """
    digest = hashlib.sha256()
    size = 0
    seekable = stream.seekable()
    kept: IO[bytes] = stream if seekable else tempfile.TemporaryFile()  # noqa: SIM115  (closed with its last reference)
    begin = stream.tell() if seekable else 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > limit:
            return None
        digest.update(piece)
        if not seekable:
            kept.write(piece)
    return Measured(size=size, sha256=digest.hexdigest(), stream=kept, begin=begin)


def label(name: str) -> str:
    """Give a sender's file name as a label: no path, no control characters, at most 255 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(character if character.isprintable() else "�" for character in last).strip()
    return clean[:_LONGEST_LABEL] or "unnamed"


def without_first_rows(item: readers.Item, rows: int) -> readers.Item:
    """
    Give an item without its first rows, which were stored before a load was interrupted.

    That happens only to items of several rows, whose values are one per row; `rows` is less than the item's.
    """
    if isinstance(item, readers.IntervalReadings):
        return dataclasses.replace(
            item,
            start=item.start + dt.timedelta(seconds=item.seconds_per_interval * rows),
            values=item.values[rows:],
            conditions=item.conditions[rows:],
            line=item.line + rows,
            rows=item.rows - rows,
        )
    return dataclasses.replace(item, line=item.line + rows, rows=item.rows - rows)
