"""
What checking costs on the way in, without a database: segments of a file, and a batch of records.

(a) a reservation file read, checked row by row and made into segments of JSON, against `csv.reader` alone and against a
    serializer of Django REST framework for each row; the devices of all are compared;
(b) an enrollment collection of 100 records from its bytes to checked records, against a serializer with `many=True`;
    the messageIds of all are compared. The serializers have the required fields, types and lengths, not the rules;
(c) the same batch over HTTP, each contender in a view of gunicorn (2 processes with 2 threads) on these same cores.

    .venv/bin/python benchmarks/intake_throughput.py [--rows 100000] [--rounds 5] [--requests 1600]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gc
import io
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
import psutil


django.setup()

import msgspec  # noqa: E402  Django has to be set up first

from benchmarks import _report  # noqa: E402  Django has to be set up first
from benchmarks._intake_serializers import (  # noqa: E402  Django has to be set up first
    RowSerializer,
    enrollment_serializer,
)
from benchmarks._report import Claim  # noqa: E402  Django has to be set up first
from integration.flows import (  # noqa: E402  Django has to be set up first
    canonical,
    csv_blocks,
    csv_pieces,
    csv_rows,
    enrollment_payload,
    event_device_reservation,
    reservation_mapping,
)
from tests.functional.harness.processes import (  # noqa: E402  Django has to be set up first
    PYTHON,
    Child,
    free_port,
    wait_until,
)
from tests.functional.harness.records import enrollment  # noqa: E402  Django has to be set up first


SEGMENT = 200
CLIENTS = 8
HEADER = "recordId,nicId,headEndSystemId,reservationStartDateTime,reservationEndDateTime"
ENCODER = msgspec.json.Encoder()
REQUEST = {
    "drmsInstanceId": "NMS1",
    "messageId": "M-1",
    "eventId": "EVT-1",
    "eventType": "LOAD",
    "eventStartDateTime": "2027-06-02T00:00:00Z",
    "eventEndDateTime": "2027-06-02T06:00:00Z",
}


def bare(content: bytes) -> list[str]:
    """Contender: the rows split, nothing checked, nothing made of them."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=""))
    next(reader)
    return [row[1] for row in reader]


def ours(content: bytes) -> list[str]:
    """The product's reading, checks and segments."""
    request = reservation_mapping.check_request(REQUEST)
    stream = io.BytesIO(content)
    header = csv_rows.read_header(stream, reservation_mapping.LAYOUT)
    sent: list[str] = []
    for offset, line, count in csv_pieces.segments(io.BytesIO(content), header=header, size=SEGMENT):
        block = csv_blocks.block_of(stream, header=header, offset=offset, line=line, count=count)
        refused = event_device_reservation.FLOW.refused(block, request)
        devices = reservation_mapping.devices(block, without={row.line for row in refused})
        ENCODER.encode(reservation_mapping.segment_document(request, event_type="X", devices=devices))
        sent += [device.nic_id for device in devices]
    return sent


def by_serializer(content: bytes) -> list[str]:
    """Contender: a serializer for each row, segments of its data."""
    found: list[str] = []
    waiting: list[Any] = []
    for row in csv.DictReader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")):
        checked = RowSerializer(data=row)
        checked.is_valid(raise_exception=True)
        waiting.append(checked.validated_data)
        if len(waiting) == SEGMENT:
            ENCODER.encode(waiting)
            found += [each["nicId"] for each in waiting]
            waiting = []
    return found + [each["nicId"] for each in waiting]


def _timed(work: Callable[[bytes], Any], content: bytes, *, times: int = 1) -> Callable[[], float]:
    def once() -> float:
        # Nothing here waits: the processor's time leaves out what else the machine does.
        began = time.process_time()
        for _ in range(times):
            work(content)
        return (time.process_time() - began) / times

    return once


