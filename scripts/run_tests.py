#!/usr/bin/env python3
"""
Run the whole suite, tier by tier; meant to be called by `make test` under `scripts/with_services.py`.

The database tier runs on SQLite and on PostgreSQL, the functional tier on PostgreSQL with Redis and on the
embedded default, the fault harness in its short version. The first tier that fails ends the run with pytest's own
closing lines and exit status. Arguments are passed on to every pytest: `make test ARGS="-k lookup"`. With AFTER_CHECK
set, the unit and meta tests are left out: `make check` has just run them on the same tree.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


PARALLEL = ("-n", "2")
# The tests of one file share a product; each of the two processes starts one.
PARALLEL_BY_FILE = ("-n", "2", "--dist", "loadfile")
# What differs without PostgreSQL and Redis: the broker, the locks, the restart, one way through each door.
EMBEDDED = tuple(
    f"tests/functional/test_{name}.py"
    for name in ("restart", "enrollment", "readings", "reading_files", "outbound_queue", "event_outcomes", "demo")
)
DATABASE = ("tests/database", "tests/fuzz")
NOTHING_COLLECTED = 5


@dataclass(frozen=True, kw_only=True)
class Tier:
    """One run of pytest: which tests, with what beneath them."""

    title: str
    paths: Sequence[str]
    options: Sequence[str] = ()
    services: bool = False
    database: bool = False


TIERS = (
    Tier(title="unit and meta tests", paths=("tests/unit", "tests/meta"), options=PARALLEL),
    Tier(title="database tests on SQLite", paths=DATABASE, options=PARALLEL),
    Tier(title="database tests on PostgreSQL", paths=DATABASE, options=PARALLEL, database=True),
    Tier(title="functional tests on the embedded default", paths=EMBEDDED, options=PARALLEL_BY_FILE),
    Tier(
        title="functional and browser tests on PostgreSQL and Redis",
        paths=("tests/functional", "tests/browser"),
        options=PARALLEL_BY_FILE,
        database=True,
        services=True,
    ),
    # It has a PostgreSQL and a Redis of its own, which it kills.
    Tier(title="faults, the short version", paths=("tests/faults",)),
)


def main(arguments: Sequence[str]) -> int:
    """Run the tiers in order, give the exit status of the first that fails."""
    started = time.monotonic()
    tiers = TIERS[1:] if os.environ.get("AFTER_CHECK") else TIERS
    for number, tier in enumerate(tiers, start=1):
        print(f"\n[{time.monotonic() - started:3.0f} s] {number} of {len(tiers)}: {tier.title}", flush=True)
        status = run(tier, arguments)
        if status == NOTHING_COLLECTED and arguments:
            continue
        if status:
            return status
    return 0


def run(tier: Tier, arguments: Sequence[str]) -> int:
    """Run one tier in a scratch directory of its own."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    if tier.database:
        environment["DATABASE_URL"] = os.environ["TIELINE_TEST_DATABASE_URL"]
    if tier.services:
        environment["REDIS_URL"] = os.environ["TIELINE_TEST_REDIS_URL"]
    with tempfile.TemporaryDirectory(prefix="tieline-test-") as scratch:
        environment["TIELINE_VAR"] = scratch
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *tier.paths, *tier.options, *arguments],
            env=environment,
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
