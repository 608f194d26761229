from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.engine import fixed_point
from vee.engine.fixed_point import UnableToKeepExactly


class TestToFixed:
    @pytest.mark.parametrize(
        ("text", "scale", "count"),
        [
            ("1.5", 6, 1_500_000),
            ("-0.000001", 6, -1),
            ("1.50000000000", 6, 1_500_000),
            ("0E-30", 6, 0),
            ("1E+3", 2, 100_000),
            ("7", 0, 7),
            ("1000000000000", 6, 10**18),
        ],
    )
    def test_gives_the_count_that_equals_the_value(self, text: str, scale: int, count: int) -> None:
        assert fixed_point.to_fixed(Decimal(text), scale) == count

    @pytest.mark.parametrize(
        "text", ["0.0000001", "1.0000005", "1000000000000.000001", "1E+1000000", "1E-1000000", "NaN", "-Infinity"]
    )
    def test_refuses_what_would_not_be_kept_exactly(self, text: str) -> None:
        with pytest.raises(UnableToKeepExactly):
            fixed_point.to_fixed(Decimal(text), 6)

    @given(st.integers(-(10**18), 10**18), st.integers(0, 9))
    def test_is_undone_by_to_decimal(self, count: int, scale: int) -> None:
        assert fixed_point.to_fixed(fixed_point.to_decimal(count, scale), scale) == count


class TestToFixedArray:
    def test_gives_counts_and_marks_missing_values(self) -> None:
        counts, valid = fixed_point.to_fixed_array([Decimal("0.5"), None, Decimal(-2)], 3)

        assert counts.tolist() == [500, 0, -2000]
        assert valid.tolist() == [True, False, True]
        assert counts.dtype == np.int64

    def test_names_the_position_of_a_value_that_it_refuses(self) -> None:
        with pytest.raises(UnableToKeepExactly, match=r"^value 1: 0\.12345 has more than 3 decimal places$"):
            fixed_point.to_fixed_array([Decimal(1), Decimal("0.12345")], 3)

    def test_is_undone_by_to_decimals(self) -> None:
        values = [Decimal("0.500"), None, Decimal("-2.000")]

        assert fixed_point.to_decimals(*fixed_point.to_fixed_array(values, 3), 3) == values


class TestAsText:
    @pytest.mark.parametrize(
        ("count", "scale", "text"),
        [(1_500_000, 6, "1.5"), (-1, 6, "-0.000001"), (12_000, 3, "12"), (100, 0, "100"), (0, 6, "0"), (-20, 1, "-2")],
    )
    def test_has_no_exponent_and_no_trailing_zeros(self, count: int, scale: int, text: str) -> None:
        assert fixed_point.as_text(count, scale) == text


class TestDivideHalfEven:
    @pytest.mark.parametrize(
        ("numerator", "denominator", "quotient"),
        [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (6, 3, 2), (0, 9, 0)],
    )
    def test_rounds_ties_to_even(self, numerator: int, denominator: int, quotient: int) -> None:
        assert fixed_point.divide_half_even(numerator, denominator) == quotient

    @given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(1, 2**62)), min_size=1))
    def test_agrees_with_decimal_for_ints_int64_and_objects(self, pairs: list[tuple[int, int]]) -> None:
        numerators, denominators = zip(*pairs, strict=True)
        expected = [round(Fraction(n, d)) for n, d in pairs]

        assert [fixed_point.divide_half_even(n, d) for n, d in pairs] == expected
        as_int64 = fixed_point.divide_half_even(np.array(numerators), np.array(denominators))
        assert as_int64.tolist() == expected
        as_objects = fixed_point.divide_half_even(
            np.array(numerators, dtype=object), np.array(denominators, dtype=object)
        )
        assert as_objects.tolist() == expected

    def test_agrees_with_quantize(self) -> None:
        for numerator in range(-25, 26):
            quantized = (Decimal(numerator) / 4).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
            assert fixed_point.divide_half_even(numerator, 4) == int(quantized)

    @pytest.mark.parametrize("denominator", [0, -3])
    def test_refuses_a_denominator_that_is_not_positive(self, denominator: int) -> None:
        with pytest.raises(ValueError, match="positive"):
            fixed_point.divide_half_even(1, denominator)
        with pytest.raises(ValueError, match="positive"):
            fixed_point.divide_half_even(np.array([1, 1]), np.array([1, denominator]))


class TestRatioExceeds:
    def test_decides_exactly_where_binary_floating_point_would_not(self) -> None:
        # (0.84 - 0.30) / 0.30 is 1.8 and passes; in float64 it is 1.8000000000000003 and fails.
        assert (0.84 - 0.30) / 0.30 > 1.8
        numerator, denominator = np.array([54, 55, 53]), np.array([30, 30, 30])

        assert fixed_point.ratio_exceeds(numerator, denominator, Decimal("1.8")).tolist() == [False, True, False]

    @given(st.lists(st.tuples(st.integers(-(10**18), 10**18), st.integers(1, 10**18)), min_size=1))
    def test_is_exact_at_and_beside_the_limit(self, pairs: list[tuple[int, int]]) -> None:
        for limit in (Decimal(0), Decimal("1.8"), Decimal("0.333333333333")):
            near = [(int(limit * d) + step, d) for _, d in pairs for step in (-1, 0, 1)]
            asked = [*pairs, *near]
            numerators, denominators = (np.array(side) for side in zip(*asked, strict=True))

            told = fixed_point.ratio_exceeds(numerators, denominators, limit).tolist()
            assert told == [Fraction(n, d) > Fraction(limit) for n, d in asked]

    def test_refuses_a_denominator_that_is_not_positive(self) -> None:
        with pytest.raises(ValueError, match="positive"):
            fixed_point.ratio_exceeds(np.array([1]), np.array([0]), Decimal(1))


class TestRowSums:
    def test_sums_where_the_mask_is_true(self) -> None:
        sums = fixed_point.row_sums(np.array([[1, 2, 4], [8, 16, 32]]), np.array([[1, 0, 1], [0, 0, 0]], dtype=bool))

        assert sums.tolist() == [5, 0]

    def test_is_exact_beyond_int64(self) -> None:
        values = np.full((1, 40), 10**18, dtype=np.int64)

        assert fixed_point.row_sums(values, np.ones((1, 40), dtype=bool)).tolist() == [40 * 10**18]
        assert fixed_point.row_sums(-values, np.ones((1, 40), dtype=bool)).tolist() == [-40 * 10**18]

    def test_gives_nothing_for_no_rows(self) -> None:
        assert fixed_point.row_sums(np.zeros((0, 96), dtype=np.int64), np.zeros((0, 96), dtype=bool)).tolist() == []


class TestWithoutFloatNoise:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("0.21000000000000002", "0.21"),
            ("0.30000000000000004", "0.3"),
            ("0.1234567", "0.1234567"),
            ("123456789012.123456", "123456789012.123456"),
            ("0.123456789012345", "0.123456789012345"),
        ],
    )
    def test_only_the_noise_of_a_binary_float_goes(self, text: str, expected: str) -> None:
        assert fixed_point.without_float_noise(Decimal(text)) == Decimal(expected)
