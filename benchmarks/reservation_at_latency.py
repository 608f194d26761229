"""
A reservation file against a DACS that takes its time: how near it comes to the floors of what has to be done.

The file goes through the same calls as in production: taken in, planned, its segments of 200 sent by worker processes,
W at once altogether, each answered after L, and acknowledged to DERMS. Beside it, in turns:

(a) parsing and serializing alone: the product's own reading and checks of the same file, its segments as JSON, one
    process, no database, no socket;
(b) a bare pooled client with W threads that posts those segments.

The bar is the whole file against the larger of (a) and posts x L / W. What DACS got is compared by a digest of all
segments, and the ledger, the run and the one acknowledgement say so too. The ledger has a row for each device, and each
exchange is kept encrypted: neither floor does that. On what DATABASE_URL names; PostgreSQL, for more than one writer.

    .venv/bin/python scripts/with_services.py --use -- \\
        .venv/bin/python benchmarks/reservation_at_latency.py [--rows 1000000] [--milliseconds 20] [--in-flight 32]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
import psutil
import requests

from benchmarks import _report
from benchmarks._report import Claim
from benchmarks._stage import in_parallel
from benchmarks.parts.memory import HighWater


django.setup()

import msgspec  # noqa: E402  Django has to be set up first
from django.db import connection  # noqa: E402  Django has to be set up first
from django.utils import timezone  # noqa: E402  Django has to be set up first

from benchmarks.parts.reservations import FORK, SEGMENT, digest, forget, peers, prepare, take, told  # noqa: E402  Django has to be set up first
from benchmarks.parts.vee_product import scratch_database  # noqa: E402  Django has to be set up first
from integration.choices import ReservationState, RunState  # noqa: E402  Django has to be set up first
from integration.flows import csv_blocks, csv_pieces, csv_rows, registry, reservation_mapping  # noqa: E402  Django has to be set up first
from integration.models import FlowRun, Reservation, StoredFile  # noqa: E402  Django has to be set up first
from integration.operations import segments  # noqa: E402  Django has to be set up first
from integration.operations.attachments import accepted_again  # noqa: E402  Django has to be set up first
from integration.operations.flows import packaged_flow  # noqa: E402  Django has to be set up first
from outbound.operations import message_delivery  # noqa: E402  Django has to be set up first
from tests.database.integration import reservations as given  # noqa: E402  Django has to be set up first


MOST_OF_FLOOR = 3.0
ENCODER = msgspec.json.Encoder()


def posts_floor(*, rows: int, latency: float, in_flight: int) -> float:
    """Give the seconds that the calls of so many rows take when `in_flight` of them always wait."""
    posts = -(-rows // SEGMENT)
    return -(-posts // in_flight) * latency


class Whole:
    """The product: a new file each time, with what its parts took."""

    def __init__(self, address: str, account: Any, options: argparse.Namespace) -> None:
        self.address, self.account, self.options = address, account, options
        self.number = 0
        self.parts: dict[str, list[float]] = {}
        self.most = 0.0
        self.cpu: list[float] = []
        self.database_cpu: list[float] = []

    def run(self) -> float:
        """Take one file to its acknowledgement."""
        self.number += 1
        began = time.perf_counter()
        self.file = self._timed("intake", lambda: take(self.account, self.options.rows, message_id=f"R-{self.number}"))
        self._timed("plan", lambda: given.begin(self.file))
        self._timed("segments", self._send)
        self._timed("acknowledgement", self._acknowledge)
        seconds = time.perf_counter() - began
        self._check()
        return seconds

    def a_row(self, cpu: Sequence[float]) -> float:
        """Give the microseconds of CPU that the segments took for a row."""
        return statistics.median(cpu) / self.options.rows * 1_000_000

    def _timed(self, part: str, work: Any) -> Any:
        began = time.perf_counter()
        with HighWater() as held:
            done = work()
        self.most = max(self.most, held.mb)
        self.parts.setdefault(part, []).append(time.perf_counter() - began)
        return done

    def _send(self) -> None:
        before = database_cpu()
        connection.close()
        results = FORK.SimpleQueue()
        workers = [
            FORK.Process(target=work, args=(self.file.pk, results), daemon=True) for _ in range(self.options.workers)
        ]
        for process in workers:
            process.start()
        for process in workers:
            process.join()
            assert process.exitcode == 0, "a worker died"
        told_by = [results.get() for _ in workers]
        self.most = max(self.most, *(most for most, _ in told_by))
        self.cpu.append(sum(cpu for _, cpu in told_by))
        self.database_cpu.append(database_cpu() - before)

    @staticmethod
    def _acknowledge() -> None:
        while message_delivery.deliver_due(at=timezone.now(), clock=timezone.now):
            pass

    def _check(self) -> None:
        rows = self.options.rows
        got = told(self.address)
        self.digest = got["digest"]
        self.at_once = got["most"]
        self.file.refresh_from_db()
        (acknowledgement,) = got["acknowledgements"]
        reserved = Reservation.objects.filter(run=self.file, state=ReservationState.RESERVED).count()
        assert (got["devices"], got["twice"], reserved) == (rows, 0, rows)
        assert (acknowledgement["ackType"], acknowledgement["successCount"]) == ("SUCCESS", rows)
        assert self.file.state == RunState.SUCCEEDED
        # The next round reserves the same devices for the same event.
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {Reservation._meta.db_table} CASCADE")


def database_cpu() -> float:
    """Give the seconds of CPU that the server has taken so far, on this machine; nothing when it is on another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_read_file('postmaster.pid')")
        first = cursor.fetchone()[0].split()[0]
    try:
        server = psutil.Process(int(first))
        each = [server.cpu_times(), *(child.cpu_times() for child in server.children())]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(times.user + times.system for times in each) + each[0].children_user + each[0].children_system


