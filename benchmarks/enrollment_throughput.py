"""
How fast enrollments go through the product to DACS, against a bare pooled HTTP client.

Both contenders call the same receiver (the simulated DACS) at the same concurrency, in turns:

(a) the product: collections of 25 records come in over HTTP, are stored, translated, sent and answered;
(b) a bare client with a connection pool: the bodies that the product made, sent as they are.

After each round what DACS received is compared, body by body. Medians are printed with the slowest and fastest round.

    .venv/bin/python benchmarks/enrollment_throughput.py [--records 500] [--concurrency 4] [--rounds 3]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import _report
from _report import Claim
from _stage import Stage, figure, in_parallel, send_bare, stage

from tests.functional.harness.peers import ENROLL_PATH
from tests.functional.harness.records import enrollment


PER_COLLECTION = 25


def run_product(on: Stage, collections: Sequence[list[dict[str, Any]]], *, concurrency: int) -> float:
    """Contender (a)."""

    def send(share: Sequence[list[dict[str, Any]]]) -> None:
        client = on.product.client()
        for collection in share:
            answer = client.enroll(*collection)
            assert answer.json()["ackType"] == "SUCCESS", answer.text

    began = time.perf_counter()
    in_parallel(send, collections, concurrency=concurrency)
    return time.perf_counter() - began


def measure(on: Stage, *, records: int, concurrency: int, rounds: int) -> None:
    """Run the contenders in turns and print their figures."""
    taken: dict[str, list[float]] = {"product": [], "bare": []}
    for number in range(rounds + 1):
        everything = [enrollment() for _ in range(records)]
        collections = [everything[first : first + PER_COLLECTION] for first in range(0, records, PER_COLLECTION)]
        on.reset()
        product = run_product(on, collections, concurrency=concurrency)
        sent = on.dacs.requests(ENROLL_PATH)
        on.reset()
        bare = send_bare(on.dacs.url, sent, concurrency=concurrency)
        again = on.dacs.requests(ENROLL_PATH)
        assert len(sent) == records, "not every record arrived once"
        assert sorted(entry["body"] for entry in sent) == sorted(entry["body"] for entry in again), (
            "not the same bodies"
        )
        if number:  # the first round warms up
            taken["product"].append(product)
            taken["bare"].append(bare)
    print(f"{records:,} enrollments in collections of {PER_COLLECTION}, {concurrency} at once, {rounds} rounds, equal")
    product_rate = figure("product", taken["product"], records, "enrollments")
    bare_rate = figure("bare pooled client", taken["bare"], records, "enrollments")
    _report.record(
        Claim(
            area="Flows",
            what="enrollment through the product against a bare pooled client at the same concurrency",
            measured=product_rate / bare_rate,
            detail=f"{product_rate:,.0f} and {bare_rate:,.0f} enrollments/s; {records:,} records, {rounds} rounds",
        )
    )


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with stage() as on:
        measure(on, records=options.records, concurrency=options.concurrency, rounds=options.rounds)


if __name__ == "__main__":
    main()
