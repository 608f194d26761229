"""Interval measurements as arrays."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from vee.codes import NO_VALUE, Condition
from vee.storage.blocks import StoredBlock
from vee.storage.pieces import SECONDS_PER_DAY
from vee.storage.writer import USER_EDITED, backend


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """
    The measurements of one component in order of time.

    `ends` are epoch seconds of the interval ends, `values` count 10^-scale with `NO_VALUE` where there is none;
    `readings` do so too, for subtractive components.
    """

    component_id: int
    ends: np.ndarray
    values: np.ndarray
    conditions: np.ndarray
    edited: np.ndarray
    scale: int
    seconds_per_interval: int
    readings: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Neighbours:
    """The measurements immediately before and after N periods: value, condition and whether there is one."""

    before_values: np.ndarray
    before_conditions: np.ndarray
    before_present: np.ndarray
    after_values: np.ndarray
    after_conditions: np.ndarray
    after_present: np.ndarray


def read_range(*, component_ids: Sequence[int], start: dt.datetime, end: dt.datetime) -> dict[int, Series]:
    """
    Read the measurements with `start < interval end ≤ end` of each component that has any.

    :raises ValueError: when a component's blocks differ in scale.
    """
    low, high = start.timestamp(), end.timestamp()
    # Whole seconds are enough to find blocks; the ends are compared exactly below.
    found = backend().load_range(
        component_ids=list(component_ids), after=int(low // 1) - SECONDS_PER_DAY - 1, before=int(-(-high // 1))
    )
    by_component: dict[int, list[StoredBlock]] = defaultdict(list)
    for block in found:
        by_component[block.component_id].append(block)
    series: dict[int, Series] = {}
    # Nearly all components have blocks of one layout, and those of one layout are joined at once.
    alike: dict[tuple[int, int, int], list[StoredBlock]] = defaultdict(list)
    for component_id, blocks in by_component.items():
        layouts = {(len(block.values), block.seconds_per_interval, block.scale) for block in blocks}
        if len(layouts) == 1 and all(block.readings is None for block in blocks):
            alike[layouts.pop()] += blocks
        else:
            series[component_id] = _join(component_id, blocks, low=low, high=high)
    for blocks in alike.values():
        series.update((one.component_id, one) for one in _join_alike(blocks, low=low, high=high))
    return {component_id: series[component_id] for component_id in by_component if len(series[component_id].ends)}


def _join_alike(blocks: list[StoredBlock], *, low: float, high: float) -> Iterator[Series]:
    """Give the series of components whose blocks, one component's after another's, have one layout and no readings."""
    scale, size = blocks[0].scale, blocks[0].seconds_per_interval
    values = np.stack([block.values for block in blocks])
    starts = np.array([block.start for block in blocks], dtype=np.int64)
    ends = starts[:, None] + np.arange(1, values.shape[1] + 1) * size
    conditions = np.full(values.shape, Condition.REGULAR, dtype=np.int32)
    edited = np.zeros(values.shape, dtype=bool)
    for row, block in enumerate(blocks):
        if block.conditions is not None:
            conditions[row] = block.conditions
        if block.flags is not None:
            edited[row] = (block.flags & USER_EDITED) != 0
    keep = (ends > low) & (ends <= high) & (conditions != 0)
    components = np.array([block.component_id for block in blocks], dtype=np.int64)
    first_rows = np.flatnonzero(np.append(True, np.diff(components) != 0))
    counts = np.add.reduceat(keep.sum(axis=1), first_rows).tolist()
    ends, values, conditions, edited = ends[keep], values[keep], conditions[keep], edited[keep]
    begin = 0
    for component_id, count in zip(components[first_rows].tolist(), counts, strict=True):
        span = slice(begin, begin + count)
        begin += count
        yield Series(component_id, ends[span], values[span], conditions[span], edited[span], scale, size)


def _join(component_id: int, blocks: list[StoredBlock], *, low: float, high: float) -> Series:
    if len({block.scale for block in blocks}) != 1:
        raise ValueError(f"The blocks of component {component_id} differ in scale.")
    ends = np.concatenate(
        [block.start + np.arange(1, len(block.values) + 1) * block.seconds_per_interval for block in blocks]
    )
    values = np.concatenate([block.values for block in blocks])
    conditions = np.concatenate([_conditions(block) for block in blocks])
    flags = np.concatenate(
        [np.zeros(len(block.values), dtype=np.int16) if block.flags is None else block.flags for block in blocks]
    )
    keep = (ends > low) & (ends <= high) & (conditions != 0)
    return Series(
        component_id=component_id,
        ends=ends[keep],
        values=values[keep],
        conditions=conditions[keep],
        edited=(flags[keep] & USER_EDITED) != 0,
        scale=blocks[0].scale,
        seconds_per_interval=blocks[0].seconds_per_interval,
        readings=_readings(blocks)[keep] if any(block.readings is not None for block in blocks) else None,
    )


def _readings(blocks: list[StoredBlock]) -> np.ndarray:
    return np.concatenate(
        [np.full(len(block.values), NO_VALUE) if block.readings is None else block.readings for block in blocks]
    )


def _conditions(block: StoredBlock) -> np.ndarray:
    if block.conditions is None:
        return np.full(len(block.values), Condition.REGULAR, dtype=np.int32)
    return block.conditions


@dataclasses.dataclass(frozen=True, slots=True)
class DayTotals:
    """
    What N windows of whole days add up to: the totals of their plain blocks, and the other blocks themselves.

    A plain block is whole, Regular and edited by nobody. `known` tells which windows hold nothing but whole days at the
    scale and interval size that were asked for; the rest says something of these only. Block i of `special` lies in
    window `special_rows[i]`.
    """

    totals: np.ndarray
    intervals: np.ndarray
    known: np.ndarray
    special_rows: np.ndarray
    special: Measurements


@dataclasses.dataclass(frozen=True, slots=True)
class Measurements:
    """Measurements of N blocks side by side, [N, slots]; where `present` is false nothing was ever delivered."""

    values: np.ndarray
    conditions: np.ndarray
    edited: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Tell where there is a measurement, be it a missing one."""
        return np.asarray(self.conditions != 0)


