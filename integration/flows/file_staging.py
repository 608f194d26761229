"""
A file from outside on its way through: whole on disk, without a name, gone when it is closed.

So nothing half fetched is ever sent, memory stays small, and the name that a server gave never becomes a path here.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from integration.environment import VAR_DIR
from outbound.transports.store import FileChanged, shown


_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that arrived whole: its size is that of the listing."""

    content: IO[bytes]
    size: int
    sha256: str

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.content.close()

    def chunks(self, *, while_reading: Callable[[], object] = lambda: None) -> Iterator[bytes]:
        """Give the content from its start; `while_reading` is called before each piece."""
        self.content.seek(0)
        while chunk := self.content.read(_CHUNK):
            while_reading()
            yield chunk


def stage(chunks: Iterable[bytes], *, name: str, size: int) -> StagedFile:
    """
    Write what arrives to disk.

    :raises FileChanged: when it is more or less than was listed.
    """
    place = VAR_DIR / "staging"
    place.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    arrived = 0
    content = tempfile.TemporaryFile(dir=place)  # noqa: SIM115  (the staged file closes it)
    with contextlib.ExitStack() as undo:
        undo.callback(content.close)
        for chunk in chunks:
            arrived += len(chunk)
            if arrived > size:
                break
            digest.update(chunk)
            content.write(chunk)
        if arrived != size:
            raise FileChanged(f"The file {shown(name)} was listed with {size} bytes and is another now.")
        content.flush()
        undo.pop_all()
    return StagedFile(content, size, digest.hexdigest())
