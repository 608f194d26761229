"""
Where files are fetched from: one small port over SFTP, FTP and object storage (`integration.md` 3.9).

A name that a server gives is a label, never a path: it is checked before it is used, and nothing is ever written to
this machine under it. Files are streamed in chunks. Nothing here overwrites a file that exists.
"""

from __future__ import annotations

import datetime as dt
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import structlog

from outbound.choices import Transport
from outbound.models import Connection
from outbound.retry import FaultType
from outbound.transports.base import ConnectionNotUsable, TransportError


logger = structlog.get_logger(__name__)

MAX_NAME_LENGTH = 255
PARTIAL_SUFFIXES = (".part", ".filepart")
"""Endings that file transfer programs give to what they are still writing."""

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class UnsafeName(TransportError):
    """A name that is no plain label: a path, or with characters that have no place in a name."""

    fault = FaultType.BUSINESS
    permanent = True
    sent = False


class FileVanished(TransportError):
    """The file was there when the directory was listed, and is there no more."""

    fault = FaultType.BUSINESS
    permanent = True
    sent = False


class FileChanged(TransportError):
    """The file is not the one that was listed: it is still written to, or another one took its place."""

    fault = FaultType.BUSINESS
    sent = False


class NameTaken(TransportError):
    """A file of the new name exists already; nothing was overwritten."""

    fault = FaultType.BUSINESS
    permanent = True
    sent = False


class StoreRefused(TransportError):
    """The server understood what was asked and refused it, e.g. for a missing right."""

    fault = FaultType.BUSINESS
    permanent = True
    sent = False


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file as it was listed; `etag` says which content, where the store can tell."""

    name: str
    size: int
    modified_at: dt.datetime
    etag: str = ""

    @property
    def is_partial(self) -> bool:
        """Whether the name says that somebody is still writing it."""
        return is_partial(self.name)


Listing = list[RemoteFile]


class RemoteStore(Protocol):
    """One place with files: a directory of an SFTP or FTP server, or a bucket."""

    def list(self, prefix: str = "") -> Listing:
        """
        Give the plain files whose name starts so, oldest first; unsafe names, links and directories are left out.

        :raises TransportError: when the place cannot be listed.
        """

    def open_read(self, name: str) -> Iterator[bytes]:
        """
        Open a file and give its bytes in chunks; the last one only when the file has arrived whole.

        :raises FileVanished: when there is none of this name.
        :raises FileChanged: when its size is another one at the end than at the start.
        :raises TransportError: when it cannot be read to its end; also from the iterator.
        """

    def rename(self, old: str, new: str, if_etag: str | None = None) -> None:
        """
        Rename a file within the place, never over another one.

        :param if_etag: only when the file is still the one that was listed with this etag.
        :raises NameTaken: when a file of the new name exists.
        :raises FileVanished: when there is none of the old name.
        :raises FileChanged: when the etag is another one.
        """

    def put(self, name: str, chunks: Iterable[bytes], size: int | None = None) -> None:
        """
        Store a new file; it is visible under its name only when it is whole.

        :param size: how many bytes the chunks are together, where that is known.
        :raises NameTaken: when a file of this name exists.
        """

    def close(self) -> None:
        """Let go of the server; may be called more than once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_store(
    connection: Connection, *, directory: str = "", namespace: str = "", by_hand: bool = False
) -> RemoteStore:
    """
    Open the place that a connection leads to.

    :param directory: in place of the connection's own directory; for object storage the bucket.
    :param namespace: object storage: in place of the connection's own namespace.
    :param by_hand: a person's test, which an open breaker does not hold back.
    :raises ConnectionNotUsable: when the connection is off, incomplete, or of a transport without files.
    :raises TransportError: when the server cannot be reached or refuses the login.
    """
    from outbound.transports import ftp, object_storage, sftp

    match connection.transport:
        case Transport.SFTP:
            return sftp.open(connection, directory=directory, by_hand=by_hand)
        case Transport.FTP | Transport.FTPS:
            return ftp.open(connection, directory=directory, by_hand=by_hand)
        case Transport.OBJECT_STORAGE:
            return object_storage.open(connection, directory=directory, namespace=namespace, by_hand=by_hand)
    raise ConnectionNotUsable(f"Connection {connection.name} uses {connection.transport}, which transfers no files.")


def check_name(name: str) -> str:
    """
    Give the name back when it is a plain label.

    :raises UnsafeName: for a path, a dot name, control or invisible characters, and over 255 characters or bytes.
    """
    wrong = _what_is_wrong(name)
    if wrong:
        raise UnsafeName(f"The file name {shown(name)} is refused: {wrong}.")
    return name


def is_safe(name: str) -> bool:
    """Whether a name is a plain label; one that is not is logged, escaped."""
    wrong = _what_is_wrong(name)
    if wrong:
        logger.warning("file_name_refused", name=shown(name), reason=wrong)
    return not wrong


def is_partial(name: str) -> bool:
    """Whether a name says that the file is still being written."""
    return name.lower().endswith(PARTIAL_SUFFIXES)


def partial_name(name: str) -> str:
    """Give the name under which a file is written until it is whole."""
    token = secrets.token_hex(4)
    short = name.encode()[:200].decode(errors="ignore")
    return f"{short}.{token}{PARTIAL_SUFFIXES[0]}"


def oldest_first(files: Sequence[RemoteFile]) -> Listing:
    """Sort files by age, then by name."""
    return sorted(files, key=lambda file: (file.modified_at, file.name))


def shown(name: str) -> str:
    """Give a name as one line of plain ASCII, for messages and logs."""
    return ascii(name[:MAX_NAME_LENGTH])


def _what_is_wrong(name: str) -> str:
    if not name:
        return "it is empty"
    if name in (".", ".."):
        return "it is no file"
    if "/" in name or "\\" in name:
        return "it is a path"
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in name):
        return "it holds control or invisible characters, or is not UTF-8"
    if len(name.encode()) > MAX_NAME_LENGTH:
        return f"it is longer than {MAX_NAME_LENGTH} bytes"
    return ""
