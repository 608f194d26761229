"""
What happens to interval data before it is fit for VEE, where its component type wants that (`vee.md` 2.2, 2.3).

Times may snap to the boundaries of intervals; a count that differs from the period may be filled up or accepted; and
values far from those of the day before may be held back for a person. All of it is off unless the type says so.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundation.kept_texts import kept
from vee.choices import ImdKind, ImdState
from vee.codes import Condition
from vee.engine.context import Windows
from vee.engine.fixed_point import number_text, to_decimal
from vee.models import ImdTransition, MeasuringComponentType
from vee.operations import history_measurements
from vee.operations.components import Component
from vee.operations.preparation import DueImd
from vee.storage import NO_VALUE, SECONDS_PER_DAY


NOT_LIKE_THE_DAY_BEFORE = "High quality check: "


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A period with as many intervals as it has values; `missing` are to be added behind the values."""

    start: dt.datetime
    end: dt.datetime
    missing: int


class CountDoesNotFit(ValueError):
    """The number of values is not that of the intervals of the period."""


def adjust(
    *,
    start: dt.datetime,
    end: dt.datetime,
    count: int,
    seconds_per_interval: int,
    kind: MeasuringComponentType | None,
    standard_offset: int,
) -> Adjusted:
    """
    Fit period and number of values to each other as the component type allows; without a type nothing is changed.

    Where a count is not checked the values count from the start, and the period ends where they do.

    :raises CountDoesNotFit: when they do not fit, and the type does not say what to do.
    """
    if kind is not None and kind.snap_to_boundaries:
        start = snapped(start, seconds_per_interval, standard_offset)
        end = snapped(end, seconds_per_interval, standard_offset)
    elapsed = end - start
    expected, rest = divmod(elapsed, dt.timedelta(seconds=seconds_per_interval))
    if not rest and expected == count:
        return Adjusted(start, end, 0)
    refusal = kept(f"{count} values do not fit {elapsed} in intervals of {seconds_per_interval} s")
    if kind is None or rest or end <= start:
        raise CountDoesNotFit(refusal)
    if count < expected and kind.fill_missing_intervals:
        return Adjusted(start, end, expected - count)
    checked = kind.check_too_few_intervals if count < expected else kind.check_too_many_intervals
    if checked:
        raise CountDoesNotFit(refusal)
    return Adjusted(start, start + dt.timedelta(seconds=seconds_per_interval * count), 0)


def snapped(at: dt.datetime, size: int, standard_offset: int) -> dt.datetime:
    """Give the nearest boundary of intervals of standard time; the later one of two that are equally near."""
    local = at.timestamp() + standard_offset
    return dt.datetime.fromtimestamp((2 * local + size) // (2 * size) * size - standard_offset, tz=dt.UTC)


def unlike_the_day_before(ready: Sequence[tuple[DueImd, Component]]) -> dict[int, str]:
    """
    Give, by IMD, why initial loads fail the high quality check of their type.

    Each interval is compared with the final measurement of the same interval of the day before, where both have a
    value. An IMD that failed once and is released by a person all the same is not asked again.
    """
    alike: dict[tuple[int, int, int], list[tuple[DueImd, Component]]] = defaultdict(list)
    for imd, component in ready:
        if component.high_quality_tolerance is not None and imd.kind == ImdKind.INITIAL_LOAD:
            size = imd.seconds_per_interval
            if imd.values is not None and size is not None and size == component.seconds_per_interval:
                alike[size, len(imd.values), imd.scale].append((imd, component))
    failed: dict[int, str] = {}
    for (size, length, scale), pairs in alike.items():
        before = history_measurements.measured(
            Windows(
                component_ids=np.array([component.id for _, component in pairs], dtype=np.int64),
                starts=np.array([imd.start - SECONDS_PER_DAY for imd, _ in pairs], dtype=np.int64),
                length=length,
                seconds_per_interval=size,
                scale=scale,
            )
        )
        for row, (imd, component) in enumerate(pairs):
            reason = _difference(imd, component, before.values[row], before.valid[row])
            if reason:
                failed[imd.id] = reason
    if failed:
        released = ImdTransition.objects.filter(
            imd__in=failed, to_state=ImdState.ERROR, reason__startswith=NOT_LIKE_THE_DAY_BEFORE
        )
        for imd_id in released.values_list("imd_id", flat=True):
            failed.pop(imd_id, None)
    return failed


def _difference(imd: DueImd, component: Component, before: np.ndarray, valid: np.ndarray) -> str:
    values, tolerance = imd.values, component.high_quality_tolerance
    if values is None or tolerance is None:
        return ""
    both = (values != NO_VALUE) & valid
    differences = np.abs(np.where(both, values, 0) - np.where(both, before, 0))
    # Counts are whole numbers: what exceeds the tolerance exceeds its whole part.
    over = np.flatnonzero(differences > int(tolerance.scaleb(imd.scale)))
    if not len(over):
        return ""
    first = int(over[0])
    now, then = (number_text(to_decimal(int(count), imd.scale)) for count in (values[first], before[first]))
    differ = kept("1 interval differs") if len(over) == 1 else kept(f"{len(over)} intervals differ")
    return (
        f"{NOT_LIKE_THE_DAY_BEFORE}{differ} by more than {number_text(tolerance)} from the day "
        f"before; interval {first + 1} is {now} and was {then}."
    )


def missing_behind(values: np.ndarray, conditions: np.ndarray | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Give values and conditions with so many missing intervals added."""
    if conditions is None:
        conditions = np.full(len(values), Condition.REGULAR, dtype=np.int32)
    return (
        np.concatenate([values, np.full(count, NO_VALUE, dtype=np.int64)]),
        np.concatenate([conditions, np.full(count, Condition.MISSING, dtype=np.int32)]),
    )
