"""What others read of event performance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Max, Q, QuerySet, Sum

from assets.choices import PerformanceStatus
from assets.models import EventPerformance


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTotals:
    """What an event came to: kWh, kW, and how much of it rests on estimated measurements."""

    devices: int
    calculated: int
    waiting: int
    reduction_kwh: Decimal
    estimated_reduction_kwh: Decimal
    highest_drop_kw: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One interval of a device's event: kW each, and whether the measurement was estimated is told by the counts."""

    begins_at: dt.datetime
    ends_at: dt.datetime
    unadjusted: Decimal | None
    baseline: Decimal | None
    actual: Decimal | None
    drop: Decimal | None


def totals_of_event(*, event_id: int) -> EventTotals:
    """Give the sum over an event's devices."""
    calculated = Q(status=PerformanceStatus.CALCULATED)
    found = EventPerformance.objects.filter(participation__event=event_id).aggregate(
        devices=Count("pk"),
        calculated=Count("pk", filter=calculated),
        waiting=Count("pk", filter=Q(status=PerformanceStatus.WAITING)),
        reduction=Sum("reduction_kwh"),
        estimated=Sum("estimated_reduction_kwh"),
        highest=Max("highest_drop_kw"),
    )
    return EventTotals(
        devices=found["devices"],
        calculated=found["calculated"],
        waiting=found["waiting"],
        reduction_kwh=found["reduction"] or Decimal(0),
        estimated_reduction_kwh=found["estimated"] or Decimal(0),
        highest_drop_kw=found["highest"],
    )


def intervals_of(performance: EventPerformance) -> list[Interval]:
    """Give a device's event interval by interval, in order of time."""
    if performance.starts_at is None or performance.seconds_per_interval is None:
        return []
    size = dt.timedelta(seconds=performance.seconds_per_interval)
    columns = [
        [None if text is None else Decimal(text) for text in texts] or [None] * performance.intervals
        for texts in (performance.unadjusted, performance.baseline, performance.actual)
    ]
    return [
        Interval(
            begins_at=performance.starts_at + size * number,
            ends_at=performance.starts_at + size * (number + 1),
            unadjusted=unadjusted,
            baseline=baseline,
            actual=actual,
            drop=None if baseline is None or actual is None else baseline - actual,
        )
        for number, (unadjusted, baseline, actual) in enumerate(zip(*columns, strict=True))
    ]


def of_device(*, event: str, head_end_system: str, nic_id: str) -> EventPerformance | None:
    """Give the performance of a device in an event, by the names that messages use; None when there is none."""
    return (
        for_display()
        .filter(
            participation__event__external_identifier=event,
            participation__device__head_end_system__name=head_end_system,
            participation__device__nic_id=nic_id,
        )
        .first()
    )


def for_display(*, events: Iterable[str] = ()) -> QuerySet[EventPerformance]:
    """Give performances with what a list shows of them, of some events or of all."""
    found = EventPerformance.objects.select_related(
        "participation__event",
        "participation__device__head_end_system",
        "participation__subscription__program",
        "method",
        "measuring_component",
    )
    names = list(events)
    return found.filter(participation__event__external_identifier__in=names) if names else found
