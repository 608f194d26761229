"""
How fast initial measurements go from PENDING to committed final measurements, against a row per interval.

Both contenders take the same IMDs through the same rules, in chunks, with transition rows, each chunk one transaction:

(a) the product: `process_due`, day blocks;
(b) chunked Django: objects read by the ORM, `bulk_create` of one row per interval, `bulk_update` of the states.

They take turns on a scratch database of the kind that DATABASE_URL names (SQLite without it). After each round the
contents are compared, value by value. Medians are printed with the slowest and fastest round.

    .venv/bin/python benchmarks/vee_end_to_end.py [--imds 2000] [--chunk 500] [--rounds 3]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

import numpy as np  # noqa: E402  Django has to be set up first
from django.db import connection, models, transaction  # noqa: E402  Django has to be set up first

from vee import storage  # noqa: E402  Django has to be set up first
from vee.models import ImdPayload, ImdTransition, InitialMeasurement, MeasuringComponent, MeasuringComponentType  # noqa: E402  Django has to be set up first
from vee.operations import configuration, processing  # noqa: E402  Django has to be set up first
from vee.operations.groups import Plans  # noqa: E402  Django has to be set up first
from vee.operations.preparation import load_due  # noqa: E402  Django has to be set up first
from vee.operations.validation import Group, validate  # noqa: E402  Django has to be set up first


INTERVALS = 96
AT = dt.datetime(2024, 3, 5, tzinfo=dt.UTC)


class IntervalRow(models.Model):
    """What a row-per-interval design stores."""

    measuring_component = models.ForeignKey(MeasuringComponent, on_delete=models.PROTECT)
    measured_at = models.DateTimeField()
    value = models.DecimalField(max_digits=18, decimal_places=6)
    condition = models.IntegerField()

    class Meta:
        app_label = "vee"
        constraints = [
            models.UniqueConstraint(fields=["measuring_component", "measured_at"], name="bench_interval_unique")
        ]


def receive(components: list[int], day: dt.datetime, values: np.ndarray) -> None:
    """Store one PENDING IMD per component."""
    imds = InitialMeasurement.objects.bulk_create(
        InitialMeasurement(
            measuring_component_id=component, component_identifier=f"MC-{component}", start=day,
            end=day + dt.timedelta(days=1), seconds_per_interval=900, created_at=AT, state_changed_at=AT,
        )
        for component in components
    )  # fmt: skip
    ImdPayload.objects.bulk_create(
        ImdPayload(imd=imd, uom="KWH", multiplier=Decimal(1), scale=6, values=values[row])
        for row, imd in enumerate(imds)
    )


def run_product(chunk: int) -> None:
    """Contender (a)."""
    processing.process_due(at=AT, chunk=chunk)


def run_rows(chunk: int) -> None:
    """Contender (b)."""
    while True:
        with transaction.atomic():
            imds = list(InitialMeasurement.objects.filter(state="PENDING").order_by("pk")[:chunk])
            if not imds:
                return
            groups, refused = validate(imds=load_due(imd_ids=[imd.pk for imd in imds]), plans=Plans())
            assert not refused
            for group in groups:
                IntervalRow.objects.bulk_create(_rows(group), batch_size=1000)
            for imd in imds:
                imd.make_ready()
                imd.pass_vee()
                imd.complete()
                imd.state_changed_at = AT
            InitialMeasurement.objects.bulk_update(imds, ["state", "state_changed_at"])
            steps = [("PENDING", "VEE_READY"), ("VEE_READY", "VEE"), ("VEE", "COMPLETE")]
            ImdTransition.objects.bulk_create(
                ImdTransition(imd=imd, from_state=source, to_state=target, at=AT)
                for imd in imds
                for source, target in steps
            )


def _rows(group: Group) -> list[IntervalRow]:
    batch = group.result.batch
    assert not group.blocked.any()
    return [
        IntervalRow(
            measuring_component_id=imd.component.id,
            measured_at=dt.datetime.fromtimestamp(imd.start + 900 * (slot + 1), tz=dt.UTC),
            value=Decimal(int(batch.values[row, slot])).scaleb(-6),
            condition=int(batch.conditions[row, slot]),
        )
        for row, imd in enumerate(group.imds)
        if imd.component is not None
        for slot in range(batch.length)
    ]


def check_equal(for_product: list[int], for_rows: list[int], day: dt.datetime, values: np.ndarray) -> None:
    """Compare what both stored with what was received."""
    series = storage.read_range(component_ids=for_product, start=day, end=day + dt.timedelta(days=1))
    blocks = np.stack([series[component].values for component in for_product])
    stored = IntervalRow.objects.filter(measuring_component__in=for_rows, measured_at__gt=day)
    rows = stored.order_by("measuring_component", "measured_at").values_list("value", flat=True)
    counts = np.array([int(value.scaleb(6)) for value in rows]).reshape(values.shape)
    assert (blocks == values).all(), "the blocks are not what was received"
    assert (counts == values).all(), "the rows are not what was received"


def figure(name: str, seconds: list[float], intervals: int) -> float:
    """Print one contender's rate and give the median."""
    rates = sorted(intervals / taken for taken in seconds)
    middle = statistics.median(rates)
    print(f"{name:<28}{middle:>12,.0f} intervals/s   ({rates[0]:,.0f} to {rates[-1]:,.0f})")
    return middle


def measure(imds: int, chunk: int, rounds: int) -> None:
    """Run the contenders in turns and print their figures."""
    configuration.install_defaults(at=AT)
    kind = MeasuringComponentType.objects.get(identifier="RES-15MIN-KWH")
    ids = [
        component.pk
        for component in MeasuringComponent.objects.bulk_create(
            MeasuringComponent(identifier=f"MC-{number}", type=kind) for number in range(2 * imds)
        )
    ]
    for_product, for_rows = ids[:imds], ids[imds:]
    random = np.random.default_rng(20240310)
    taken: dict[str, list[float]] = {"product": [], "rows": []}
    for number in range(rounds + 1):
        day = dt.datetime(2024, 3, 1, tzinfo=dt.UTC) + dt.timedelta(days=number)
        values = random.integers(100_000, 200_000, (imds, INTERVALS))
        for name, components, run in (("product", for_product, run_product), ("rows", for_rows, run_rows)):
            receive(components, day, values)
            began = time.perf_counter()
            run(chunk)
            if number:  # the first round warms up
                taken[name].append(time.perf_counter() - began)
        check_equal(for_product, for_rows, day, values)
    print(f"{connection.vendor}, {imds:,} IMDs of {INTERVALS} intervals, chunks of {chunk}, {rounds} rounds, equal")
    product = figure("product, day blocks", taken["product"], imds * INTERVALS)
    rows = figure("a row per interval", taken["rows"], imds * INTERVALS)
    print(f"{'ratio':<28}{product / rows:>12.1f}")


def main() -> None:
    """Read the arguments and measure on a scratch database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--imds", type=int, default=2000)
    parser.add_argument("--chunk", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    own_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with connection.schema_editor() as editor:
            editor.create_model(IntervalRow)
        measure(options.imds, options.chunk, options.rounds)
    finally:
        connection.creation.destroy_test_db(own_name, verbosity=0)


if __name__ == "__main__":
    main()
