"""
Direct measurement processing against the ordinary way: the same file, the same rules, the same measurements.

The rules are those of `benchmarks/vee_end_to_end.py` but for the one that compares IMDs with each other, which needs
IMDs. Both take turns on a scratch database of the kind that DATABASE_URL names; after each round what they left is
compared value by value, condition by condition.

    .venv/bin/python benchmarks/vee_direct.py [--imds 10000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
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
from vee import storage  # noqa: E402  Django has to be set up first
from vee.models import InitialMeasurement, VeeRule  # noqa: E402  Django has to be set up first


def assert_equal(ordinary: list[int], direct: list[int], day: world.Readings) -> None:
    """Both left the same measurements."""
    series = [storage.read_range(component_ids=ids, start=day.day, end=day.end) for ids in (ordinary, direct)]
    for one, other in zip(ordinary, direct, strict=True):
        assert (one in series[0]) == (other in series[1]), "one has measurements and the other has none"
        if one in series[0]:
            assert (series[0][one].values == series[1][other].values).all(), "values differ"
            assert (series[0][one].conditions == series[1][other].conditions).all(), "conditions differ"


def main() -> None:
    """Read the arguments and measure on a scratch database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--imds", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with scratch_database(), tempfile.TemporaryDirectory() as folder:
        kinds = {"O": world.install(), "D": world.install(direct=True)}
        VeeRule.objects.filter(rule="duplicate_imd_check").delete()
        ids = {prefix: world.components(kind, options.imds, prefix=prefix) for prefix, kind in kinds.items()}
        for those in ids.values():
            world.write_history(those, days=30)
        world.analyze()
        collect_seldom()  # as each process of a worker does
        random, level = np.random.default_rng(5), world.levels(options.imds)
        taken: dict[str, list[float]] = {prefix: [] for prefix in kinds}
        for number in range(options.rounds + 1):
            day = world.readings(random, level, world.FIRST_DAY + dt.timedelta(days=number))
            for prefix, seconds in taken.items():
                path = Path(folder) / f"{prefix}.csv"
                world.write_file(path, day, prefix=prefix)
                began = time.perf_counter()
                run_product([path])
                if number:  # the first round warms up
                    seconds.append(time.perf_counter() - began)
            assert_equal(ids["O"], ids["D"], day)
        direct = InitialMeasurement.objects.filter(measuring_component__any_of=ids["D"]).count()
        print(f"{connection.vendor}, {options.imds:,} IMDs, {options.rounds} rounds, equal; IMDs of direct: {direct:,}")
        middle = {}
        for prefix, name in (("O", "ordinary"), ("D", "direct")):
            rates = sorted(options.imds * world.INTERVALS / seconds for seconds in taken[prefix])
            middle[prefix] = statistics.median(rates)
            print(f"{name:<12}{middle[prefix]:>12,.0f} intervals/s ({rates[0]:,.0f} to {rates[-1]:,.0f})")
        _report.record(
            Claim(
                area=vee_report.AREA, what="direct measurement processing against the ordinary way", at_least=1.5,
                measured=middle["D"] / middle["O"],
                detail=f"{_report.number(middle['D'])} and {_report.number(middle['O'])} intervals/s, "
                f"{options.imds:,} IMDs, {connection.vendor}",
            )
        )  # fmt: skip


if __name__ == "__main__":
    main()
