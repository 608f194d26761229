"""
Which final measurements a run really changed: compared with what they were before, value and condition.

A `Change` says between which labels something changed. This says which: a measurement that was written again as it was
is no change (`vee.md` 8, rules 1 and 7).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.models import Q

from vee.codes import Condition
from vee.models import (
    MeasurementBlock,
    MeasurementBlockHistory,
    RegisterMeasurement,
    RegisterMeasurementHistory,
)
from vee.storage import SECONDS_PER_DAY, Change


Labels = dict[int, list[dt.datetime]]


def changed_labels(
    *,
    intervals: Sequence[Change],
    registers: Sequence[Change],
    start: dt.datetime,
    end: dt.datetime,
    imd_ids: Sequence[int],
) -> Labels:
    """
    Give, by component, the labels in the period whose measurement these IMDs changed.

    Of intervals those with `start < label ≤ end`; of registers also the read at `start`, which the period begins with.
    """
    found: Labels = defaultdict(list)
    if intervals:
        _add_intervals(found, intervals, start, end, imd_ids)
    if registers:
        _add_registers(found, registers, start, end, imd_ids)
    return dict(found)


def _add_intervals(
    found: Labels, changes: Sequence[Change], start: dt.datetime, end: dt.datetime, imd_ids: Sequence[int]
) -> None:
    blocks = list(
        MeasurementBlock.objects.filter(
            measuring_component__in=[change.component_id for change in changes],
            start__gt=start - dt.timedelta(seconds=SECONDS_PER_DAY),
            start__lt=end,
            imd_id__in=imd_ids,
        )
    )
    before = {
        (old.measuring_component_id, old.start, old.version): old
        for old in MeasurementBlockHistory.objects.filter(
            measuring_component_id__in={block.measuring_component_id for block in blocks},
            start__in={block.start for block in blocks},
            replaced_by_imd_id__in=imd_ids,
        )
    }
    limits = {change.component_id: change for change in changes}
    for block in blocks:
        old = before.get((block.measuring_component_id, block.start, block.version - 1))
        conditions = _conditions(block)
        if old is None:
            changed = conditions != 0
        else:
            changed = (block.values != old.values) | (conditions != _conditions(old))
        change = limits[block.measuring_component_id]
        for slot in np.flatnonzero(changed).tolist():
            label = block.start + dt.timedelta(seconds=(slot + 1) * block.seconds_per_interval)
            if start < label <= end and change.first <= label <= change.last:
                found[block.measuring_component_id].append(label)


def _conditions(block: Any) -> np.ndarray:
    if block.conditions is not None:
        return np.asarray(block.conditions)
    return np.full(len(block.values), Condition.REGULAR, dtype=np.int32)


def _add_registers(
    found: Labels, changes: Sequence[Change], start: dt.datetime, end: dt.datetime, imd_ids: Sequence[int]
) -> None:
    within = Q()
    for change in changes:
        within |= Q(
            measuring_component=change.component_id,
            read_at__gte=max(start, change.first),
            read_at__lte=min(end, change.last),
        )
    rows = list(RegisterMeasurement.objects.filter(within))
    before = {
        (old.measuring_component_id, old.read_at, old.version): old
        for old in RegisterMeasurementHistory.objects.filter(
            measuring_component_id__in={row.measuring_component_id for row in rows},
            read_at__in={row.read_at for row in rows},
            replaced_by_imd_id__in=imd_ids,
        )
    }
    for row in rows:
        old = before.get((row.measuring_component_id, row.read_at, row.version - 1))
        inserted = row.version == 1 and row.imd_id in imd_ids
        if inserted or (old is not None and _facts(old) != _facts(row)):
            found[row.measuring_component_id].append(row.read_at)


def _facts(row: Any) -> tuple[Any, ...]:
    return row.reading, row.consumption, row.condition
