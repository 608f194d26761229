"""A DACS for events on loopback: it answers as a test tells it and keeps what it was sent."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Told:
    """One answer."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    delay: float = 0.0


def answer(status: int = 200, *, raw: bytes | None = None, delay: float = 0.0) -> Told:
    return Told(status=status, body={} if raw is None and status < 300 else None, raw=raw, delay=delay)


def refusal(detail: str, *, status: int = 400) -> Told:
    """A refusal as DACS tells it."""
    return Told(
        status=status,
        body={"problemDetailDocument": {"title": "Bad Request", "httpStatus": status, "detail": detail}},
    )


@dataclass
class Participation:
    """The server's log, and what it answers: `decide` by request, else the path's own, else `otherwise`."""

    base_url: str = ""
    health: int = 200
    otherwise: Told = field(default_factory=answer)
    decide: Callable[[dict[str, Any]], Told | None] | None = None
    on_request: Callable[[dict[str, Any]], None] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    together: int = 1
    gathered: threading.Condition = field(default_factory=threading.Condition)

    def calls(self, path: str) -> list[Any]:
        """The bodies that came to a path, in order."""
        return [request["body"] for request in self.requests if request["path"] == path]

    def paths(self) -> list[str]:
        return [request["path"] for request in self.requests]


@contextlib.contextmanager
def serving() -> Iterator[Participation]:
    """A server on a free port of loopback while the block runs."""
    known = Participation()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(known))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    known.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def hold_until_together(known: Any, *, seconds: float = 20) -> None:
    """Hold an answer until `together` calls have been under way at once; a client that never sends so many gets on."""
    with known.gathered:
        known.gathered.wait_for(lambda: known.most_at_once >= known.together, timeout=seconds)


def _handler(known: Participation) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request = {"path": self.path, "body": None, "headers": dict(self.headers)}
            with known.gathered:
                known.requests.append(request)
            self._write(Told(status=known.health, body={"status": known.health}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request = {"path": self.path, "body": body, "headers": dict(self.headers)}
            with known.gathered:
                known.requests.append(request)
                known.at_once += 1
                known.most_at_once = max(known.most_at_once, known.at_once)
                known.gathered.notify_all()
            if known.on_request is not None:
                known.on_request(request)
            told = (known.decide(request) if known.decide is not None else None) or known.otherwise
            hold_until_together(known)
            time.sleep(told.delay)
            with known.gathered:
                known.at_once -= 1
            self._write(told)

        def _write(self, told: Told) -> None:
            content = told.raw if told.raw is not None else json.dumps(told.body).encode() if told.body else b""
            try:
                self.send_response(told.status)
                if told.status != 204:
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
