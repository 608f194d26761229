"""What of a period nothing covers yet: no final measurement, no IMD in progress, though the device was installed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Q

from vee.choices import OPEN_STATES, ImdKind, ImdState
from vee.codes import Band
from vee.models import InitialMeasurement, InstallEvent, OffPeriod
from vee.operations.components import Component
from vee.storage import Series, read_range


Spans = list[tuple[int, float]]
"""Half-open periods in epoch seconds; one that lasts ends at infinity."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A period (start, end] of one measuring component in epoch seconds."""

    component_id: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Installations:
    """When devices were installed, and when they were off, by device. One without any event counts as installed."""

    installed: Mapping[int, Spans]
    off: Mapping[int, Spans]

    @classmethod
    def of(cls, components: Iterable[Component]) -> Installations:
        """Read them for the devices of components: two queries."""
        devices = {component.device_id for component in components if component.device_id is not None}
        installed: dict[int, Spans] = defaultdict(list)
        off: dict[int, Spans] = defaultdict(list)
        if devices:
            events = InstallEvent.objects.filter(device__in=devices).order_by("installed_at")
            for device, start, end in events.values_list("device", "installed_at", "removed_at"):
                installed[device].append((_seconds(start), _until(end)))
            periods = OffPeriod.objects.filter(install_event__device__in=devices).order_by("start")
            for device, start, end in periods.values_list("install_event__device", "start", "end"):
                off[device].append((_seconds(start), _until(end)))
        return cls(installed, off)

    def is_installed(self, component: Component, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Tell for intervals of a component whether its device was installed for all of each."""
        spans = self.installed.get(component.device_id or 0)
        return np.ones(len(starts), dtype=bool) if not spans else _inside(spans, starts, ends)

    def is_off(self, component: Component, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Tell for intervals of a component whether its device was off for all of each."""
        return _inside(self.off.get(component.device_id or 0, []), starts, ends)


def uncovered(gaps: Sequence[Gap], *, components: Mapping[int, Component], installations: Installations) -> list[Gap]:
    """
    Give the parts of gaps of interval components that nothing covers, in order; two queries whatever their number.

    Gaps begin and end on the grid of the component's intervals. What a person discarded of estimations counts as
    covered: that was a decision.
    """
    if not gaps:
        return []
    first, last = min(gap.start for gap in gaps), max(gap.end for gap in gaps)
    ids = sorted({gap.component_id for gap in gaps})
    measured = read_range(component_ids=ids, start=_instant(first), end=_instant(last))
    in_progress = _in_progress(ids, first, last)
    found = []
    for gap in gaps:
        component = components[gap.component_id]
        size = component.seconds_per_interval or 0
        starts = np.arange(gap.start, gap.end, size, dtype=np.int64)
        ends = starts + size
        open_ = installations.is_installed(component, starts, ends)
        series = measured.get(gap.component_id)
        if series is not None:
            open_ &= ~np.isin(ends, present_labels(series))
        for begin, end in in_progress[gap.component_id]:
            open_ &= (ends <= begin) | (starts >= end)
        found += [Gap(gap.component_id, int(starts[low]), int(ends[high - 1])) for low, high in _runs(open_)]
    return found


def present_labels(series: Series) -> np.ndarray:
    """Give the labels of a series at which something was measured: everything but what is missing."""
    missing = (series.conditions >= Band.MISSING.low) & (series.conditions <= Band.MISSING.high)
    return np.asarray(series.ends[~missing], dtype=np.int64)


def _in_progress(ids: Sequence[int], first: int, last: int) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    decided = Q(state=ImdState.DISCARDED, kind=ImdKind.ESTIMATION)
    rows = InitialMeasurement.objects.filter(
        Q(state__in=OPEN_STATES) | decided,
        measuring_component__in=ids,
        start__lt=_instant(last),
        end__gt=_instant(first),
    )
    for component, start, end in rows.values_list("measuring_component", "start", "end"):
        found[component].append((_seconds(start), _seconds(end)))
    return found


def _runs(open_: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], open_.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _inside(spans: Spans, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    inside = np.zeros(len(starts), dtype=bool)
    for begin, end in spans:
        inside |= (starts >= begin) & (ends <= end)
    return inside


def _seconds(at: dt.datetime) -> int:
    return int(at.timestamp())


def _until(end: dt.datetime | None) -> float:
    return float("inf") if end is None else end.timestamp()


def _instant(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
