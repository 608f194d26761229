"""
How fast the outbound queue drains, against a bare pooled HTTP client.

Both contenders call the same receiver (the simulated DERMS) with the same bodies:

(a) the product: messages that were queued before become due at once; measured by the receiver's clock from the first
    message that arrives to the last one;
(b) a bare client with a connection pool and as many threads as the worker has, the same bodies.

After each round what DERMS received is compared, body by body. Medians are printed with the slowest and fastest round.

    .venv/bin/python benchmarks/queue_throughput.py [--messages 500] [--rounds 3]
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from typing import Any

import _report
from _report import Claim
from _stage import Stage, figure, send_bare, stage

from tests.functional.harness.processes import wait_until
from tests.functional.harness.records import name


CONCURRENCY = 4
ACKNOWLEDGE = "event-reservation-ack"
_DUE_IN_SECONDS = 4.0
_QUEUE = """
import datetime as dt, json
from django.db import transaction
from django.utils import timezone
from outbound.operations.messages import queue_message

at = timezone.now()
with transaction.atomic():
    for number in range({messages}):
        name = f"{prefix}-{{number}}"
        queue_message(
            message_type="RESERVATION-ACK", external_system="DERMS", message_id=name, at=at,
            payload={{"messageId": name, "drmsInstanceId": "NMS1", "eventId": "EVT-1", "ackType": "SUCCESS"}},
            not_before=at + dt.timedelta(seconds={due}),
        )
"""


def run_product(on: Stage, *, messages: int) -> tuple[float, list[dict[str, Any]]]:
    """Contender (a); gives the seconds and what arrived."""
    on.product.manage("shell", "-c", _QUEUE.format(messages=messages, prefix=name("BENCH"), due=_DUE_IN_SECONDS))
    wait_until("all messages", lambda: len(on.derms.requests(ACKNOWLEDGE)) >= messages, seconds=600, every=0.3)
    arrived = on.derms.requests(ACKNOWLEDGE)
    times = [datetime.fromisoformat(entry["at"]).astimezone(UTC) for entry in arrived]
    return (max(times) - min(times)).total_seconds(), arrived


def measure(on: Stage, *, messages: int, rounds: int) -> None:
    """Run the contenders in turns and print their figures."""
    taken: dict[str, list[float]] = {"product": [], "bare": []}
    for number in range(rounds + 1):
        on.reset()
        product, sent = run_product(on, messages=messages)
        on.reset()
        bare = send_bare(on.derms.url, sent, concurrency=CONCURRENCY)
        again = on.derms.requests(ACKNOWLEDGE)
        assert len(sent) == messages, "a message arrived twice"
        assert sorted(entry["body"] for entry in sent) == sorted(entry["body"] for entry in again), (
            "not the same bodies"
        )
        if number:  # the first round warms up
            taken["product"].append(product)
            taken["bare"].append(bare)
        time.sleep(0.5)
    print(f"{messages:,} messages, {rounds} rounds, equal")
    product_rate = figure("product", taken["product"], messages, "messages")
    bare_rate = figure("bare pooled client", taken["bare"], messages, "messages")
    _report.record(
        Claim(
            area="Queue",
            what="queue of the whole product against a bare pooled client, the same bodies to the same receiver",
            measured=product_rate / bare_rate,
            detail=f"{product_rate:,.0f} and {bare_rate:,.0f} messages/s; {messages:,} messages, {rounds} rounds",
        )
    )


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with stage() as on:
        measure(on, messages=options.messages, rounds=options.rounds)


if __name__ == "__main__":
    main()
