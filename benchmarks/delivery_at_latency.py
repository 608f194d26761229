"""
Whether the queue keeps its calls in flight: messages a second to a receiver that takes L, against W / L.

W is how many calls the connection may have in flight in a process. The product delivers in one process
(`message_delivery.drain`: claims, tries, calls, answers, all of them in PostgreSQL). Beside it, in turns, a bare client
of `requests` with W threads posts the same bodies. The receiver's clock measures from the first arrival to the last,
and the receiver tells how many calls really waited at once. The bar holds where the process has CPU left (below 90 %)
and the machine too: on busy cores a client waits for its turn, which its own CPU does not show. So the load is told.

A round counts when every message arrived exactly once with the same body, and is SUCCESS with one attempt.

    .venv/bin/python benchmarks/delivery_at_latency.py [--milliseconds 20 100] [--in-flight 4 32] [--for 6] [--rounds 3]
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import requests

from benchmarks import _report
from benchmarks._report import Claim
from benchmarks._stage import in_parallel
from benchmarks.parts.queue_place import PAYLOAD, Place, arrived, by_product, queued, settled, stage


# A client that has no more CPU than this left is no measure of how well it hides the latency.
MOST_CPU = 0.9
LEAST_OF_LIMIT = 0.7


def how_many(*, latency: float, in_flight: int, seconds: float) -> int:
    """Give how many messages keep so many calls in flight for some seconds; a hundred at least."""
    return max(100, round(in_flight / latency * seconds))


def of_limit(*, messages: int, seconds: float, latency: float, in_flight: int) -> float:
    """
    Give the rate as a share of the most that is possible, `in_flight / latency`.

    :param seconds: from the first arrival to the last: the calls of the last wave are not waited for.
    """
    waves = messages / in_flight
    return (waves - 1) * latency / seconds


def by_queue(place: Place, messages: int, told: list[dict[str, float]]) -> float:
    """The product."""
    queued(place, messages)
    told.append(json.loads(by_product(place, "drain")))
    seconds = arrived(place, messages)
    told[-1]["most"] = requests.get(f"{place.target}/told", timeout=60).json()["most"]
    settled(place)
    return seconds


def bare(place: Place, messages: int, in_flight: int) -> float:
    """A pooled client and nothing else."""
    requests.get(f"{place.target}/forget", timeout=60)

    def send(share: Sequence[int]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for number in share:
                headers = {"Content-Type": "application/json", "Idempotency-Key": f"m-{number}"}
                session.post(f"{place.target}/messages", data=PAYLOAD, headers=headers, timeout=60).raise_for_status()

    in_parallel(send, range(messages), concurrency=in_flight)
    return arrived(place, messages)


def measure(place: Place, *, latency: float, in_flight: int, seconds: float, rounds: int) -> None:
    """Bar H4 with one latency and width."""
    messages = how_many(latency=latency, in_flight=in_flight, seconds=seconds)
    by_product(place, "width", str(in_flight))
    requests.get(f"{place.target}/wait/{latency}", timeout=60)
    told: list[dict[str, float]] = []
    taken = _report.in_turns(
        {
            "product": functools.partial(by_queue, place, messages, told),
            "bare": functools.partial(bare, place, messages, in_flight),
        },
        rounds=rounds,
        warm_up=False,
    )
    shares = {
        name: [of_limit(messages=messages, seconds=each, latency=latency, in_flight=in_flight) for each in found]
        for name, found in taken.items()
    }
    cpu = statistics.median(each["cpu"] / each["seconds"] for each in told)
    _report.record(
        Claim(
            area="Queue",
            bar="H4",
            what=f"messages a second at {latency * 1000:.0f} ms with {in_flight} in flight, one process, against W / L",
            measured=statistics.median(shares["product"]),
            at_least=LEAST_OF_LIMIT if cpu < MOST_CPU else None,
            detail=f"{_report.spread(shares['product'])} of {in_flight / latency:,.0f} messages/s with {cpu:.0%} CPU; "
            f"{max(each['most'] for each in told):.0f} at once at most; "
            f"a bare client {_report.spread(shares['bare'])}; "
            f"{messages:,} messages, {rounds} rounds, load {os.getloadavg()[0]:.1f}; "
            f"the process held at most {max(each['memory'] for each in told):.0f} MiB",
        )
    )


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--milliseconds", type=float, nargs="+", default=[20, 100], help="that the receiver takes")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[4, 32])
    parser.add_argument("--for", type=float, default=6.0, dest="seconds", help="seconds of messages at W / L")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with stage() as make:
        place = make("product")
        by_product(place, "prepare")
        for milliseconds in options.milliseconds:
            for in_flight in options.in_flight:
                measure(
                    place,
                    latency=milliseconds / 1000,
                    in_flight=in_flight,
                    seconds=options.seconds,
                    rounds=options.rounds,
                )


if __name__ == "__main__":
    main()
