"""
What a day block costs and gives against a row per interval with a composite key, on PostgreSQL.

Both hold the same measurements: the rows are made from the blocks, and what each reading gives is compared before
its time counts. Bytes with all indexes (V5); a component's month through the ORM, and the SQL function for a day
against rows with a BRIN index (V6); averages of 30 days (V7); the change of state of many IMDs against one at a time,
transition rows included (V8); the twelfth day of a growing table against the first (V9).

    .venv/bin/python benchmarks/vee_storage.py [--meters 2000] [--growing 20000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

import numpy as np  # noqa: E402  Django has to be set up first
from django.db import connection, models  # noqa: E402  Django has to be set up first
from django.db.models import Avg  # noqa: E402  Django has to be set up first

from benchmarks import _report  # noqa: E402  Django has to be set up first
from benchmarks._report import Claim  # noqa: E402  Django has to be set up first
from benchmarks.parts import vee_world as world  # noqa: E402  Django has to be set up first
from benchmarks.parts.vee_product import scratch_database  # noqa: E402  Django has to be set up first
from vee.choices import ImdState  # noqa: E402  Django has to be set up first
from vee.models import ImdTransition, InitialMeasurement, MeasurementBlock  # noqa: E402  Django has to be set up first
from vee.operations import lifecycle  # noqa: E402  Django has to be set up first
from vee.storage import write_blocks  # noqa: E402  Django has to be set up first


AREA = "VEE storage"
DAYS = 30
AVERAGED = 500
GROWTH_DAYS = 12
FIRST = world.FIRST_DAY - dt.timedelta(days=DAYS)
PATH = (ImdState.PENDING, ImdState.VEE_READY, ImdState.VEE, ImdState.COMPLETE)


class PlainRow(models.Model):
    """A measurement as a row of its own, as lean as rows get: no surrogate key, no index but the key and a BRIN."""

    pk = models.CompositePrimaryKey("component", "measured_at")
    component = models.BigIntegerField()
    measured_at = models.DateTimeField()
    value = models.DecimalField(max_digits=18, decimal_places=6)
    condition = models.IntegerField()

    class Meta:
        app_label = "vee"


def record(
    bar: str, what: str, taken: dict[str, list[float]], *, at_least: float | None = None, at_most: float | None = None
) -> None:
    """Record how many times as long the second contender took as the first, or the first as the second for a limit."""
    (first, own), (second, other) = taken.items()
    ratio = statistics.median(other) / statistics.median(own)
    _report.record(
        Claim(
            area=AREA, bar=bar, what=what, measured=1 / ratio if at_most is not None else ratio,
            at_least=at_least, at_most=at_most,
            detail=f"{first} {_milliseconds(own)}, {second} {_milliseconds(other)} ms",
        )
    )  # fmt: skip


def _milliseconds(seconds: list[float]) -> str:
    return _report.spread([each * 1000 for each in seconds])


def seconds_of(work: Callable[[], Any]) -> float:
    """Time one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def fetch(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    """Run a statement and give its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def make_rows() -> None:
    """Write every measurement of the blocks as a row too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vee_plainrow (component, measured_at, value, condition) "
            "SELECT measuring_component_id, measured_at, value, condition FROM vee_measurement"
        )
        cursor.execute("CREATE INDEX bench_plainrow_brin ON vee_plainrow USING brin (measured_at)")
        cursor.execute("VACUUM ANALYZE")


def sizes(intervals: int) -> None:
    """V5: bytes for an interval, table and all indexes."""
    ((blocks,),) = fetch(
        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = %s::regclass",
        ["vee_measurementblock"],
    )
    ((rows,),) = fetch("SELECT pg_total_relation_size('vee_plainrow')", [])
    for what, measured, unit, at_most in (
        ("bytes of an interval in a day block, indexes included", int(blocks) / intervals, "B", 14.0),
        ("a day block's bytes against those of rows with a composite key", int(blocks) / rows, "x", 1 / 6),
    ):
        _report.record(
            Claim(
                area=AREA, bar="V5", what=what, measured=measured, unit=unit, at_most=at_most,
                detail=f"{int(blocks) / 2**20:,.0f} and {rows / 2**20:,.0f} MiB for {intervals:,} intervals",
            )
        )  # fmt: skip


