"""
How far each component's final measurements reach: kept whenever they change (`vee.md` 7.3, step 7).

*Latest contiguous* is the label up to which nothing is missing, counted from the first measurement of the component;
*most recent actual* the latest label whose measurement is neither missing nor estimated.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
from django.db.models import Max, Q

from foundation.key_sets import Ids
from vee.codes import Band, ComponentKind
from vee.models import MeasurementBlock, RegisterMeasurement
from vee.operations.coverage import present_labels
from vee.storage import SECONDS_PER_DAY, Change, fetch_rows, read_progress, read_range, upsert_progress


# How much further is read at once when a gap was closed and what follows is there already.
_FURTHER_SECONDS = 31 * SECONDS_PER_DAY


@dataclasses.dataclass(slots=True)
class _Progress:
    """One component on its way; times in epoch seconds."""

    component_id: int
    size: int
    first: int
    last: int
    contiguous: int | None
    actual: int | None

    @property
    def goes_on(self) -> bool:
        """Whether what changed touches the end of what is complete."""
        return self.contiguous is None or (self.first <= self.contiguous + self.size and self.last > self.contiguous)

    @property
    def is_older(self) -> bool:
        """Whether what changed lies before the end of what was complete."""
        return self.contiguous is not None and self.last < self.contiguous


def advance(*, changes: Sequence[Change], whole: Mapping[int, tuple[int, int]] | None = None) -> None:
    """
    Bring the progress of components whose final measurements changed up to date, inside the caller's transaction.

    A select, a read of measurements and one upsert for all of them; more reads only where a gap was closed. `whole` may
    name, by component, a period (epoch seconds) that ends with a standard-time day and all of which was written now and
    is actual: where it carries on what was complete, and nothing follows, no measurement has to be read.
    """
    if not changes:
        return
    by_component = {change.component_id: change for change in changes}
    rows = read_progress(list(by_component))
    followed = _carried_on(rows, whole or {})
    intervals: list[_Progress] = []
    registers: list[int] = []
    for pk, kind, size, contiguous, actual in rows:
        if pk in followed:
            continue
        if kind == ComponentKind.SCALAR:
            registers.append(pk)
            continue
        change = by_component[pk]
        first, last = int(change.first.timestamp()), int(change.last.timestamp())
        intervals.append(_Progress(pk, size or SECONDS_PER_DAY, first, last, contiguous, actual))
    _advance_intervals(intervals)
    upsert_progress(
        [
            *((pk, *reached) for pk, reached in followed.items()),
            *((one.component_id, one.contiguous, one.actual) for one in intervals),
            *_of_registers(registers),
        ]
    )


def _carried_on(
    rows: Sequence[tuple[int, str, int | None, int | None, int | None]], whole: Mapping[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    """
    Give where components stand whose new measurements carry on what was complete, with nothing behind them.

    These are nearly all of a chunk: no object is made for any of them.
    """
    moved: dict[int, tuple[int, int]] = {}
    for pk, _, _, contiguous, actual in rows:
        if pk in whole:
            start, end = whole[pk]
            if contiguous is None or start <= contiguous <= end:
                moved[pk] = (end, max(actual or 0, end))
    if not moved:
        return moved
    first = min(end for end, _ in moved.values())
    later = MeasurementBlock.objects.filter(measuring_component__any_of=Ids(moved), start__gte=_at(first))
    found = later.values_list("measuring_component").annotate(Max("start")).order_by("measuring_component")
    for pk, beyond in fetch_rows(found):
        if beyond >= _at(moved[pk][0]):
            del moved[pk]
    return moved


def _advance_intervals(components: Sequence[_Progress]) -> None:
    for one in components:
        if one.contiguous is None:
            one.contiguous = one.first - one.size
    relevant = [one for one in components if one.goes_on or one.is_older or one.actual is None or one.last > one.actual]
    going_on = _read(relevant, until={one.component_id: one.last + one.size for one in relevant})
    while going_on:
        going_on = _read(
            going_on, until={one.component_id: (one.contiguous or 0) + _FURTHER_SECONDS for one in going_on}
        )


def _read(components: Sequence[_Progress], *, until: dict[int, int]) -> list[_Progress]:
    """Move components on by what is measured from where they stand; give those that are complete all the way."""
    if not components:
        return []
    begins = {
        one.component_id: min(one.contiguous or 0, one.first - one.size) if one.goes_on else one.first - one.size
        for one in components
    }
    found = read_range(component_ids=list(begins), start=_at(min(begins.values())), end=_at(max(until.values())))
    going_on = []
    for one in components:
        series = found.get(one.component_id)
        if series is None:
            continue
        actual = series.ends[series.conditions >= Band.REGULAR.low]
        if len(actual):
            one.actual = max(one.actual or 0, int(actual.max()))
        labels = present_labels(series)
        if one.is_older and one.last + one.size not in labels:
            # Measurements from before the first ones, and a gap between: complete is what comes before the gap.
            one.contiguous = one.first - one.size
        if not one.goes_on or one.contiguous is None:
            continue
        labels = labels[labels > one.contiguous]
        expected = one.contiguous + one.size * np.arange(1, len(labels) + 1)
        complete = int((labels == expected).cumprod().sum())
        one.contiguous += complete * one.size
        if one.contiguous >= until[one.component_id] and complete:
            one.last = max(one.last, one.contiguous + one.size)
            going_on.append(one)
    return going_on


def _of_registers(component_ids: Sequence[int]) -> list[tuple[int, int | None, int | None]]:
    if not component_ids:
        return []
    actual = Q(condition__gte=Band.REGULAR.low)
    rows = (
        RegisterMeasurement.objects.filter(measuring_component__any_of=component_ids)
        .values_list("measuring_component")
        .annotate(latest=Max("read_at"), actual=Max("read_at", filter=actual))
    )
    return [(pk, _seconds(latest), _seconds(actual)) for pk, latest, actual in rows.order_by("measuring_component")]


def _at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def _seconds(at: dt.datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
