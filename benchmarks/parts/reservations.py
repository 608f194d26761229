"""
A reservation file of any length, taken in as from DERMS, and a DACS with a DERMS that take what comes of it.

To be imported when Django is set up.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import multiprocessing
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import requests
from django.conf import settings
from django.utils import timezone

from integration.flows import attachments
from integration.models import FlowRun
from integration.operations import messages
from outbound.models import Connection
from tests.database.integration import reservations as given
from tests.factories import integration as factory


SEGMENT = 200
TOLD, FORGET = "/told", "/forget"
FORK = multiprocessing.get_context("fork")


class Generated(io.RawIOBase):
    """A multipart body of so many rows, made as it is read."""

    def __init__(self, rows: int) -> None:
        head, self.content_type = given.multipart(given.request(recordCount=rows), given.HEADER + "\n")
        cut = head.rindex(b"\r\n--")
        self._pieces = self._make(head[:cut], head[cut:], rows)
        self._rest = b""

    def _make(self, head: bytes, tail: bytes, rows: int) -> Iterator[bytes]:
        yield head
        for start in range(1, rows + 1, 1000):
            numbers = range(start, min(start + 1000, rows + 1))
            yield "".join(f"{n},4119{n:08d},ECOBEE,2027-06-02T00:00:00Z,\n" for n in numbers).encode()
        yield tail

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        given_now, self._rest = self._rest[:size], self._rest[size:]
        return given_now


@contextlib.contextmanager
def peers(*, latency: float = 0.0) -> Iterator[str]:
    """Give the address of DACS and DERMS, both in one process of their own; each answer takes `latency` seconds."""
    here, there = FORK.Pipe()
    receiver = FORK.Process(target=_serve, args=(there, latency), daemon=True)
    receiver.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        receiver.terminate()
        receiver.join()


def _serve(port: Any, latency: float) -> None:
    """Keep the bodies as they come, and count what was in them when asked: it must not cost while it is measured."""
    bodies: list[bytes] = []
    lock = threading.Lock()
    at_work = most = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            nonlocal most
            with lock:
                if self.path == TOLD:
                    return self._answer({**counted(bodies), "most": most})
                if self.path == FORGET:
                    bodies.clear()
                    most = 0
            return self._answer({"status": 200})

        def do_POST(self) -> None:
            nonlocal at_work, most
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                bodies.append(body)
                at_work += 1
                most = max(most, at_work)
            if latency:
                time.sleep(latency)
            with lock:
                at_work -= 1
            self._answer({"status": 200})

        def _answer(self, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    port.send(server.server_address[1])
    server.serve_forever()


def counted(bodies: list[bytes]) -> dict[str, Any]:
    """Give how many devices came, how many of them twice, a digest of the segments, and the acknowledgements."""
    devices: Counter[str] = Counter()
    acknowledgements: list[dict[str, Any]] = []
    segments: list[bytes] = []
    for body in bodies:
        document = msgspec.json.decode(body)
        if "deviceList" in document:
            devices.update(device["nicId"] for device in document["deviceList"])
            segments.append(body)
        else:
            acknowledgements.append(document)
    return {
        "devices": len(devices),
        "twice": sum(times > 1 for times in devices.values()),
        "segments": len(segments),
        "digest": digest(segments),
        "acknowledgements": acknowledgements,
    }


def digest(segments: list[bytes]) -> str:
    """Give one digest of segments, in whatever order they came."""
    each = sorted(hashlib.sha256(body).digest() for body in segments)
    return hashlib.sha256(b"".join(each)).hexdigest()


def prepare(address: str, **connection: Any) -> Any:
    """Set up flows, DACS and DERMS at this address; gives the account of DERMS."""
    # Busy cores may make anybody wait; a benchmark is no test of time-outs.
    given.prepare(address, read_timeout="60", **connection)
    Connection.objects.create(name="DERMS", base_url=address, read_timeout=60)
    return factory.user("derms")


def forget(address: str) -> None:
    """Let the peers forget what they got."""
    requests.get(address + FORGET, timeout=120).raise_for_status()


def told(address: str) -> dict[str, Any]:
    """Give what the peers got."""
    return requests.get(address + TOLD, timeout=120).json()  # type: ignore[no-any-return]


def take(account: Any, rows: int, *, message_id: str) -> FlowRun:
    stream = Generated(rows)
    with tempfile.NamedTemporaryFile() as sink:
        received = attachments.read(
            stream,  # type: ignore[arg-type]
            content_type=stream.content_type,
            content_length=None,
            limit=settings.UPLOAD_MAX_BYTES,
            sink=sink,  # type: ignore[arg-type]
        )
        document = {**json.loads(received.request), "messageId": message_id}
        reply = messages.handle_message(
            identifier="event_device_reservation",
            uri="reserveDevice",
            document=document,
            raw=json.dumps(document).encode(),
            media_type="application/json",
            account=account,
            attachment=received.attachment,
            clock=timezone.now,
        )
    return FlowRun.objects.get(pk=reply.run_id)
