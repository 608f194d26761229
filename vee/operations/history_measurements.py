"""What was measured before, after and beside a batch: final measurements as the engine asks for them."""

from __future__ import annotations

import bisect
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from django.db.models import OuterRef, Subquery
from numpy.typing import NDArray

from vee import storage
from vee.engine import daily_usage
from vee.engine.batch import Batch
from vee.engine.consumption import meant
from vee.engine.context import NEVER, NO_COMPONENT, Boundaries, DaySums, Measured, RegisterRead, RegisterReads, Windows
from vee.engine.fixed_point import INT64_MAXIMUM, divide_half_even
from vee.models import MeasurementBlock, MeasuringComponent, MeasuringComponentProgress, RegisterMeasurement
from vee.storage import NO_VALUE


# Windows that begin on more instants than this are read in one go, from the first to the last.
_MOST_STARTS = 16
_LARGEST_SUM = float(2**62)


def instant(seconds: int) -> dt.datetime:
    """Turn seconds since 1970 into an aware instant in UTC."""
    return dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC)


def boundaries(batch: Batch, standard_offsets: Mapping[int, int]) -> Boundaries:
    """Give the final measurements immediately before and after each IMD of the batch; one query."""
    size = batch.seconds_per_interval
    if size is None:
        return Boundaries.unknown(batch.size)
    components = batch.component_ids
    starts = np.asarray(batch.starts, dtype=np.int64)
    found = storage.neighbours(
        component_ids=components,
        starts=starts,
        ends=starts + batch.length * size,
        seconds_per_interval=size,
        standard_offsets=np.array([standard_offsets[component] for component in components.tolist()]),
        scale=batch.scale,
    )
    return Boundaries(
        before_value=found.before_values,
        before_condition=found.before_conditions,
        before_present=found.before_present,
        after_value=found.after_values,
        after_condition=found.after_conditions,
        after_present=found.after_present,
    )


def measured(windows: Windows) -> Measured:
    """Give what was measured in each window: one read per instant at which windows begin, or one for many of them."""
    result = Measured.nothing(len(windows.component_ids), windows.length)
    rows_by_start: dict[int, list[int]] = defaultdict(list)
    for row, (component, start) in enumerate(zip(windows.component_ids.tolist(), windows.starts.tolist(), strict=True)):
        if component != NO_COMPONENT:
            rows_by_start[start].append(row)
    span = windows.length * windows.seconds_per_interval
    if not rows_by_start or not span:
        return result
    parts = [(start, start + span, rows) for start, rows in rows_by_start.items()]
    if len(parts) > _MOST_STARTS:
        everything = [row for _, _, rows in parts for row in rows]
        parts = [(min(rows_by_start), max(rows_by_start) + span, everything)]
    for first, last, rows in parts:
        ids = sorted({int(windows.component_ids[row]) for row in rows})
        found = storage.read_range(component_ids=ids, start=instant(first), end=instant(last))
        for row in rows:
            series = found.get(int(windows.component_ids[row]))
            if series is not None and series.seconds_per_interval == windows.seconds_per_interval:
                _fill(result, row, series, windows)
    return result


def day_sums(windows: Windows, standard_offsets: Mapping[int, int]) -> DaySums:
    """Add up windows of whole standard-time days: the blocks' own totals, and the values of special days."""
    sums = DaySums.unknown(len(windows.component_ids))
    span = windows.length * windows.seconds_per_interval
    offsets = np.array([standard_offsets.get(component, -1) for component in windows.component_ids.tolist()])
    whole = (offsets != -1) & ((windows.starts + offsets) % storage.SECONDS_PER_DAY == 0)
    rows = np.flatnonzero(whole & (windows.component_ids != NO_COMPONENT))
    if not len(rows) or span % storage.SECONDS_PER_DAY or span <= 0:
        return sums
    found = storage.sum_days(
        component_ids=windows.component_ids[rows],
        starts=windows.starts[rows],
        seconds=span,
        seconds_per_interval=windows.seconds_per_interval,
        scale=windows.scale,
    )
    counts, intervals = found.totals, np.zeros((4, len(rows)), dtype=np.int64)
    intervals[0] = found.intervals
    if len(found.special_rows):
        special = found.special
        there = special.present & meant(special.values != NO_VALUE, special.conditions)
        values = np.where(there, special.values, 0)
        sizes = np.abs(counts.astype(np.float64))
        np.add.at(sizes, found.special_rows, np.abs(values.astype(np.float64)).sum(axis=1))
        np.add.at(counts, found.special_rows, values.sum(axis=1))
        counted = daily_usage.counted_intervals(there, special.conditions, special.edited)
        for kind, number in enumerate(counted):
            np.add.at(intervals[kind], found.special_rows, number)
        # Sums that might not fit are left to be added up value by value.
        found.known[sizes >= _LARGEST_SUM] = False
    sums.known[rows], sums.counts[rows], sums.intervals[:, rows] = found.known, counts, intervals
    return sums


