"""What was measured around an event, as the engine of baselines takes it: days of loads, for many devices at once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import Q

from assets.choices import EventStatus, ParticipationStatus
from assets.engine import baselines
from assets.engine.baselines import Day, Loads, Method
from assets.models import Participation
from vee import storage
from vee.codes import Band, ComponentKind
from vee.engine.calendar import local_date
from vee.models import Holiday, MeasuringComponent


UOM = "KWH"
EXPORT = "EXPORT"
DIRECTION = "direction"
"""A measuring component with this characteristic set to EXPORT measures what is fed in, not what is used."""

_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The measuring component that shows a device's load: the device's own, or that of its place."""

    component_id: int
    seconds_per_interval: int
    standard_offset: int
    time_zone: str
    holiday_calendar: str
    service_point_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    The whole intervals of an event at a meter, and the span of measurements that its baseline looks at.

    Epoch seconds, except the local date of the event's day.
    """

    date: dt.date
    start: int
    intervals: int
    before_start: int
    before_intervals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The event's day and the qualified days, with how many of their intervals were estimated."""

    event_day: Day
    days: tuple[Day, ...]
    estimated: tuple[bool, ...]
    estimated_by_day: Mapping[dt.date, int]


def meters_of(participations: Sequence[Participation]) -> dict[int, Meter]:
    """
    Give the meter of each device that has one, by device; three queries.

    A component of the device itself comes before those of its service point, of several the first by identifier.
    """
    device_ids = {one.device_id for one in participations}
    points = {
        one.device_id: one.subscription.location_id if one.subscription else one.device.device.service_point_id
        for one in participations
    }
    components = (
        MeasuringComponent.objects.select_related("type", "service_point", "device__service_point")
        .filter(type__component_kind=ComponentKind.INTERVAL, type__uom__iexact=UOM)
        .filter(Q(device__in=device_ids) | Q(service_point__in={point for point in points.values() if point}))
        .order_by("identifier")
    )
    own: dict[int, Meter] = {}
    of_point: dict[int, Meter] = {}
    for component in components:
        point = component.service_point or (component.device.service_point if component.device else None)
        size = component.type.seconds_per_interval
        if point is None or size is None or component.characteristics.get(DIRECTION, "").upper() == EXPORT:
            continue
        meter = Meter(
            component_id=component.pk,
            seconds_per_interval=size,
            standard_offset=point.standard_offset_seconds,
            time_zone=point.time_zone,
            holiday_calendar=point.holiday_calendar,
            service_point_id=point.pk,
        )
        if component.device_id is not None and component.device_id in device_ids:
            own.setdefault(component.device_id, meter)
        else:
            of_point.setdefault(point.pk, meter)
    found = {}
    for device_id, point_id in points.items():
        meter_of_device = own.get(device_id) or of_point.get(point_id or 0)
        if meter_of_device is not None:
            found[device_id] = meter_of_device
    return found


def holidays_of(calendars: Iterable[str]) -> dict[str, frozenset[dt.date]]:
    """Give the holidays of calendars."""
    found: dict[str, set[dt.date]] = defaultdict(set)
    for calendar, date in Holiday.objects.filter(calendar__in={one for one in calendars if one}).values_list(
        "calendar", "date"
    ):
        found[calendar].add(date)
    return {calendar: frozenset(dates) for calendar, dates in found.items()}


def event_days_of(
    *, meters: Mapping[int, Meter], since: dt.datetime, until: dt.datetime, besides: int
) -> dict[int, set[dt.date]]:
    """
    Give the local days on which devices of each service point were in other events, by service point.

    :param besides: the event that is looked at.
    """
    zones = {meter.service_point_id: meter.time_zone for meter in meters.values()}
    rows = (
        Participation.objects.filter(device__device__service_point__in=zones)
        .exclude(status=ParticipationStatus.CANCELED)
        .exclude(event=besides)
        .exclude(event__status=EventStatus.CANCELED)
        .filter(event__starts_at__lt=until, event__ends_at__gt=since)
        .values_list("device__device__service_point", "event__starts_at", "event__ends_at")
        .distinct()
    )
    days: dict[int, set[dt.date]] = defaultdict(set)
    for point, starts_at, ends_at in rows:
        if starts_at is None or ends_at is None:
            continue
        day = local_date(starts_at, zones[point])
        while day <= local_date(ends_at - dt.timedelta(microseconds=1), zones[point]):
            days[point].add(day)
            day += dt.timedelta(days=1)
    return days


