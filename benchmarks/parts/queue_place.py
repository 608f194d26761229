"""
The queue of the product on databases and brokers of its own, and a receiver that counts: what its benchmarks share.

The receiver answers each POST after the seconds that it was told, and knows each message by its Idempotency-Key.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import requests

from benchmarks.parts import memory
from scripts.with_services import services
from tests.functional.harness.processes import free_port


ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "benchmarks" / "_queue_peers"
BY_PRODUCT = str(HERE / "by_product.py")
WORKERS = 2
# By whether there is Redis, as `integration.processes` starts the worker.
POOLS = {
    True: ["--pool", "prefork", "--concurrency", str(WORKERS)],
    False: ["--pool", "threads", "--concurrency", "4"],
}
PAYLOAD = json.dumps({"messageId": "m", "drmsInstanceId": "NMS1", "eventId": "EVT-1", "text": "x" * 500})
GIVE_UP_SECONDS = 300.0
EMBEDDED = "embedded"


class NotTheSame(AssertionError):
    """A contender lost a message, or delivered one twice."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the contenders work; without database and Redis on SQLite and the embedded broker, in `var`."""

    database: str
    redis: str
    target: str
    var: Path

    def environment(self) -> dict[str, str]:
        own = {"DATABASE_URL": self.database, "REDIS_URL": self.redis}
        return {
            **{name: value for name, value in os.environ.items() if name not in own},
            **{name: value for name, value in own.items() if value},
            "TARGET": f"{self.target}/messages",
            "PAYLOAD": PAYLOAD,
            "PYTHONPATH": str(HERE),
            "PYTHONWARNINGS": "ignore",
            "SECRET_KEY": "benchmark-" * 6,
            "FIELD_ENCRYPTION_KEYS": "mB7CMlYF6Cq1V0RWrxgQO6Jd2o5iEJkH4ylJ4o2yLkQ=",
            "ALLOWED_HOSTS": "127.0.0.1",
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "TIELINE_VAR": str(self.var),
        }


def run(place: Place, *command: str) -> str:
    done = subprocess.run(command, env=place.environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def working(place: Place, *commands: list[str], cwd: Path = ROOT) -> Iterator[list[int]]:
    """Worker processes while the block runs; gives their ids."""
    with tempfile.TemporaryFile() as log:
        started = [
            subprocess.Popen(command, env=place.environment(), cwd=cwd, stdout=log, stderr=log) for command in commands
        ]
        try:
            yield [process.pid for process in started]
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
    if len(told["bodies"]) > 1:
        raise NotTheSame("the bodies differ")
    twice = sum(count > 1 for count in told["counts"].values())
    if twice or set(told["counts"]) != {f"m-{number}" for number in range(messages)}:
        raise NotTheSame(f"{twice} messages arrived more than once")
    return float(told["last"] - told["first"])


def by_product(place: Place, *words: str) -> str:
    """Let the product do something in a process of its own (`_queue_peers/by_product.py`); gives what it says."""
    return run(place, sys.executable, BY_PRODUCT, *words)


def queued(place: Place, messages: int) -> None:
    """Store messages and forget what arrived before."""
    by_product(place, "queue", str(messages))
    requests.get(f"{place.target}/forget", timeout=60)


def settled(place: Place) -> None:
    """See that every message is SUCCESS with one attempt."""
    ends = time.monotonic() + 30
    while (left := int(by_product(place, "left"))) and time.monotonic() < ends:
        time.sleep(0.5)
    if left:
        raise NotTheSame(f"{left} messages are not SUCCESS with one attempt")


def product(place: Place, messages: int, memories: list[float], *, until_settled: bool = False) -> float:
    """
    Let the product's worker drain so many messages; gives the seconds from the first arrival to the last.

    To `memories` goes the most that one of its processes held, in MiB.

    :param until_settled: to the end of the last message in the database instead: that of a few messages, which arrive
        in one go, is a good part of them.
    """
    queued(place, messages)
    worker = [sys.executable, "-m", "celery", "-A", "integration", "-q", "worker", *POOLS[bool(place.redis)]]
    worker += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    with contextlib.ExitStack() as running:
        (pid,) = running.enter_context(working(place, worker))
        # Who watches takes part of the machine, so only where it is asked for.
        settled_at = running.enter_context(watching(place)) if until_settled else None
        by_product(place, "sweep")
        seconds = arrived(place, messages)
        if settled_at is not None:
            first = requests.get(f"{place.target}/told", timeout=60).json()["first"]
            seconds = settled_at() - first
        settled(place)
        memories.append(memory.most_of(pid))
    return seconds


@contextlib.contextmanager
def watching(place: Place) -> Iterator[Callable[[], float]]:
    """Watch the messages from a process of its own; gives what waits for the time at which none is left."""
    command = [sys.executable, BY_PRODUCT, "watch"]
    with subprocess.Popen(command, env=place.environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield lambda: float(process.stdout.readline())  # type: ignore[union-attr]
        finally:
            process.terminate()


@contextlib.contextmanager
def receiving() -> Iterator[str]:
    """Give the address of a receiver of its own process."""
    port = free_port()
    receiver = subprocess.Popen([sys.executable, str(HERE / "receiver.py"), str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        receiver.terminate()
        receiver.wait()


@contextlib.contextmanager
def stage() -> Iterator[Callable[[str], Place]]:
    """
    PostgreSQL, Redis and the receiver; gives a maker of places, each with a database of its own.

    The place named "embedded" is on SQLite and the embedded broker.
    """
    with receiving() as target, services() as found, tempfile.TemporaryDirectory(prefix="tieline-queue-") as folder:
        server, broker = found["TIELINE_TEST_DATABASE_URL"], found["TIELINE_TEST_REDIS_URL"]
        numbers = iter(range(1, 10))

        def place(name: str) -> Place:
            var = Path(folder) / name
            if name == EMBEDDED:
                return Place(database="", redis="", target=target, var=var)
            with psycopg.connect(server, autocommit=True) as database:
                database.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
            address = urlsplit(broker)._replace(path=f"/{next(numbers)}")
            return Place(
                database=urlunsplit(urlsplit(server)._replace(path=f"/{name}")),
                redis=urlunsplit(address),
                target=target,
                var=var,
            )

        yield place
