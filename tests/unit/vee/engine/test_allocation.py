from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vee.engine import allocation


def in_proportion(weights: list[int], target: int) -> list[int]:
    row = np.array([weights], dtype=np.int64)
    shares = allocation.in_proportion(row, np.ones(row.shape, dtype=np.bool_), np.array([target], dtype=object))
    return [int(share) for share in shares[0]]


COUNTS = st.integers(-(10**18), 10**18)


class TestInProportion:
    def test_gives_exact_shares_where_there_are_any(self) -> None:
        assert in_proportion([10, 20, 30, 20], 1000) == [125, 250, 375, 250]
        assert in_proportion([1, 2], -9) == [-3, -6]
        assert in_proportion([-1, -2], 9) == [3, 6]

    def test_spreads_what_rounding_leaves_over(self) -> None:
        assert in_proportion([0] * 6, 4) == [1, 0, 1, 1, 0, 1]

    def test_each_row_for_itself_and_only_where_it_is_wanted(self) -> None:
        weights = np.array([[1, 2, 3], [5, -5, 0], [10**18, 10**18, 0]])
        where = np.array([[True, False, True], [True, True, False], [True, True, True]])
        shares = allocation.in_proportion(weights, where, np.array([8, 6, 3], dtype=object))

        assert shares.tolist() == [[2, 0, 6], [3, 3, 0], [2, 1, 0]]

    @given(st.lists(COUNTS, min_size=1, max_size=100), COUNTS)
    def test_adds_up_exactly(self, weights: list[int], target: int) -> None:
        assert sum(in_proportion(weights, target)) == target

    @given(st.lists(st.integers(0, 10**18), min_size=1, max_size=100).filter(any), st.integers(0, 10**18))
    def test_keeps_signs_zeros_and_proportions_to_less_than_a_count(self, weights: list[int], target: int) -> None:
        for weight, share in zip(weights, in_proportion(weights, target), strict=True):
            assert share >= 0
            assert weight or not share
            assert abs(share - Fraction(weight * target, sum(weights))) <= 1