def work(run_id: uuid.UUID, results: Any) -> None:
    """Send segments as a worker does, until there is none."""
    with HighWater() as held:
        while segments.work(run_id=run_id, clock=timezone.now):
            pass
    connection.close()
    results.put((held.mb, time.process_time()))


def alone(file: FlowRun) -> tuple[float, list[bytes]]:
    """Read, check and serialize the file of a run without sending it; gives the seconds, and the segments."""
    flow: Any = packaged_flow(registry.find(file.flow.identifier))
    accepted = accepted_again(file, flow)
    event_type = flow.prepare(accepted, None)
    made: list[bytes] = []
    content = StoredFile.objects.get(run=file).content
    with content.storage.open(content.name) as stream, content.storage.open(content.name) as other:
        began = time.perf_counter()
        header = csv_rows.read_header(stream, flow.layout)
        for offset, line, count in csv_pieces.segments(other, header=header, size=SEGMENT):
            block = csv_blocks.block_of(stream, header=header, offset=offset, line=line, count=count)
            refused = {row.line for row in flow.refused(block, accepted)}
            devices = reservation_mapping.devices(block, without=refused)
            document = reservation_mapping.segment_document(accepted, event_type=event_type, devices=devices)
            made.append(ENCODER.encode(document))
        return time.perf_counter() - began, made


def bare(address: str, made: Sequence[bytes], in_flight: int) -> float:
    """Post segments that are there already."""

    def send(share: Sequence[bytes]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for body in share:
                session.post(address, data=body, headers={"Content-Type": "application/json"}).raise_for_status()

    began = time.perf_counter()
    in_parallel(send, made, concurrency=in_flight)
    return time.perf_counter() - began


def measure(options: argparse.Namespace, address: str) -> None:
    """Let the contenders take turns and report bar H6."""
    account = prepare(address, max_concurrency=options.in_flight)
    given.properties(stage__parallel=str(options.in_flight))
    whole = Whole(address, account, options)
    made: list[bytes] = []

    def product() -> float:
        forget(address)
        return whole.run()

    def parsed() -> float:
        nonlocal made
        seconds, made = alone(whole.file)
        assert digest(made) == whole.digest, "DACS got other segments"
        return seconds

    def posted() -> float:
        forget(address)
        seconds = bare(address, made, options.in_flight)
        assert told(address)["digest"] == whole.digest, "DACS got other segments"
        return seconds

    taken = _report.in_turns(
        {"product": product, "parsed": parsed, "bare": posted}, rounds=options.rounds, warm_up=False
    )
    latency = options.milliseconds / 1000
    posts = posts_floor(rows=options.rows, latency=latency, in_flight=options.in_flight)
    middle = {name: statistics.median(found) for name, found in taken.items()}
    floor = max(middle["parsed"], posts)
    cpu = f"{whole.a_row(whole.cpu):.1f} and {whole.a_row(whole.database_cpu):.1f} us of CPU for a row"
    parts = ", ".join(f"{part} {statistics.median(found):.1f}" for part, found in whole.parts.items())
    _report.record(
        Claim(
            area="Flows",
            bar="H6",
            what=f"reservation file of {options.rows:,} rows at {options.milliseconds:g} ms with {options.in_flight} "
            "in flight, in to acknowledged, against the larger of parsing and serializing alone and posts x L / W",
            measured=middle["product"] / floor,
            at_most=MOST_OF_FLOOR,
            detail=f"{_report.spread(taken['product'])} s ({parts}; {whole.at_once} at once at most); "
            f"parsing and serializing {_report.spread(taken['parsed'])} s, posts x L / W {posts:.1f} s, "
            f"a bare client {_report.spread(taken['bare'])} s; "
            f"{cpu} in workers and in {connection.vendor}; {options.workers} processes, "
            f"{options.rounds} rounds, load {os.getloadavg()[0]:.1f}; a process held at most {whole.most:.0f} MiB",
        )
    )


def main() -> None:
    """Read the arguments and measure on a scratch database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--milliseconds", type=float, default=20, help="that DACS takes for each answer")
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2, help="processes, which share what is in flight")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        parser.error("name a PostgreSQL in DATABASE_URL: SQLite has one writer at a time")
    with peers(latency=options.milliseconds / 1000) as address, scratch_database():
        measure(options, address)


if __name__ == "__main__":
    main()
