"""
How fast the outbound queue drains, against procrastinate and django-celery-outbox doing the same deliveries.

Each contender stores the same messages in PostgreSQL first. Then its two worker processes start, and the receiver's
clock measures from the first arrival to the last. The peers live in an environment of their own
(`requirements/queue-peers.txt`) and post with a pooled session of `requests`. A round counts when every message arrived
exactly once and the contender says so itself. The product keeps an attempt per try and encrypted payloads and answers.

    .venv/bin/python benchmarks/queue_peers.py --make-environment [--messages 2000] [--rounds 3]
    .venv/bin/python benchmarks/queue_peers.py --environment DIRECTORY

PostgreSQL and Redis are started for it.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
import requests

from benchmarks import _report
from benchmarks._report import Claim
from benchmarks.parts.queue_place import (
    HERE,
    ROOT,
    WORKERS,
    NotTheSame,
    Place,
    arrived,
    by_product,
    product,
    run,
    stage,
    working,
)


REQUIREMENTS = ROOT / "requirements" / "queue-peers.txt"


def by_procrastinate(python: Path, place: Place, messages: int) -> float:
    script = str(HERE / "by_procrastinate.py")
    with psycopg.connect(place.database, autocommit=True) as database:
        database.execute("DROP SCHEMA IF EXISTS public CASCADE")
        database.execute("CREATE SCHEMA public")
    run(place, str(python), script, "queue", str(messages))
    requests.get(f"{place.target}/forget", timeout=60)
    with working(place, *[[str(python), script, "work"] for _ in range(WORKERS)]):
        seconds = arrived(place, messages)
    if int(run(place, str(python), script, "left")):
        raise NotTheSame("procrastinate has jobs left")
    return seconds


def by_outbox(python: Path, place: Place, messages: int) -> float:
    script = ["-m", "by_outbox"]  # the relay imports the application under its own name
    run(place, str(python), *script, "queue", str(messages))
    requests.get(f"{place.target}/forget", timeout=60)
    worker = [str(python), "-m", "celery", "-A", "by_outbox", "-q", "worker", "--concurrency", str(WORKERS)]
    worker += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    with working(place, worker, [str(python), *script, "relay"], cwd=HERE):
        return arrived(place, messages)


def measure(python: Path, *, messages: int, rounds: int) -> None:
    """Run the contenders in turns and report bar H5."""
    with stage() as make:
        ours, outbox, jobs = make("product"), make("outbox"), make("procrastinate")
        by_product(ours, "prepare")
        run(outbox, str(python), "-m", "by_outbox", "migrate")
        memories: list[float] = []
        taken = _report.in_turns(
            {
                "product": functools.partial(product, ours, messages, memories),
                "procrastinate": functools.partial(by_procrastinate, python, jobs, messages),
                "django-celery-outbox": functools.partial(by_outbox, python, outbox, messages),
            },
            rounds=rounds,
            warm_up=False,
        )
    rates = {name: [messages / each for each in seconds] for name, seconds in taken.items()}
    better = max(statistics.median(rates[name]) for name in rates if name != "product")
    _report.record(
        Claim(
            area="Queue",
            bar="H5",
            what="queue against the better of procrastinate and django-celery-outbox, 0 lost, 0 doubled",
            measured=statistics.median(rates["product"]) / better,
            at_least=2.0,
            detail="; ".join(f"{name} {_report.spread(found)} messages/s" for name, found in rates.items())
            + f"; {messages:,} messages, {WORKERS} processes each, {rounds} rounds; "
            f"a process of ours held at most {max(memories):.0f} MiB",
        )
    )


def make_environment(directory: Path) -> Path:
    """Make an environment with the pinned packages; gives its Python."""
    python = directory / "bin" / "python"
    print(f"Making the environment in {directory} …", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)], check=True)
    return python


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--environment", type=Path, help="a virtualenv with requirements/queue-peers.txt")
    parser.add_argument("--make-environment", action="store_true", help="make it, in a temporary directory if need be")
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not (options.make_environment or options.environment):
        parser.error("name an environment, or make one with --make-environment")
    with tempfile.TemporaryDirectory(prefix="tieline-queue-peers-") as folder:
        if options.make_environment:
            python = make_environment(options.environment or Path(folder) / "environment")
        else:
            python = options.environment / "bin" / "python"
        measure(python, messages=options.messages, rounds=options.rounds)


if __name__ == "__main__":
    main()
