"""
Whether time per interval stays flat as days get larger, and as the history behind them gets longer.

A file on disk to committed measurements, one process: 1,000, 10,000 and 100,000 IMDs after a month of history, and
10,000 after 1 and after 13 months. Printed are the medians in microseconds per interval and how far they lie apart,
with the highest memory of the process so far.

    .venv/bin/python benchmarks/vee_growth.py [--sizes 1000 10000 100000] [--months 1 13] [--rounds 3]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

import numpy as np  # noqa: E402  Django has to be set up first
from django.db import connection  # noqa: E402  Django has to be set up first

from benchmarks import _report  # noqa: E402  Django has to be set up first
from benchmarks._report import Claim  # noqa: E402  Django has to be set up first
from benchmarks.parts import vee_report  # noqa: E402  Django has to be set up first
from benchmarks.parts import vee_world as world  # noqa: E402  Django has to be set up first
from benchmarks.parts.vee_product import run_product, scratch_database  # noqa: E402  Django has to be set up first
from foundation.garbage import collect_seldom  # noqa: E402  Django has to be set up first
from vee.models import MeasurementBlock  # noqa: E402  Django has to be set up first


class Utility:
    """So many components with so many days behind them; each round is a day of all of them."""

    def __init__(self, name: str, size: int, days: int, folder: Path) -> None:
        self.name, self.size = name, size
        self.path = folder / f"{name}.csv"
        self.prefix = name
        self.random = np.random.default_rng(size)
        self.ids = world.components(world.install(), size, prefix=name)
        world.write_history(self.ids, days=days)
        self.level = world.levels(size)
        self.taken: list[float] = []

    def run(self, number: int) -> None:
        """Write a day to a file, take it in and check that all of it arrived."""
        day = world.readings(self.random, self.level, world.FIRST_DAY + dt.timedelta(days=number))
        world.write_file(self.path, day, prefix=self.prefix)
        began = time.perf_counter()
        run_product([self.path])
        seconds = time.perf_counter() - began
        # All but the half per cent that have a spike.
        stored = MeasurementBlock.objects.filter(measuring_component__any_of=self.ids, start=day.day).count()
        assert stored == self.size - self.size * 45 // 1000 + self.size * 4 // 100, "not all IMDs came through"
        if number:  # the first round warms up
            self.taken.append(seconds / self.size / world.INTERVALS * 1e6)

    def report(self) -> float:
        """Print the median with the fastest and the slowest round, and give it."""
        middle = statistics.median(self.taken)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        spread = f"({min(self.taken):.3f} to {max(self.taken):.3f})"
        print(f"{self.name:<12}{middle:>9.3f} us/interval {spread}{memory:>8.0f} MB")
        return middle


def main() -> None:
    """Read the arguments and measure on a scratch database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--months", type=int, nargs="+", default=[1, 13])
    parser.add_argument("--of", type=int, default=10_000, help="how many IMDs the days with a longer history have")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with scratch_database(), tempfile.TemporaryDirectory() as folder:
        for what, utilities in (
            ("size of a day", [Utility(f"S{size}-", size, 30, Path(folder)) for size in options.sizes]),
            ("history", [Utility(f"M{months}-", options.of, 30 * months, Path(folder)) for months in options.months]),
        ):
            world.analyze()
            collect_seldom()  # as each process of a worker does
            for number in range(options.rounds + 1):
                for utility in utilities:
                    utility.run(number)
            print(f"{connection.vendor}, {what}, {options.rounds} rounds")
            found = [utility.report() for utility in utilities]
            _report.record(
                Claim(
                    area=vee_report.AREA, what=f"time for an interval, {what}: the slowest against the fastest",
                    measured=max(found) / min(found), at_most=1.2,
                    detail=", ".join(
                        f"{utility.name.strip('-')} {middle:.2f}"
                        for utility, middle in zip(utilities, found, strict=True)
                    )
                    + f" us, {connection.vendor}",
                )
            )  # fmt: skip


if __name__ == "__main__":
    main()
