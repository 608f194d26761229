"""
Periodic gap finding (`vee.md` 2.5): it estimates nothing itself, it finds gaps and creates an IMD for each.

A component type that sets `estimate_gaps_after_hours` takes part. A component is looked at when its measurements are
not complete up to that age; the search begins at its latest contiguous label, or where its device was installed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from vee.choices import OPEN_STATES, ComponentKind, GapAction, ImdKind, ImdState
from vee.engine.calendar import local_date, local_day_bounds
from vee.locks import lock_components
from vee.models import InitialMeasurement, InstallEvent, MeasuringComponent, MeasuringComponentType
from vee.operations import estimation
from vee.operations.components import Component, load_components
from vee.operations.coverage import Gap, Installations, uncovered
from vee.storage import SECONDS_PER_DAY


CHUNK = 100
# How much of a component's time is read at once.
WINDOW_SECONDS = 31 * SECONDS_PER_DAY
REASON = "Gap finding found no measurements."


@dataclasses.dataclass(slots=True)
class GapSummary:
    """How many components were looked at, and how many estimation IMDs were created or wait for a person."""

    components: int = 0
    estimations: int = 0
    asked: int = 0


def find_gaps(*, at: dt.datetime, chunk: int = CHUNK) -> GapSummary:
    """Find gaps of all components that take part; each chunk of components is committed for itself."""
    summary = GapSummary()
    for kind in MeasuringComponentType.objects.filter(estimate_gaps_after_hours__isnull=False).order_by("pk"):
        horizon = at - dt.timedelta(hours=kind.estimate_gaps_after_hours or 0)
        behind = _behind(kind, horizon)
        for begin in range(0, len(behind), chunk):
            with transaction.atomic():
                created = _find_in_chunk(behind[begin : begin + chunk], kind, horizon=horizon, at=at)
            summary.components += len(behind[begin : begin + chunk])
            if kind.gap_action == GapAction.ASK:
                summary.asked += created
            else:
                summary.estimations += created
    return summary


def _behind(kind: MeasuringComponentType, horizon: dt.datetime) -> list[tuple[int, dt.datetime]]:
    """Give the components of a type that are not complete up to the horizon, with where to begin; one query."""
    installed = InstallEvent.objects.filter(device=OuterRef("device")).order_by("installed_at")
    rows = (
        MeasuringComponent.objects.filter(type=kind)
        .annotate(since=Coalesce(F("progress__latest_contiguous_at"), Subquery(installed.values("installed_at")[:1])))
        .filter(since__lt=horizon)
        .order_by("since", "pk")
    )
    return list(rows.values_list("pk", "since"))


def _find_in_chunk(
    behind: Sequence[tuple[int, dt.datetime]], kind: MeasuringComponentType, *, horizon: dt.datetime, at: dt.datetime
) -> int:
    lock_components(component_ids=[pk for pk, _ in behind])
    components = load_components(component_ids=[pk for pk, _ in behind])
    installations = Installations.of(components.values())
    if kind.component_kind == ComponentKind.SCALAR:
        gaps = _register_gaps(behind, components, installations, at=at)
    else:
        gaps = _interval_gaps(behind, components, installations, horizon=int(horizon.timestamp()))
    created = estimation.create(
        gaps=gaps,
        components=components,
        installations=installations,
        reason=REASON,
        at=at,
        ask=kind.gap_action == GapAction.ASK,
    )
    return len(created)


def _interval_gaps(
    behind: Sequence[tuple[int, dt.datetime]],
    components: dict[int, Component],
    installations: Installations,
    *,
    horizon: int,
) -> list[Gap]:
    """Look window by window at whole standard-time days, up to the last one that ended before the horizon."""
    periods = []
    for pk, since in behind:
        component = components[pk]
        size, offset = component.seconds_per_interval or SECONDS_PER_DAY, component.standard_offset
        start = -(-(int(since.timestamp()) + offset) // size) * size - offset
        end = (horizon + offset) // SECONDS_PER_DAY * SECONDS_PER_DAY - offset
        periods.append(Gap(pk, start, end))
    found: list[Gap] = []
    for windows in _windows(periods):
        found += uncovered(windows, components=components, installations=installations)
    return found


def _windows(periods: Sequence[Gap]) -> Iterator[list[Gap]]:
    step = 0
    while True:
        windows = [
            Gap(period.component_id, period.start + step, min(period.end, period.start + step + WINDOW_SECONDS))
            for period in periods
            if period.start + step < period.end
        ]
        if not windows:
            return
        yield windows
        step += WINDOW_SECONDS


def _register_gaps(
    behind: Sequence[tuple[int, dt.datetime]],
    components: dict[int, Component],
    installations: Installations,
    *,
    at: dt.datetime,
) -> list[Gap]:
    """A register that was not read for too long is estimated up to the last local midnight, unless it was off."""
    taken = set(
        InitialMeasurement.objects.filter(
            Q(state__in=OPEN_STATES) | Q(state=ImdState.DISCARDED, kind=ImdKind.ESTIMATION),
            measuring_component__in=components,
            end__gt=min(since for _, since in behind),
        )
        .filter(end__gt=F("measuring_component__progress__latest_contiguous_at"))
        .values_list("measuring_component", flat=True)
    )
    gaps = []
    for pk, since in behind:
        component = components[pk]
        start = int(since.timestamp())
        today = local_date(int(at.timestamp()), component.time_zone)
        end = int(local_day_bounds(today, component.time_zone)[0].timestamp())
        if pk not in taken and start < end and _was_on(component, installations, start, end):
            gaps.append(Gap(pk, start, end))
    return gaps


def _was_on(component: Component, installations: Installations, start: int, end: int) -> bool:
    starts, ends = np.array([start]), np.array([end])
    installed = bool(installations.is_installed(component, starts, ends)[0])
    return installed and not bool(installations.is_off(component, starts, ends)[0])
