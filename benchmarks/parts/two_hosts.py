"""What `vee_two_hosts.py` does in the namespace in the middle: services, contenders, comparison."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from benchmarks import _report
from benchmarks._report import Claim
from benchmarks.parts import memory
from benchmarks.parts.hosts import Host, Network, within
from scripts.with_services import services


ROOT = Path(__file__).resolve().parents[2]
GIVE_UP_SECONDS = 600.0
START_SECONDS = 120.0


@dataclass(slots=True)
class Contender:
    """Workers on hosts, the components that are theirs, and what their processes held at most."""

    name: str
    prefix: str
    workers: Sequence[tuple[Host, int]]
    ids: list[int] = field(default_factory=list)
    most: float = 0.0

    def nodes(self) -> list[str]:
        """Give the names by which the workers are known to each other."""
        return [f"{self.prefix.lower()}{number}@tieline" for number in range(len(self.workers))]


def contenders(network: Network) -> list[Contender]:
    """Give them in the order in which they take turns; a worker is a process that works."""
    first, second = network.hosts
    return [
        Contender("one worker", "A", [(first, 1)]),
        Contender("two workers on one host", "B", [(first, 2)]),
        Contender("two workers on two hosts", "C", [(first, 1), (second, 1)]),
    ]


def seen_from(url: str, host: Host) -> str:
    """Give the address of a service as this host reaches it."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{user}{host.middle}:{parts.port}"))


