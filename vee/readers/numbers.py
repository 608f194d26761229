"""Strict numbers: ASCII digits only, exact, and never more than can be kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.codes import NO_VALUE
from vee.readers.base import RowRefused


MAX_DECIMALS = 9
MAX_INTEGER_DIGITS = 15
MAX_TEXT = 40
# Two numbers that can be kept have at most 24 digits each.
_EXACT = Context(prec=60)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_PLAIN = re.compile(r"-?(?:[0-9]{1,15}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})")


def read_number(text: str) -> Decimal:
    """
    Read a decimal number exactly (`reliability.md` V5).

    `NaN`, `1_000`, `12,5`, `1e400` and digits of other scripts are refused, as are numbers with more than 15 digits
    before or 9 after the point: they could not be kept.

    :raises RowRefused: with code `not_a_number`, `too_many_digits` or `too_many_decimals`.
    """
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if len(text) > MAX_TEXT or not _NUMBER.fullmatch(text):
        raise RowRefused("not_a_number", f"{shown(text)} is not a number")
    return _kept(Decimal(text), shown(text))


# A row of numbers that binary floating point still tells apart: at most 9 digits before and 6 after the point.
_PLAIN_ROW = re.compile(r"(?:-?[0-9]{1,9}(?:\.[0-9]{1,6})?,)+")
_ROW_SCALE = 6


class Amounts(Sequence[Decimal | None]):
    """The numbers of a row, read at once: exact counts of a millionth, shown as decimals; some may be missing."""

    __slots__ = ("_counts", "whole")

    def __init__(self, counts: NDArray[np.int64], *, whole: bool = False) -> None:
        """Take counts; `whole` when it is known that none of them is missing."""
        self._counts = counts
        self.whole = whole

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Amounts(self._counts[at], whole=self.whole)
        count = int(self._counts[at])
        return None if count == NO_VALUE else Decimal(count).scaleb(-_ROW_SCALE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def without(self, missing: NDArray[np.bool_]) -> Amounts:
        """Give the same numbers but for those that mean nothing."""
        return Amounts(np.where(missing, NO_VALUE, self._counts))

    def counts_at(self, scale: int) -> NDArray[np.int64] | None:
        """Give the counts of 10^-scale, `NO_VALUE` for what is missing; None where digits would be lost."""
        if scale == _ROW_SCALE:
            return self._counts
        there = self._counts != NO_VALUE
        if scale > _ROW_SCALE:
            factor = 10 ** (scale - _ROW_SCALE)
            return np.where(there, self._counts * factor, NO_VALUE) if scale <= MAX_DECIMALS else None
        whole, rest = np.divmod(self._counts, 10 ** (_ROW_SCALE - scale))
        return None if rest[there].any() else np.where(there, whole, NO_VALUE)


def read_amounts(texts: Sequence[str]) -> Amounts | None:
    """
    Read a row of plain numbers at once; None when one of them is not plain, which is no fault yet.

    A double is within 2^-53 of a number of at most 15 digits, so the count of millionths that is nearest to it is the
    number's own.
    """
    if not _PLAIN_ROW.fullmatch(",".join(texts) + ","):
        return None
    return Amounts(np.rint(np.array(list(map(float, texts))) * 10**_ROW_SCALE).astype(np.int64), whole=True)


def scaled(value: Decimal, factor: Decimal) -> Decimal:
    """
    Multiply a number exactly.

    :raises RowRefused: with code `too_many_digits` or `too_many_decimals` when the product could not be kept.
    """
    if factor == 1:
        return value
    product = _EXACT.multiply(value, factor)
    return _kept(product, f"{value:f} × {factor:f}")


def _kept(value: Decimal, named: str) -> Decimal:
    if value == 0:
        return Decimal(0)
    if value.adjusted() >= MAX_INTEGER_DIGITS:
        raise RowRefused("too_many_digits", f"{named} has more than {MAX_INTEGER_DIGITS} digits before the point")
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise RowRefused("not_a_number", f"{named} is not a number")
    trailing_zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    if -(exponent + trailing_zeros) > MAX_DECIMALS:
        raise RowRefused("too_many_decimals", f"{named} has more than {MAX_DECIMALS} decimal places")
    return value


def shown(text: str) -> str:
    """Give a piece of foreign text as it may stand in a message: short and escaped."""
    cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
    return ascii(cut)
