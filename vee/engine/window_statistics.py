"""Statistics of a component's values in a window, exact as far as they are: sums, extremes, averages and counts."""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from vee.codes import Band, ComponentKind
from vee.engine import consumption
from vee.engine.batch import Batch, in_range
from vee.engine.context import Context, RegisterReads, Windows
from vee.engine.fixed_point import INT64_MAXIMUM


_CONTEXT = decimal.Context(prec=50, rounding=decimal.ROUND_HALF_EVEN)
_REGISTER_PLACES = 9


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of one window in whole counts of 10^-scale, and how many intervals or reads were in an outage."""

    counts: Sequence[int]
    scale: int
    outages: int

    def statistic(self, name: str) -> Decimal | None:
        """Give one of `STATISTICS` in the unit; None where there are no values to take it of."""
        if name == "outage_count":
            return Decimal(self.outages)
        if name == "count":
            return Decimal(len(self.counts))
        if name == "zero_count":
            return Decimal(sum(not count for count in self.counts))
        return STATISTICS[name](self.counts).scaleb(-self.scale, _CONTEXT) if self.counts else None


def _average(counts: Sequence[int]) -> Decimal:
    return _CONTEXT.divide(Decimal(sum(counts)), Decimal(len(counts)))


def _median(counts: Sequence[int]) -> Decimal:
    ordered, middle = sorted(counts), len(counts) // 2
    if len(counts) % 2:
        return Decimal(ordered[middle])
    return _CONTEXT.divide(Decimal(ordered[middle - 1] + ordered[middle]), Decimal(2))


def _standard_deviation(counts: Sequence[int]) -> Decimal:
    """Of the values themselves, not as an estimate for others: divided by their number."""
    number, total = len(counts), sum(counts)
    spread = number * _sum_of_squares(counts) - total * total
    return _CONTEXT.divide(_CONTEXT.sqrt(Decimal(spread)), Decimal(number))


def _sum_of_squares(counts: Sequence[int]) -> int:
    largest = max(max(counts), -min(counts))
    if largest * largest * len(counts) > INT64_MAXIMUM:
        return sum(count * count for count in counts)
    array = np.array(counts, dtype=np.int64)
    return int(array @ array)


def _counted(counts: Sequence[int]) -> Decimal:
    return Decimal(len(counts))


STATISTICS: Mapping[str, Callable[[Sequence[int]], Decimal]] = {
    "sum": lambda counts: Decimal(sum(counts)),
    "min": lambda counts: Decimal(min(counts)),
    "max": lambda counts: Decimal(max(counts)),
    "average": _average,
    "median": _median,
    "standard_deviation": _standard_deviation,
    "zero_count": _counted,
    "outage_count": _counted,
    "count": _counted,
}
"""The names; what is counted needs no values (`Sample.statistic`)."""


def of_batch(batch: Batch) -> list[Sample]:
    """Give each IMD's own values."""
    return _samples(batch.values, consumption.usable(batch), batch.conditions, batch.scale)


def of_history(batch: Batch, context: Context, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[Sample]:
    """
    Give what each IMD's component measured in (start, end]; of registers, the reads whose whole period lies in it.

    The windows of an interval batch have one length.
    """
    ids = np.array([facts.component_id for facts in batch.facts], dtype=np.int64)
    if batch.kind == ComponentKind.SCALAR:
        reads = context.register_reads(ids, starts, ends)
        return [_of_reads(each, start) for each, start in zip(reads, starts.tolist(), strict=True)]
    size = batch.seconds_per_interval
    if size is None:
        return [Sample((), batch.scale, 0)] * batch.size
    found = context.measured(Windows(ids, starts, int(ends[0] - starts[0]) // size, size, batch.scale))
    there = consumption.meant(found.valid, found.conditions)
    return _samples(found.values, there, np.where(found.present, found.conditions, 0), batch.scale)


def _samples(
    values: NDArray[np.int64], there: NDArray[np.bool_], conditions: NDArray[np.int32], scale: int
) -> list[Sample]:
    outages = in_range(conditions, Band.OUTAGE.value).sum(axis=1)
    return [Sample(values[row, there[row]].tolist(), scale, int(outages[row])) for row in range(values.shape[0])]


def _of_reads(reads: RegisterReads, start: int) -> Sample:
    series = [read for read in (reads.before, *reads.inside) if read is not None and read.read_at >= start]
    later = [read for _, read in itertools.pairwise(series)]
    low, high = Band.OUTAGE.value
    return Sample(
        counts=[int(read.consumption.scaleb(_REGISTER_PLACES)) for read in later if read.consumption is not None],
        scale=_REGISTER_PLACES,
        outages=sum(low <= read.condition <= high for read in later),
    )
