"""A utility for the benchmarks of VEE: components with months of history, twelve rules, and days of readings."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection

from vee import models
from vee.codes import Condition
from vee.operations import configuration, imd_store
from vee.storage import NO_VALUE, DayPieces, write_blocks


INTERVALS = 96
SECONDS = 900
SCALE = 6
DAY = 86_400
ONE_DAY = dt.timedelta(days=1)
AT = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)
ZONE = "Australia/Brisbane"
OFFSET = 36_000
# Midnight of 1 May in Brisbane, where days always have 24 hours.
FIRST_DAY = dt.datetime(2024, 4, 30, 14, tzinfo=dt.UTC)
GROUP = "BENCH-12"
RULES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("uom_check", "TERMINATE", {}),
    ("multiplier_check", "ISSUE", {}),
    ("interval_size_validation", "TERMINATE", {}),
    ("head_end_error_value_check", "INFO", {}),
    ("duplicate_imd_check", "ISSUE", {}),
    ("interval_interpolation_estimation", "INFO", {"max_hours": 2}),
    (
        "interval_averaging_estimation",
        "INFO",
        {"comparison_search": ["SAME_WEEKDAY"], "days_to_average": 3, "max_days_back": 21},
    ),
    ("negative_consumption_check", "ISSUE", {}),
    ("zero_consumption_check", "INFO", {}),
    ("interval_spike_check", "ISSUE", {"tolerance": 1.8, "mode": "PER_24H"}),
    ("consecutive_interval_check", "INFO", {"criterion": "VALUE", "comparison": "EQ", "min_consecutive": 24}),
    (
        "high_low_check",
        "INFO",
        {"historical_look_first": "LAST_READING", "historical_pre_window": 7, "high_tolerance_pct": 300},
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Readings:
    """One day of N components: counts of 10^-6 kWh, `NO_VALUE` where there is none."""

    day: dt.datetime
    values: np.ndarray

    @property
    def end(self) -> dt.datetime:
        """When the day ends."""
        return self.day + dt.timedelta(days=1)


def install(*, direct: bool = False) -> models.MeasuringComponentType:
    """Create the rules, their group and a type of quarter-hours that uses it."""
    configuration.install_defaults(at=AT)
    group, _ = models.VeeGroup.objects.get_or_create(code=GROUP)
    models.VeeExceptionType.objects.get_or_create(code="BENCH")
    if not group.rules.exists():
        for place, (rule, severity, parameters) in enumerate(RULES, start=1):
            models.VeeRule.objects.create(
                group=group, sequence=place * 10, rule=rule, severity=severity, parameters=parameters,
                exception_type_id="BENCH",
            )  # fmt: skip
    identifier = "BENCH-DIRECT" if direct else "BENCH"
    kind, _ = models.MeasuringComponentType.objects.get_or_create(
        identifier=identifier,
        defaults={
            "component_kind": "INTERVAL", "seconds_per_interval": SECONDS, "uom": "KWH", "scale": SCALE,
            "initial_load_group": group, "manual_override_group": group, "estimation_group": group,
            **({"direct_processing": True} if direct else {}),
        },
    )  # fmt: skip
    return kind


def components(kind: models.MeasuringComponentType, count: int, *, prefix: str) -> list[int]:
    """Create components, each at a service point of its own; their names are NMIs with a suffix."""
    points = models.ServicePoint.objects.bulk_create(
        [
            models.ServicePoint(identifier=f"{prefix}{number:07d}", time_zone=ZONE, standard_offset_seconds=OFFSET)
            for number in range(count)
        ],
        batch_size=5_000,
    )
    made = models.MeasuringComponent.objects.bulk_create(
        [
            models.MeasuringComponent(identifier=f"{point.identifier}-E1", type=kind, service_point=point)
            for point in points
        ],
        batch_size=5_000,
    )
    return [component.pk for component in made]


def levels(count: int) -> np.ndarray:
    """Give how much each component uses, in counts per interval."""
    return np.random.default_rng(7).integers(100_000, 900_000, count)


def plain_day(random: np.random.Generator, level: np.ndarray) -> np.ndarray:
    """Give a day without gaps and spikes: a daily curve with noise, in steps of 0.001."""
    curve = 0.7 + 0.3 * np.sin(np.linspace(0, 2 * np.pi, INTERVALS))
    noise = random.uniform(0.85, 1.15, (len(level), INTERVALS))
    return (level[:, None] * curve * noise / 1000).astype(np.int64) * 1000


def readings(random: np.random.Generator, level: np.ndarray, day: dt.datetime) -> Readings:
    """Give a day of which 3 % of the components have a short gap, 1 % a long one and 0.5 % a spike."""
    values = plain_day(random, level)
    count = len(level)
    chosen = random.permutation(count)
    short, long, spikes = np.split(chosen[: count * 45 // 1000], [count * 3 // 100, count * 4 // 100])
    for row in short.tolist():
        first = int(random.integers(1, INTERVALS - 8))
        values[row, first : first + int(random.integers(1, 8))] = NO_VALUE
    for row in long.tolist():
        first = int(random.integers(1, INTERVALS - 32))
        values[row, first : first + int(random.integers(12, 30))] = NO_VALUE
    for row in spikes.tolist():
        values[row, random.integers(0, INTERVALS)] = int(level[row]) // 1000 * 20_000
    return Readings(day, values)


def write_history(ids: list[int], *, days: int, seed: int = 11, before: dt.datetime = FIRST_DAY) -> None:
    """Write so many days of final measurements before a day, by the product's own writer."""
    random = np.random.default_rng(seed)
    level = levels(len(ids))
    for number in range(days, 0, -1):
        values = plain_day(random, level)
        for first in range(0, len(ids), 5_000):
            part = slice(first, first + 5_000)
            write_blocks(pieces=[piece(ids[part], values[part], before - dt.timedelta(days=number))], at=AT)


