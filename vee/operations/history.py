"""What rules may ask about the past, answered from final measurements (`vee.engine.context`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vee import storage
from vee.engine.batch import Batch
from vee.engine.context import Boundaries


class MeasurementHistory:
    """Answers rules' questions from the database; one query per question and batch."""

    def __init__(self, *, standard_offsets: Mapping[int, int]) -> None:
        self._standard_offsets = standard_offsets

    def boundaries(self, batch: Batch) -> Boundaries:
        """Give the final measurements immediately before and after each IMD of the batch."""
        size = batch.seconds_per_interval
        if size is None:
            return Boundaries.unknown(batch.size)
        components = np.array([facts.component_id for facts in batch.facts], dtype=np.int64)
        starts = np.asarray(batch.starts, dtype=np.int64)
        found = storage.neighbours(
            component_ids=components,
            starts=starts,
            ends=starts + batch.length * size,
            seconds_per_interval=size,
            standard_offsets=np.array([self._standard_offsets[component] for component in components.tolist()]),
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
