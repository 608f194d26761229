from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from vee.engine.allocation import in_proportion


COUNTS = st.integers(-(10**18), 10**18)


class TestInProportion:
    def test_gives_exact_shares_where_there_are_any(self) -> None:
        assert in_proportion([10, 20, 30, 20], 1000) == [125, 250, 375, 250]
        assert in_proportion([1, 2], -9) == [-3, -6]
        assert in_proportion([-1, -2], 9) == [3, 6]

    def test_spreads_what_rounding_leaves_over(self) -> None:
        assert in_proportion([0] * 6, 4) == [1, 0, 1, 1, 0, 1]

    def test_of_nothing_is_nothing(self) -> None:
        assert in_proportion([], 0) == []

    @given(st.lists(COUNTS, min_size=1, max_size=100), COUNTS)
    def test_adds_up_exactly(self, weights: list[int], target: int) -> None:
        assert sum(in_proportion(weights, target)) == target

    @given(st.lists(st.integers(0, 10**18), min_size=1, max_size=100).filter(any), st.integers(0, 10**18))
    def test_keeps_signs_zeros_and_proportions_to_less_than_a_count(self, weights: list[int], target: int) -> None:
        for weight, share in zip(weights, in_proportion(weights, target), strict=True):
            assert share >= 0
            assert weight or not share
            assert abs(share - Fraction(weight * target, sum(weights))) <= 1
