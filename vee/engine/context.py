"""What rules may ask about the world around a batch. The engine only knows these questions, never who answers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vee.engine.batch import Batch


@dataclass(frozen=True, slots=True)
class Boundaries:
    """
    The final measurements immediately before and after each IMD, aligned with the rows of the batch that was asked for.

    *Before* is the measurement labelled with the IMD's start, *after* the first one that follows its end. Values are
    counts at the batch's scale. Where `…_present` is false, value and condition mean nothing.
    """

    before_value: NDArray[np.int64]
    before_condition: NDArray[np.int32]
    before_present: NDArray[np.bool_]
    after_value: NDArray[np.int64]
    after_condition: NDArray[np.int32]
    after_present: NDArray[np.bool_]

    @classmethod
    def unknown(cls, size: int) -> Boundaries:
        """Give boundaries of which none is present."""
        return cls(
            before_value=np.zeros(size, dtype=np.int64),
            before_condition=np.zeros(size, dtype=np.int32),
            before_present=np.zeros(size, dtype=np.bool_),
            after_value=np.zeros(size, dtype=np.int64),
            after_condition=np.zeros(size, dtype=np.int32),
            after_present=np.zeros(size, dtype=np.bool_),
        )


class Context(Protocol):
    """The questions that a rule may ask. Each is asked for many IMDs at once and answered row by row in their order."""

    def boundaries(self, batch: Batch) -> Boundaries:
        """Give the final measurements immediately before and after each IMD of the batch."""


class NoHistory:
    """The answers where nothing was measured before: for trials on loose data, and for tests."""

    def boundaries(self, batch: Batch) -> Boundaries:
        """Give no measurement at either end."""
        return Boundaries.unknown(batch.size)
