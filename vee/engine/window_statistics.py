"""Statistics of a component's values in a window, exact as far as they are: sums, extremes, averages and counts."""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

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

    counts: NDArray[Any]
    """int64, or Python ints where they might not fit."""
    scale: int
    outages: int

    def statistic(self, name: str) -> Decimal | None:
        """Give one of `STATISTICS` in the unit; None where there are no values to take it of."""
        if name == "outage_count":
            return Decimal(self.outages)
        if name == "count":
            return Decimal(len(self.counts))
        if name == "zero_count":
            return Decimal(int((self.counts == 0).sum()))
        return _OF_VALUES[name](self.counts).scaleb(-self.scale, _CONTEXT) if len(self.counts) else None


def _fits(counts: NDArray[Any], power: int) -> bool:
    """Tell whether the sum of such powers of the counts fits 64 bits."""
    largest = max(int(counts.max()), -int(counts.min()))
    return bool(largest**power * len(counts) <= INT64_MAXIMUM)


def _total(counts: NDArray[Any]) -> int:
    return int(counts.sum()) if _fits(counts, 1) else sum(counts.tolist())


def _total_of_squares(counts: NDArray[Any]) -> int:
    return int(counts @ counts) if _fits(counts, 2) else sum(count * count for count in counts.tolist())


def _average(counts: NDArray[Any]) -> Decimal:
    return _CONTEXT.divide(Decimal(_total(counts)), Decimal(len(counts)))


def _median(counts: NDArray[Any]) -> Decimal:
    ordered, middle = np.sort(counts), len(counts) // 2
    if len(counts) % 2:
        return Decimal(int(ordered[middle]))
    return _CONTEXT.divide(Decimal(int(ordered[middle - 1]) + int(ordered[middle])), Decimal(2))


def _standard_deviation(counts: NDArray[Any]) -> Decimal:
    """Of the values themselves, not as an estimate for others: divided by their number."""
    number, total = len(counts), _total(counts)
    spread = number * _total_of_squares(counts) - total * total
    return _CONTEXT.divide(_CONTEXT.sqrt(Decimal(spread)), Decimal(number))


_OF_VALUES: Mapping[str, Callable[[NDArray[Any]], Decimal]] = {
    "sum": lambda counts: Decimal(_total(counts)),
    "min": lambda counts: Decimal(int(counts.min())),
    "max": lambda counts: Decimal(int(counts.max())),
    "average": _average,
    "median": _median,
    "standard_deviation": _standard_deviation,
}
STATISTICS = (*_OF_VALUES, "zero_count", "outage_count", "count")


def nothing(scale: int) -> Sample:
    """Give a window without values."""
    return Sample(np.empty(0, dtype=np.int64), scale, 0)


def of_batch(batch: Batch) -> list[Sample]:
    """Give each IMD's own values."""
    return _samples(batch.values, consumption.usable(batch), batch.conditions, batch.scale)


def of_history(batch: Batch, context: Context, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[Sample]:
    """
    Give what each IMD's component measured in (start, end]; of registers, the reads whose whole period lies in it.

    The windows of an interval batch have one length.
    """
    ids = batch.component_ids
    if batch.kind == ComponentKind.SCALAR:
        reads = context.register_reads(ids, starts, ends)
        return [_of_reads(each, start) for each, start in zip(reads, starts.tolist(), strict=True)]
    size = batch.seconds_per_interval
    if size is None:
        return [nothing(batch.scale)] * batch.size
    found = context.measured(Windows(ids, starts, int(ends[0] - starts[0]) // size, size, batch.scale))
    there = consumption.meant(found.valid, found.conditions)
    return _samples(found.values, there, np.where(found.present, found.conditions, 0), batch.scale)


def _samples(
    values: NDArray[np.int64], there: NDArray[np.bool_], conditions: NDArray[np.int32], scale: int
) -> list[Sample]:
    outages = in_range(conditions, Band.OUTAGE.value).sum(axis=1)
    return [Sample(values[row, there[row]], scale, int(outages[row])) for row in range(values.shape[0])]


def _of_reads(reads: RegisterReads, start: int) -> Sample:
    series = [read for read in (reads.before, *reads.inside) if read is not None and read.read_at >= start]
    later = [read for _, read in itertools.pairwise(series)]
    counts = [int(read.consumption.scaleb(_REGISTER_PLACES)) for read in later if read.consumption is not None]
    low, high = Band.OUTAGE.value
    return Sample(
        counts=np.array(counts, dtype=object),
        scale=_REGISTER_PLACES,
        outages=sum(low <= read.condition <= high for read in later),
    )
