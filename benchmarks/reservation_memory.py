"""
How much memory a reservation file of many rows takes, and how fast it goes.

A file is generated on disk and taken through the same calls as in production: intake (read from a stream, scanned to
its end, stored), plan, and segments against a DACS on loopback in a process of its own. The resident set is printed
after each part; it must not grow with the file. `--send` limits the segments that are sent.

    .venv/bin/python benchmarks/reservation_memory.py [--rows 1000000] [--send 500] [--limit-mb 120]
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

from django.conf import settings  # noqa: E402  Django has to be set up first
from django.db import connection  # noqa: E402  Django has to be set up first
from django.utils import timezone  # noqa: E402  Django has to be set up first

from integration.flows import attachments  # noqa: E402  Django has to be set up first
from integration.models import FlowRun, Segment  # noqa: E402  Django has to be set up first
from integration.operations import messages, segments  # noqa: E402  Django has to be set up first
from tests.database.integration import reservations as given  # noqa: E402  Django has to be set up first
from tests.factories import integration as factory  # noqa: E402  Django has to be set up first


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


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


def dacs(port: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer()

        def _answer(self) -> None:
            body = json.dumps({"status": 200}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.send(server.server_address[1])
    server.serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--send", type=int, default=500, help="segments to send, 0: all")
    parser.add_argument("--limit-mb", type=float, default=120.0, help="growth that is a failure")
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    peer = multiprocessing.get_context("fork").Process(target=dacs, args=(there,), daemon=True)
    peer.start()
    address = f"http://127.0.0.1:{here.recv()}"
    connection.creation.create_test_db(verbosity=0)
    try:
        return measure(options, address)
    finally:
        peer.terminate()
        connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)


def measure(options: argparse.Namespace, address: str) -> int:
    given.prepare(address, max_concurrency=4)
    account = factory.user("derms")
    # A first message warms up what every process loads once.
    take(account, 1000, message_id="WARM-UP")
    before = resident_mb()
    print(f"rows {options.rows:,}; resident before {before:.0f} MB")
    highest = before

    def told(part: str, started: float, rows: int) -> None:
        nonlocal highest
        now = resident_mb()
        highest = max(highest, now)
        took = time.perf_counter() - started
        print(f"{part:<28}{took:8.1f} s {rows / took:10,.0f} rows/s   resident {now:.0f} MB")

    started = time.perf_counter()
    run = take(account, options.rows, message_id="DRMS-RSV-1")
    told("intake, scan and store", started, options.rows)
    started = time.perf_counter()
    given.begin(run)
    told("health check and plan", started, options.rows)
    print(f"segments: {Segment.objects.filter(run=run).count():,}")
    started = time.perf_counter()
    sent = 0
    while (not options.send or sent < options.send) and segments.work_next(run_id=run.pk, clock=timezone.now):
        sent += 1
    told(f"{sent:,} segments, one worker", started, sent * 200)
    grown = highest - before
    print(f"grown by {grown:.0f} MB; the limit is {options.limit_mb:.0f} MB")
    return 0 if grown <= options.limit_mb else 1


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


if __name__ == "__main__":
    sys.exit(main())
