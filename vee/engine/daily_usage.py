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


def history(batch: Batch, context: Context, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Sequence[Usage]:
    """
    Give what each IMD's component measured in (start, end].

    The windows of an interval batch have one length, a whole number of intervals.
    """
    if not batch.size:
        return []
    ids = np.array([facts.component_id for facts in batch.facts], dtype=np.int64)
    if batch.kind == ComponentKind.SCALAR:
        reads = context.register_reads(ids, starts, ends)
        return [_of_reads(each, int(start)) for each, start in zip(reads, starts.tolist(), strict=True)]
    size = batch.seconds_per_interval
    if size is None:
        return [NOTHING] * batch.size
    return _of_intervals(context, Windows(ids, starts, int(ends[0] - starts[0]) // size, size, batch.scale))


def _of_intervals(context: Context, windows: Windows) -> list[Usage]:
    found = context.measured(windows)
    size, unit = windows.seconds_per_interval, 10**windows.scale
    there = consumption.meant(found.valid, found.conditions)
    sums = row_sums(found.values, there)
    lowest = np.iinfo(np.int64).min
    peaks = np.where(there, found.values, lowest).max(axis=1, initial=lowest)
    counts = [
        np.asarray((there & mask).sum(axis=1))
        for mask in (
            there,
            found.edited,
            in_range(found.conditions, Band.SYSTEM_ESTIMATE.value),
            found.conditions < Band.REGULAR.low,
        )
    ]
    usages = []
    for row in range(len(windows.component_ids)):
        covered, edited, estimated, abnormal = (int(count[row]) * size for count in counts)
        highest = Fraction(int(peaks[row]) * SECONDS_PER_DAY, size * unit) if covered else Fraction(0)
        usages.append(Usage(Fraction(int(sums[row]), unit), covered, highest, edited, estimated, abnormal))
    return usages


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
