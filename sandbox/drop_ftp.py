"""The FTP door of the file drop: plain, and with explicit TLS when there is a certificate."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.log import config_logging
from pyftpdlib.servers import FTPServer

from sandbox.drop import Drop, may_log_in
from sandbox.faults import FaultBook


config_logging(level=100)

_PASS_SECONDS = 0.05
_STOP_SECONDS = 5.0
_RIGHTS = "elradfmwMT"


class FtpDoor:
    """A running FTP server; `port` is where it listens."""

    def __init__(
        self,
        *,
        drop: Drop,
        faults: FaultBook,
        host: str,
        port: int,
        certificate: Path | None = None,
        require_tls: bool = False,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        settings: dict[str, Any] = {
            "authorizer": _Logins(drop.root, credentials),
            "drop": drop,
            "faults": faults,
            "banner": "Sandbox",
            "auth_failed_timeout": 0,
        }
        if certificate is not None:
            settings |= {
                "certfile": str(certificate),
                "tls_control_required": require_tls,
                "tls_data_required": require_tls,
                "ssl_context": None,
            }
        base = _PlainHandler if certificate is None else _SecureHandler
        self._loop = IOLoop()
        self._server = FTPServer((host, port), type("Handler", (base,), settings), ioloop=self._loop)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ftp", daemon=True)
        self.port = int(self._server.address[1])

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close everything; clients are cut off."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._server.serve_forever(timeout=_PASS_SECONDS, blocking=False, handle_exit=False)
        self._server.close_all()
        self._loop.close()


class _Logins(DummyAuthorizer):
    """Lets everybody in, or the one who was named; all see the same directory."""

    def __init__(self, root: Path, credentials: tuple[str, str] | None) -> None:
        super().__init__()
        self._root = str(root)
        self._credentials = credentials

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        if not may_log_in(self._credentials, username, password):
            raise AuthenticationFailed
        if not self.has_user(username):
            self.add_user(username, password, self._root, perm=_RIGHTS)


class _Faults:
    """Meets the faults before the operation; mixed into a handler."""

    drop: Drop
    faults: FaultBook

    def ftp_RETR(self, file: str) -> Any:  # noqa: N802  the library's name
        """Send a file."""
        return self._meet("GET", file) or super().ftp_RETR(file)  # type: ignore[misc]

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:  # noqa: N802
        """Take a file."""
        return self._meet("PUT", file) or super().ftp_STOR(file, mode)  # type: ignore[misc]

    def ftp_RNFR(self, path: str) -> Any:  # noqa: N802
        """Begin a rename."""
        return self._meet("RENAME", path) or super().ftp_RNFR(path)  # type: ignore[misc]

    def ftp_DELE(self, path: str) -> Any:  # noqa: N802
        """Delete a file."""
        return self._meet("DELETE", path) or super().ftp_DELE(path)  # type: ignore[misc]

    def ftp_MLSD(self, path: str) -> Any:  # noqa: N802
        """List a directory."""
        return self._meet("LIST", path) or super().ftp_MLSD(path)  # type: ignore[misc]

    def _meet(self, operation: str, path: str) -> bool:
        rule = self.drop.note(operation, Path(path).name, self.faults)
        if rule is None:
            return False
        if rule.delay_seconds:
            time.sleep(rule.delay_seconds)
        handler: Any = self
        if rule.half_answer and operation == "GET":
            handler.respond("150 Here it comes.")
            handler.close()
            return True
        if rule.down or rule.reset:
            handler.close()
            return True
        if rule.status is not None:
            handler.respond(f"{rule.status} {rule.body or 'Told to refuse'}")
            return True
        return False


class _PlainHandler(_Faults, FTPHandler):
    def on_login(self, username: str) -> None:
        """Record how the client came."""
        self.drop.note_login("plain")


class _SecureHandler(_Faults, TLS_FTPHandler):
    def on_login(self, username: str) -> None:
        """Record how the client came: TLS is offered, and asked for by those who want it."""
        self.drop.note_login("TLS" if self._ssl_established else "plain")
