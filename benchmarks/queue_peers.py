"""
How fast the outbound queue drains, against procrastinate and django-celery-outbox doing the same deliveries.

Each contender stores the same messages in PostgreSQL first. Then its two worker processes start, and the receiver's
clock measures from the first arrival to the last. The peers live in an environment of their own
(`requirements/queue-peers.txt`) and post with a pooled session of `requests`. A round counts when every message arrived
exactly once and the contender says so itself. The product keeps an attempt per try and encrypted payloads and answers.

    .venv/bin/python benchmarks/queue_peers.py --make-environment [--messages 2000] [--backlog 10000] [--rounds 3]
    .venv/bin/python benchmarks/queue_peers.py --environment DIRECTORY

With neither, only the product's own backlog is measured (bar H7). PostgreSQL and Redis are started for it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
import redis
import requests

from benchmarks import _report
from benchmarks._report import Claim
from scripts.with_services import services
from tests.functional.harness.processes import free_port


ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks" / "_queue_peers"
REQUIREMENTS = ROOT / "requirements" / "queue-peers.txt"
WORKERS = 2
PAYLOAD = json.dumps({"messageId": "m", "drmsInstanceId": "NMS1", "eventId": "EVT-1", "text": "x" * 500})
GIVE_UP_SECONDS = 300.0


class NotTheSame(AssertionError):
    """A contender lost a message, or delivered one twice."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the contenders work."""

    database: str
    redis: str
    target: str

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.database,
            "REDIS_URL": self.redis,
            "TARGET": f"{self.target}/messages",
            "PAYLOAD": PAYLOAD,
            "PYTHONPATH": str(HERE),
            "PYTHONWARNINGS": "ignore",
            "SECRET_KEY": "benchmark-" * 6,
            "FIELD_ENCRYPTION_KEYS": "mB7CMlYF6Cq1V0RWrxgQO6Jd2o5iEJkH4ylJ4o2yLkQ=",
            "ALLOWED_HOSTS": "127.0.0.1",
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "TIELINE_VAR": str(Path(tempfile.gettempdir()) / "tieline-queue-peers-var"),
        }


def run(place: Place, *command: str) -> str:
    done = subprocess.run(command, env=place.environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def working(place: Place, *commands: list[str], cwd: Path = ROOT) -> Iterator[None]:
    """Worker processes while the block runs."""
    with tempfile.TemporaryFile() as log:
        started = [
            subprocess.Popen(command, env=place.environment(), cwd=cwd, stdout=log, stderr=log) for command in commands
        ]
        try:
            yield
        except BaseException:
            log.seek(0)
            print(log.read()[-5000:].decode(errors="replace"), file=sys.stderr)
            raise
        finally:
            for process in started:
                process.terminate()
            for process in started:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                if process.poll() is None:
                    process.kill()
                    process.wait()


def arrived(place: Place, messages: int) -> float:
    """Wait for all messages; give the seconds from the first to the last."""
    ends = time.monotonic() + GIVE_UP_SECONDS
    while True:
        told = requests.get(f"{place.target}/told", timeout=60).json()
        if len(told["counts"]) >= messages:
            break
        if time.monotonic() > ends:
            raise NotTheSame(f"{len(told['counts'])} of {messages} messages arrived")
        time.sleep(0.2)
    time.sleep(0.5)  # what comes twice comes now
    told = requests.get(f"{place.target}/told", timeout=60).json()
    twice = sum(count > 1 for count in told["counts"].values())
    if twice or set(told["counts"]) != {f"m-{number}" for number in range(messages)}:
        raise NotTheSame(f"{twice} messages arrived more than once")
    return float(told["last"] - told["first"])


def product(place: Place, messages: int) -> float:
    python, script = sys.executable, str(HERE / "by_product.py")
    run(place, python, script, "queue", str(messages))
    requests.get(f"{place.target}/forget", timeout=60)
    worker = [python, "-m", "celery", "-A", "integration", "-q", "worker", "--pool", "prefork"]
    worker += ["--concurrency", str(WORKERS), "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    with working(place, worker):
        run(place, python, script, "sweep")
        seconds = arrived(place, messages)
        ends = time.monotonic() + 30
        while (left := int(run(place, python, script, "left"))) and time.monotonic() < ends:
            time.sleep(0.5)
    if left:
        raise NotTheSame(f"{left} messages are not SUCCESS with one attempt")
    return seconds


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


@contextlib.contextmanager
def stage() -> Iterator[Callable[[str], Place]]:
    """PostgreSQL, Redis and the receiver; gives a maker of places, each with a database of its own."""
    port = free_port()
    receiver = subprocess.Popen([sys.executable, str(HERE / "receiver.py"), str(port)])
    try:
        with services() as found:
            server, broker = found["TIELINE_TEST_DATABASE_URL"], found["TIELINE_TEST_REDIS_URL"]
            numbers = iter(range(1, 10))

            def place(name: str) -> Place:
                with psycopg.connect(server, autocommit=True) as database:
                    database.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
                address = urlsplit(broker)._replace(path=f"/{next(numbers)}")
                with redis.Redis.from_url(urlunsplit(address)) as connection:
                    connection.flushdb()
                return Place(
                    database=urlunsplit(urlsplit(server)._replace(path=f"/{name}")),
                    redis=urlunsplit(address),
                    target=f"http://127.0.0.1:{port}",
                )

            yield place
    finally:
        receiver.terminate()
        receiver.wait()


def measure(python: Path | None, *, messages: int, backlog: int, rounds: int) -> None:
    """Run the contenders in turns and report the bars H5 and H7."""
    with stage() as make:
        ours = make("product")
        run(ours, sys.executable, str(HERE / "by_product.py"), "prepare")
        if python is not None:
            outbox = make("outbox")
            run(outbox, str(python), "-m", "by_outbox", "migrate")
            jobs = make("procrastinate")
            taken = _report.in_turns(
                {
                    "product": lambda: product(ours, messages),
                    "procrastinate": lambda: by_procrastinate(python, jobs, messages),
                    "django-celery-outbox": lambda: by_outbox(python, outbox, messages),
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
                    + f"; {messages:,} messages, {WORKERS} processes each, {rounds} rounds",
                )
            )
        if backlog:
            taken = _report.in_turns(
                {"300": lambda: product(ours, 300), "backlog": lambda: product(ours, backlog)},
                rounds=rounds,
                warm_up=False,
            )
            small, large = (
                [count / each for each in taken[name]] for name, count in (("300", 300), ("backlog", backlog))
            )
            _report.record(
                Claim(
                    area="Queue",
                    bar="H7",
                    what=f"rate of a backlog of {backlog:,} messages against that of 300",
                    measured=statistics.median(large) / statistics.median(small),
                    at_least=0.8,
                    detail=f"{_report.spread(large)} and {_report.spread(small)} messages/s",
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
    parser.add_argument("--backlog", type=int, default=10_000, help="messages of the large backlog; 0: leave it out")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tieline-queue-peers-") as folder:
        python = None
        if options.make_environment:
            python = make_environment(options.environment or Path(folder) / "environment")
        elif options.environment:
            python = options.environment / "bin" / "python"
        else:
            print("The peers are left out: name an environment, or make one with --make-environment")
        measure(python, messages=options.messages, backlog=options.backlog, rounds=options.rounds)


if __name__ == "__main__":
    main()
