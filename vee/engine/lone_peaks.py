"""
Which highest values stand alone: the third-highest lies further below them than a tolerance allows.

`(p1 - p3) / p3 > tolerance` is asked without a division: with tolerance = t/d it is `p3 < ceil(p1 * d / (d + t))`, so
one threshold per stretch and a count of the intervals that reach it decide it exactly for whole numbers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.engine.fixed_point import INT64_MAXIMUM


_EVERY_BYTE = np.uint64(0x0101_0101_0101_0101)
_HIGHEST_BYTE = np.uint64(56)
_MOST_IN_BYTES = 255
"""A day of five-minute intervals has more, whose number no byte holds."""


def lone_peaks(stretches: NDArray[np.int64], tolerance: Decimal) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """
    Give each stretch's highest value, and whether it is positive and fewer than three intervals come near it.

    :param stretches: counts, a row for each stretch; what is not to be ranked is lower than all others.
    :param tolerance: how far the highest may lie above the third-highest, as a share of the latter.
    """
    peaks = stretches.max(axis=1)
    within = stretches >= _thresholds(peaks, *tolerance.as_integer_ratio())[:, None]
    return peaks, (_count_each(within) < 3) & (peaks > 0)


def _count_each(mask: NDArray[np.bool_]) -> NDArray[Any]:
    """Count the true intervals of each row of a mask."""
    width = mask.shape[1]
    if width % 8 or width > _MOST_IN_BYTES:
        return np.count_nonzero(mask, axis=1)
    # Eight intervals are added up at once, each in a byte of its own; the product adds these up into the highest.
    bytewise = np.einsum("ij->i", np.ascontiguousarray(mask).view(np.uint64))
    bytewise *= _EVERY_BYTE
    bytewise >>= _HIGHEST_BYTE
    return bytewise


def _thresholds(peaks: NDArray[np.int64], times: int, parts: int) -> NDArray[np.int64]:
    """Give the smallest value that is not exceeded by more than the tolerance times/parts: ceil(peak·d / (d + t))."""
    positive = np.maximum(peaks, 0)
    whole = parts + times
    if int(positive.max(initial=0)) * parts + whole <= INT64_MAXIMUM:
        return (positive * parts + (whole - 1)) // whole
    return np.array([-(-peak * parts // whole) for peak in positive.tolist()], dtype=np.int64)
