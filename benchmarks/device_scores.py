"""
How fast a population of devices is scored and extracted, in how much memory, against a loop over the devices.

Both contenders score the same devices from the same participation history with the shipped calculation:

(a) the product: X1-CALAS, then X1-SDCSE into a directory;
(b) a loop over a sample of the devices: objects read by the ORM, formulas in `Decimal`, `update_or_create`.

The scores of the sample are compared field by field, and the file's digest with the one that the run has. Works on a
scratch database of the kind that DATABASE_URL names (SQLite without it).

    .venv/bin/python benchmarks/device_scores.py [--devices 100000] [--history 12] [--sample 500]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

import psutil  # noqa: E402  Django has to be set up first
from _score_population import AT, make  # noqa: E402  Django has to be set up first
from django.db import connection, transaction  # noqa: E402  Django has to be set up first

from assets.choices import ATTEMPTS  # noqa: E402  Django has to be set up first
from assets.engine import cycles, scores  # noqa: E402  Django has to be set up first
from assets.models import BatchRun, ControlScore, ScoreCalculationVersion, SubscriptionDevice  # noqa: E402  Django has to be set up first
from assets.operations import extract, score_calculations, scoring  # noqa: E402  Django has to be set up first
from lookups.operations import apply_configuration, install_defaults  # noqa: E402  Django has to be set up first
from vee.engine import calendar  # noqa: E402  Django has to be set up first


SUCCESS = "D1SP"
FACTORS = {"ONLINE": Decimal(1), "UNKNOWN": Decimal("0.5"), "OFFLINE": Decimal(0)}


def switch_on(directory: str) -> None:
    """Switch the DACS side on, with a directory for the file."""
    install_defaults(at=AT)
    values = {"dacsSide.enabled": "true", "dacsSide.scoreExtract.localDirectory": directory}
    apply_configuration(section={"OUTL-BRT-DACS_DRMS_ConfigProps": values}, by=None, at=AT)
    score_calculations.install_default(at=AT)


def watched(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Give seconds, the most memory (MiB) that this process had more than before, and the result."""
    process, over = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.perf_counter()
    try:
        result = work()
        taken = time.perf_counter() - began
    finally:
        over.set()
        watcher.join()
    return taken, (peak - before) / 1_048_576, result


def score_one(membership: SubscriptionDevice, calculation: scores.Calculation) -> scores.Explained:
    """Contender (b), one device."""
    program, device = membership.subscription.program, membership.device
    window = cycles.window(zone=program.time_zone, cycle=program.cycle, at=AT)
    since = cycles.months_before(AT, calculation.history_months)
    past = list(device.participations.all())
    moments = [(row, row.participated_from or row.reserved_from or row.changed_at) for row in past]
    went_well = [moment for row, moment in moments if row.outcome == SUCCESS]
    last = max(went_well, default=None)
    tried = [moment for row, moment in moments if row.outcome in ATTEMPTS and moment > since]
    elapsed = window.days_in_cycle
    if last is not None:
        elapsed = (window.today - calendar.local_date(last, program.time_zone)).days
    found = scores.explain(
        calculation,
        {
            "CA": Decimal(program.event_limit),
            "CU": Decimal(sum(moment >= window.cycle_began_at for moment in went_well)),
            "CAyear": Decimal(program.event_limit_per_year),
            "CUyear": Decimal(sum(moment >= window.year_began_at for moment in went_well)),
            "DP": Decimal(window.days_in_cycle),
            "d": Decimal(window.day_of_cycle),
            "DE": Decimal(elapsed),
            "specKw": device.specification.rated_kw,
            "referenceKw": program.reference_kw,
            "communication": FACTORS[device.reach],
            "successes": Decimal(sum(moment > since for moment in went_well)),
            "attempts": Decimal(len(tried)),
            "active": Decimal(1),
            "optedOut": Decimal(0),
            "reserved": Decimal(0),
        },
    )
    ControlScore.objects.update_or_create(
        pk=membership.pk, defaults={"score": found.score, "eligible": found.eligible, "reason": found.reason}
    )
    return found


def run_loop(keys: list[int]) -> dict[int, tuple[Decimal, bool, str]]:
    """Contender (b): the devices of a sample one by one."""
    calculation = scores.read(ScoreCalculationVersion.objects.get().definition)
    found = {}
    for key in keys:
        with transaction.atomic():
            membership = SubscriptionDevice.objects.select_related(
                "subscription__program", "device__specification"
            ).get(pk=key)
            explained = score_one(membership, calculation)
            found[key] = (explained.score, explained.eligible, explained.reason)
    return found


def ended(run: BatchRun | None) -> BatchRun:
    """See that a batch went well."""
    assert run is not None
    assert run.status == "COMPLETE", run.message
    return run


def show(name: str, count: int, seconds: float, memory: float | None = None) -> float:
    """Print a rate, and how long a million takes."""
    more = "" if memory is None else f"   +{memory:,.0f} MiB at most"
    print(f"{name:<34}{count / seconds:>12,.0f} devices/s   {seconds * 1e6 / count:>8,.1f} s a million{more}")
    return count / seconds


def measure(*, devices: int, history: int, sample: int) -> None:
    """Make the population, run the contenders, compare, and print."""
    with tempfile.TemporaryDirectory(prefix="tieline-scores-") as directory:
        switch_on(directory)
        began = time.perf_counter()
        make(devices=devices, history=history)
        print(
            f"{connection.vendor}, {devices:,} devices, {history} parts in events each "
            f"(made in {time.perf_counter() - began:,.0f} s)"
        )
        first, first_memory, run = watched(lambda: scoring.run(at=AT))
        assert ended(run).counts["devices"] == devices
        again, again_memory, run = watched(lambda: scoring.run(at=AT))
        ended(run)
        product = show("X1-CALAS, first run", devices, first, first_memory)
        show("X1-CALAS, every day after", devices, again, again_memory)
        taken, memory, run = watched(lambda: extract.run(at=AT))
        (file,) = Path(directory).iterdir()
        with file.open("rb") as content:
            assert hashlib.file_digest(content, "sha256").hexdigest() == ended(run).digest, "not the file of the run"
        show(f"X1-SDCSE, {file.stat().st_size / 1_048_576:,.0f} MiB", devices, taken, memory)
    keys = list(range(1, devices + 1, max(1, devices // sample)))
    stored = {row.pk: (row.score, row.eligible, row.reason) for row in ControlScore.objects.filter(pk__in=keys)}
    seconds, _, found = watched(lambda: run_loop(keys))
    assert found == stored, "the loop gives other scores"
    loop = show(f"a loop over {len(keys):,} devices, equal", len(keys), seconds)
    print(f"{'ratio':<34}{product / loop:>12.1f}")


def main() -> None:
    """Read the arguments and measure on a scratch database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=12)
    parser.add_argument("--sample", type=int, default=500)
    options = parser.parse_args()
    own_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        measure(devices=options.devices, history=options.history, sample=options.sample)
    finally:
        connection.creation.destroy_test_db(own_name, verbosity=0)


if __name__ == "__main__":
    main()
