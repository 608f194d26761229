"""Whole numbers in given proportions that add up to a target exactly: where a rounding remainder goes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.engine.fixed_point import INT64_MAXIMUM, divide_half_even


def in_proportion(weights: NDArray[np.int64], where: NDArray[np.bool_], targets: NDArray[Any]) -> NDArray[Any]:
    """
    Give, row by row, numbers in proportion to the weights whose sum is the row's target.

    All are [N, W], the targets [N]. Only where the mask is true a number is given, elsewhere 0; every row needs one.
    When the weights of a row add up to zero, what cancels out is no proportion to keep: its numbers are equal.

    Each number is the difference of two rounded running totals, so that the remainder is spread over the row, no number
    is more than one count away from its exact share, and a weight of zero gets nothing. Given are int64, or Python ints
    where these might not do.
    """
    shares: NDArray[Any] = np.where(where, weights, 0)
    sums = np.abs(shares.astype(np.float64)).sum(axis=1) + shares.shape[1]
    if (sums * (np.abs(targets.astype(np.float64)) + 1)).max(initial=0) > INT64_MAXIMUM / 4:
        shares, targets = shares.astype(object), targets.astype(object)
    else:
        targets = targets.astype(np.int64)
    nothing = shares.sum(axis=1) == 0
    shares[nothing] = where[nothing]
    running = np.cumsum(shares, axis=1)
    running[running[:, -1] < 0] *= -1
    wholes = np.broadcast_to(running[:, -1:], running.shape)
    totals = divide_half_even(running * targets[:, np.newaxis], wholes)
    return np.diff(totals, axis=1, prepend=totals[:, :1] * 0)
