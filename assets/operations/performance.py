"""
Event performance: what each device of an event saved, from final measurements and its program's baseline method.

Calculated in the background once an event has ended, and again when a measurement that it rests on changes, or the
device's outcome. A method's change is not taken back into events that were calculated: a person asks for that.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from assets.choices import EventStatus, ParticipationStatus, PerformanceReason, PerformanceStatus
from assets.engine import baselines
from assets.engine.baselines import PLACES, Baseline, Method
from assets.models import BaselineMethod, EventPerformance, Participation, ProgramEvent
from assets.operations import performance_loads as loads
from assets.operations.performance_loads import Loaded, Meter, Window
from vee import storage
from vee.storage import Change


CHUNK = 200
"""Devices at a time: two months of their quarter-hours are about 10 MB."""
LOOK_BACK = dt.timedelta(days=60)
"""Events that ended longer ago are calculated only when a person asks for it, or their measurements change."""

_HOUR = Decimal(3600)
_KEY = ["participation"]
_COLUMNS = [
    field.name for field in EventPerformance._meta.concrete_fields if field.name not in (*_KEY, "participation_id")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figured:
    """What one device's calculation has to go on."""

    participation: Participation
    meter: Meter
    method: BaselineMethod
    engine_method: Method
    window: Window


def calculate_due(*, at: dt.datetime, limit: int = 50) -> dict[str, int]:
    """Calculate events that ended and have devices without a figure, or with a stale one; give counts by status."""
    counts: Counter[str] = Counter()
    for event in due_events(at=at)[:limit]:
        counts.update(calculate_event(event_id=event.pk, at=at))
    return dict(counts)


def due_events(*, at: dt.datetime) -> Any:
    """Give events of which something is to be calculated, oldest first."""
    own = Participation.objects.filter(event=OuterRef("pk"))
    return (
        ProgramEvent.objects.filter(ends_at__lte=at)
        .exclude(status=EventStatus.CANCELED)
        .filter(
            Exists(own.filter(_outdated()))
            | (Q(ends_at__gte=at - LOOK_BACK) & Exists(own.filter(performance__isnull=True, **_OPEN)))
        )
        .order_by("ends_at", "pk")
    )


_OPEN: Mapping[str, Any] = {"status__in": [ParticipationStatus.RESERVED, ParticipationStatus.REPORTED]}


def _outdated() -> Q:
    return Q(performance__stale=True) | Q(performance__calculated_at__lt=F("changed_at"))


def calculate_event(*, event_id: int, at: dt.datetime, everything: bool = False) -> dict[str, int]:
    """
    Calculate what is missing or stale of an event, in chunks of devices; give counts by status.

    :param everything: also what is up to date, such as after a change of the method.
    """
    rows = (
        Participation.objects.filter(event=event_id)
        .filter(Q(**_OPEN))
        .select_related("event", "device__device", "subscription__program__baseline_method")
        .order_by("pk")
    )
    if not everything:
        rows = rows.filter(Q(performance__isnull=True) | _outdated())
    counts: Counter[str] = Counter()
    after = 0
    while chunk := list(rows.filter(pk__gt=after)[:CHUNK]):
        after = chunk[-1].pk
        found = list(_calculated(chunk, at=at))
        EventPerformance.objects.bulk_create(
            found, update_conflicts=True, unique_fields=_KEY, update_fields=_COLUMNS, batch_size=CHUNK
        )
        counts.update(row.status for row in found)
    EventPerformance.objects.filter(
        participation__event=event_id, participation__status=ParticipationStatus.CANCELED
    ).delete()
    return dict(counts)


def mark_stale(*, changes: Iterable[Change]) -> int:
    """Mark what rests on measurements that changed; give how many. Cheap where nothing rests on them."""
    by_component = {change.component_id: change for change in changes}
    if not by_component:
        return 0
    first = min(change.first for change in by_component.values())
    last = max(change.last for change in by_component.values())
    candidates = EventPerformance.objects.filter(
        measuring_component__any_of=by_component, reads_to__gte=first, reads_from__lt=last, stale=False
    ).values_list("pk", "measuring_component", "reads_from", "reads_to")
    hit = [
        pk
        for pk, component, reads_from, reads_to in candidates
        if component
        and reads_from
        and reads_to
        and by_component[component].first <= reads_to
        and by_component[component].last > reads_from
    ]
    return EventPerformance.objects.filter(pk__in=hit).update(stale=True) if hit else 0


def _calculated(chunk: Sequence[Participation], *, at: dt.datetime) -> Iterator[EventPerformance]:
    meters = loads.meters_of(chunk)
    figured: list[_Figured] = []
    for one in chunk:
        outcome = _prepared(one, meters.get(one.device_id))
        if isinstance(outcome, _Figured):
            figured.append(outcome)
        else:
            yield EventPerformance(
                participation=one, status=PerformanceStatus.NONE, reason=outcome, stale=False, calculated_at=at
            )
    if figured:
        yield from _with_loads(figured, at=at)


