"""
How fast a reservation file goes through the product to DACS, against a bare pooled HTTP client, and in what memory.

Both contenders call the same receiver (the simulated DACS) with segments of 200 rows, four at once, in turns:

(a) the product: one file comes in over HTTP, is stored, checked, read in segments, sent, and acknowledged to DERMS;
    measured from the first byte sent to the acknowledgement at DERMS;
(b) a bare client with a connection pool: the bodies that the product made, sent as they are.

After each round the devices that DACS reserved are compared. Medians are printed with the slowest and fastest round.
The memory is that of all of the product's processes together: before the file, and the most while it was worked on.

    .venv/bin/python benchmarks/reservation_throughput.py [--rows 20000] [--rounds 3]
    .venv/bin/python benchmarks/reservation_throughput.py --rows 1000000 --rounds 1 --no-warm-up
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import _report
from _report import Claim
from _stage import Memory, Stage, figure, send_bare, stage

from tests.functional.harness.events import (
    RESERVE_AT_DACS,
    acknowledged,
    reservation,
    reservation_file,
    reserve,
    reserved,
)
from tests.functional.harness.processes import wait_until


SEGMENT, PARALLEL = 200, 4


def run_product(on: Stage, document: dict[str, Any], content: str) -> float:
    """Contender (a)."""
    began = time.perf_counter()
    reserve(on.product.client(), document, content)
    wait_until("the acknowledgement", lambda: on.derms.state()["reservationAcks"], seconds=3_600, every=0.05)
    seconds = time.perf_counter() - began
    assert acknowledged(on.derms, document["messageId"])["ackType"] == "SUCCESS"
    return seconds


def measure(on: Stage, *, rows: int, rounds: int, warm_up: bool) -> None:
    """Run the contenders in turns and print their figures."""
    taken: dict[str, list[float]] = {"product": [], "bare": []}
    content = reservation_file(rows)
    memories: list[Memory] = []
    for number in range(rounds + warm_up):
        document = reservation(recordCount=rows)
        on.reset()
        with Memory(on.product) as memory:
            product = run_product(on, document, content)
        memories.append(memory)
        sent = on.dacs.requests(RESERVE_AT_DACS)
        assert len(sent) == -(-rows // SEGMENT), "not every segment arrived once"
        by_product = reserved(on.dacs, document["eventId"])
        on.reset()
        bare = send_bare(on.dacs.url, sent, concurrency=PARALLEL)
        by_bare = reserved(on.dacs, document["eventId"])
        assert by_product == by_bare, "not the same devices"
        assert len(by_product) == rows, "not all devices"
        if number >= warm_up:
            taken["product"].append(product)
            taken["bare"].append(bare)
    print(f"{rows:,} rows in segments of {SEGMENT}, {PARALLEL} at once, {rounds} rounds, equal")
    product_rate = figure("product", taken["product"], rows, "rows")
    bare_rate = figure("bare pooled client", taken["bare"], rows, "rows")
    _report.record(
        Claim(
            area="Flows",
            what="reservation file through the product against a bare pooled client at the same concurrency",
            measured=product_rate / bare_rate,
            detail=f"{product_rate:,.0f} and {bare_rate:,.0f} rows/s; {rows:,} rows, {rounds} rounds",
        )
    )
    before, peak = memories[0].before, max(memory.peak for memory in memories)
    print(f"memory of the product: {before:,.0f} MiB before, {peak:,.0f} MiB at most")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-warm-up", action="store_true")
    options = parser.parse_args()
    with stage() as on:
        measure(on, rows=options.rows, rounds=options.rounds, warm_up=not options.no_warm_up)


if __name__ == "__main__":
    main()
