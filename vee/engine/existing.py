"""The final measurements that a batch's readings would replace: shared by the rules that decide about that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vee.engine.batch import Batch
from vee.engine.context import Context, Measured, Windows
from vee.engine.findings import Changes


NO_INTERVAL_SIZE = "the interval size is not known"


def existing(batch: Batch, context: Context) -> Measured | None:
    """Give the final measurements at the batch's own labels; None when its interval size is not known."""
    if batch.seconds_per_interval is None:
        return None
    return context.measured(
        Windows(
            component_ids=np.array([facts.component_id for facts in batch.facts], dtype=np.int64),
            starts=batch.starts,
            length=batch.length,
            seconds_per_interval=batch.seconds_per_interval,
            scale=batch.scale,
        )
    )


def kept(found: Measured, keep: NDArray[np.bool_], batch: Batch) -> Changes:
    """Give the changes that put existing values and conditions back where `keep` is true and they differ."""
    differs = ~batch.valid | (batch.values != found.values) | (batch.conditions != found.conditions)
    rows, intervals = np.nonzero(keep & differs)
    return Changes(rows, intervals, found.values[rows, intervals], found.conditions[rows, intervals])
