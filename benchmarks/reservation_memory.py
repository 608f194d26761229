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
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

from benchmarks import _report
from benchmarks._report import Claim
from benchmarks.parts.memory import HighWater


django.setup()

from django.db import connection  # noqa: E402  Django has to be set up first
from django.utils import timezone  # noqa: E402  Django has to be set up first

from benchmarks.parts.reservations import FORK, SEGMENT, peers, prepare, take, told  # noqa: E402  Django has to be set up first
from benchmarks.parts.vee_product import scratch_database  # noqa: E402  Django has to be set up first
from integration.choices import ReservationState, RunState  # noqa: E402  Django has to be set up first
from integration.models import FlowRun, Reservation, Segment  # noqa: E402  Django has to be set up first
from integration.operations import segments  # noqa: E402  Django has to be set up first
from outbound.operations import message_delivery  # noqa: E402  Django has to be set up first
from tests.database.integration import reservations as given  # noqa: E402  Django has to be set up first


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--send", default="500", help="segments to send, or all")
    parser.add_argument("--workers", type=int, default=2, help="processes that send")
    parser.add_argument("--limit-mb", type=float, default=80.0, help="growth that is a failure")
    options = parser.parse_args()
    with peers() as address, scratch_database():
        return measure(options, address)


def measure(options: argparse.Namespace, address: str) -> int:
    account = prepare(address, max_concurrency=4)
    # A first message warms up what every process loads once.
    take(account, 1000, message_id="WARM-UP")
    with HighWater() as before:
        pass
    print(f"rows {options.rows:,}; resident before {before.mb:.0f} MiB", flush=True)
    highest = before.mb

    def tell(part: str, started: float, rows: int, most: float) -> None:
        nonlocal highest
        highest = max(highest, most)
        took = time.perf_counter() - started
        print(f"{part:<32}{took:8.1f} s {rows / took:10,.0f} rows/s   at most {most:.0f} MiB", flush=True)

    started = time.perf_counter()
    with HighWater() as held:
        run = take(account, options.rows, message_id="DRMS-RSV-1")
    tell("intake, scan and store", started, options.rows, held.mb)
    started = time.perf_counter()
    with HighWater() as held:
        given.begin(run)
    tell("health check and plan", started, options.rows, held.mb)
    print(f"segments: {Segment.objects.filter(run=run).count():,}", flush=True)
    started = time.perf_counter()
    sent, most = send(run, limit=None if options.send == "all" else int(options.send), workers=options.workers)
    tell(f"{sent:,} segments, {options.workers} workers", started, sent * SEGMENT, most)
    if options.send == "all":
        started = time.perf_counter()
        with HighWater() as held:
            while message_delivery.deliver_due(at=timezone.now(), clock=timezone.now):
                pass
        tell("acknowledgement", started, options.rows, held.mb)
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
    found = [results.get() for _ in processes]
    return sum(sent for sent, _ in found), max(most for _, most in found)


def work(run_id: uuid.UUID, limit: int | None, results: Any) -> None:
    """Send segments as a worker does, until there is none or the limit is reached."""
    sent = 0
    with HighWater() as held:
        while limit is None and (taken := segments.work(run_id=run_id, clock=timezone.now)):
            sent += taken
        while limit is not None and sent < limit and segments.work_next(run_id=run_id, clock=timezone.now):
            sent += 1
    connection.close()
    results.put((sent, held.mb))


def arrived(run: FlowRun, address: str, *, rows: int) -> None:
    """See that every device arrived once, that one acknowledgement followed, and that the run and its ledger say so."""
    counts = told(address)
    run.refresh_from_db()
    (acknowledgement,) = counts["acknowledgements"]
    reserved = Reservation.objects.filter(run=run, state=ReservationState.RESERVED).count()
    print(f"devices at DACS: {counts['devices']:,}, more than once: {counts['twice']}; in the ledger: {reserved:,}")
    said = {name: acknowledgement[name] for name in ("ackType", "recordCount", "successCount", "errorCount")}
    print(f"acknowledgements at DERMS: 1, {said}; the run {run.state}")
    assert (counts["devices"], counts["twice"], reserved) == (rows, 0, rows)
    assert said == {"ackType": "SUCCESS", "recordCount": rows, "successCount": rows, "errorCount": 0}
    assert run.state == RunState.SUCCEEDED


if __name__ == "__main__":
    sys.exit(main())
