"""What is known of the places of a batch's IMDs: outages, installations, subscriptions and holidays."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from vee.engine.batch import Batch
from vee.engine.context import FOREVER, Installation, Period
from vee.models import Holiday, InstallEvent, OffPeriod, Outage, ServicePoint, UsageSubscription
from vee.operations.history_measurements import instant


def _points(batch: Batch) -> set[int]:
    return {facts.service_point_id for facts in batch.facts if facts.service_point_id is not None}


def _span(batch: Batch) -> tuple[dt.datetime, dt.datetime]:
    return instant(int(batch.starts.min())), instant(max(facts.end for facts in batch.facts))


def _period(start: dt.datetime, end: dt.datetime | None) -> Period:
    return Period(int(start.timestamp()), FOREVER if end is None else int(end.timestamp()))


def _overlapping(periods: list[Period], start: int, end: int) -> tuple[Period, ...]:
    return tuple(period for period in periods if period.start < end and start < period.end)


def outages(batch: Batch) -> list[tuple[Period, ...]]:
    """Give the outages of each IMD's service point that overlap its period."""
    first, last = _span(batch)
    found: dict[int, list[Period]] = defaultdict(list)
    rows = Outage.objects.filter(
        Q(end__isnull=True) | Q(end__gt=first), service_point__any_of=_points(batch), start__lt=last
    )
    for point, start, end in rows.order_by("start").values_list("service_point", "start", "end"):
        found[point].append(_period(start, end))
    return [
        _overlapping(found.get(facts.service_point_id or 0, []), int(batch.starts[row]), facts.end)
        for row, facts in enumerate(batch.facts)
    ]


def installations(batch: Batch) -> list[tuple[Installation, ...]]:
    """Give the installations of each IMD's device that overlap its period, in order of their start."""
    first, last = _span(batch)
    devices = {facts.device_id for facts in batch.facts if facts.device_id is not None}
    rows = InstallEvent.objects.filter(
        Q(removed_at__isnull=True) | Q(removed_at__gt=first), device__any_of=devices, installed_at__lt=last
    ).order_by("installed_at")
    events = list(rows.values_list("pk", "device", "installed_at", "removed_at", "multiplier"))
    off: dict[int, list[Period]] = defaultdict(list)
    switched = OffPeriod.objects.filter(install_event__in=[event[0] for event in events]).order_by("start")
    for event, start, end in switched.values_list("install_event", "start", "end"):
        off[event].append(_period(start, end))
    found: dict[int, list[Installation]] = defaultdict(list)
    for pk, device, installed_at, removed_at, multiplier in events:
        found[device].append(Installation(_period(installed_at, removed_at), multiplier, tuple(off[pk])))
    return [
        tuple(
            installation
            for installation in found.get(facts.device_id or 0, ())
            if installation.period.start < facts.end and int(batch.starts[row]) < installation.period.end
        )
        for row, facts in enumerate(batch.facts)
    ]


def has_usage_subscription(batch: Batch) -> NDArray[np.bool_]:
    """Tell for each IMD whether its service point has a usage subscription."""
    subscribed = set(
        UsageSubscription.objects.filter(service_point__any_of=_points(batch)).values_list("service_point", flat=True)
    )
    return np.array([facts.service_point_id in subscribed for facts in batch.facts], dtype=np.bool_)


def holidays(batch: Batch) -> list[frozenset[int]]:
    """Give the holidays of each IMD's service point as proleptic ordinals of local dates."""
    calendars = dict(
        ServicePoint.objects.filter(pk__any_of=_points(batch))
        .exclude(holiday_calendar="")
        .values_list("pk", "holiday_calendar")
    )
    days: dict[str, set[int]] = defaultdict(set)
    for calendar, date in Holiday.objects.filter(calendar__in=set(calendars.values())).values_list("calendar", "date"):
        days[calendar].add(date.toordinal())
    frozen = {calendar: frozenset(found) for calendar, found in days.items()}
    return [frozen.get(calendars.get(facts.service_point_id or 0, ""), frozenset()) for facts in batch.facts]
