"""
FTP and FTP over explicit TLS.

Naming `ftp` is the consent to send the password in clear; a system check warns of it. With `ftps` certificate and
name are verified on both channels. The address that a server gives for a data connection is ignored: data comes
from the address of the control connection, through the same guard.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ftplib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from outbound.choices import Transport
from outbound.models import Connection
from outbound.transports.base import (
    ConnectionNotUsable,
    CredentialsRefused,
    TargetBroke,
    TargetTimedOut,
    TransportError,
)
from outbound.transports.ftp_client import GuardedFtp, GuardedFtps
from outbound.transports.identity import connection_context
from outbound.transports.sessions import Session
from outbound.transports.sockets import (
    Deadline,
    apply_deadline,
    causes,
    deadline,
)
from outbound.transports.store import (
    FileChanged,
    FileVanished,
    Listing,
    NameTaken,
    RemoteFile,
    StoreRefused,
    check_name,
    is_safe,
    oldest_first,
    partial_name,
    shown,
)
from outbound.transports.streams import CHUNK_BYTES, transfer_seconds
from outbound.transports.tls_failures import tls_refusal
from outbound.transports.usable import usable


MAX_LISTING_BYTES = 32 * 1024 * 1024
_TRANSFER_ENDS_SECONDS = 5.0
_NOT_KNOWN = ("500", "501", "502", "504")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class FtpStore(Session):
    """A directory of an FTP server."""

    library_errors: ClassVar[tuple[type[Exception], ...]] = (OSError, EOFError, ftplib.Error, ValueError)

    def __init__(self, connection: Connection, *, directory: str = "", by_hand: bool = False) -> None:
        self.secured = connection.transport == Transport.FTPS
        self._context = connection_context(connection) if self.secured else None
        self._shows_identity = connection.identity_certificate_id is not None
        self._ftp: GuardedFtp | None = None
        self._has_mlst = True
        super().__init__(connection, directory=directory, by_hand=by_hand)

    @property
    def tls_version(self) -> str:
        """Which TLS the control connection speaks; empty when it is plain."""
        sock = self._ftp.sock if self._ftp is not None else None
        return str(sock.version()) if isinstance(sock, ssl.SSLSocket) else ""

    def list(self, prefix: str = "") -> Listing:
        """
        Give the plain files whose name starts so, oldest first; unsafe names, links and directories are left out.

        A server without MLSD is asked for names, sizes and times one by one.

        :raises TransportError: when the directory cannot be listed.
        """
        with self._step():
            try:
                lines = self._lines("MLSD")
            except ftplib.error_perm as error:
                if not str(error).startswith(_NOT_KNOWN):
                    raise
                return oldest_first(self._asked_one_by_one(prefix))
        found = [_listed(line) for line in lines]
        return oldest_first([file for file in found if file and file.name.startswith(prefix) and is_safe(file.name)])

    def open_read(self, name: str) -> Iterator[bytes]:
        """
        Open a file and give its bytes in chunks; the last one only when the server says that this was all.

        :raises FileVanished: when there is none of this name.
        :raises TransportError: when it cannot be read to its end; also from the iterator.
        """
        check_name(name)
        with self._step(), self._about(name):
            size = self._size(name)
            sock = self._client().begin(f"RETR {name}")
        whole = Deadline.after(transfer_seconds(read_timeout=self._read_timeout, size=size))
        return self._chunks(name, sock, size, whole)

    def rename(self, old: str, new: str, if_etag: str | None = None) -> None:
        """
        Rename a file within the directory.

        FTP has no rename that refuses to overwrite: whether the new name is free is asked just before.

        :raises NameTaken: when a file of the new name exists.
        :raises FileVanished: when there is none of the old name.
        :raises FileChanged: when the etag (size and time) is another one.
        """
        check_name(old)
        check_name(new)
        with self._step(), self._about(old):
            if if_etag and self._asked(old).etag != if_etag:
                raise FileChanged(f"{shown(old)} at {self.place} is not the file that was listed.")
            self._rename(old, new)

    def put(self, name: str, chunks: Iterable[bytes], size: int | None = None) -> None:
        """
        Store a new file: written under a `.part` name, renamed when it is whole.

        :raises NameTaken: when a file of this name exists.
        :raises TransportError: when it cannot be written; nothing stays behind.
        """
        check_name(name)
        working = partial_name(name)
        whole = Deadline.after(transfer_seconds(read_timeout=self._read_timeout, size=size or 1 << 40))
        with self._step():
            if self._exists(name):
                raise NameTaken(f"{self.place} has a file {shown(name)} already.")
            sock = self._client().begin(f"STOR {working}")
        written = 0
        try:
            for chunk in chunks:
                with self._step(whole=whole):
                    apply_deadline(sock)
                    sock.sendall(chunk)
                written += len(chunk)
            with self._step(whole=whole):
                _hang_up(sock)
                self._client().voidresp()
                self._check_kept(name, self._size(working), written)
                self._rename(working, name)
        except BaseException:
            self._give_up(sock)
            self._quietly(lambda: self._client().delete(working))
            raise

    def _connect(self) -> None:
        limits: dict[str, Any] = {"guard": self._guard, "connect_timeout": self._connect_timeout}
        self._ftp = client = GuardedFtps(context=self._context, **limits) if self.secured else GuardedFtp(**limits)
        client.reach(self.host, self.port)
        try:
            if isinstance(client, GuardedFtps):
                client.auth()
        except ftplib.error_perm as error:
            raise ConnectionNotUsable(
                f"{self.place} offers no explicit TLS ({_reply(error)}). Nothing of the login was sent."
            ) from error
        try:
            client.login(self._connection.username, self._connection.password)
        except ftplib.error_perm as error:
            raise CredentialsRefused(
                f"{self.place} refused the login of {self._connection.username}: {_reply(error)}"
            ) from error
        if isinstance(client, GuardedFtps):
            client.prot_p()
        client.voidcmd("TYPE I")
        if self.directory:
            try:
                client.cwd(self.directory)
            except ftplib.error_perm as error:
                raise ConnectionNotUsable(f"{self.place} has no directory {self.directory}: {_reply(error)}") from error

    def _disconnect(self) -> None:
        if self._ftp is None:
            return
        with contextlib.suppress(OSError, EOFError, ftplib.Error), deadline(Deadline.after(_TRANSFER_ENDS_SECONDS)):
            if self._ftp.sock is not None:
                self._ftp.quit()
        self._ftp.close()
        self._ftp = None

    def _chunks(self, name: str, sock: socket.socket, size: int, whole: Deadline) -> Iterator[bytes]:
        held, got = b"", 0
        try:
            while True:
                with self._step(whole=whole):
                    chunk = _filled(sock)
                    got += len(chunk)
                    if not chunk:
                        _hang_up(sock)
                        self._client().voidresp()
                    self._check_got(name, got, size, ended=not chunk)
                if not chunk:
                    break
                if held:
                    yield held
                held = chunk
            if held:
                yield held
        except BaseException:
            self._give_up(sock)
            raise

    def _give_up(self, sock: socket.socket) -> None:
        """End a transfer before its time; a server that does not say so in time has its session ended too."""
        if sock.fileno() < 0:
            return
        sock.close()
        with deadline(Deadline.after(_TRANSFER_ENDS_SECONDS)):
            try:
                self._client().getmultiline()
            except (OSError, EOFError, ftplib.Error, TransportError):
                self.close()

    def _lines(self, command: str) -> Sequence[str]:
        sock = self._client().begin(command)
        data = bytearray()
        try:
            while chunk := _filled(sock):
                data += chunk
                self._check_listing(len(data))
        except BaseException:
            self._give_up(sock)
            raise
        _hang_up(sock)
        self._client().voidresp()
        return data.decode("utf-8", errors="surrogateescape").replace("\r\n", "\n").split("\n")

    def _check_kept(self, name: str, kept: int, written: int) -> None:
        if kept != written:
            raise TargetBroke(f"{self.place} kept {kept} of the {written} bytes of {shown(name)}.")

    def _check_got(self, name: str, got: int, size: int, *, ended: bool) -> None:
        if got > size:
            raise FileChanged(f"{shown(name)} at {self.place} grew while it was read.")
        if ended and got < size:
            raise TargetBroke(f"{self.place} sent {got} of the {size} bytes of {shown(name)}.")

    def _check_listing(self, length: int) -> None:
        if length > MAX_LISTING_BYTES:
            raise TargetBroke(f"The listing of {self.place} is over {MAX_LISTING_BYTES} bytes.")

    def _asked_one_by_one(self, prefix: str) -> Listing:
        try:
            names = self._lines("NLST")
        except ftplib.error_perm as error:
            if str(error).startswith("550"):
                return []  # how many servers say that there is no file
            raise
        found = []
        for name in names:
            if name.startswith(prefix) and name and is_safe(name):
                with contextlib.suppress(ftplib.error_perm):  # a directory, or gone
                    found.append(self._asked(name))
        return found

    def _asked(self, name: str) -> RemoteFile:
        client = self._client()
        if self._has_mlst:
            try:
                answer = client.sendcmd(f"MLST {name}")
            except ftplib.error_perm as error:
                if not str(error).startswith(_NOT_KNOWN):
                    raise
                self._has_mlst = False
            else:
                found = next((file for file in map(_listed, answer.splitlines()[1:-1]) if file), None)
                if found is None:
                    raise StoreRefused(f"{shown(name)} at {self.place} is no plain file.")
                return _with_name(name, found.size, found.modified_at)
        size = self._size(name)
        return _with_name(name, size, _instant(client.sendcmd(f"MDTM {name}")[4:]))

    def _rename(self, old: str, new: str) -> None:
        if self._exists(new):
            raise NameTaken(f"{self.place} has a file {shown(new)} already: {shown(old)} keeps its name.")
        self._client().rename(old, new)

    def _exists(self, name: str) -> bool:
        client = self._client()
        for command in ("MLST", "SIZE"):
            try:
                client.sendcmd(f"{command} {name}")
            except ftplib.error_perm as error:
                if str(error).startswith(_NOT_KNOWN):
                    continue
                if str(error).startswith("550"):
                    return False
                raise
            return True
        raise StoreRefused(f"{self.place} knows neither MLST nor SIZE: whether a name is taken cannot be seen.")

    def _size(self, name: str) -> int:
        size = self._client().size(name)
        if size is None:
            raise StoreRefused(f"{self.place} does not tell the size of {shown(name)}.")
        return size

    @contextlib.contextmanager
    def _about(self, name: str) -> Iterator[None]:
        try:
            yield
        except ftplib.error_perm as error:
            if str(error).startswith("550"):
                raise FileVanished(f"{shown(name)} is not at {self.place}: {_reply(error)}") from error
            raise

    def _client(self) -> GuardedFtp:
        if self._ftp is None:
            raise TargetBroke(f"The session with {self.place} has ended.", sent=False)
        return self._ftp

    def _explain(self, error: Exception) -> TransportError:
        refused = tls_refusal(error, target=self.place, shows_identity=self._shows_identity)
        if refused is not None:
            return refused
        if any(isinstance(found, TimeoutError) for found in causes(error)):
            return TargetTimedOut(f"{self.place} did not answer within {self._read_timeout:g} s.")
        if isinstance(error, ftplib.error_perm):
            kind: Callable[[str], TransportError] = CredentialsRefused if str(error).startswith("530") else StoreRefused
            return kind(f"{self.place} refused it: {_reply(error)}")
        return TargetBroke(f"{self.place} broke off: {_reply(error) or type(error).__name__}.")


def _filled(sock: socket.socket) -> bytes:
    """Read until a chunk is full or the server has hung up, all of it under the current deadline."""
    chunk = bytearray()
    while len(chunk) < CHUNK_BYTES:
        apply_deadline(sock)
        part = sock.recv(min(64 * 1024, CHUNK_BYTES - len(chunk)))
        if not part:
            break
        chunk += part
    return bytes(chunk)


def _hang_up(sock: socket.socket) -> None:
    if isinstance(sock, ssl.SSLSocket):
        with contextlib.suppress(OSError):
            apply_deadline(sock)
            sock.unwrap()
    sock.close()


def _listed(line: str) -> RemoteFile | None:
    """Read one line of facts; None for what is no plain file."""
    facts, _, name = line.strip("\r\n").removeprefix(" ").partition(" ")
    known = dict(fact.lower().split("=", 1) for fact in facts.split(";") if "=" in fact)
    if known.get("type") != "file" or not known.get("size", "").isdecimal() or not name:
        return None
    return _with_name(name, int(known["size"][:20]), _instant(known.get("modify", "")))


def _with_name(name: str, size: int, modified_at: dt.datetime) -> RemoteFile:
    return RemoteFile(name, size, modified_at, f"{size}-{modified_at:%Y%m%d%H%M%S}")


def _instant(text: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text.strip()[:14], "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError:
        return _EPOCH  # a server that tells no time; its files come first


def _reply(error: Exception) -> str:
    return " ".join(str(error).encode(errors="replace").decode().split())[:300]


def open(connection: Connection, *, directory: str = "", by_hand: bool = False) -> FtpStore:  # noqa: A001  the port's verb
    """
    Log in at the server of a connection of transport `ftp` or `ftps`.

    :raises ConnectionNotUsable: when the connection is off, incomplete or of another transport.
    :raises TransportError: when the server cannot be reached, is not trusted, or refuses the login.
    """
    usable(connection, Transport.FTPS if connection.transport == Transport.FTPS else Transport.FTP)
    return FtpStore(connection, directory=directory, by_hand=by_hand)
