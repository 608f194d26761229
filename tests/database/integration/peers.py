"""Peers on loopback that answer as a test tells them, by method and path, and keep what they were sent."""

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
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Peer:
    """What a peer saw, and what it answers: a status and a document, or bytes."""

    base_url: str = ""
    status: int = 200
    document: Any = None
    delay: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    on_request: Callable[[Seen], None] | None = None

    def bodies(self) -> list[Any]:
        return [request.body for request in self.seen]


def _handler(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Seen(self.command, self.path, dict(self.headers), json.loads(body) if body else None)
            peer.seen.append(request)
            if peer.on_request is not None:
                peer.on_request(request)
            time.sleep(peer.delay)
            answer = peer.document if isinstance(peer.document, bytes) else json.dumps(peer.document or {}).encode()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(peer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


@contextlib.contextmanager
def serving() -> Iterator[Peer]:
    """Serve on a free port of 127.0.0.1."""
    peer = Peer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(peer))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    peer.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
