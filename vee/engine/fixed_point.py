"""
Exact numbers: a value is a count of 10^-scale of its unit, held in int64.

Sums, differences and comparisons of counts are exact. A division rounds in one place, `divide_half_even`. Ratios are
screened in float64 and decided in whole numbers near their limit (`house.md` D5). No count exceeds `MAXIMUM_COUNT`,
so that the sum or difference of two always fits; longer sums and products are guarded where they are made.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray


MAXIMUM_SCALE = 9
MAXIMUM_COUNT = 10**18
INT64_MAXIMUM = 2**63 - 1

_EXACT = decimal.Context(prec=100, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow])
_FIFTEEN_DIGITS = decimal.Context(prec=15, rounding=decimal.ROUND_HALF_EVEN)
# Twelve digits: float64 carries the quotient of two counts to better than fifteen.
_SCREEN = 1e-12


class UnableToKeepExactly(ValueError):
    """A number has more decimal places than its scale keeps, is too large for a count, or is no number."""


def to_fixed(value: Decimal, scale: int) -> int:
    """
    Give the count of 10^-scale that equals `value`.

    :raises UnableToKeepExactly: when digits would be lost, the count would exceed `MAXIMUM_COUNT`, or the value is
        not finite.
    """
    if not value.is_finite():
        raise UnableToKeepExactly(f"{value} is not a finite number")
    try:
        scaled = value.scaleb(scale, _EXACT)
    except decimal.DecimalException:
        raise UnableToKeepExactly(f"{value} has more digits than can be kept") from None
    if not -MAXIMUM_COUNT <= scaled <= MAXIMUM_COUNT:
        raise UnableToKeepExactly(f"{value} is too large: the limit is {to_decimal(MAXIMUM_COUNT, scale):f}")
    count = int(scaled)
    if count != scaled:
        raise UnableToKeepExactly(f"{value} has more than {scale} decimal places")
    return count


def without_float_noise(value: Decimal) -> Decimal:
    """
    Give the number that a sender meant whose number is the printed form of a binary float: 0.21000000000000002 is 0.21.

    Only a number of 16 or 17 significant digits is touched: it is read to 15, which every decimal survives in a
    float64. Whoever means all its digits sends them as a decimal string.
    """
    digits = len(value.as_tuple().digits)
    return _FIFTEEN_DIGITS.plus(value).normalize(_EXACT) if digits in (16, 17) else value


def to_decimal(count: int, scale: int) -> Decimal:
    """Give the number that a count of 10^-scale stands for, with `scale` decimal places."""
    return Decimal(count).scaleb(-scale, _EXACT)


def to_fixed_array(values: Sequence[Decimal | None], scale: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """
    Give the counts and the validity mask of a list of values; None is an interval without a value (count 0).

    :raises UnableToKeepExactly: at the first value that cannot be kept; the message names its position from 0.
    """
    counts = np.zeros(len(values), dtype=np.int64)
    valid = np.ones(len(values), dtype=np.bool_)
    for position, value in enumerate(values):
        if value is None:
            valid[position] = False
            continue
        try:
            counts[position] = to_fixed(value, scale)
        except UnableToKeepExactly as error:
            raise UnableToKeepExactly(f"value {position}: {error}") from None
    return counts, valid


def to_decimals(counts: Iterable[int], valid: Iterable[bool], scale: int) -> list[Decimal | None]:
    """Give one row of counts as numbers, None where there is no value."""
    pairs = zip(_listed(counts), _listed(valid), strict=True)
    return [to_decimal(count, scale) if present else None for count, present in pairs]


def as_text(count: int, scale: int) -> str:
    """Give a count as people read it: no exponent and no trailing zeros."""
    whole, rest = divmod(abs(count), 10**scale)
    sign = "-" if count < 0 else ""
    return f"{sign}{whole}.{rest:0{scale}}".rstrip("0") if rest else f"{sign}{whole}"


def number_text(value: Decimal) -> str:
    """Give a configured number as people read it: no exponent and no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@overload
def divide_half_even(numerator: int, denominator: int) -> int: ...
@overload
def divide_half_even(numerator: NDArray[Any], denominator: NDArray[Any] | int) -> NDArray[Any]: ...
def divide_half_even(numerator: Any, denominator: Any) -> Any:
    """
    Divide whole numbers and round half to even: the one place where the engine rounds a quantity.

    Takes ints, int64 arrays, or object arrays of ints where a product does not fit int64.

    :raises ValueError: when a denominator is not positive.
    """
    if np.any(np.less_equal(denominator, 0)) if isinstance(denominator, np.ndarray) else denominator <= 0:
        raise ValueError("a denominator has to be positive")
    if isinstance(numerator, int) and isinstance(denominator, int):
        quotient, remainder = divmod(numerator, denominator)
        rest = denominator - remainder
        return quotient + (remainder > rest or (remainder == rest and quotient % 2 == 1))
    quotients = numerator // denominator
    remainders = numerator - quotients * denominator
    rests = denominator - remainders
    return quotients + ((remainders > rests) | ((remainders == rests) & (quotients % 2 == 1)))


def ratio_exceeds(numerator: NDArray[np.int64], denominator: NDArray[np.int64], limit: Decimal) -> NDArray[np.bool_]:
    """
    Tell where `numerator / denominator > limit`, exactly; equality does not exceed.

    Screened in float64; what lies near the limit is decided in whole numbers.

    :raises ValueError: when a denominator is not positive.
    """
    if np.any(denominator <= 0):
        raise ValueError("a denominator has to be positive")
    quotient = numerator / denominator
    bound = float(limit)
    exceeds: NDArray[np.bool_] = quotient > bound
    near = np.abs(quotient - bound) <= _SCREEN * (np.abs(quotient) + abs(bound))
    if near.any():
        times, parts = limit.as_integer_ratio()
        for at in np.flatnonzero(near):
            exceeds.flat[at] = int(numerator.flat[at]) * parts > times * int(denominator.flat[at])
    return exceeds


def row_sums(values: NDArray[np.int64], where: NDArray[np.bool_]) -> NDArray[Any]:
    """Give the exact sum of each row where the mask is true: int64, or Python ints where that might not fit."""
    return sums_of_rows(np.where(where, values, 0))


def sums_of_rows(values: NDArray[np.int64]) -> NDArray[Any]:
    """Give the exact sum of each row: int64, or Python ints where that might not fit."""
    if values.size == 0:
        return values.sum(axis=1)
    largest = max(int(values.max()), -int(values.min()))
    if largest * values.shape[1] <= INT64_MAXIMUM:
        return values.sum(axis=1)
    return values.astype(object).sum(axis=1)


def _listed(items: Iterable[Any]) -> list[Any]:
    return items.tolist() if isinstance(items, np.ndarray) else list(items)
