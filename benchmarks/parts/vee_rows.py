"""
The other way to do it: a row per interval, objects of the ORM in chunks, and the twelve rules in plain Python.

What a team writes that knows Django well: `bulk_create` and `bulk_update`, one query of history per chunk, one
transaction per chunk; the payload of an IMD is JSON. Findings, To Dos, states and transition rows are kept as the
product keeps them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction

from benchmarks.parts import vee_world as world
from vee.codes import Condition
from vee.models import ImdTransition, InitialMeasurement, MeasuringComponent, ToDo, ToDoType, VeeException


CHUNK = 500
NEM = dt.timezone(dt.timedelta(hours=10))
QUARTER = dt.timedelta(minutes=15)
MILLION = 10**6


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


class RowPayload(models.Model):
    """What was received, as JSON."""

    imd = models.OneToOneField(InitialMeasurement, on_delete=models.CASCADE, primary_key=True, related_name="+")
    uom = models.CharField(max_length=20)
    multiplier = models.DecimalField(max_digits=15, decimal_places=6)
    readings = models.JSONField()

    class Meta:
        app_label = "vee"


MODELS = (IntervalRow, RowPayload)


def write_history(of_product: list[int], of_rows: list[int]) -> None:
    """Give the rows the history that the blocks of the product's components have."""
    from vee import storage

    for first in range(0, len(of_product), 200):
        product, rows = of_product[first : first + 200], of_rows[first : first + 200]
        series = storage.read_range(
            component_ids=product, start=world.FIRST_DAY - dt.timedelta(days=400), end=world.FIRST_DAY
        )
        with connection.cursor() as cursor:
            for own, other in zip(rows, product, strict=True):
                found = series[other]
                values = [
                    (own, dt.datetime.fromtimestamp(end, tz=dt.UTC), Decimal(count).scaleb(-6), condition)
                    for end, count, condition in zip(
                        found.ends.tolist(), found.values.tolist(), found.conditions.tolist(), strict=True
                    )
                ]
                _copy(cursor, values)


def _copy(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    names = "measuring_component_id, measured_at, value, condition"
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY vee_intervalrow ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    adapt = connection.ops.adapt_datetimefield_value
    cursor.executemany(
        f"INSERT INTO vee_intervalrow ({names}) VALUES (%s, %s, %s, %s)",
        [(component, adapt(at), str(value), condition) for component, at, value, condition in rows],
    )


def load(path: Path) -> None:
    """Read the file and store its IMDs, a chunk at a time."""
    waiting: list[tuple[str, dt.datetime, list[list[Any]]]] = []
    with path.open(encoding="ascii") as file:
        name = ""
        for line in file:
            fields = line.rstrip("\n").split(",")
            if fields[0] == "200":
                name = f"{fields[1]}-{fields[4]}"
            elif fields[0] == "300":
                if len(waiting) == CHUNK:
                    _store(waiting)
                day = dt.datetime.strptime(fields[1], "%Y%m%d").replace(tzinfo=NEM)
                # Checked as a number now, kept as its text.
                readings = [[str(Decimal(text)), int(Condition.REGULAR)] for text in fields[2:98]]
                waiting.append((name, day.astimezone(dt.UTC), readings))
            elif fields[0] == "400" and fields[3] == "N":
                for at in range(int(fields[1]) - 1, int(fields[2])):
                    waiting[-1][2][at] = [None, int(Condition.MISSING)]
    _store(waiting)


@transaction.atomic
def _store(waiting: list[tuple[str, dt.datetime, list[list[Any]]]]) -> None:
    ids = dict(
        MeasuringComponent.objects.filter(identifier__in=[name for name, _, _ in waiting]).values_list(
            "identifier", "pk"
        )
    )
    imds = InitialMeasurement.objects.bulk_create(
        InitialMeasurement(
            measuring_component_id=ids[name], component_identifier=name, start=day, end=day + dt.timedelta(days=1),
            seconds_per_interval=900, created_at=world.AT, state_changed_at=world.AT,
        )
        for name, day, _ in waiting
    )  # fmt: skip
    RowPayload.objects.bulk_create(
        RowPayload(imd=imd, uom="KWH", multiplier=Decimal(1), readings=readings)
        for imd, (_, _, readings) in zip(imds, waiting, strict=True)
    )
    ImdTransition.objects.bulk_create(ImdTransition(imd=imd, to_state="PENDING", at=world.AT) for imd in imds)
    waiting.clear()


def process(prefix: str, *, chunk: int = CHUNK) -> None:
    """Take due IMDs through the rules, a chunk at a time, until none is left."""
    while _process_chunk(prefix, chunk):
        pass


@transaction.atomic
def _process_chunk(prefix: str, chunk: int) -> bool:
    imds = list(
        InitialMeasurement.objects.filter(state="PENDING", component_identifier__startswith=prefix)
        .select_related("measuring_component__type")
        .order_by("pk")
        .select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked, of=("self",))[:chunk]
    )
    if not imds:
        return False
    payloads = RowPayload.objects.in_bulk([imd.pk for imd in imds])
    history = _History(imds)
    rows: list[IntervalRow] = []
    held: list[tuple[InitialMeasurement, str]] = []
    for imd in imds:
        values, codes, problem = judge(imd, payloads[imd.pk], history)
        imd.make_ready()
        imd.state_changed_at = world.AT
        imd.attempts += 1
        if problem:
            imd.raise_exception()
            held.append((imd, problem))
            continue
        imd.pass_vee()
        imd.complete()
        rows += [
            IntervalRow(
                measuring_component_id=imd.measuring_component_id, measured_at=imd.start + QUARTER * (slot + 1),
                value=value, condition=code,
            )
            for slot, (value, code) in enumerate(zip(values, codes, strict=True))
            if value is not None
        ]  # fmt: skip
    IntervalRow.objects.bulk_create(rows, batch_size=1_000)
    InitialMeasurement.objects.bulk_update(imds, ["state", "state_changed_at", "attempts"])
    ImdTransition.objects.bulk_create(
        ImdTransition(imd=imd, from_state=source, to_state=target, at=world.AT)
        for imd in imds
        for source, target in _steps(imd.state)
    )
    VeeException.objects.bulk_create(
        VeeException(
            imd=imd, measuring_component_id=imd.measuring_component_id, severity="ISSUE", exception_type="BENCH",
            rule="interval_spike_check", message=problem, created_at=world.AT,
        )
        for imd, problem in held
    )  # fmt: skip
    kind, _ = ToDoType.objects.get_or_create(code="VEE-EXCEPTION")
    ToDo.objects.bulk_create(ToDo(imd=imd, type=kind, summary=problem, created_at=world.AT) for imd, problem in held)
    return True