def _fill(result: Measured, row: int, series: storage.Series, windows: Windows) -> None:
    into, rest = np.divmod(series.ends.astype(np.int64) - int(windows.starts[row]), windows.seconds_per_interval)
    inside = (rest == 0) & (into >= 1) & (into <= windows.length)
    at = into[inside].astype(np.intp) - 1
    values = series.values[inside]
    there = values != NO_VALUE
    if windows.scale > series.scale:
        there &= np.abs(np.where(there, values, 0)) <= INT64_MAXIMUM // 10 ** (windows.scale - series.scale)
    result.present[row, at] = True
    result.valid[row, at] = there
    result.values[row, at] = _at_scale(np.where(there, values, 0), series.scale, windows.scale)
    result.conditions[row, at] = series.conditions[inside]
    result.edited[row, at] = series.edited[inside]


def _at_scale(values: NDArray[np.int64], scale: int, wanted: int) -> NDArray[np.int64]:
    if scale == wanted:
        return values
    if scale < wanted:
        return values * 10 ** (wanted - scale)
    rounded: NDArray[np.int64] = divide_half_even(values, 10 ** (scale - wanted)).astype(np.int64)
    return rounded


def register_reads(
    component_ids: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> list[RegisterReads]:
    """Give the usable final reads of registers around the periods (start, end]; three queries."""
    asked = component_ids != NO_COMPONENT
    ids = sorted(set(component_ids[asked].tolist()))
    if not ids:
        return [RegisterReads()] * len(component_ids)
    first, last = instant(int(starts[asked].min())), instant(int(ends[asked].max()))
    rows = RegisterMeasurement.objects.filter(measuring_component__any_of=ids, do_not_use=False)
    reads: dict[int, list[RegisterRead]] = defaultdict(list)
    edges = _edge_reads(ids, first, last)
    inside = rows.filter(read_at__gt=first, read_at__lte=last)
    for component, read_at, reading, consumption, condition, edited in [*edges, *inside.values_list(*_READ_FIELDS)]:
        reads[component].append(RegisterRead(int(read_at.timestamp()), reading, consumption, condition, edited))
    for of_component in reads.values():
        of_component.sort(key=lambda read: read.read_at)
    return [
        _around(reads.get(component, []), start, end)
        for component, start, end in zip(component_ids.tolist(), starts.tolist(), ends.tolist(), strict=True)
    ]


_READ_FIELDS = ("measuring_component_id", "read_at", "reading", "consumption", "condition", "user_edited")


def _edge_reads(ids: Sequence[int], first: dt.datetime, last: dt.datetime) -> list[tuple[object, ...]]:
    """Give each register's last read at or before `first`, and its next one after `last`."""
    own = RegisterMeasurement.objects.filter(measuring_component=OuterRef("pk"), do_not_use=False)
    before = own.filter(read_at__lte=first).order_by("-read_at").values("pk")[:1]
    after = own.filter(read_at__gt=last).order_by("read_at").values("pk")[:1]
    found = MeasuringComponent.objects.filter(pk__any_of=ids).values_list(Subquery(before), Subquery(after))
    wanted = [pk for pair in found for pk in pair if pk is not None]
    return list(RegisterMeasurement.objects.filter(pk__any_of=wanted).values_list(*_READ_FIELDS))


def _around(reads: Sequence[RegisterRead], start: int, end: int) -> RegisterReads:
    times = [read.read_at for read in reads]
    low, high = bisect.bisect_right(times, start), bisect.bisect_right(times, end)
    return RegisterReads(
        before=reads[low - 1] if low else None,
        inside=tuple(reads[low:high]),
        after=reads[high] if high < len(reads) else None,
    )


def last_measured(batch: Batch) -> NDArray[np.int64]:
    """Give the label of the last final interval measurement at or before each IMD's start, else `NEVER`."""
    labels = np.full(batch.size, NEVER, dtype=np.int64)
    components = batch.component_ids.tolist()
    before = {row: int(start) for row, start in enumerate(batch.starts.tolist())}
    # A block that begins before the IMD may hold nothing that ends by then: the one before it does.
    for _ in range(2):
        blocks = _latest_blocks({(components[row], start) for row, start in before.items()})
        found = _blocks(blocks)
        for row, start in list(before.items()):
            begins = blocks.get((components[row], start))
            series = None if begins is None else found.get((components[row], begins))
            label = NEVER if series is None else _last_label(series, int(batch.starts[row]))
            if label != NEVER or begins is None:
                labels[row] = label
                del before[row]
            else:
                before[row] = begins
    return labels


def _latest_blocks(wanted: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Give, for components and instants, where the component's latest block that begins before the instant begins."""
    if not wanted:
        return {}
    components = {component for component, _ in wanted}
    first, last = min(at for _, at in wanted), max(at for _, at in wanted)
    latest = (
        MeasurementBlock.objects.filter(measuring_component=OuterRef("pk"), start__lt=instant(first))
        .order_by("-start")
        .values("start")[:1]
    )
    rows = list(MeasuringComponent.objects.filter(pk__any_of=components).values_list("pk", Subquery(latest)))
    if first < last:
        between = MeasurementBlock.objects.filter(
            measuring_component__any_of=components, start__gte=instant(first), start__lt=instant(last)
        ).order_by("start")
        rows += between.values_list("measuring_component", "start")
    begins: dict[int, list[int]] = defaultdict(list)
    for component, start in rows:
        if start is not None:
            begins[component].append(int(start.timestamp()))
    found = {}
    for component, at in wanted:
        if place := bisect.bisect_left(begins[component], at):
            found[component, at] = begins[component][place - 1]
    return found


def _blocks(latest: Mapping[tuple[int, int], int]) -> dict[tuple[int, int], storage.Series]:
    """Give the series that hold these blocks, by component and the block's start."""
    by_start: dict[int, set[int]] = defaultdict(set)
    for (component, _), start in latest.items():
        by_start[start].add(component)
    parts = [(start, start, sorted(components)) for start, components in by_start.items()]
    if len(parts) > _MOST_STARTS:
        everything = sorted({component for component, _ in latest})
        parts = [(min(by_start), max(by_start), everything)]
    found: dict[tuple[int, int], storage.Series] = {}
    for first, last, components in parts:
        read = storage.read_range(
            component_ids=components, start=instant(first), end=instant(last + storage.SECONDS_PER_DAY)
        )
        for (component, _), start in latest.items():
            if first <= start <= last and component in read:
                found[component, start] = read[component]
    return found


def _last_label(series: storage.Series, at: int) -> int:
    labels = series.ends[series.ends <= at]
    return int(labels.max()) if len(labels) else NEVER


def last_actual(batch: Batch) -> NDArray[np.int64]:
    """Give when each component was last measured and not estimated, else `NEVER`."""
    known = {
        pk: int(at.timestamp())
        for pk, at in MeasuringComponentProgress.objects.filter(
            pk__any_of=set(batch.component_ids.tolist())
        ).values_list("pk", "most_recent_actual_at")
        if at is not None
    }
    return np.array([known.get(facts.component_id, NEVER) for facts in batch.facts], dtype=np.int64)