def analyze() -> None:
    """Let the database know how its tables look by now, as it does by itself in minutes."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def piece(ids: list[int], values: np.ndarray, day: dt.datetime) -> DayPieces:
    """Give a day of components as the writer of blocks takes it."""
    count = len(ids)
    return DayPieces(
        component_ids=np.array(ids, dtype=np.int64),
        block_starts=np.full(count, int(day.timestamp()), dtype=np.int64),
        first_slot=0,
        values=values,
        conditions=np.full(values.shape, int(Condition.REGULAR), dtype=np.int32),
        edited=None,
        imd_ids=np.zeros(count, dtype=np.int64),
        multipliers=np.full(count, 1_000_000, dtype=np.int64),
        scale=SCALE,
        seconds_per_interval=SECONDS,
    )


def receive(ids: list[int], day: Readings, *, prefix: str) -> None:
    """Store a day as PENDING IMDs, by the product's own store."""
    for first in range(0, len(ids), 5_000):
        imd_store.store(
            records=[
                imd_store.NewImd(
                    component_identifier=f"{prefix}{row:07d}-E1", component_id=ids[row], start=day.day, end=day.end,
                    kind="INITIAL_LOAD", uom="KWH", scale=SCALE, seconds_per_interval=SECONDS, values=day.values[row],
                    conditions=_conditions(day.values[row]), multiplier=Decimal(1),
                )
                for row in range(first, min(len(ids), first + 5_000))
            ],
            by="bench",
            at=AT,
        )  # fmt: skip


def write_file(path: Path, day: Readings, *, prefix: str, first: int = 0) -> None:
    """Write a day as a NEM12 file; gaps are marked as such, as a sender does."""
    date = f"{day.day + dt.timedelta(seconds=OFFSET):%Y%m%d}"
    with path.open("w", encoding="ascii") as file:
        file.write("100,NEM12,202405020000,BENCH,BENCH\n")
        for row, values in enumerate(day.values, start=first):
            file.write(f"200,{prefix}{row:07d},E1,E1,E1,N1,METER{row:05d},KWH,15,\n")
            missing = values == NO_VALUE
            texts = [f"{count / 10**SCALE:.3f}" for count in np.where(missing, 0, values).tolist()]
            file.write(f"300,{date},{','.join(texts)},{'V' if missing.any() else 'A'},,,20240502000000,\n")
            if missing.any():
                edges = [0, *(np.flatnonzero(np.diff(missing)) + 1).tolist(), INTERVALS]
                for low, high in itertools.pairwise(edges):
                    file.write(f"400,{low + 1},{high},{'N' if missing[low] else 'A'},,\n")
        file.write("900\n")


def _conditions(values: np.ndarray) -> np.ndarray | None:
    missing = values == NO_VALUE
    if not missing.any():
        return None
    return np.where(missing, int(Condition.MISSING), int(Condition.REGULAR)).astype(np.int32)
