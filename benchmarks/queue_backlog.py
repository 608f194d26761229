"""
Whether a backlog drains as fast as a few messages, with either broker, and how much of a delivery is not the call.

(a) 10,000 messages that are due against 300, by the product's worker as it is started with that broker: PostgreSQL and
    Redis with two processes, SQLite and the embedded broker with four threads;
(b) everything that a delivery does but the call (claiming, noting the try, writing the answer) against delivering, both
    in one process, on PostgreSQL, to a receiver that answers at once.

(a) is measured from the first arrival to the end of the last message in the database, (b) from the first arrival to the
last, by the receiver's clock. A round counts when every message arrived exactly once with the same body, and is SUCCESS
with one attempt. Contenders take turns.

    .venv/bin/python benchmarks/queue_backlog.py [--backlog 10000] [--messages 3000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import _report
from benchmarks._report import Claim
from benchmarks.parts.queue_place import EMBEDDED, Place, arrived, by_product, product, queued, settled, stage


FEW = 300
BROKERS = {"redis": "Redis and PostgreSQL", EMBEDDED: "the embedded broker and SQLite"}


def drained(place: Place, *, backlog: int, rounds: int, broker: str) -> None:
    """Bar H7 with one broker."""
    memories: list[float] = []
    taken = _report.in_turns(
        {
            "few": functools.partial(product, place, FEW, memories, until_settled=True),
            "backlog": functools.partial(product, place, backlog, memories, until_settled=True),
        },
        rounds=rounds,
        warm_up=False,
    )
    few, many = ([count / each for each in taken[name]] for name, count in (("few", FEW), ("backlog", backlog)))
    _report.record(
        Claim(
            area="Queue",
            bar="H7",
            what=f"rate of a backlog of {backlog:,} messages against that of {FEW}, {broker}",
            measured=statistics.median(many) / statistics.median(few),
            at_least=0.8,
            detail=f"{_report.spread(many)} and {_report.spread(few)} messages/s, {rounds} rounds; "
            f"a process held at most {max(memories):.0f} MiB",
        )
    )


def marked(place: Place, *, messages: int, rounds: int) -> None:
    """The second part of bar H5."""

    def delivered() -> float:
        queued(place, messages)
        by_product(place, "drain")
        seconds = arrived(place, messages)
        settled(place)
        return seconds

    def without_calls() -> float:
        queued(place, messages)
        told = json.loads(by_product(place, "mark"))
        settled(place)
        return float(told["seconds"])

    taken = _report.in_turns({"delivered": delivered, "without calls": without_calls}, rounds=rounds, warm_up=False)
    rates = {name: [messages / each for each in seconds] for name, seconds in taken.items()}
    _report.record(
        Claim(
            area="Queue",
            bar="H5",
            what="claiming, noting the try and writing the answer, without the call, against delivering; one process",
            measured=statistics.median(rates["without calls"]) / statistics.median(rates["delivered"]),
            at_least=4.0,
            detail="; ".join(f"{name} {_report.spread(found)} messages/s" for name, found in rates.items())
            + f"; {messages:,} messages, {rounds} rounds",
        )
    )


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--backlog", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=3_000, help="of each round with and without the calls")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=BROKERS, help="one of the brokers")
    options = parser.parse_args()
    with stage() as make:
        for name, broker in BROKERS.items():
            if options.only not in (None, name):
                continue
            place = make(name)
            by_product(place, "prepare")
            drained(place, backlog=options.backlog, rounds=options.rounds, broker=broker)
            if name != EMBEDDED:
                marked(place, messages=options.messages, rounds=options.rounds)


if __name__ == "__main__":
    main()
