"""
How much memory a reservation file of many rows takes, and how fast it goes.

A file is generated on disk and taken through the same calls as in production: intake (read from a stream, scanned to
its end, stored), plan, segments by several worker processes against a DACS on loopback in a process of its own, and
the acknowledgement to DERMS there. The most that a process held is printed for each part; it must not grow with the
file. `--send` limits the segments that are sent; with `--send all` the receiver says in the end which devices it got
how often, and there is exactly one acknowledgement.

    .venv/bin/python benchmarks/reservation_memory.py [--rows 1000000] [--send 500] [--workers 2] [--limit-mb 80]
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
import requests

from benchmarks import _report
from benchmarks._report import Claim


django.setup()

from django.conf import settings  # noqa: E402  Django has to be set up first
from django.db import connection  # noqa: E402  Django has to be set up first
from django.utils import timezone  # noqa: E402  Django has to be set up first

from integration.choices import ReservationState, RunState  # noqa: E402  Django has to be set up first
from integration.flows import attachments  # noqa: E402  Django has to be set up first
from integration.models import FlowRun, Reservation, Segment  # noqa: E402  Django has to be set up first
from integration.operations import messages, segments  # noqa: E402  Django has to be set up first
from outbound.models import Connection  # noqa: E402  Django has to be set up first
from outbound.operations import message_delivery  # noqa: E402  Django has to be set up first
from tests.database.integration import reservations as given  # noqa: E402  Django has to be set up first
from tests.factories import integration as factory  # noqa: E402  Django has to be set up first


SEGMENT = 200
TOLD = "/told"
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


class HighWater:
    """The most that this process holds while the block runs, in MiB."""

    def __enter__(self) -> Self:
        # Makes the kernel count from now on.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return self

    def __exit__(self, *_: object) -> None:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        self.mb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def peers(port: Any) -> None:
    """DACS and DERMS in one: takes everything, and tells what it got."""
    devices: Counter[int] = Counter()
    acknowledgements: list[dict[str, Any]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            with lock:
                counts = {
                    "devices": len(devices),
                    "twice": sum(times > 1 for times in devices.values()),
                    "acknowledgements": acknowledgements,
                }
            self._answer(counts if self.path == TOLD else {"status": 200})

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                if "deviceList" in document:
                    devices.update(int(device["nicId"]) for device in document["deviceList"])
                else:
                    acknowledgements.append(document)
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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.send(server.server_address[1])
    server.serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--send", default="500", help="segments to send, or all")
    parser.add_argument("--workers", type=int, default=2, help="processes that send")
    parser.add_argument("--limit-mb", type=float, default=80.0, help="growth that is a failure")
    options = parser.parse_args()
    here, there = FORK.Pipe()
    receiver = FORK.Process(target=peers, args=(there,), daemon=True)
    receiver.start()
    address = f"http://127.0.0.1:{here.recv()}"
    connection.creation.create_test_db(verbosity=0)
    try:
        return measure(options, address)
    finally:
        receiver.terminate()
        connection.close()
        connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)


def measure(options: argparse.Namespace, address: str) -> int:
    # Busy cores may make anybody wait; a benchmark is no test of time-outs.
    given.prepare(address, max_concurrency=4, read_timeout="60")
    Connection.objects.create(name="DERMS", base_url=address)
    account = factory.user("derms")
    # A first message warms up what every process loads once.
    take(account, 1000, message_id="WARM-UP")
    with HighWater() as before:
        pass
    print(f"rows {options.rows:,}; resident before {before.mb:.0f} MiB", flush=True)
    highest = before.mb

    def told(part: str, started: float, rows: int, most: float) -> None:
        nonlocal highest
        highest = max(highest, most)
        took = time.perf_counter() - started
        print(f"{part:<32}{took:8.1f} s {rows / took:10,.0f} rows/s   at most {most:.0f} MiB", flush=True)

    started = time.perf_counter()
    with HighWater() as memory:
        run = take(account, options.rows, message_id="DRMS-RSV-1")
    told("intake, scan and store", started, options.rows, memory.mb)
    started = time.perf_counter()
    with HighWater() as memory:
        given.begin(run)
    told("health check and plan", started, options.rows, memory.mb)
    print(f"segments: {Segment.objects.filter(run=run).count():,}", flush=True)
    started = time.perf_counter()
    sent, most = send(run, limit=None if options.send == "all" else int(options.send), workers=options.workers)
    told(f"{sent:,} segments, {options.workers} workers", started, sent * SEGMENT, most)
    if options.send == "all":
        started = time.perf_counter()
        with HighWater() as memory:
            while message_delivery.deliver_due(at=timezone.now(), clock=timezone.now):
                pass
        told("acknowledgement", started, options.rows, memory.mb)
        arrived(run, address, rows=options.rows)
    grown = highest - before.mb
    _report.record(
        Claim(
            area="Memory",
            bar="H2",
            what=f"the most that a process grew by for a file of {options.rows:,} rows",
            measured=grown,
            unit="MiB",
            at_most=options.limit_mb,
            detail=f"{before.mb:.0f} MiB before, {highest:.0f} MiB at most",
        )
    )
    return 0 if grown <= options.limit_mb else 1


def send(run: FlowRun, *, limit: int | None, workers: int) -> tuple[int, float]:
    """Let worker processes send; give how many segments went, and the most that one of them held."""
    connection.close()
    results = FORK.SimpleQueue()
    shares = [None if limit is None else len(range(number, limit, workers)) for number in range(workers)]
    processes = [FORK.Process(target=work, args=(run.pk, share, results), daemon=True) for share in shares]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0, "a worker died"
    told = [results.get() for _ in processes]
    return sum(sent for sent, _ in told), max(most for _, most in told)


def work(run_id: uuid.UUID, limit: int | None, results: Any) -> None:
    """Send segments as a worker does, until there is none or the limit is reached."""
    sent = 0
    with HighWater() as memory:
        while (limit is None or sent < limit) and segments.work_next(run_id=run_id, clock=timezone.now):
            sent += 1
    connection.close()
    results.put((sent, memory.mb))


def arrived(run: FlowRun, address: str, *, rows: int) -> None:
    """See that every device arrived once, that one acknowledgement followed, and that the run and its ledger say so."""
    counts = requests.get(address + TOLD, timeout=60).json()
    run.refresh_from_db()
    (acknowledgement,) = counts["acknowledgements"]
    reserved = Reservation.objects.filter(run=run, state=ReservationState.RESERVED).count()
    print(f"devices at DACS: {counts['devices']:,}, more than once: {counts['twice']}; in the ledger: {reserved:,}")
    told = {name: acknowledgement[name] for name in ("ackType", "recordCount", "successCount", "errorCount")}
    print(f"acknowledgements at DERMS: 1, {told}; the run {run.state}")
    assert (counts["devices"], counts["twice"], reserved) == (rows, 0, rows)
    assert told == {"ackType": "SUCCESS", "recordCount": rows, "successCount": rows, "errorCount": 0}
    assert run.state == RunState.SUCCEEDED


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
