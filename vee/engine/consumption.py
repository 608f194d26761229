"""How much an IMD says was consumed and over which period: shared by the rules that judge totals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.codes import ComponentKind
from vee.engine.batch import Batch, in_range
from vee.engine.context import NEVER, Context, RegisterReads
from vee.engine.fixed_point import as_text, divide_half_even, sums_of_rows
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE


@dataclass(frozen=True, slots=True)
class Totals:
    """The consumption of each IMD, in counts; `counts` holds Python ints where a sum might not fit 64 bits."""

    counts: NDArray[Any]
    known: NDArray[np.bool_]
    """[N] whether any value is there to add up."""
    complete: NDArray[np.bool_]
    """[N] whether no interval is missing; one of an outage counts as zero."""

    def of(self, row: int) -> int:
        """Give the total of one IMD."""
        return int(self.counts[row])


def usable(batch: Batch) -> NDArray[np.bool_]:
    """Tell which intervals have a value that is meant: one whose condition says missing is not."""
    return meant(batch.valid, batch.conditions)


def meant(valid: NDArray[np.bool_], conditions: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which intervals have a value that is meant, of measurements as of IMDs."""
    return valid & ~in_range(conditions, MISSING_RANGE)


def totals(batch: Batch) -> Totals:
    """Add up each IMD's intervals; a scalar IMD's total is its consumption."""
    rows = batch.rows_within(MISSING_RANGE, OUTAGE_RANGE)
    known = np.full(batch.size, batch.length > 0)
    complete = np.ones(batch.size, dtype=np.bool_)
    if not len(rows):
        return Totals(sums_of_rows(batch.values), known, complete)
    valid, conditions = batch.valid[rows], batch.conditions[rows]
    there = meant(valid, conditions)
    values = batch.values.copy()
    values[rows] = np.where(there, values[rows], 0)
    known[rows] = there.any(axis=1)
    complete[rows] = (there | (~valid & in_range(conditions, OUTAGE_RANGE))).all(axis=1)
    return Totals(sums_of_rows(values), known, complete)


def ends(batch: Batch) -> NDArray[np.int64]:
    """Give the end of each IMD in seconds since 1970, UTC."""
    if batch.kind != ComponentKind.SCALAR and batch.seconds_per_interval is not None:
        return batch.starts + batch.length * batch.seconds_per_interval
    return batch.ends


def periods(batch: Batch, context: Context) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Give start and end of the time in which each IMD's consumption was counted.

    For a register that is the time since the read before it; `NEVER` is its start where there is no such read.
    """
    until = ends(batch)
    if batch.kind != ComponentKind.SCALAR:
        return batch.starts, until
    ids = batch.component_ids
    reads = context.register_reads(ids, until - 1, until - 1)
    since = [NEVER if read.before is None else read.before.read_at for read in reads]
    return np.array(since, dtype=np.int64), until


def register_total(reads: RegisterReads, start: int, end: int) -> Decimal | None:
    """Give what a register counted in (start, end] exactly; None where its reads do not stand at both ends."""
    if reads.before is None or reads.before.read_at != start or not reads.inside or reads.inside[-1].read_at != end:
        return None
    parts = [read.consumption for read in reads.inside if read.consumption is not None]
    return sum(parts, Decimal(0)) if len(parts) == len(reads.inside) else None


def quantity_text(counts: Fraction | int, scale: int) -> str:
    """Give a quantity in counts, whole or not, as people read it: rounded half-even to the scale."""
    exact = Fraction(counts)
    return as_text(divide_half_even(exact.numerator, exact.denominator), scale)


def percent_text(part: Fraction | int, whole: Fraction | int) -> str:
    """Give what share `part` is of a positive `whole` in percent, rounded half-even to four places."""
    return quantity_text(Fraction(part) / Fraction(whole) * 1_000_000, 4)
