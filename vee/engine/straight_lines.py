"""Straight lines over gaps, exact in whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.engine.findings import Changes
from vee.engine.fixed_point import INT64_MAXIMUM, divide_half_even
from vee.engine.gaps import Runs


def straight_lines(gaps: Runs, first: NDArray[np.int64], last: NDArray[np.int64], condition: int) -> Changes:
    """
    Give the straight line over each gap: n values between two that lie n + 1 intervals apart, rounded half-even.

    :param first: the count before each gap.
    :param last: the count after each gap.
    :param condition: what the intervals get as their condition.
    """
    which = np.repeat(np.arange(len(gaps)), gaps.lengths)
    numbers = np.arange(len(which)) - np.repeat(np.cumsum(gaps.lengths) - gaps.lengths, gaps.lengths) + 1
    parts = (gaps.lengths + 1)[which]
    starts: NDArray[Any] = first[which]
    ends: NDArray[Any] = last[which]
    largest = max(abs(int(bound)) for bound in (first.min(), first.max(), last.min(), last.max()))
    if largest * int(parts.max()) > INT64_MAXIMUM:
        starts, ends = starts.astype(object), ends.astype(object)
    values = divide_half_even(starts * (parts - numbers) + ends * numbers, parts)
    return Changes(
        rows=gaps.rows[which],
        intervals=gaps.firsts[which] + numbers - 1,
        values=values.astype(np.int64),
        conditions=np.full(len(which), condition, dtype=np.int32),
    )
