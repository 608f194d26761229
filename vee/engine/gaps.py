"""Where values are missing, and in which runs: shared by every rule that looks at gaps or fills them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vee.codes import Condition
from vee.engine.batch import Batch, in_range
from vee.engine.findings import Changes
from vee.engine.parameters import ConditionRange


# By `vee.md` 6.2 an outage and a disconnection are not estimated, "No Read - Other" is.
MISSING_RANGE = (int(Condition.NO_READ_OTHER), 299_999)
OUTAGE_RANGE = (100_000, int(Condition.NO_READ_OTHER) - 1)


@dataclass(frozen=True, slots=True)
class Runs:
    """Maximal runs of true intervals: row, first interval and length of each, ordered by row and interval."""

    rows: NDArray[np.intp]
    firsts: NDArray[np.intp]
    lengths: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def pick(self, chosen: NDArray[np.bool_]) -> Runs:
        """Give the runs where the mask is true."""
        return Runs(self.rows[chosen], self.firsts[chosen], self.lengths[chosen])

    @property
    def ends(self) -> NDArray[np.intp]:
        """The interval after each run's last one."""
        return self.firsts + self.lengths


def missing_mask(batch: Batch, missing: ConditionRange, outage: ConditionRange) -> NDArray[np.bool_]:
    """
    Tell which intervals of a batch are missing.

    Missing are intervals whose condition lies in the missing range, and those without a value unless their condition
    lies in the outage range.
    """
    mask = np.zeros(batch.values.shape, dtype=np.bool_)
    rows, some = _missing_rows(batch, missing, outage)
    mask[rows] = some
    return mask


def missing_runs(batch: Batch, missing: ConditionRange, outage: ConditionRange) -> Runs:
    """Give the gaps of a batch: the maximal runs of its missing intervals (`missing_mask`)."""
    rows, some = _missing_rows(batch, missing, outage)
    gaps = runs_of(some)
    return Runs(rows[gaps.rows], gaps.firsts, gaps.lengths)


def _missing_rows(
    batch: Batch, missing: ConditionRange, outage: ConditionRange
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Give the rows that may have missing intervals, and which of theirs are."""
    rows = batch.rows_within(missing)
    conditions = batch.conditions[rows]
    mask = in_range(conditions, missing)
    mask |= ~(batch.valid[rows] | in_range(conditions, outage))
    return rows, mask


def runs_of(mask: NDArray[np.bool_]) -> Runs:
    """Give the maximal runs of true intervals of a mask [N, L]; a run never goes on in the next row."""
    at = np.flatnonzero(mask)
    rows, intervals = np.divmod(at, mask.shape[1])
    begins = np.ones(len(at), dtype=np.bool_)
    begins[1:] = (np.diff(at) != 1) | (intervals[1:] == 0)
    firsts = np.flatnonzero(begins)
    return Runs(rows=rows[firsts], firsts=intervals[firsts], lengths=np.diff(firsts, append=len(at)))


def emptied(mask: NDArray[np.bool_], condition: int) -> Changes:
    """Take the values of the intervals of a mask [N, L] away: they have this condition and wait for an estimation."""
    rows, intervals = np.nonzero(mask)
    return Changes(
        rows=rows,
        intervals=intervals,
        values=np.zeros(len(rows), dtype=np.int64),
        conditions=np.full(len(rows), condition, dtype=np.int32),
        valid=np.zeros(len(rows), dtype=np.bool_),
    )