def _prepared(one: Participation, meter: Meter | None) -> _Figured | PerformanceReason:
    if one.subscription is None:
        return PerformanceReason.NO_SUBSCRIPTION
    method = one.subscription.program.baseline_method
    if method is None:
        return PerformanceReason.NO_METHOD
    if meter is None:
        return PerformanceReason.NO_COMPONENT
    starts_at = one.reserved_from or one.event.starts_at
    ends_at = one.reserved_to or one.event.ends_at
    engine_method = method.as_method()
    window = None
    if starts_at is not None and ends_at is not None:
        window = loads.window_of(meter, engine_method, starts_at=starts_at, ends_at=ends_at)
    if window is None:
        return PerformanceReason.NO_WINDOW
    return _Figured(participation=one, meter=meter, method=method, engine_method=engine_method, window=window)


def _with_loads(figured: Sequence[_Figured], *, at: dt.datetime) -> Iterator[EventPerformance]:
    spans = [loads.span(one.window, one.engine_method, one.meter) for one in figured]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    event_id = figured[0].participation.event_id
    meters = {one.participation.device_id: one.meter for one in figured}
    holidays = loads.holidays_of(meter.holiday_calendar for meter in meters.values())
    event_days = loads.event_days_of(meters=meters, since=first, until=last, besides=event_id)
    component_ids = sorted({meter.component_id for meter in meters.values()})
    series = storage.read_range(component_ids=component_ids, start=first, end=last)
    sharing = _devices_by_component(event_id, meters)
    for one, (reads_from, reads_to) in zip(figured, spans, strict=True):
        of_place = holidays.get(one.meter.holiday_calendar, frozenset())
        loaded = loads.load(
            series=series.get(one.meter.component_id),
            meter=one.meter,
            method=one.engine_method,
            window=one.window,
            holidays=of_place,
            event_days=event_days.get(one.meter.service_point_id, set()),
        )
        row = EventPerformance(
            participation=one.participation,
            status=PerformanceStatus.WAITING,
            reason=PerformanceReason.NOT_MEASURED,
            method=one.method,
            method_parameters=_parameters(one.engine_method),
            measuring_component_id=one.meter.component_id,
            shared_by=max(sharing[one.meter.component_id], 1),
            starts_at=dt.datetime.fromtimestamp(one.window.start, tz=dt.UTC),
            seconds_per_interval=one.meter.seconds_per_interval,
            intervals=one.window.intervals,
            reads_from=reads_from,
            reads_to=reads_to,
            stale=False,
            calculated_at=at,
        )
        if loaded is not None:
            _fill(row, one, loaded, weekend=baselines.is_weekend(one.window.date, of_place))
        yield row


def _fill(row: EventPerformance, one: _Figured, loaded: Loaded, *, weekend: bool) -> None:
    hours = Decimal(one.meter.seconds_per_interval) / _HOUR
    found = baselines.calculate(
        one.engine_method, weekend=weekend, days=loaded.days, event_day=loaded.event_day, hours=hours
    )
    row.actual = [_text(load) for load in loaded.event_day.event]
    row.estimated_intervals = sum(loaded.estimated)
    row.notes = [str(note) for note in found.notes]
    if found.reduction_kwh is None or found.highest_drop_kw is None:
        row.status, row.reason = PerformanceStatus.NONE, PerformanceReason.TOO_FEW_DAYS
        return
    row.status, row.reason = PerformanceStatus.CALCULATED, ""
    row.unadjusted = [_text(load) for load in found.unadjusted]
    row.baseline = [_text(load) for load in found.baseline]
    row.days = [day.isoformat() for day in found.days]
    row.raw_adjustment, row.applied_adjustment = found.raw_adjustment, found.applied_adjustment
    row.reduction_kwh = (found.reduction_kwh / row.shared_by).quantize(PLACES)
    row.highest_drop_kw = (found.highest_drop_kw / row.shared_by).quantize(PLACES)
    row.estimated_reduction_kwh = (_estimated(found, loaded) * hours / row.shared_by).quantize(PLACES)
    row.estimated_baseline_intervals = sum(loaded.estimated_by_day[day] for day in found.days)


def _estimated(found: Baseline, loaded: Loaded) -> Decimal:
    """Give the sum of the drops in intervals whose measurement was estimated."""
    return sum(
        (
            expected - load
            for expected, load, guessed in zip(found.baseline, loaded.event_day.event, loaded.estimated, strict=True)
            if guessed and load is not None
        ),
        Decimal(0),
    )


def _devices_by_component(event_id: int, meters: Mapping[int, Meter]) -> Counter[int]:
    """Count the devices of an event behind each component: also those of other chunks share it."""
    points = {meter.service_point_id for meter in meters.values()}
    others = list(
        Participation.objects.filter(Q(**_OPEN), event=event_id)
        .filter(Q(subscription__location__in=points) | Q(device__device__service_point__in=points))
        .select_related("subscription", "device__device")
    )
    of_devices: dict[int, set[int]] = defaultdict(set)
    for device_id, meter in loads.meters_of(others).items():
        of_devices[meter.component_id].add(device_id)
    return Counter({component: len(devices) for component, devices in of_devices.items()})


def _parameters(method: Method) -> dict[str, Any]:
    return {
        name: str(value) if value is not None and not isinstance(value, bool | int) else value
        for name, value in ((name, getattr(method, name)) for name in method.__dataclass_fields__)
    }


def _text(load: Decimal | None) -> str | None:
    return None if load is None else f"{load.quantize(PLACES):f}"
