"""
From a file on disk to committed final measurements: how fast, against a row per interval and against the floors.

All contenders take the same readings, 12 rules on each IMD, 30 days of history before:

(a) the product, one process and two: `load_file` and `process_due`, with evidence, transitions, history and progress;
(b) a row per interval, one process and two: ORM objects in chunks, `bulk_create`, rules in plain Python
    (`benchmarks/parts/vee_rows.py`), which reads the same file;
(c) a floor: writing the same blocks and nothing else, by the product's staged COPY (an upsert on SQLite);
(d) a floor: the 12 rules with their adapters alone, on arrays that are there already, without history;
(e) as (b), one IMD at a time.

They take turns on a scratch database of the kind that DATABASE_URL names. After each round values, conditions and
states of (a) and (b) are compared one by one before the times count. Printed are the median with the slowest and the
fastest round; a contender whose rounds differ by more than a factor of two is measured again.

    .venv/bin/python benchmarks/vee_end_to_end.py [--imds 20000] [--row-imds 1000] [--rounds 3] [--history 30]
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

import numpy as np  # noqa: E402  Django has to be set up first
from django.db import connection  # noqa: E402  Django has to be set up first

from benchmarks.parts import vee_report  # noqa: E402  Django has to be set up first
from benchmarks.parts import vee_rows as rows  # noqa: E402  Django has to be set up first
from benchmarks.parts import vee_world as world  # noqa: E402  Django has to be set up first
from benchmarks.parts.vee_product import run_each, run_product, scratch_database  # noqa: E402  Django has to be set up first
from foundation.garbage import collect_seldom  # noqa: E402  Django has to be set up first
from vee import storage  # noqa: E402  Django has to be set up first
from vee.codes import ComponentKind, Condition  # noqa: E402  Django has to be set up first
from vee.engine import runner  # noqa: E402  Django has to be set up first
from vee.engine.batch import Batch, ImdFacts  # noqa: E402  Django has to be set up first
from vee.engine.context import NoHistory  # noqa: E402  Django has to be set up first
from vee.models import InitialMeasurement  # noqa: E402  Django has to be set up first
from vee.operations import groups, processing  # noqa: E402  Django has to be set up first


MOST_REPEATS = 2


@dataclasses.dataclass(slots=True)
class Contender:
    """Something that is timed: `run` takes the number of a round."""

    name: str
    intervals: int
    run: Callable[[int], None]
    prepare: Callable[[int], None] = lambda number: None
    taken: list[float] = dataclasses.field(default_factory=list)

    def rates(self) -> list[float]:
        """Give intervals per second, slowest first."""
        return sorted(self.intervals / seconds for seconds in self.taken)


def by_rows(paths: list[Path], *, prefix: str = "R", chunk: int = rows.CHUNK) -> None:
    """Contenders (b) and (e), by the same division of work."""

    def work(path: Path) -> None:
        rows.load(path)
        rows.process(prefix, chunk=chunk)

    run_each(work, paths)


class Bench:
    """The world, the readings of each round, and the contenders."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.folder = folder
        self.random = np.random.default_rng(20240310)
        kind = world.install()
        self.ids = world.components(kind, options.imds, prefix="P")
        self.floor_ids = world.components(kind, options.imds, prefix="F")
        self.row_ids = world.components(kind, options.row_imds, prefix="R")
        world.components(kind, options.row_imds // 10, prefix="A")
        world.write_history(self.ids, days=options.history)
        self.equal_ids = world.components(kind, options.row_imds, prefix="Q")
        world.write_history(self.equal_ids, days=options.history)
        rows.write_history(self.equal_ids, self.row_ids)
        self.level, self.row_level = world.levels(options.imds), world.levels(options.row_imds)
        self.single_level = self.row_level[: options.row_imds // 10]
        self.days: dict[str, world.Readings] = {}
        self.days_of: dict[str, int] = defaultdict(int)

    def next_day(self, prefix: str) -> dt.datetime:
        """Give the day after the last one of these components: rules look back at the days before."""
        self.days_of[prefix] += 1
        return world.FIRST_DAY + dt.timedelta(days=self.days_of[prefix] - 1)

    def write_files(self, prefix: str, level: np.ndarray, parts: int) -> Callable[[int], None]:
        """Write the readings of a new day into so many files."""

        def prepare(number: int) -> None:
            day = world.readings(self.random, level, self.next_day(prefix))
            self.days[prefix] = day
            for part, values in enumerate(np.array_split(day.values, parts)):
                first = sum(len(each) for each in np.array_split(day.values, parts)[:part])
                world.write_file(
                    self.folder / f"{prefix}{part}.csv", world.Readings(day.day, values), prefix=prefix, first=first
                )

        return prepare

    def paths(self, prefix: str, parts: int) -> list[Path]:
        """Give where these files lie."""
        return [self.folder / f"{prefix}{part}.csv" for part in range(parts)]


def check_product(ids: list[int], day: world.Readings) -> None:
    """What is there is what was received, with gaps filled; what has a spike was held."""
    found = storage.read_range(component_ids=ids, start=day.day, end=day.end)
    held = set(
        InitialMeasurement.objects.filter(state="EXCEPTION", start=day.day).values_list(
            "measuring_component", flat=True
        )
    )
    done = InitialMeasurement.objects.filter(state="COMPLETE", start=day.day, measuring_component__any_of=ids).count()
    assert done == len(ids) - len(held.intersection(ids)), "not all IMDs came through"
    for row, component in enumerate(ids):
        if component in held:
            continue
        values = found[component].values
        received = day.values[row]
        there = received != storage.NO_VALUE
        assert (values[there] == received[there]).all(), "a value changed"
        assert (values != storage.NO_VALUE).all(), "a gap was not filled"


def check_equal(bench: Bench) -> None:
    """Let both take the same day of components with the same history, and compare everything that they leave."""
    day = world.readings(bench.random, bench.row_level, bench.next_day("R"))
    for prefix in ("Q", "R"):
        world.write_file(bench.folder / f"{prefix}0.csv", day, prefix=prefix)
    run_product(bench.paths("Q", 1))
    by_rows(bench.paths("R", 1))
    left = []
    for ids in (bench.equal_ids, bench.row_ids):
        held = InitialMeasurement.objects.filter(state="EXCEPTION", measuring_component__any_of=ids)
        names = set(held.values_list("measuring_component", flat=True))
        left.append([component in names for component in ids])
    assert left[0] == left[1], "not the same IMDs were held"
    found = storage.read_range(component_ids=bench.equal_ids, start=day.day, end=day.end)
    expected: dict[int, list[tuple[int, int]]] = defaultdict(list)
    stored = rows.IntervalRow.objects.filter(measured_at__gt=day.day, measured_at__lte=day.end)
    for component, value, condition in stored.order_by("measuring_component", "measured_at").values_list(
        "measuring_component", "value", "condition"
    ):
        expected[component].append((int(value.scaleb(6)), condition))
    for ours, theirs, held_back in zip(bench.equal_ids, bench.row_ids, left[0], strict=True):
        assert (ours in found) != held_back, "an IMD that was held has measurements, or one that was not has none"
        if not held_back:
            series = found[ours]
            got = list(zip(series.values.tolist(), series.conditions.tolist(), strict=True))
            assert got == expected[theirs], f"component {theirs} differs"


def copy_blocks(ids: list[int], day: dt.datetime, values: np.ndarray) -> None:
    """Contender (c)."""
    for first in range(0, len(ids), processing.DEFAULT_CHUNK):
        part = slice(first, first + processing.DEFAULT_CHUNK)
        storage.write_blocks(pieces=[world.piece(ids[part], values[part], day)], at=world.AT)


def kernels(values: np.ndarray) -> None:
    """Contender (d)."""
    plan = groups.Plans().plan(
        group=world.GROUP, on=dt.date(2024, 5, 1), kind=ComponentKind.INTERVAL, characteristics={}
    )
    for first in range(0, len(values), processing.DEFAULT_CHUNK):
        part = values[first : first + processing.DEFAULT_CHUNK]
        valid = part != storage.NO_VALUE
        runner.run(batch=_batch(part, valid), plan=plan, context=NoHistory())


def _batch(values: np.ndarray, valid: np.ndarray) -> Batch:
    from decimal import Decimal

    return Batch(
        values=values, valid=valid,
        conditions=np.where(valid, int(Condition.REGULAR), int(Condition.MISSING)).astype(np.int32),
        set_by=np.zeros(values.shape, dtype=np.int32), kind=ComponentKind.INTERVAL, scale=world.SCALE,
        seconds_per_interval=world.SECONDS, starts=np.full(len(values), int(world.FIRST_DAY.timestamp())),
        facts=[
            ImdFacts(
                imd_id=row, component_id=row + 1, uom="KWH", component_uom="KWH", multiplier=Decimal(1),
                component_multiplier=Decimal(1), seconds_per_interval=900, component_seconds_per_interval=900,
                time_zone=world.ZONE,
            )
            for row in range(len(values))
        ],
    )  # fmt: skip


def contenders(bench: Bench, options: argparse.Namespace) -> list[Contender]:
    """Give them in the order in which they take turns."""
    large, small = options.imds * world.INTERVALS, options.row_imds * world.INTERVALS
    floor_ids = bench.floor_ids
    floor = world.plain_day(bench.random, bench.level)
    found = []
    for workers in options.workers:
        found.append(
            Contender(
                f"product, {workers} process(es)", large,
                lambda number, parts=workers: run_product(bench.paths("P", parts)),  # type: ignore[misc]
                bench.write_files("P", bench.level, workers),
            )
        )  # fmt: skip
        found.append(
            Contender(
                f"rows, {workers} process(es)", small,
                lambda number, parts=workers: by_rows(bench.paths("R", parts)),  # type: ignore[misc]
                bench.write_files("R", bench.row_level, workers),
            )
        )  # fmt: skip
    parts = options.workers[-1]
    found.append(
        Contender(
            f"{vee_report.SINGLE}, {parts} process(es)", len(bench.single_level) * world.INTERVALS,
            lambda number: by_rows(bench.paths("A", parts), prefix="A", chunk=1),
            bench.write_files("A", bench.single_level, parts),
        )
    )  # fmt: skip
    found.append(Contender(vee_report.BLOCKS, large, lambda number: copy_blocks(floor_ids, bench.next_day("F"), floor)))
    found.append(Contender(vee_report.KERNELS, large, lambda number: kernels(floor)))
    return found


def measure(bench: Bench, options: argparse.Namespace) -> list[Contender]:
    """Let the contenders take turns, check what they leave, and repeat those whose rounds differ too much."""
    found = contenders(bench, options)
    for repeat in range(1 + MOST_REPEATS):
        chosen = [one for one in found if not repeat or one.rates()[-1] > 2 * one.rates()[0]]
        for one in chosen:
            one.taken.clear()
        for number in range(options.rounds + (not repeat)):
            for one in chosen:
                one.prepare(number)
                began = time.perf_counter()
                one.run(number)
                seconds = time.perf_counter() - began
                if one.name.startswith("product"):
                    check_product(bench.ids, bench.days["P"])
                if number or repeat:  # the first round warms up
                    one.taken.append(seconds)
    return found


def main() -> None:
    """Read the arguments and measure on a scratch database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--imds", type=int, default=20_000)
    parser.add_argument("--row-imds", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--history", type=int, default=30)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    with scratch_database(rows.MODELS), tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        check_equal(bench)
        world.analyze()
        collect_seldom()  # as each process of a worker does
        found = measure(bench, options)
        sizes = (
            f"{connection.vendor}, {options.imds:,} IMDs ({options.row_imds:,} by rows) of {world.INTERVALS}, "
            f"{len(world.RULES)} rules, {options.history} days of history, {options.rounds} rounds"
        )
        vee_report.report({one.name: one.rates() for one in found}, vendor=connection.vendor, sizes=sizes)


if __name__ == "__main__":
    main()