def run(options: argparse.Namespace, network: Network) -> None:
    """Start the services, set the product up, and let the contenders take turns."""
    addresses = [host.middle for host in network.hosts]
    with services(also_on=addresses) as found, tempfile.TemporaryDirectory(prefix="tieline-hosts-") as folder:
        os.environ.update(
            DATABASE_URL=found["TIELINE_TEST_DATABASE_URL"],
            REDIS_URL=found["TIELINE_TEST_REDIS_URL"],
            DJANGO_SETTINGS_MODULE="integration.settings",
            SECRET_KEY=secrets.token_urlsafe(50),
            FIELD_ENCRYPTION_KEYS="mB7CMlYF6Cq1V0RWrxgQO6Jd2o5iEJkH4ylJ4o2yLkQ=",
            ALLOWED_HOSTS="127.0.0.1",
            TIELINE_VAR=folder,
            PYTHONWARNINGS="ignore",
            LOG_LEVEL="WARNING",
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        _measure(options, network, Path(folder))


def _measure(options: argparse.Namespace, network: Network, folder: Path) -> None:
    from benchmarks.parts import vee_world as world

    kind = world.install()
    found = contenders(network)
    for contender in found:
        contender.ids = world.components(kind, options.imds, prefix=contender.prefix)
        world.write_history(contender.ids, days=options.history)
    world.analyze()
    random = np.random.default_rng(20240310)
    level = world.levels(options.imds)
    day: Any = None
    number = 0

    def turn(contender: Contender) -> float:
        nonlocal day, number
        if contender is found[0]:
            number += 1
            day = world.readings(random, level, world.FIRST_DAY + (number - 1) * world.ONE_DAY)
        paths = []
        parts = np.array_split(day.values, options.files)
        for part, values in enumerate(parts):
            paths.append(folder / f"{contender.prefix}{part}.csv")
            first = sum(len(each) for each in parts[:part])
            world.write_file(paths[-1], world.Readings(day.day, values), prefix=contender.prefix, first=first)
        with _working(contender):
            seconds = _hand_in(paths, contender, day)
        if contender is found[-1]:
            _compare(found, day)
        return seconds

    taken = _report.in_turns(
        {contender.name: functools.partial(turn, contender) for contender in found}, rounds=options.rounds
    )
    intervals = options.imds * world.INTERVALS
    rates = {name: [intervals / seconds for seconds in each] for name, each in taken.items()}
    names = [contender.name for contender in found]
    for faster, slower in ((names[1], names[0]), (names[2], names[0]), (names[2], names[1])):
        _report.record(
            Claim(
                area="Two hosts",
                what=f"VEE end to end, {faster} against {slower}, the same content",
                measured=statistics.median(rates[faster]) / statistics.median(rates[slower]),
                detail=f"{_report.spread(rates[faster])} and {_report.spread(rates[slower])} intervals/s; "
                f"{options.imds:,} IMDs of {world.INTERVALS} in {options.files} files, {options.rounds} rounds, "
                f"load {os.getloadavg()[0]:.1f}; "
                f"a worker held at most {max(contender.most for contender in found):.0f} MiB",
            )
        )


@contextlib.contextmanager
def _working(contender: Contender) -> Iterator[None]:
    """Start the workers on their hosts; at the end see that each had a share."""
    from integration.celery import app

    command = [sys.executable, "-m", "celery", "-A", "integration", "-q", "worker", "--pool", "prefork"]
    command += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--prefetch-multiplier", "1"]
    with tempfile.TemporaryFile() as log, contextlib.ExitStack() as stack:
        started = []
        for (host, processes), node in zip(contender.workers, contender.nodes(), strict=True):
            own = {name: seen_from(os.environ[name], host) for name in ("DATABASE_URL", "REDIS_URL")}
            words = within(host.name, [*command, "--concurrency", str(processes), "--hostname", node])
            process = subprocess.Popen(words, env={**os.environ, **own}, cwd=ROOT, stdout=log, stderr=log)
            stack.callback(_end, process)
            started.append(process)
        try:
            ends = time.monotonic() + START_SECONDS
            while {node for reply in app.control.ping(timeout=0.5) for node in reply} != set(contender.nodes()):
                assert time.monotonic() < ends, "the workers did not start"
            yield
        except BaseException:
            log.seek(0)
            print(log.read()[-5000:].decode(errors="replace"), file=sys.stderr)
            raise
        told = app.control.inspect(timeout=5, destination=contender.nodes()).stats() or {}
        assert set(told) == set(contender.nodes()), "a worker does not answer"
        assert all(sum(each["total"].values()) for each in told.values()), "a worker had nothing to do"
        contender.most = max(contender.most, *(memory.most_of(process.pid) for process in started))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(30)
    if process.poll() is None:
        process.kill()
        process.wait()


def _clients() -> set[str]:
    """Give the addresses from which others use the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT host(client_addr) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND client_addr IS NOT NULL"
        )
        return {row[0] for row in cursor.fetchall()}


def _hand_in(paths: Sequence[Path], contender: Contender, day: Any) -> float:
    """Hand the files in, and wait until every IMD is done, by clients from the contender's hosts; gives the seconds."""
    from django.utils import timezone

    from vee.choices import ImdState
    from vee.models import InitialMeasurement
    from vee.operations import intake

    done = InitialMeasurement.objects.filter(
        start=day.day,
        measuring_component__any_of=contender.ids,
        state__in=[ImdState.COMPLETE, ImdState.EXCEPTION, ImdState.ERROR],
    )
    began = time.perf_counter()
    for path in paths:
        with path.open("rb") as stream:
            intake.receive_file(name=path.name, stream=stream, format="nem12", at=timezone.now())
    clients: set[str] = set()
    while done.count() < len(contender.ids):
        clients |= _clients()
        assert time.perf_counter() - began < GIVE_UP_SECONDS, f"{done.count()} of {len(contender.ids)} IMDs are done"
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    assert clients == {host.address for host, _ in contender.workers}, f"not the clients that were expected: {clients}"
    return seconds


def _compare(found: Sequence[Contender], day: Any) -> None:
    """See that all left the same: values, conditions, and what was held."""
    first, *others = [_left(contender, day) for contender in found]
    for contender, other in zip(found[1:], others, strict=True):
        assert other == first, f"{contender.name} left something else"


def _left(contender: Contender, day: Any) -> list[tuple[bytes, bytes] | str]:
    from vee import storage
    from vee.models import InitialMeasurement

    series = storage.read_range(component_ids=contender.ids, start=day.day, end=day.end)
    states = dict(
        InitialMeasurement.objects.filter(start=day.day, measuring_component__any_of=contender.ids).values_list(
            "measuring_component", "state"
        )
    )
    return [
        (series[each].values.tobytes(), series[each].conditions.tobytes()) if each in series else states[each]
        for each in contender.ids
    ]
