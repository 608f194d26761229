"""A DACS on loopback that answers as a test tells it, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.database.integration.participation import hold_until_together


@dataclass
class Behaviour:
    """One answer: PENDING by default."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    delay: float = 0.0


@dataclass
class Dacs:
    """The server's log, and what it answers to a transaction id."""

    base_url: str = ""
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    otherwise: Behaviour = field(default_factory=Behaviour)
    requests: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    on_request: Callable[[dict[str, Any]], None] | None = None
    together: int = 1
    gathered: threading.Condition = field(default_factory=threading.Condition)

    def bodies(self) -> list[dict[str, Any]]:
        return [request["body"] for request in self.requests]

    def transaction_ids(self) -> list[str]:
        return [body["transactionId"] for body in self.bodies()]


def already_exists() -> Behaviour:
    """The refusal of a transaction id that DACS has, as a 400."""
    return Behaviour(
        status=400,
        body={
            "problemDetailDocument": {
                "title": "Bad Request",
                "httpStatus": 400,
                "detail": "Enrollment request already exists.",
                "problemType": "https://dacs.example/message/11104/10589",
                "serverMessage": {"category": 11104, "number": 10589, "text": "Enrollment request already exists."},
            }
        },
    )


def validation_error() -> Behaviour:
    """An enrollment that DACS made and found fault with."""
    return Behaviour(
        body={
            "X1-DAEnroll": {
                "enrollmentId": "48213907551235",
                "status": "VAL-ERROR",
                "exception": {"messageCategory": 11104, "messageNumber": 10001, "messageText": "No such program."},
            }
        }
    )


def _handler(dacs: Dacs) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request = {"path": self.path, "body": body, "headers": dict(self.headers)}
            with dacs.gathered:
                dacs.requests.append(request)
                dacs.at_once += 1
                dacs.most_at_once = max(dacs.most_at_once, dacs.at_once)
                dacs.gathered.notify_all()
            if dacs.on_request is not None:
                dacs.on_request(request)
            behaviour = dacs.behaviours.get(body["transactionId"], dacs.otherwise)
            if len(dacs.requests) > 1:  # the first record is sent alone
                hold_until_together(dacs)
            time.sleep(behaviour.delay)
            answer = behaviour.raw
            if answer is None:
                answer = json.dumps(
                    behaviour.body
                    or {"X1-DAEnroll": {**body, "enrollmentId": f"E-{body['transactionId']}", "status": "PENDING"}}
                ).encode()
            with dacs.gathered:
                dacs.at_once -= 1
            try:
                self.send_response(behaviour.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


@pytest.fixture
def dacs() -> Iterator[Dacs]:
    known = Dacs()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(known))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    known.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def nobody_listens() -> str:
    """An address on loopback where nobody answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_address[1]
    server.server_close()
    return f"http://127.0.0.1:{port}"
