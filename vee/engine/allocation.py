"""Whole numbers in given proportions that add up to a target exactly: where a rounding remainder goes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from vee.engine.fixed_point import divide_half_even


def in_proportion(weights: Sequence[int], target: int) -> list[int]:
    """
    Give numbers in proportion to the weights whose sum is the target; equal ones when the weights add up to zero.

    Each number is the difference of two rounded running totals, so that the remainder is spread over the row, no number
    is more than one count away from its exact share, and a weight of zero gets nothing.
    """
    shares = list(weights)
    whole = sum(shares)
    if whole == 0:
        shares, whole = [1] * len(shares), len(shares)
    if whole < 0:
        shares, whole = [-share for share in shares], -whole
    totals = [divide_half_even(running * target, whole) for running in accumulate(shares)]
    return [total - before for total, before in zip(totals, [0, *totals], strict=False)]
