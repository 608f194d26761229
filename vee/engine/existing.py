"""The final measurements that a batch's readings would replace: shared by the rules that decide about that."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN

import numpy as np
from numpy.typing import NDArray

from foundation import kept_texts
from vee.codes import ComponentKind
from vee.engine.batch import Batch
from vee.engine.context import Context, Measured, Windows
from vee.engine.findings import Changes


NO_INTERVAL_SIZE = kept_texts.kept("the interval size is not known")


def existing(batch: Batch, context: Context) -> Measured | None:
    """Give the final measurements at the batch's own labels; None when its interval size is not known."""
    if batch.kind == ComponentKind.SCALAR:
        return _existing_reads(batch, context)
    if batch.seconds_per_interval is None:
        return None
    return context.measured(
        Windows(
            component_ids=batch.component_ids,
            starts=batch.starts,
            length=batch.length,
            seconds_per_interval=batch.seconds_per_interval,
            scale=batch.scale,
        )
    )


def _existing_reads(batch: Batch, context: Context) -> Measured:
    """Give the consumption of the final read at each IMD's end; a register's first read has none."""
    found = Measured.nothing(batch.size, 1)
    components = batch.component_ids
    ends = batch.ends
    for row, reads in enumerate(context.register_reads(components, ends - 1, ends)):
        if not reads.inside:
            continue
        read = reads.inside[-1]
        found.present[row], found.edited[row], found.conditions[row] = True, read.user_edited, read.condition
        if read.consumption is not None:
            found.valid[row] = True
            found.values[row] = int(read.consumption.scaleb(batch.scale).to_integral_value(rounding=ROUND_HALF_EVEN))
    return found


def kept(found: Measured, keep: NDArray[np.bool_], batch: Batch) -> Changes:
    """Give the changes that put existing values and conditions back where `keep` is true and they differ."""
    differs = ~batch.valid | (batch.values != found.values) | (batch.conditions != found.conditions)
    rows, intervals = np.nonzero(keep & differs)
    return Changes(rows, intervals, found.values[rows, intervals], found.conditions[rows, intervals])