def sum_days(
    *, component_ids: np.ndarray, starts: np.ndarray, seconds: int, seconds_per_interval: int, scale: int
) -> DayTotals:
    """Add up the blocks of N windows that begin with a standard-time day and last whole days; two queries."""
    totals = np.zeros(len(component_ids), dtype=np.int64)
    plain = np.zeros(len(component_ids), dtype=np.int64)
    known = np.ones(len(component_ids), dtype=bool)
    places: list[int] = []
    days: list[int] = []
    rows = backend().sum_days(
        component_ids=component_ids,
        starts=starts,
        seconds=seconds,
        seconds_per_interval=seconds_per_interval,
        scale=scale,
    )
    for place, total, count, alike, special in rows:
        total = int(total or 0)
        # A sum that might not fit is one to be looked at value by value.
        if not alike or abs(total) >= 2**62:
            known[place] = False
            continue
        totals[place], plain[place] = total, count
        if special:
            places += [place] * len(special)
            days += special
    slots = SECONDS_PER_DAY // seconds_per_interval
    special_rows = np.array(places, dtype=np.intp)
    loaded = _loaded(component_ids[special_rows], np.array(days, dtype=np.int64), slots)
    return DayTotals(totals, plain * slots, known, special_rows, loaded)


def _loaded(component_ids: np.ndarray, starts: np.ndarray, slots: int) -> Measurements:
    """Read the blocks with these keys, in this order; one that has gone meanwhile has no measurement."""
    count = len(starts)
    found = Measurements(
        values=np.full((count, slots), NO_VALUE, dtype=np.int64),
        conditions=np.zeros((count, slots), dtype=np.int32),
        edited=np.zeros((count, slots), dtype=bool),
    )
    if not count:
        return found
    rows: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, key in enumerate(zip(component_ids.tolist(), starts.tolist(), strict=True)):
        rows[key].append(row)
    keys = np.array(list(rows), dtype=np.int64)
    for block in backend().load(component_ids=keys[:, 0], starts=keys[:, 1], lock=False):
        for row in rows[block.component_id, block.start]:
            found.values[row], found.conditions[row] = block.values, _conditions(block)
            if block.flags is not None:
                found.edited[row] = (block.flags & USER_EDITED) != 0
    return found


def neighbours(
    *,
    component_ids: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    seconds_per_interval: int,
    standard_offsets: np.ndarray,
    scale: int,
) -> Neighbours:
    """
    Read, for N periods (epoch seconds), the interval that ends where each starts and the one that begins where it ends.

    One query. A neighbour of another interval length or scale does not count.
    """
    count = len(component_ids)
    parts = {}
    # A neighbour is known by where it begins.
    begins = {"before": starts - seconds_per_interval, "after": ends}
    keys = {name: at - (at + standard_offsets) % SECONDS_PER_DAY for name, at in begins.items()}
    found = (
        {
            (block.component_id, block.start): block
            for block in backend().load(
                component_ids=np.concatenate([component_ids, component_ids]).astype(np.int64),
                starts=np.concatenate([keys["before"], keys["after"]]).astype(np.int64),
                lock=False,
            )
        }
        if count
        else {}
    )
    for name, at in begins.items():
        values = np.zeros(count, dtype=np.int64)
        conditions = np.zeros(count, dtype=np.int32)
        present = np.zeros(count, dtype=bool)
        for row, key in enumerate(zip(component_ids.tolist(), keys[name].tolist(), strict=True)):
            block = found.get(key)
            if block is None or (block.seconds_per_interval, block.scale) != (seconds_per_interval, scale):
                continue
            slot = int(at[row] - key[1]) // seconds_per_interval
            value, condition = block.values[slot], _conditions(block)[slot]
            if value != NO_VALUE and condition != 0:
                values[row], conditions[row], present[row] = value, condition, True
        parts[name] = (values, conditions, present)
    return Neighbours(*parts["before"], *parts["after"])


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """One measurement of a component as it is stored: counts at its scale, None where there is none."""

    value: int | None
    condition: int
    edited: bool
    reading: int | None


def points(*, labels: Sequence[tuple[int, int, int, int]]) -> list[Point | None]:
    """
    Read single measurements, each by component, label (epoch seconds), interval length and standard offset; one query.

    None where nothing was measured, or in intervals of another length.
    """
    if not labels:
        return []
    columns = np.array(labels, dtype=np.int64)
    begins = columns[:, 1] - columns[:, 2]
    keys = begins - (begins + columns[:, 3]) % SECONDS_PER_DAY
    loaded = backend().load(component_ids=columns[:, 0], starts=keys, lock=False)
    blocks = {(block.component_id, block.start): block for block in loaded}
    found: list[Point | None] = []
    for (component, _, size, _), begin, key in zip(labels, begins.tolist(), keys.tolist(), strict=True):
        block = blocks.get((component, key))
        if block is None or block.seconds_per_interval != size:
            found.append(None)
            continue
        slot = (begin - key) // size
        condition = int(_conditions(block)[slot])
        edited = block.flags is not None and bool(block.flags[slot] & USER_EDITED)
        reading = None if block.readings is None else _known(block.readings[slot])
        found.append(Point(_known(block.values[slot]), condition, edited, reading) if condition else None)
    return found


def _known(count: np.int64) -> int | None:
    return None if count == NO_VALUE else int(count)