def file(*, rows: int, rounds: int) -> None:
    """Bar H3."""

    def lines() -> Iterator[str]:
        yield HEADER
        for number in range(rows):
            yield f"{number},4119{number:08d},ECOBEE,2027-06-02T00:00:00Z,2027-06-02T04:00:00Z"

    content = "\n".join(lines()).encode()
    fewer = "\n".join(list(lines())[: rows // 10 + 1]).encode()
    assert ours(content) == bare(content)
    assert ours(fewer) == by_serializer(fewer)
    taken = _report.in_turns(
        {"ours": _timed(ours, content), "bare": _timed(bare, content), "serializer": _timed(by_serializer, fewer)},
        rounds=rounds,
    )
    rates = {name: [rows / each for each in seconds] for name, seconds in taken.items()}
    rates["serializer"] = [rate / 10 for rate in rates["serializer"]]
    middle = {name: statistics.median(found) for name, found in rates.items()}
    detail = "; ".join(f"{name} {_report.spread(found)} rows/s" for name, found in rates.items())
    for against, least in (("bare", 0.35), ("serializer", 10.0)):
        what = {"bare": "csv.reader alone", "serializer": "a serializer for each row"}[against]
        _report.record(
            Claim(
                area="Intake",
                bar="H3",
                what=f"segments of a file, checked and made into JSON, against {what}",
                measured=middle["ours"] / middle[against],
                at_least=least,
                detail=detail if against == "bare" else "",
            )
        )


def batch(*, rounds: int) -> None:
    """The part of bar H1 that needs no server."""
    records = [enrollment() for _ in range(100)]
    content = ENCODER.encode({"params": records})
    serializer = enrollment_serializer()

    def checked(body: bytes) -> list[str]:
        found = enrollment_payload.check_collection(canonical.read(body))
        assert all(record.valid for record in found)
        return [record.message_id for record in found]

    def serialized(body: bytes) -> list[str]:
        each = serializer(data=msgspec.json.decode(body)["params"], many=True)
        each.is_valid(raise_exception=True)
        return [record["messageId"] for record in each.validated_data]

    assert checked(content) == serialized(content)
    taken = _report.in_turns(
        {"ours": _timed(checked, content, times=10), "serializer": _timed(serialized, content, times=10)}, rounds=rounds
    )
    middle = {name: 100 / statistics.median(seconds) for name, seconds in taken.items()}
    _report.record(
        Claim(
            area="Intake",
            bar="H1",
            what="100 enrollment records from bytes to checked records against a serializer, in process",
            measured=middle["ours"] / middle["serializer"],
            at_least=20.0,
            detail=f"{middle['ours']:,.0f} and {middle['serializer']:,.0f} records/s",
        )
    )


def over_http(*, rounds: int, requests: int) -> None:
    """The part of bar H1 that goes through a server."""
    content = ENCODER.encode({"params": [enrollment() for _ in range(100)]})
    with tempfile.TemporaryDirectory(prefix="tieline-bench-") as folder, contextlib.ExitStack() as stack:
        port = free_port()
        server = Child(
            name="intake",
            command=[
                *(PYTHON, "-m", "gunicorn", "benchmarks._intake_server:application", "--bind", f"127.0.0.1:{port}"),
                *("--workers", "2", "--worker-class", "gthread", "--threads", "2", "--log-level", "warning"),
            ],
            environment=os.environ,
            log=Path(folder) / "intake.log",
        )
        stack.callback(server.stop)
        wait_until("the server", lambda: _answers(port, "/ours", content), seconds=60)
        assert _posted(port, "/ours", content) == _posted(port, "/serializer", content)

        cpu: dict[str, list[float]] = {}

        def timed(address: str, count: int) -> Callable[[], float]:
            def once() -> float:
                began, before = time.perf_counter(), _cpu(server.process.pid)
                with ThreadPoolExecutor(CLIENTS) as pool:
                    for done in [
                        pool.submit(_post_many, port, address, content, count // CLIENTS) for _ in range(CLIENTS)
                    ]:
                        done.result()
                done_in = time.perf_counter() - began
                cpu.setdefault(address, []).append((_cpu(server.process.pid) - before) / (count // CLIENTS * CLIENTS))
                return done_in / (count // CLIENTS * CLIENTS)

            return once

        fewer = max(requests // 8, CLIENTS)
        taken = _report.in_turns(
            {"ours": timed("/ours", requests), "serializer": timed("/serializer", fewer)}, rounds=rounds
        )
    rates = {name: [1 / each for each in seconds] for name, seconds in taken.items()}
    middle = {address: statistics.median(each) * 1000 for address, each in cpu.items()}
    _report.record(
        Claim(
            area="Intake",
            bar="H1",
            what="100 enrollment records, checked by a server, against a serializer, over HTTP",
            measured=statistics.median(rates["ours"]) / statistics.median(rates["serializer"]),
            at_least=8.0,
            detail="; ".join(f"{name} {_report.spread(found)} requests/s" for name, found in rates.items())
            + f"; the server's CPU {middle['/ours']:.2f} and {middle['/serializer']:.2f} ms for a request",
        )
    )


def _cpu(pid: int) -> float:
    """Give the seconds of CPU that a server and its workers have taken so far."""
    server = psutil.Process(pid)
    return sum(each.cpu_times().user + each.cpu_times().system for each in (server, *server.children(recursive=True)))


def _post_many(port: int, address: str, content: bytes, count: int) -> bytes:
    """Post over one connection that is kept; give the last answer."""
    head = f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
    body = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection, connection.makefile("rb") as answers:
        for _ in range(count):
            connection.sendall(request)
            status, length = answers.readline(), 0
            assert b" 200 " in status, status
            while (line := answers.readline()) != b"\r\n":
                name, _, value = line.lower().partition(b":")
                length = int(value) if name == b"content-length" else length
            body = answers.read(length)
    return body


def _posted(port: int, address: str, content: bytes) -> list[str]:
    return msgspec.json.decode(_post_many(port, address, content, 1), type=list[str])


def _answers(port: int, address: str, content: bytes) -> bool:
    try:
        return bool(_posted(port, address, content))
    except OSError:
        return False


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1_600)
    options = parser.parse_args()
    # As `integration.wsgi` does.
    gc.freeze()
    file(rows=options.rows, rounds=options.rounds)
    batch(rounds=options.rounds)
    over_http(rounds=options.rounds, requests=options.requests)


if __name__ == "__main__":
    main()
