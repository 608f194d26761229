"""A peer on the network: HTTP/1.1 with keep-alive on 127.0.0.1, faults applied, every request recorded."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox import control
from sandbox.exchange import PeerAnswer, PeerRequest, iso, now
from sandbox.faults import FaultBook, FaultRule
from sandbox.service import Service


HOST = "127.0.0.1"
MAX_BODY_BYTES = 256 * 1024 * 1024
KEPT_REQUESTS = 5_000
_SHOWN_BODY = 20_000


class RequestLog:
    """The last requests, in memory and, when asked for, as JSON lines in a file."""

    def __init__(self, record: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self._record = record
        self._open: Counter[str] = Counter()
        self.total = 0

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[int]:
        """Count the requests to a path that are being answered while the block runs, this one included."""
        place = path.partition("?")[0]
        with self._lock:
            self._open[place] += 1
            at_once = self._open[place]
        try:
            yield at_once
        finally:
            with self._lock:
                self._open[place] -= 1
                if not self._open[place]:
                    del self._open[place]

    def add(
        self,
        request: PeerRequest,
        *,
        outcome: str,
        rule: FaultRule | None,
        served: PeerAnswer | None,
        at_once: int = 1,
    ) -> None:
        """
        Keep one request with what became of it. Credentials are not kept.

        :param served: what the peer did, whatever it answers; None when it did nothing.
        :param at_once: how many requests to its path were being answered when it came, itself included.
        """
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        entry = {
            "at": iso(request.received_at),
            "method": request.method,
            "path": request.path,
            "headers": headers,
            "authenticated": "authorization" in request.headers,
            "body": request.text[:_SHOWN_BODY],
            "size": len(request.body),
            "outcome": outcome,
            "effect": served is not None and served.took_effect,
            "rule": rule.id if rule else None,
            "atOnce": at_once,
        }
        with self._lock:
            self.total += 1
            self._kept.append(entry)
            if self._record is not None:
                with self._record.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(entry) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """Give the kept requests, oldest first."""
        with self._lock:
            return list(self._kept)

    def clear(self) -> None:
        """Forget the kept requests; the file keeps its lines."""
        with self._lock:
            self._kept.clear()
            self.total = 0


class PeerServer(ThreadingHTTPServer):
    """One peer at one port. With credentials, every request that is not for the control API must carry them."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(
        self,
        *,
        service: Service,
        port: int,
        record: Path | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        super().__init__((HOST, port), PeerHandler)
        self.service = service
        self.faults = FaultBook()
        self.log = RequestLog(record)
        self.credentials = credentials

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://{HOST}:{self.port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client went away; show anything else as the standard library does."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class PeerHandler(BaseHTTPRequestHandler):
    """Reads a request, asks the faults, then the service, and writes the answer in one piece."""

    server: PeerServer
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 120

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  the parent's name
        """Keep quiet: the control page shows the requests."""

    def handle_any(self) -> None:
        """Answer one request of any method."""
        body = self._read_body()
        if body is None:
            return
        request = PeerRequest(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            received_at=now(),
        )
        if request.path.startswith("/_control"):
            self._write(control.answer(self.server, request))
            return
        with self.server.log.opened(request.path) as at_once:
            rule = self.server.faults.take(request)
            if rule is None:
                answer = self._serve(request)
                self.server.log.add(request, outcome=str(answer.status), rule=None, served=answer, at_once=at_once)
                self._write(answer)
            else:
                self._misbehave(request, rule, at_once)

    # The standard library looks for these names.
    do_GET = handle_any  # noqa: N815  see above
    do_POST = handle_any  # noqa: N815  see above
    do_PUT = handle_any  # noqa: N815  see above
    do_PATCH = handle_any  # noqa: N815  see above
    do_DELETE = handle_any  # noqa: N815  see above
    do_HEAD = handle_any  # noqa: N815  see above

    def _serve(self, request: PeerRequest) -> PeerAnswer:
        if not self._authorized(request):
            return PeerAnswer(
                status=401,
                document={"title": "Unauthorized", "detail": "The credentials are missing or wrong."},
                headers={"WWW-Authenticate": f'Basic realm="{self.server.service.name}"'},
            )
        return self.server.service.answer(request)

    def _authorized(self, request: PeerRequest) -> bool:
        if self.server.credentials is None:
            return True
        expected = base64.b64encode(":".join(self.server.credentials).encode()).decode()
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "basic" and hmac.compare_digest(given.strip().encode(), expected.encode())

    def _misbehave(self, request: PeerRequest, rule: FaultRule, at_once: int) -> None:
        if rule.down:
            self.server.log.add(request, outcome="down", rule=rule, served=None, at_once=at_once)
            self._reset()
            return
        names_an_answer = rule.status is not None or rule.body is not None or rule.nonsense
        spoils = names_an_answer or rule.reset or rule.half_answer
        served = self._serve(request) if rule.after_effect or not spoils or rule.half_answer else None
        answer = _told_answer(rule, served)
        outcome = (
            "reset" if rule.reset
            else "half answer" if rule.half_answer
            else "nonsense" if rule.nonsense
            else str(answer.status)
        )  # fmt: skip
        # Before the wait: what was done for a sender that does not wait is on record at once.
        self.server.log.add(request, outcome=outcome, rule=rule, served=served, at_once=at_once)
        if rule.delay_seconds:
            time.sleep(rule.delay_seconds)
        if rule.reset:
            self._reset()
            return
        self._write(answer, half=rule.half_answer)

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY_BYTES:
            self.close_connection = True
            self._write(PeerAnswer(status=413, document={"title": "Content Too Large"}))
            return None
        body = self.rfile.read(length) if length else b""
        if len(body) < length:
            # The sender went away in the middle: that is no request.
            self.close_connection = True
            return None
        return body

    def _read_chunks(self) -> bytes:
        parts: list[bytes] = []
        while True:
            size = int(self.rfile.readline(100).split(b";")[0].strip() or b"0", 16)
            if size == 0:
                while self.rfile.readline(8_000).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)

    def _write(self, answer: PeerAnswer, *, half: bool = False) -> None:
        body = answer.body()
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", f"Date: {self.date_time_string()}"]
        lines.append(f"Content-Type: {answer.content_type}")
        lines.append(f"Content-Length: {len(body)}")
        lines.extend(f"{name}: {value}" for name, value in answer.headers.items())
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        sent = body[: len(body) // 2] if half else body
        try:
            # One piece: two small writes would meet the delayed acknowledgement of the other side.
            self.wfile.write(head if self.command == "HEAD" else head + sent)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            return
        if half:
            self._reset()

    def _reset(self) -> None:
        """Close with RST, as a crashed process does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _told_answer(rule: FaultRule, served: PeerAnswer | None) -> PeerAnswer:
    if rule.nonsense:
        page = b"<html><body>\x00\xff It works! </bo"
        return PeerAnswer(status=rule.status or 200, document=page, headers=rule.headers)
    if served is not None and rule.status is None and rule.body is None:
        return PeerAnswer(
            status=served.status,
            document=served.document,
            headers={**served.headers, **rule.headers},
            content_type=served.content_type,
            replayed=served.replayed,
        )
    status = rule.status or 200
    document = rule.body if rule.body is not None else {"title": _phrase(status), "detail": "Told to answer so."}
    return PeerAnswer(status=status, document=document, headers=rule.headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Told So"
