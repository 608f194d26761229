"""
A file drop: one directory, served over SFTP, FTP and FTP with explicit TLS; its control API is the peers'.

Faults apply with LIST, GET, PUT, RENAME and DELETE as the method and `/name` as the path: `status` refuses the
operation, `reset` and `down` cut the connection, `half_answer` cuts it in the middle of a GET.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox.exchange import PeerRequest, now
from sandbox.faults import FaultBook, FaultRule
from sandbox.service import Action, Service, UnableToChangeState


INBOX = "drop"
"""The directory that is there from the start, as peers' connections name it (`/drop`)."""


class Drop(Service):
    """The files that lie in the drop."""

    name = "drop"
    title = "Sandbox: file drop"

    def __init__(self, *, root: Path, host_key: str = "") -> None:
        super().__init__()
        self.root = root.resolve()
        self.host_key = host_key
        self.operations: list[str] = []
        self.ftp_logins: list[str] = []
        (self.root / INBOX).mkdir(parents=True, exist_ok=True)

    def actions(self) -> Iterable[tuple[str, str, Action]]:
        """Nothing but the control API is served over HTTP."""
        return ()

    def state(self) -> dict[str, Any]:
        """Give the files with their sizes, the last operations, how FTP clients logged in, and the host key to pin."""
        with self.lock:
            files = {
                str(path.relative_to(self.root)): path.lstat().st_size
                for path in sorted(self.root.rglob("*"))
                if path.is_file() or path.is_symlink()
            }
            return {
                "directory": str(self.root),
                "hostKey": self.host_key,
                "files": files,
                "operations": list(self.operations),
                "ftpLogins": list(self.ftp_logins),
            }

    def change(self, document: dict[str, Any]) -> None:
        """
        Put files by hand: `{"files": {"drop/name": "content"}}`; null deletes one.

        :raises UnableToChangeState: when it is anything else, or a name leads out of the drop.
        """
        files = document.get("files")
        if set(document) != {"files"} or not isinstance(files, dict):
            raise UnableToChangeState('Set {"files": {"drop/name": "content"}}.')
        for name, content in files.items():
            place = PurePosixPath(name)
            if place.is_absolute() or ".." in place.parts or "\0" in name:
                raise UnableToChangeState(f"{name!r} leads out of the drop.")
            path = self.root / place
            with self.lock:
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(str(content).encode())

    def reset(self) -> None:
        """Throw the files away."""
        with self.lock:
            super().reset()
            self.operations.clear()
            self.ftp_logins.clear()
            for path in self.root.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            (self.root / INBOX).mkdir()

    def note_login(self, line: str) -> None:
        """Record that a client of FTP logged in: over `TLS`, or `plain`."""
        with self.lock:
            self.ftp_logins.append(line)
            del self.ftp_logins[:-1_000]

    def note(self, operation: str, name: str, faults: FaultBook) -> FaultRule | None:
        """Record one operation of a client, and give the fault that is meant for it."""
        with self.lock:
            self.operations.append(f"{operation} {name}")
            del self.operations[:-1_000]
        request = PeerRequest(method=operation, path=f"/{name}", headers={}, body=b"", received_at=now())
        return faults.take(request)


def may_log_in(credentials: tuple[str, str] | None, username: str, password: str) -> bool:
    """Whether a login is accepted: any, or the one that was named at the start."""
    return credentials is None or credentials == (username, password)
