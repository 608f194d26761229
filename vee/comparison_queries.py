"""What one IMD is held against on its page: like days before it, the components beside it, and registers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Q

from vee import storage
from vee.codes import Band, ComponentKind
from vee.models import InitialMeasurement, MeasuringComponent, RegisterMeasurement
from vee.storage import Series


WEEKS = 4
MOST_COMPONENTS = 20
# How far a register's reads are looked for around a period: a month of reading, and what it may be late.
_READS_AROUND = dt.timedelta(days=40)


@dataclasses.dataclass(frozen=True, slots=True)
class LikeDays:
    """
    What was measured at the same local times of the same weekdays, up to `WEEKS` weeks before; estimates left out.

    `low` and `high` are per interval, None where nothing was measured; `totals` those of the weeks that are whole.
    """

    low: list[Decimal | None]
    high: list[Decimal | None]
    totals: list[Decimal]


@dataclasses.dataclass(frozen=True, slots=True)
class Beside:
    """Final consumption of another component over (start, end]; a register's is that between its reads around it."""

    component: MeasuringComponent
    start: dt.datetime
    end: dt.datetime
    total: Decimal
    estimated: int
    """Intervals or reads of it that are no measurements."""


def like_days(
    *, component: MeasuringComponent, imd: InitialMeasurement, ends: Sequence[dt.datetime], zone: zoneinfo.ZoneInfo
) -> LikeDays | None:
    """Read the band of like days of an interval IMD; one query, None when nothing was measured on them."""
    size = imd.seconds_per_interval
    if size is None or component.type.component_kind == ComponentKind.SCALAR:
        return None
    # An hour more: what lies weeks before by the clock may lie an hour further by the sun.
    start = imd.start - dt.timedelta(weeks=WEEKS, hours=1)
    try:
        series = storage.read_range(component_ids=[component.pk], start=start, end=imd.start).get(component.pk)
    except ValueError:
        return None  # the component's scale changed meanwhile
    if series is None or series.seconds_per_interval != size:
        return None
    measured = _measured(series)
    weeks: list[list[Decimal | None]] = [
        [measured.get(_weeks_before(end, number, zone)) for end in ends] for number in range(1, WEEKS + 1)
    ]
    columns = [_there(column) for column in zip(*weeks, strict=True)]
    if not any(columns):
        return None
    return LikeDays(
        low=[min(column, default=None) for column in columns],
        high=[max(column, default=None) for column in columns],
        totals=[sum(there, Decimal(0)) for week in weeks if len(there := _there(week)) == len(week)],
    )


def _there(values: Sequence[Decimal | None]) -> list[Decimal]:
    return [value for value in values if value is not None]


def _measured(series: Series) -> dict[int, Decimal]:
    rows = zip(series.ends.tolist(), series.values.tolist(), series.conditions.tolist(), strict=True)
    return {
        end: Decimal(value).scaleb(-series.scale)
        for end, value, condition in rows
        if value != storage.NO_VALUE and condition >= Band.REGULAR.low
    }


def _weeks_before(end: dt.datetime, weeks: int, zone: zoneinfo.ZoneInfo) -> int:
    return int((end.astimezone(zone) - dt.timedelta(weeks=weeks)).timestamp())


def beside(*, component: MeasuringComponent, start: dt.datetime, end: dt.datetime) -> list[Beside]:
    """
    Sum up what the components beside one measured: its device's, its consumption reference and those that refer to it.

    Three queries at most; components without a final measurement are left out.
    """
    near = Q(consumption_reference=component.pk)
    if component.device_id is not None:
        near |= Q(device=component.device_id)
    if component.consumption_reference_id is not None:
        near |= Q(pk=component.consumption_reference_id)
    others = list(
        MeasuringComponent.objects.filter(near)
        .exclude(pk=component.pk)
        .select_related("type")
        .order_by("identifier")[:MOST_COMPONENTS]
    )
    registers = [other for other in others if other.type.component_kind == ComponentKind.SCALAR]
    intervals = [other for other in others if other.type.component_kind != ComponentKind.SCALAR]
    found = _interval_totals(intervals, start, end) | _register_totals(registers, start, end)
    return [found[other.pk] for other in others if other.pk in found]


def _interval_totals(
    components: Sequence[MeasuringComponent], start: dt.datetime, end: dt.datetime
) -> dict[int, Beside]:
    if not components:
        return {}
    try:
        read = storage.read_range(component_ids=[each.pk for each in components], start=start, end=end)
    except ValueError:
        return {}  # the scale of one changed within the period
    totals = {}
    for each in components:
        series = read.get(each.pk)
        if series is not None:
            there = series.values != storage.NO_VALUE
            total = Decimal(sum(series.values[there].tolist())).scaleb(-series.scale)
            estimated = int((there & (series.conditions < Band.REGULAR.low)).sum())
            totals[each.pk] = Beside(each, start, end, total, estimated)
    return totals


def _register_totals(
    components: Sequence[MeasuringComponent], start: dt.datetime, end: dt.datetime
) -> dict[int, Beside]:
    if not components:
        return {}
    rows = RegisterMeasurement.objects.filter(
        measuring_component__in=[each.pk for each in components],
        read_at__gte=start - _READS_AROUND,
        read_at__lte=end + _READS_AROUND,
        do_not_use=False,
    ).order_by("read_at")
    reads: dict[int, list[RegisterMeasurement]] = defaultdict(list)
    for row in rows:
        reads[row.measuring_component_id].append(row)
    totals = {}
    for each in components:
        before = [read.read_at for read in reads[each.pk] if read.read_at <= start]
        after = [read.read_at for read in reads[each.pk] if read.read_at >= end]
        if before and after:
            within = [read for read in reads[each.pk] if before[-1] < read.read_at <= after[0]]
            consumed = [read.consumption for read in within if read.consumption is not None]
            if len(consumed) == len(within):
                estimated = sum(1 for read in within if read.condition < Band.REGULAR.low)
                totals[each.pk] = Beside(each, before[-1], after[0], sum(consumed, Decimal(0)), estimated)
    return totals