def month_by_blocks(component: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read a component's month through the ORM: interval ends and counts, day by day."""
    found = []
    for block in MeasurementBlock.objects.filter(
        measuring_component=component, start__gte=FIRST, start__lt=world.FIRST_DAY
    ):
        assert block.conditions is None, "all of them are Regular"
        ends = int(block.start.timestamp()) + np.arange(1, len(block.values) + 1) * block.seconds_per_interval
        found.append((ends, block.values))
    return found


def reads(ids: list[int], rounds: int) -> None:
    """V6 and V7."""
    end = world.FIRST_DAY

    def month_of_rows() -> list[Any]:
        return list(
            PlainRow.objects.filter(component=ids[7], measured_at__gt=FIRST, measured_at__lte=end)
            .order_by("measured_at")
            .values_list("measured_at", "value", "condition")
        )

    by_blocks = [
        (int(at), int(value))
        for ends, values in month_by_blocks(ids[7])
        for at, value in zip(ends, values, strict=True)
    ]
    by_rows = [(int(at.timestamp()), int(value.scaleb(world.SCALE))) for at, value, _ in month_of_rows()]
    assert sorted(by_blocks) == by_rows, "the month differs"
    taken = _report.in_turns(
        {
            "blocks": lambda: seconds_of(lambda: month_by_blocks(ids[7])),
            "rows": lambda: seconds_of(month_of_rows),
        },
        rounds=rounds,
    )
    record("V6", "a component's month through the ORM, against rows", taken, at_least=5.0)

    day = [end - dt.timedelta(days=1), end]
    function = ("SELECT sum(value), count(*) FROM measurements(%s, %s, %s)", [*day, ids])
    rows = ("SELECT sum(value), count(*) FROM vee_plainrow WHERE measured_at > %s AND measured_at <= %s", day)
    assert fetch(*function) == fetch(*rows), "the day differs"
    taken = _report.in_turns(
        {"function": lambda: seconds_of(lambda: fetch(*function)), "rows": lambda: seconds_of(lambda: fetch(*rows))},
        rounds=rounds,
    )
    record("V6", "the SQL function for a day of all components, against rows with BRIN", taken, at_most=1.5)

    some = ids[:AVERAGED]

    def by_totals() -> dict[int, Decimal]:
        found = (
            MeasurementBlock.objects.filter(
                measuring_component__any_of=some, start__gte=FIRST, start__lt=world.FIRST_DAY
            )
            .values_list("measuring_component")
            .annotate(Avg("total"))
        )
        return {component: Decimal(average).scaleb(-world.SCALE) for component, average in found}

    def by_sums() -> dict[int, Decimal]:
        found = fetch(
            "SELECT component, sum(value) / %s FROM vee_plainrow WHERE component = ANY(%s) "
            "AND measured_at > %s AND measured_at <= %s GROUP BY component",
            [DAYS, some, FIRST, end],
        )
        return dict(found)

    left, right = by_totals(), by_sums()
    assert left.keys() == right.keys()
    assert all(abs(left[key] - right[key]) < Decimal("0.000001") for key in left), "averages differ"
    taken = _report.in_turns(
        {"totals": lambda: seconds_of(by_totals), "rows": lambda: seconds_of(by_sums)}, rounds=rounds
    )
    record("V7", f"the daily average of {DAYS} days for {AVERAGED} components, against rows", taken, at_least=50.0)


def states(ids: list[int], rounds: int) -> None:
    """V8: the same path of states for as many IMDs, in bulk and one at a time."""
    random, level = np.random.default_rng(3), world.levels(len(ids))
    counted = 0

    def pending(count: int) -> list[int]:
        nonlocal counted
        counted += 1
        day = world.readings(random, level[:count], world.FIRST_DAY + dt.timedelta(days=counted))
        world.receive(ids[:count], day, prefix="P")
        return list(InitialMeasurement.objects.filter(state=ImdState.PENDING).values_list("pk", flat=True))

    def in_bulk() -> float:
        due = pending(len(ids))
        taken = seconds_of(lambda: lifecycle.bulk_move(imd_ids=due, path=PATH, at=world.AT))
        check(due)
        return taken / len(due)

    def one_by_one() -> float:
        due = pending(min(len(ids), 200))

        def work() -> None:
            for imd in InitialMeasurement.objects.filter(pk__in=due):
                lifecycle.move(imd=imd, path=PATH, at=world.AT)

        taken = seconds_of(work)
        check(due)
        return taken / len(due)

    def check(moved: list[int]) -> None:
        assert not InitialMeasurement.objects.filter(pk__in=moved).exclude(state=ImdState.COMPLETE).exists()
        steps = ImdTransition.objects.filter(imd__in=moved).exclude(from_state="").count()
        assert steps == len(moved) * (len(PATH) - 1), "not every step left its row"

    taken = _report.in_turns({"in bulk": in_bulk, "one by one": one_by_one}, rounds=rounds)
    record("V8", "an IMD's change of state in bulk, against its methods and save()", taken, at_least=20.0)


def growth(count: int) -> None:
    """V9: days of components in random order, appended day after day."""
    ids = world.components(world.install(), count, prefix="G")
    random, level = np.random.default_rng(4), world.levels(count)
    rates = []
    for number in range(GROWTH_DAYS):
        values, order = world.plain_day(random, level), random.permutation(count)
        day = world.FIRST_DAY + dt.timedelta(days=number)
        began = time.perf_counter()
        for first in range(0, count, 2_000):
            part = order[first : first + 2_000]
            write_blocks(pieces=[world.piece([ids[at] for at in part], values[part], day)], at=world.AT)
        rates.append(count * world.INTERVALS / (time.perf_counter() - began))
    _report.record(
        Claim(
            area=AREA, bar="V9", what=f"day {GROWTH_DAYS} of a growing table against day 1", at_least=0.6,
            measured=rates[-1] / rates[0],
            detail=f"intervals/s, day by day: {', '.join(_report.number(rate) for rate in rates)}",
        )
    )  # fmt: skip


def main() -> None:
    """Read the arguments and measure on a scratch database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--meters", type=int, default=2_000)
    parser.add_argument("--growing", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        parser.error("DATABASE_URL has to name a PostgreSQL: the function and the partitions are its own")
    with scratch_database([PlainRow]):
        growth(options.growing)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE vee_measurementblock")
        ids = world.components(world.install(), options.meters, prefix="P")
        world.write_history(ids, days=DAYS)
        make_rows()
        sizes(options.meters * DAYS * world.INTERVALS)
        reads(ids, options.rounds)
        states(ids, options.rounds)


if __name__ == "__main__":
    main()
