"""The SFTP door of the file drop: an asyncssh server in a thread, held inside the drop's directory."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from pathlib import PurePosixPath
from typing import Any

import asyncssh

from sandbox.drop import Drop, may_log_in
from sandbox.faults import FaultBook, FaultRule


asyncssh.set_log_level(logging.CRITICAL)

_START_SECONDS = 10.0


class SftpDoor:
    """A running SFTP server; `port` is where it listens."""

    def __init__(
        self,
        *,
        drop: Drop,
        faults: FaultBook,
        host: str,
        port: int,
        host_key: bytes,
        credentials: tuple[str, str] | None = None,
        authorized_key: str = "",
    ) -> None:
        self.port = port
        self._drop = drop
        self._faults = faults
        self._host = host
        self._host_key = asyncssh.import_private_key(host_key)
        self._credentials = credentials
        self._authorized = asyncssh.import_public_key(authorized_key) if authorized_key else None
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._loop = asyncio.new_event_loop()
        self._acceptor: Any = None
        self._failure: OSError | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sftp", daemon=True)
        drop.host_key = self.host_key

    @property
    def host_key(self) -> str:
        """The public host key, as connections pin it."""
        return self._host_key.export_public_key().decode().strip()

    def start(self) -> None:
        """
        Listen.

        :raises OSError: when the port is taken.
        """
        self._thread.start()
        self._ready.wait(_START_SECONDS)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Close everything; clients are cut off."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_START_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._acceptor = self._loop.run_until_complete(self._listen())
        except OSError as error:
            self._failure = error
            self._loop.close()
            self._ready.set()
            return
        self.port = self._acceptor.get_port()
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._hang_up())
        self._loop.close()

    async def _hang_up(self) -> None:
        self._acceptor.close()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # so that what was aborted is told so
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0)

    async def _listen(self) -> Any:
        return await asyncssh.listen(
            self._host,
            self.port,
            server_host_keys=[self._host_key],
            server_factory=lambda: _Logins(self._credentials, self._authorized, self._connections),
            sftp_factory=lambda channel: _Files(channel, self._drop, self._faults),
            allow_scp=False,
        )


class _Logins(asyncssh.SSHServer):
    def __init__(
        self,
        credentials: tuple[str, str] | None,
        authorized: asyncssh.SSHKey | None,
        connections: set[asyncssh.SSHServerConnection],
    ) -> None:
        self._credentials = credentials
        self._authorized = authorized
        self._connections = connections
        self._mine: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._mine = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._mine is not None:
            self._connections.discard(self._mine)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return may_log_in(self._credentials, username, password)

    def public_key_auth_supported(self) -> bool:
        return self._authorized is not None or self._credentials is None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._authorized is None or key.public_data == self._authorized.public_data


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], drop: Drop, faults: FaultBook) -> None:
        super().__init__(channel, chroot=os.fsencode(drop.root))
        self._drop = drop
        self._faults = faults
        self._cut_at: dict[int, int] = {}

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        operation = "PUT" if pflags & asyncssh.FXF_WRITE else "GET"
        rule = await self._meet(operation, path)
        opened = super().open(path, pflags, attrs)
        if rule is not None and rule.half_answer:
            size = os.stat(self.map_path(path)).st_size  # noqa: PTH116  bytes, as the protocol has them
            self._cut_at[id(opened)] = size // 2
        return opened

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        limit = self._cut_at.get(id(file_obj))
        if limit is not None and offset + size > limit:
            self._cut()
        return super().read(file_obj, offset, size)

    async def scandir(self, path: bytes) -> Any:
        await self._meet("LIST", path)
        async for entry in super().scandir(path):
            yield entry

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._meet("RENAME", oldpath)
        super().rename(oldpath, newpath)

    async def remove(self, path: bytes) -> None:
        await self._meet("DELETE", path)
        super().remove(path)

    async def _meet(self, operation: str, path: bytes) -> FaultRule | None:
        name = PurePosixPath(path.decode(errors="replace")).name
        rule = self._drop.note(operation, name, self._faults)
        if rule is None:
            return None
        if rule.delay_seconds:
            await asyncio.sleep(rule.delay_seconds)
        if rule.down or rule.reset:
            self._cut()
        if rule.status is not None:
            raise asyncssh.SFTPPermissionDenied(str(rule.body or "Told to refuse"))
        return rule

    def _cut(self) -> None:
        self.channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("Told to break off")
