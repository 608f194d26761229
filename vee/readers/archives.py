"""Plain files and zip archives alike: the members of what was sent, with limits against bombs."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from vee.readers.base import FileUnreadable


MAX_MEMBERS = 10_000
MAX_UNPACKED = 4 * 1024**3
MAX_RATIO = 250
# Small files may be as flat as they like: the ratio counts beyond this.
RATIO_FREE = 16 * 1024**2
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"


class Member:
    """One text inside of what was sent; `archived` when it came in a zip."""

    __slots__ = ("archived", "name", "stream")

    def __init__(self, name: str, stream: IO[bytes], *, archived: bool) -> None:
        self.name = name
        self.stream = stream
        self.archived = archived


@contextmanager
def seekable(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the stream itself when it can seek, else a copy on disk."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=1_048_576) as copy:
        shutil.copyfileobj(stream, copy, 65_536)
        copy.seek(0)
        yield copy


def members(stream: IO[bytes], *, name: str) -> Iterator[Member]:
    """
    Give the file itself, or each member of a zip archive, to be read to its end before the next is asked for.

    :raises FileUnreadable: for an archive that is damaged, encrypted, nested, a spreadsheet, or unpacks to more than
        4 GB or to more than 250 times its size; for an empty archive.
    """
    begin = stream.tell()
    head = stream.read(4)
    stream.seek(begin)
    if head not in (_ZIP, _EMPTY_ZIP):
        yield Member(name, stream, archived=False)
        return
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise FileUnreadable("damaged_archive", f"The zip archive cannot be read: {error}") from None
    with archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        _refuse(infos)
        budget = _Budget(packed=sum(info.compress_size for info in infos))
        for info in infos:
            try:
                opened = archive.open(info)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError) as error:
                raise FileUnreadable("damaged_archive", f"A member of the archive cannot be read: {error}") from None
            with opened:
                limited = _Limited(opened, budget)
                if limited.peeked.startswith(_ZIP):
                    raise FileUnreadable("nested_archive", "The archive holds another archive.")
                yield Member(info.filename, limited, archived=True)  # type: ignore[arg-type]


def _refuse(infos: list[zipfile.ZipInfo]) -> None:
    if not infos:
        raise FileUnreadable("empty_file", "The zip archive is empty.")
    if len(infos) > MAX_MEMBERS:
        raise FileUnreadable("archive_too_large", f"The archive has more than {MAX_MEMBERS} members.")
    if any(info.filename == "[Content_Types].xml" for info in infos):
        raise FileUnreadable("spreadsheet", "The file is a spreadsheet or document, not a text file.")
    if any(info.flag_bits & 0x1 for info in infos):
        raise FileUnreadable("encrypted_archive", "The archive is encrypted.")


class _Budget:
    """How much an archive may unpack to, counted on what really comes out."""

    def __init__(self, *, packed: int) -> None:
        self._packed = max(packed, 1)
        self._unpacked = 0

    def spend(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > MAX_UNPACKED:
            raise FileUnreadable("archive_too_large", f"The archive unpacks to more than {MAX_UNPACKED} bytes.")
        if self._unpacked > RATIO_FREE and self._unpacked > MAX_RATIO * self._packed:
            raise FileUnreadable("archive_too_large", f"The archive unpacks to more than {MAX_RATIO} times its size.")


class _Limited:
    """A member's stream whose reads count against the budget and whose damage is named."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget
        self.peeked = self._take(4)
        self._head = self.peeked

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._take(65_536 if size < 0 else size)

    def _take(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise FileUnreadable("damaged_archive", f"A member of the archive is damaged: {error}") from None
        self._budget.spend(len(data))
        return data
