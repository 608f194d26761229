"""Marking the measuring components whose readings have stayed away for longer than expected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q, QuerySet

from vee.choices import ComponentKind
from vee.models import InstallEvent, MeasuringComponentProgress, MeasuringComponentType


INTERVALS_EXPECTED_WITHIN = dt.timedelta(hours=48)
"""Interval readings come at least daily; a day late is late. Where two intervals are longer than this, they count."""

REGISTERS_EXPECTED_WITHIN = dt.timedelta(days=35)
"""Registers are read monthly at the least."""

_AT_ONCE = 5_000


def expected_within(kind: MeasuringComponentType) -> dt.timedelta:
    """Give how old the latest actual reading of a type may be; its age for gaps is the site's own word on that."""
    if kind.estimate_gaps_after_hours:
        return dt.timedelta(hours=kind.estimate_gaps_after_hours)
    if kind.component_kind == ComponentKind.SCALAR:
        return REGISTERS_EXPECTED_WITHIN
    return max(INTERVALS_EXPECTED_WITHIN, 2 * dt.timedelta(seconds=kind.seconds_per_interval or 0))


def mark_stale(*, at: dt.datetime) -> tuple[int, int]:
    """Mark the components that went silent and clear the mark of those that speak again; give how many of each."""
    silent = _silent(at=at)
    every = MeasuringComponentProgress.objects.all()
    found = sum(
        every.filter(pk__in=keys).update(stale_since=at)
        for keys in _in_parts(every.filter(silent, stale_since__isnull=True))
    )
    cleared = sum(
        every.filter(pk__in=keys).update(stale_since=None)
        for keys in _in_parts(every.filter(stale_since__isnull=False).exclude(pk__in=every.filter(silent).values("pk")))
    )
    return found, cleared


def _silent(*, at: dt.datetime) -> Q:
    # Types of the same age together: sites have a handful of them.
    types: dict[dt.timedelta, list[int]] = {}
    for kind in MeasuringComponentType.objects.order_by("pk"):
        types.setdefault(expected_within(kind), []).append(kind.pk)
    late = Q(pk__in=[])
    for within, keys in types.items():
        late |= Q(measuring_component__type__in=keys, most_recent_actual_at__lt=at - within)
    events = InstallEvent.objects.filter(device=OuterRef("measuring_component__device"))
    # Of a meter that was taken away nobody expects readings.
    in_place = Q(Exists(events.filter(removed_at__isnull=True))) | ~Q(Exists(events))
    return late & in_place


def _in_parts(rows: QuerySet[MeasuringComponentProgress]) -> Iterator[list[int]]:
    last = 0
    while True:
        keys = list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE])
        if not keys:
            return
        yield keys
        last = keys[-1]
