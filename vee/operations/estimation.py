"""
Estimation IMDs: data that nobody delivered, to be filled by the rules of the estimation group (`vee.md` 2.5).

All intervals begin as Missing; those in which the device was off are *No Read - Disconnected*, which no rule estimates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from foundation.kept_texts import kept
from vee.choices import ImdKind
from vee.codes import ComponentKind, Condition
from vee.models import MeasuringComponent
from vee.operations import imd_store
from vee.operations.components import Component, load_components
from vee.operations.coverage import Gap, Installations, uncovered
from vee.storage import NO_VALUE


# A longer gap becomes several IMDs: a run of VEE holds whole IMDs in memory.
LONGEST_SECONDS = 31 * 86_400
ASKED = "Decide whether to estimate it: Perform VEE estimates, Discard leaves the gap."


def create_for_requests(*, requests: Sequence[Gap], at: dt.datetime) -> list[imd_store.StoredImd]:
    """
    Create the estimation IMDs that rules asked for, inside the caller's transaction.

    What final measurements or IMDs in progress cover is left out, and so is what lies outside the installation.
    """
    if not requests:
        return []
    components = load_components(component_ids=[gap.component_id for gap in requests])
    installations = Installations.of(components.values())
    wanted = [gap for gap in dict.fromkeys(requests) if _on_the_grid(gap, components[gap.component_id])]
    gaps = uncovered(_without_overlaps(wanted), components=components, installations=installations)
    reason = "A rule found a gap before an IMD."
    return create(gaps=gaps, components=components, installations=installations, reason=reason, at=at)


def create(
    *,
    gaps: Sequence[Gap],
    components: Mapping[int, Component],
    installations: Installations,
    reason: str,
    at: dt.datetime,
    ask: bool = False,
) -> list[imd_store.StoredImd]:
    """
    Create one estimation IMD per gap, or several for a long one; with `ask` they wait in ERROR, each with a To Do.

    Runs inside the caller's transaction, which holds the components' locks.
    """
    names = dict(
        MeasuringComponent.objects.filter(pk__in={gap.component_id for gap in gaps}).values_list("pk", "identifier")
    )
    records = [
        _record(part, components[part.component_id], names[part.component_id], installations, reason, ask=ask)
        for gap in gaps
        for part in _parts(gap, components[gap.component_id])
    ]
    return imd_store.store(records=records, by="system", at=at)


def _record(
    gap: Gap, component: Component, name: str, installations: Installations, reason: str, *, ask: bool
) -> imd_store.NewImd:
    start, end = (dt.datetime.fromtimestamp(at, tz=dt.UTC) for at in (gap.start, gap.end))
    record = imd_store.NewImd(
        component_identifier=name,
        component_id=gap.component_id,
        start=start,
        end=end,
        kind=ImdKind.ESTIMATION,
        uom=component.uom,
        scale=component.scale,
        reason=reason,
    )
    if ask:
        record.error = kept(f"Nothing was measured from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC. {ASKED}")
    if component.kind == ComponentKind.SCALAR:
        record.conditions = np.array([Condition.MISSING], dtype=np.int32)
        return record
    size = component.seconds_per_interval or 0
    starts = np.arange(gap.start, gap.end, size, dtype=np.int64)
    off = installations.is_off(component, starts, starts + size)
    record.seconds_per_interval = size
    record.values = np.full(len(starts), NO_VALUE, dtype=np.int64)
    record.conditions = np.where(off, Condition.NO_READ_DISCONNECTED, Condition.MISSING).astype(np.int32)
    return record


def _parts(gap: Gap, component: Component) -> Iterator[Gap]:
    if component.kind == ComponentKind.SCALAR:
        yield gap
        return
    for start in range(gap.start, gap.end, LONGEST_SECONDS):
        yield Gap(gap.component_id, start, min(gap.end, start + LONGEST_SECONDS))


def _on_the_grid(gap: Gap, component: Component) -> bool:
    size = component.seconds_per_interval
    if not size or gap.end <= gap.start:
        return False
    return (gap.start + component.standard_offset) % size == 0 and (gap.end - gap.start) % size == 0


def _without_overlaps(gaps: Sequence[Gap]) -> list[Gap]:
    """Two IMDs of one run may ask for the same hole: each part of it is created once."""
    kept: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.component_id, gap.start, gap.end)):
        last = kept[-1] if kept and kept[-1].component_id == gap.component_id else None
        if last is not None and gap.start <= last.end:
            kept[-1] = Gap(gap.component_id, last.start, max(last.end, gap.end))
        else:
            kept.append(gap)
    return kept
