"""
Average daily usage: what components measured per day in windows of time before, and how good that history is.

An interval component's history is its intervals with a value; a register's is its reads whose whole period lies in the
window. Quantities are exact fractions of the unit.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.codes import Band, ComponentKind
from vee.engine import consumption
from vee.engine.batch import Batch, in_range
from vee.engine.calendar import SECONDS_PER_DAY
from vee.engine.context import Context, RegisterRead, RegisterReads, Windows
from vee.engine.fixed_point import row_sums


@dataclass(frozen=True, slots=True)
class Usage:
    """What one component measured in one window; all times in seconds."""

    amount: Fraction
    covered: int
    highest_per_day: Fraction
    """Of all measurements the one with the highest consumption per day."""
    edited: int
    """For how much of the time covered somebody set the value."""
    estimated: int
    abnormal: int
    """For how much of it the condition is worse than Regular."""

    @property
    def per_day(self) -> Fraction:
        """The average daily usage; there has to be any history."""
        return self.amount * SECONDS_PER_DAY / self.covered


NOTHING = Usage(Fraction(0), 0, Fraction(0), 0, 0, 0)


class IntervalUsages(Sequence[Usage]):
    """What interval components measured, one window each; a `Usage` is made when it is asked for."""

    def __init__(self, size: int, *, seconds_per_interval: int, scale: int) -> None:
        self.seconds_per_interval = seconds_per_interval
        self.scale = scale
        self.counts: NDArray[Any] = np.zeros(size, dtype=np.int64)
        self.peaks = np.zeros(size, dtype=np.int64)
        # Rows: covered, edited, estimated, abnormal; in intervals.
        self.intervals = np.zeros((4, size), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, row: Any) -> Any:
        covered, edited, estimated, abnormal = (
            int(count) * self.seconds_per_interval for count in self.intervals[:, row]
        )
        unit = 10**self.scale
        peak = Fraction(int(self.peaks[row]) * SECONDS_PER_DAY, self.seconds_per_interval * unit)
        amount = Fraction(int(self.counts[row]), unit)
        return Usage(amount, covered, peak if covered else Fraction(0), edited, estimated, abnormal)

    def qualities(self) -> list[tuple[int, int, int, int, bool]]:
        """Give, per window, the times covered, edited, estimated and abnormal, and whether the amount is negative."""
        times = (self.intervals * self.seconds_per_interval).tolist()
        return list(zip(*times, (self.counts < 0).tolist(), strict=True))


def qualities(usages: Sequence[Usage]) -> list[tuple[int, int, int, int, bool]]:
    """Give, per window, the times covered, edited, estimated and abnormal, and whether the amount is negative."""
    if isinstance(usages, IntervalUsages):
        return usages.qualities()
    return [(one.covered, one.edited, one.estimated, one.abnormal, one.amount < 0) for one in usages]


def history(
    batch: Batch, context: Context, starts: NDArray[np.int64], ends: NDArray[np.int64], *, with_peaks: bool
) -> Sequence[Usage]:
    """
    Give what each IMD's component measured in (start, end].

    The windows of an interval batch have one length, a whole number of intervals. Without `with_peaks` the highest
    measurement may be left unknown, and of whole days only those in which something is special are read by value.
    """
    if not batch.size:
        return []
    ids = batch.component_ids
    if batch.kind == ComponentKind.SCALAR:
        reads = context.register_reads(ids, starts, ends)
        return [_of_reads(each, int(start)) for each, start in zip(reads, starts.tolist(), strict=True)]
    size = batch.seconds_per_interval
    if size is None:
        return [NOTHING] * batch.size
    windows = Windows(ids, starts, int(ends[0] - starts[0]) // size, size, batch.scale)
    usages = IntervalUsages(batch.size, seconds_per_interval=size, scale=batch.scale)
    rows = np.arange(batch.size, dtype=np.intp)
    if not with_peaks:
        sums = context.day_sums(windows)
        usages.counts[sums.known] = sums.counts[sums.known]
        usages.intervals[:, sums.known] = sums.intervals[:, sums.known]
        rows = np.flatnonzero(~sums.known)
    if len(rows):
        _measure(usages, rows, context, Windows(ids[rows], starts[rows], windows.length, size, batch.scale))
    return usages


def _measure(usages: IntervalUsages, rows: NDArray[np.intp], context: Context, windows: Windows) -> None:
    found = context.measured(windows)
    there = consumption.meant(found.valid, found.conditions)
    lowest = np.iinfo(np.int64).min
    sums = row_sums(found.values, there)
    if sums.dtype == object:
        usages.counts = usages.counts.astype(object)
    usages.counts[rows] = sums
    usages.peaks[rows] = np.where(there, found.values, lowest).max(axis=1, initial=lowest)
    usages.intervals[:, rows] = counted_intervals(there, found.conditions, found.edited)


def counted_intervals(
    there: NDArray[np.bool_], conditions: NDArray[np.int32], edited: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Give, [4, N], how many intervals of each row are there, edited, estimated, and worse than Regular."""
    masks = (there, edited, in_range(conditions, Band.SYSTEM_ESTIMATE.value), conditions < Band.REGULAR.low)
    return np.stack([(there & mask).sum(axis=1) for mask in masks])


def _of_reads(reads: RegisterReads, start: int) -> Usage:
    series = [read for read in (reads.before, *reads.inside) if read is not None and read.read_at >= start]
    counted: list[tuple[RegisterRead, int, Fraction]] = [
        (read, read.read_at - earlier.read_at, Fraction(read.consumption))
        for earlier, read in itertools.pairwise(series)
        if read.consumption is not None
    ]
    if not counted:
        return NOTHING
    low, high = Band.SYSTEM_ESTIMATE.value
    return Usage(
        amount=sum((amount for *_, amount in counted), Fraction(0)),
        covered=sum(seconds for _, seconds, _ in counted),
        highest_per_day=max(amount * SECONDS_PER_DAY / seconds for _, seconds, amount in counted),
        edited=sum(seconds for read, seconds, _ in counted if read.user_edited),
        estimated=sum(seconds for read, seconds, _ in counted if low <= read.condition <= high),
        abnormal=sum(seconds for read, seconds, _ in counted if read.condition < Band.REGULAR.low),
    )
