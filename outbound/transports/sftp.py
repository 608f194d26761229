"""SFTP: the server's key is pinned, nothing is overwritten, everything under deadlines (`reliability.md` 5, TLS)."""

from __future__ import annotations

import datetime as dt
import errno
import io
import logging
import posixpath
import stat
import threading
from collections.abc import Iterable, Iterator
from typing import ClassVar

import paramiko

from outbound.choices import Transport
from outbound.models import Connection
from outbound.retry import FaultType
from outbound.transports import keys
from outbound.transports.base import (
    ConnectionNotUsable,
    CredentialsRefused,
    TargetBroke,
    TargetTimedOut,
    TargetUnreachable,
    TransportError,
)
from outbound.transports.sessions import Session
from outbound.transports.sftp_client import DeadlineChannel, SftpClient
from outbound.transports.sockets import Deadline, causes, open_socket
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
from outbound.transports.usable import usable


# Every failure is raised and told once, by whoever catches it.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_KEY_CLASSES: dict[str, type[paramiko.PKey]] = {
    "RSA": paramiko.RSAKey,
    "EC": paramiko.ECDSAKey,
    "ED25519": paramiko.Ed25519Key,
}


class HostKeyRefused(TransportError):
    """The server shows another key than the one that it is pinned to: it may be somebody else's. Nothing was sent."""

    fault = FaultType.TECHNICAL
    permanent = True
    sent = False