def window_of(meter: Meter, method: Method, *, starts_at: dt.datetime, ends_at: dt.datetime) -> Window | None:
    """Give the whole intervals between two instants; None when there is none."""
    size = meter.seconds_per_interval
    low, high = starts_at.timestamp(), ends_at.timestamp()
    into = (low + meter.standard_offset) % size
    start = int(low if not into else low + size - into)
    intervals = int(high - start) // size
    if intervals < 1:
        return None
    before = 0
    gap = 0
    if method.adjustment is not baselines.Adjustment.NONE:
        before = int(method.window_hours * _HOUR) // size
        gap = -(-int(method.gap_hours * _HOUR) // size)
    return Window(
        date=local_date(start, meter.time_zone),
        start=start,
        intervals=intervals,
        before_start=start - (gap + before) * size,
        before_intervals=before,
    )


def load(
    *,
    series: storage.Series | None,
    meter: Meter,
    method: Method,
    window: Window,
    holidays: Collection[dt.date],
    event_days: Collection[dt.date],
) -> Loaded | None:
    """
    Give an event's day and its qualified days, latest first; None when the event's own hours are not whole.

    A day's hours are those that show the same local time on the wall; a day with gaps in them is passed over.
    """
    if series is None or series.seconds_per_interval != meter.seconds_per_interval:
        return None
    event, estimated = _loads(series, window.start, window.intervals)
    if None in event:
        return None
    before, _ = _loads(series, window.before_start, window.before_intervals)
    weekend = baselines.is_weekend(window.date, holidays)
    considered, _selected = method.wanted(weekend=weekend)
    days: list[Day] = []
    by_day: dict[dt.date, int] = {}
    for date in baselines.candidates(method, window.date, holidays=holidays, event_days=event_days):
        if len(days) == considered:
            break
        shift = _shift(window, date, meter.time_zone)
        loads, guessed = _loads(series, window.start + shift, window.intervals)
        earlier, guessed_earlier = _loads(series, window.before_start + shift, window.before_intervals)
        day = Day(date=date, event=loads, before=earlier)
        if day.whole:
            days.append(day)
            by_day[date] = sum(guessed) + sum(guessed_earlier)
    return Loaded(
        event_day=Day(date=window.date, event=event, before=before),
        days=tuple(days),
        estimated=estimated,
        estimated_by_day=by_day,
    )


def span(window: Window, method: Method, meter: Meter) -> tuple[dt.datetime, dt.datetime]:
    """Give the instants between which measurements decide about a baseline; a day more than is looked back."""
    first = window.before_start - (method.lookback_days + 1) * storage.SECONDS_PER_DAY
    last = window.start + window.intervals * meter.seconds_per_interval
    return dt.datetime.fromtimestamp(first, tz=dt.UTC), dt.datetime.fromtimestamp(last, tz=dt.UTC)


def _shift(window: Window, date: dt.date, zone: str) -> int:
    """Give the seconds from the event's start to the same time on the wall on another day."""
    place = ZoneInfo(zone)
    there = dt.datetime.fromtimestamp(window.start, tz=place)
    moved = dt.datetime.combine(date, there.time().replace(fold=0), tzinfo=place)
    return int(moved.timestamp()) - window.start


def _loads(series: storage.Series, start: int, count: int) -> tuple[Loads, tuple[bool, ...]]:
    """Give the mean kW of `count` intervals from `start`, and which of them were estimated."""
    size = series.seconds_per_interval
    wanted = start + size * np.arange(1, count + 1)
    places = np.searchsorted(series.ends, wanted)
    inside = places < len(series.ends)
    places = np.where(inside, places, 0)
    there = inside & (series.ends[places] == wanted)
    values = series.values[places]
    conditions = series.conditions[places]
    there &= (values != storage.NO_VALUE) & (conditions >= Band.SYSTEM_ESTIMATE.low)
    per_hour = Decimal(_HOUR) / size
    loads = tuple(
        Decimal(value).scaleb(-series.scale) * per_hour if known else None
        for value, known in zip(values.tolist(), there.tolist(), strict=True)
    )
    guessed = there & (conditions <= Band.EXTERNAL_ESTIMATE.high)
    return loads, tuple(guessed.tolist())