def _steps(state: str) -> list[tuple[str, str]]:
    if state == "EXCEPTION":
        return [("PENDING", "VEE_READY"), ("VEE_READY", "EXCEPTION")]
    return [("PENDING", "VEE_READY"), ("VEE_READY", "VEE"), ("VEE", "COMPLETE")]


class _History:
    """What was measured before a chunk: the sums of the eight days before, and like days where something is missing."""

    def __init__(self, imds: list[InitialMeasurement]) -> None:
        ids = [imd.measuring_component_id for imd in imds]
        start = min(imd.start for imd in imds)
        recent = IntervalRow.objects.filter(
            measuring_component__in=ids, measured_at__gt=start - dt.timedelta(days=8), measured_at__lte=start
        )
        sums = recent.values_list("measuring_component").annotate(models.Sum("value"), models.Count("pk")).order_by()
        self.sums = {component: (total, count) for component, total, count in sums}
        self.completed = set(
            InitialMeasurement.objects.filter(
                measuring_component__in=ids, end__in={imd.end for imd in imds}, state="COMPLETE"
            ).values_list("measuring_component", "end")
        )

    def like_days(self, imd: InitialMeasurement) -> dict[int, list[Decimal]]:
        """Give, by slot, the values of the three same weekdays before."""
        found: dict[int, list[Decimal]] = defaultdict(list)
        for weeks in (1, 2, 3):
            day = imd.start - dt.timedelta(days=7 * weeks)
            rows = IntervalRow.objects.filter(
                measuring_component=imd.measuring_component_id, measured_at__gt=day,
                measured_at__lte=day + dt.timedelta(days=1),
            )  # fmt: skip
            for at, value in rows.values_list("measured_at", "value"):
                found[(at - day) // QUARTER - 1].append(value)
        return found


def judge(
    imd: InitialMeasurement, payload: RowPayload, history: _History
) -> tuple[list[Decimal | None], list[int], str]:
    """Take one IMD through the rules; gives values, conditions and what holds it, if anything does."""
    kind = imd.measuring_component.type
    values = [None if text is None else Decimal(text) for text, _ in payload.readings]
    codes = [code for _, code in payload.readings]
    if payload.uom != kind.uom or imd.seconds_per_interval != kind.seconds_per_interval:
        return values, codes, "unit or interval size"
    if payload.multiplier != imd.measuring_component.multiplier:
        return values, codes, "multiplier"
    for at, value in enumerate(values):
        if value in (Decimal(9999999), Decimal("4294967.295")):
            values[at], codes[at] = None, int(Condition.MISSING_ERROR_VALUE)
    if (imd.measuring_component_id, imd.end) in history.completed:
        return values, codes, "duplicate"
    _interpolate(values, codes)
    if any(value is None for value in values):
        _average(values, codes, history.like_days(imd))
    there = [value for value in values if value is not None]
    total = sum(there, Decimal(0))
    if total < 0:
        return values, codes, "negative"
    ranked = sorted(there)
    third, highest = ranked[-3], ranked[-1]
    if third > 0 and highest - third > Decimal("1.8") * third:
        return values, codes, "spike"
    _look(values, total, history.sums.get(imd.measuring_component_id))
    return values, codes, ""


def _interpolate(values: list[Decimal | None], codes: list[int]) -> None:
    at = 0
    while at < len(values):
        if values[at] is not None:
            at += 1
            continue
        end = at
        while end < len(values) and values[end] is None:
            end += 1
        if end - at <= 8:
            first, last = Fraction(values[at - 1]), Fraction(values[end])
            for step in range(end - at):
                exact = first + (last - first) * (step + 1) / (end - at + 1)
                values[at + step] = Decimal(round(exact * MILLION)).scaleb(-6)
                codes[at + step] = int(Condition.ESTIMATED_INTERPOLATED)
        at = end


def _average(values: list[Decimal | None], codes: list[int], like: dict[int, list[Decimal]]) -> None:
    for at, value in enumerate(values):
        if value is None and like[at]:
            exact = sum(map(Fraction, like[at]), Fraction(0)) / len(like[at])
            values[at] = Decimal(round(exact * MILLION)).scaleb(-6)
            codes[at] = int(Condition.ESTIMATED_AVERAGED)


def _look(values: list[Decimal | None], total: Decimal, before: tuple[Decimal, int] | None) -> list[str]:
    """Say what is remarkable and holds nothing: zeros, and consumption far from that of the days before."""
    said = ["zero"] if total == 0 else []
    run = longest = 0
    for value in values:
        run = run + 1 if value == 0 else 0
        longest = max(longest, run)
    if longest >= 24:
        said.append("zeros in a row")
    if before is not None and before[1]:
        expected = before[0] * 96 / before[1]
        if total > 3 * expected or total < Decimal("0.15") * expected:
            said.append("high or low")
    return said