class SftpStore(Session):
    """A directory of an SFTP server; one transfer at a time."""

    library_errors: ClassVar[tuple[type[Exception], ...]] = (OSError, EOFError, paramiko.SSHException, ValueError)

    def __init__(self, connection: Connection, *, directory: str = "", by_hand: bool = False) -> None:
        self._pinned = keys.read_host_keys(connection.known_host_key)
        self._key = _key(connection.private_key) if connection.private_key else None
        self._password = connection.password
        self._transport: paramiko.Transport | None = None
        self._sftp: SftpClient | None = None
        self.host_key = ""
        if self._key is None and not self._password:
            raise ConnectionNotUsable(f"Connection {connection.name} has neither a password nor a private key.")
        super().__init__(connection, directory=directory, by_hand=by_hand)

    def list(self, prefix: str = "") -> Listing:
        """
        Give the plain files whose name starts so, oldest first; unsafe names, links and directories are left out.

        :raises ConnectionNotUsable: when there is no such directory.
        :raises TransportError: when it cannot be listed.
        """
        found = []
        with self._step():
            try:
                for name, seen in self._client().entries(self.directory or "."):
                    if name.startswith(prefix) and stat.S_ISREG(seen.st_mode or 0) and is_safe(name):
                        found.append(_file(name, seen))
            except FileNotFoundError as error:
                raise ConnectionNotUsable(f"{self.place} has no directory {self.directory}.") from error
        return oldest_first(found)

    def open_read(self, name: str) -> Iterator[bytes]:
        """
        Open a file and give its bytes in chunks; the last one only when the file has arrived whole.

        :raises FileVanished: when there is none of this name.
        :raises TransportError: when it cannot be read to its end; also from the iterator.
        """
        path = self._path(name)
        with self._step():
            size = self._plain_file(name).size
            handle = self._client().open(path, "rb")
        whole = Deadline.after(transfer_seconds(read_timeout=self._read_timeout, size=size))
        return self._chunks(name, handle, size, whole)

    def rename(self, old: str, new: str, if_etag: str | None = None) -> None:
        """
        Rename a file within the directory; the protocol's own rename refuses to overwrite.

        :raises NameTaken: when a file of the new name exists.
        :raises FileVanished: when there is none of the old name.
        :raises FileChanged: when the etag (size and time) is another one.
        """
        source, target = self._path(old), self._path(new)
        with self._step():
            seen = self._plain_file(old)
            if if_etag and seen.etag != if_etag:
                raise FileChanged(f"{shown(old)} at {self.place} is not the file that was listed.")
            self._rename(source, target, old, new)

    def put(self, name: str, chunks: Iterable[bytes], size: int | None = None) -> None:
        """
        Store a new file: written under a `.part` name, renamed when it is whole.

        :raises NameTaken: when a file of this name exists.
        :raises TransportError: when it cannot be written; nothing stays behind.
        """
        target = self._path(name)
        working = partial_name(name)
        path = self._path(working)
        whole = Deadline.after(transfer_seconds(read_timeout=self._read_timeout, size=size or 1 << 40))
        with self._step():
            if self._exists(target):
                raise NameTaken(f"{self.place} has a file {shown(name)} already.")
            handle = self._client().open(path, "wx")
            handle.set_pipelined(True)
        written = 0
        try:
            for chunk in chunks:
                with self._step(whole=whole):
                    handle.write(chunk)
                written += len(chunk)
            with self._step(whole=whole):
                handle.close()
                self._check_kept(name, self._client().stat(path).st_size, written)
                self._rename(path, target, working, name)
        except BaseException:
            self._quietly(lambda: (handle.close(), self._client().remove(path)))
            raise

    def _connect(self) -> None:
        sock = open_socket(host=self.host, port=self.port, guard=self._guard, connect_timeout=self._connect_timeout)
        limit = Deadline.after(self._read_timeout)
        self._transport = transport = paramiko.Transport(sock)
        transport.banner_timeout = transport.auth_timeout = self._read_timeout  # type: ignore[attr-defined]
        self._prefer_pinned_kinds(transport)
        # Some of what the library waits for knows no time limit.
        watchdog = threading.Timer(self._read_timeout, transport.close)
        watchdog.daemon = True
        watchdog.start()
        try:
            self._greet(transport, limit)
            self._authenticate(transport)
            channel = transport.open_session(timeout=limit.remaining())
            channel.invoke_subsystem("sftp")
            self._sftp = SftpClient(DeadlineChannel(channel, default=self._read_timeout))
        except (OSError, EOFError, paramiko.SSHException) as error:
            limit.remaining()  # the watchdog closed it: that is what happened
            if isinstance(error, paramiko.AuthenticationException):
                raise CredentialsRefused(
                    f"{self.place} refused the login of {self._connection.username}: {error}"
                ) from error
            raise
        finally:
            watchdog.cancel()

    def _greet(self, transport: paramiko.Transport, limit: Deadline) -> None:
        try:
            transport.start_client(timeout=limit.remaining())
        except paramiko.SSHException as error:
            limit.remaining()
            raise TargetUnreachable(f"{self.place} does not speak SSH with us: {error}") from error
        shown_key = keys.HostKey(
            transport.get_remote_server_key().get_name(), transport.get_remote_server_key().asbytes()
        )
        if all(known.blob != shown_key.blob for known in self._pinned):
            expected = " or ".join(str(known) for known in self._pinned)
            raise HostKeyRefused(
                f"{self.place} shows the host key {shown_key}, not the known {expected}. Nothing was sent to it."
            )
        self.host_key = str(shown_key)

    def _prefer_pinned_kinds(self, transport: paramiko.Transport) -> None:
        # A server with several keys shows the one that it is asked for first.
        security = transport.get_security_options()
        pinned = {known.kind for known in self._pinned}
        if "ssh-rsa" in pinned:
            pinned |= {"rsa-sha2-512", "rsa-sha2-256"}
        offered = security.key_types
        security.key_types = tuple(sorted(offered, key=lambda kind: kind not in pinned))

    def _authenticate(self, transport: paramiko.Transport) -> None:
        username = self._connection.username
        if self._key is not None:
            try:
                still_wanted = transport.auth_publickey(username, self._key)
            except paramiko.AuthenticationException:
                if not self._password:
                    raise
                still_wanted = ["password"]
            if not still_wanted:
                return
        transport.auth_password(username, self._password)
        if not transport.is_authenticated():
            raise paramiko.AuthenticationException("the server asks for more than a key and a password.")

    def _disconnect(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _chunks(self, name: str, handle: paramiko.SFTPFile, size: int, whole: Deadline) -> Iterator[bytes]:
        at = 0
        try:
            while at < size:
                wanted = min(CHUNK_BYTES, size - at)
                with self._step(whole=whole):
                    chunk = self._client().read_at(handle.handle, at, wanted)
                    at += len(chunk)
                    if len(chunk) < wanted or (at == size and handle.stat().st_size != size):
                        raise FileChanged(f"{shown(name)} at {self.place} changed its size while it was read.")
                yield chunk
        finally:
            self._quietly(handle.close)

    def _check_kept(self, name: str, kept: int | None, written: int) -> None:
        if kept != written:
            raise TargetBroke(f"{self.place} kept {kept} of the {written} bytes of {shown(name)}.")

    def _rename(self, source: str, target: str, old: str, new: str) -> None:
        if self._exists(target):
            raise NameTaken(f"{self.place} has a file {shown(new)} already: {shown(old)} keeps its name.")
        try:
            self._client().rename(source, target)
        except FileNotFoundError as error:
            raise FileVanished(f"{shown(old)} is no longer at {self.place}.") from error
        except OSError as error:
            # Version 3 of the protocol says "failure" and no more: look what the reason may be.
            if isinstance(error, TimeoutError) or not self._is_up():
                raise
            if not self._exists(source):
                raise FileVanished(f"{shown(old)} is no longer at {self.place}.") from error
            if self._exists(target):
                raise NameTaken(
                    f"{self.place} has a file {shown(new)} already: {shown(old)} keeps its name."
                ) from error
            raise

    def _exists(self, path: str) -> bool:
        try:
            self._client().lstat(path)
        except FileNotFoundError:
            return False
        return True

    def _plain_file(self, name: str) -> RemoteFile:
        try:
            seen = self._client().lstat(self._path(name))
        except FileNotFoundError as error:
            raise FileVanished(f"{shown(name)} is no longer at {self.place}.") from error
        if not stat.S_ISREG(seen.st_mode or 0):
            raise StoreRefused(f"{shown(name)} at {self.place} is no plain file.")
        return _file(name, seen)

    def _path(self, name: str) -> str:
        return posixpath.join(self.directory, check_name(name))

    def _client(self) -> SftpClient:
        if self._sftp is None:
            raise TargetBroke(f"The session with {self.place} has ended.", sent=False)
        return self._sftp

    def _is_up(self) -> bool:
        return self._transport is not None and self._transport.is_active()

    def _explain(self, error: Exception) -> TransportError:
        if any(isinstance(found, TimeoutError) for found in causes(error)):
            return TargetTimedOut(f"{self.place} did not answer within {self._read_timeout:g} s.")
        words = str(error) or type(error).__name__
        if not self._is_up() or not isinstance(error, OSError) or error.args == ("Socket is closed",):
            return TargetBroke(f"{self.place} broke off: {words}.")
        if error.errno == errno.ENOENT:
            return FileVanished(f"The file is no longer at {self.place}.")
        return StoreRefused(f"{self.place} refused it: {error.strerror or words}.")


def _file(name: str, seen: paramiko.SFTPAttributes) -> RemoteFile:
    size, seconds = seen.st_size or 0, seen.st_mtime or 0
    return RemoteFile(name, size, dt.datetime.fromtimestamp(seconds, dt.UTC), f"{size}-{seconds}")


def _key(text: str) -> paramiko.PKey:
    key = keys.load_private_key(text)
    kind = "RSA" if isinstance(key, keys.RSAPrivateKey) else "EC"
    if isinstance(key, keys.Ed25519PrivateKey):
        kind = "ED25519"
    try:
        return _KEY_CLASSES[kind].from_private_key(io.StringIO(keys.as_openssh(key)))
    except (paramiko.SSHException, ValueError) as error:
        raise ConnectionNotUsable(f"The private key is of a kind that SFTP does not use: {error}") from error


def open(connection: Connection, *, directory: str = "", by_hand: bool = False) -> SftpStore:  # noqa: A001  the port's verb
    """
    Log in at the server of a connection of transport `sftp`.

    :raises ConnectionNotUsable: when the connection is off, incomplete or of another transport.
    :raises HostKeyRefused: when the server shows another key than the known one.
    :raises TransportError: when it cannot be reached or refuses the login.
    """
    usable(connection, Transport.SFTP)
    return SftpStore(connection, directory=directory, by_hand=by_hand)
