"""
From readings to consumption and back (`vee.md` 7.1): dials, rollover, reverse flow, multipliers. Exact throughout.

A subtractive register shows a sum; its consumption is the difference of two readings times the combined multiplier. A
consumptive one shows the consumption itself.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.engine.fixed_point import INT64_MAXIMUM, divide_half_even, to_decimal


_EXACT = decimal.Context(prec=100, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow])


@dataclass(frozen=True, slots=True)
class Register:
    """How a register counts."""

    dials: int | None = None
    """Digits before it starts again from 0; None: it never does."""
    allow_negative: bool = False
    rollover_threshold: Decimal = Decimal("0.5")
    """A step of at most this share of its range, forwards over the end, is a rollover."""
    subtractive: bool = True

    @property
    def range(self) -> Decimal | None:
        """10^dials: the first number that it cannot show."""
        return None if self.dials is None else Decimal(10) ** self.dials

    def shows(self, reading: Decimal) -> bool:
        """Tell whether the register's dials can show a reading."""
        return self.range is None or not self.subtractive or 0 <= reading < self.range


@dataclass(frozen=True, slots=True)
class Step:
    """
    From one reading to the next, in units of the dial; `amount` is None when the step is not plausible.

    `would_be` is then what it would be as a rollover; None without dials.
    """

    amount: Decimal | None
    would_be: Decimal | None = None


def is_threshold(value: Decimal) -> bool:
    """Tell whether a number can be a rollover threshold: a share above 0 and up to 1, of at most 6 decimals."""
    return value.is_finite() and 0 < value <= 1 and value.as_tuple().exponent >= -6  # type: ignore[operator]


def step(register: Register, start: Decimal, stop: Decimal) -> Step:
    """
    Give how far a subtractive register went between two readings.

    A lower reading is a rollover when that stays within the threshold, else reverse flow where the register allows
    it, else not plausible. A register that allows negative consumption may also run backwards over 0.
    """
    raw = _EXACT.subtract(stop, start)
    full = register.range
    if full is None:
        return Step(raw if raw >= 0 or register.allow_negative else None)
    limit = _EXACT.multiply(register.rollover_threshold, full)
    if raw < 0:
        rolled = _EXACT.add(raw, full)
        if rolled <= limit:
            return Step(rolled)
        return Step(raw) if register.allow_negative else Step(None, rolled)
    if register.allow_negative and raw > limit:
        return Step(_EXACT.subtract(raw, full))
    return Step(raw)


def consumption(register: Register, start: Decimal | None, stop: Decimal, multiplier: Decimal) -> Decimal | None:
    """
    Give the consumption up to a reading; None for a first one and where the step is not plausible.

    `multiplier` is the combined one. The reading of a consumptive register is its consumption as it stands.
    """
    if not register.subtractive:
        return stop
    amount = None if start is None else step(register, start, stop).amount
    return None if amount is None else _EXACT.multiply(amount, multiplier)


def combined_multiplier(component: Decimal, installation: Decimal) -> Decimal:
    """Give the product of the component's own multiplier and the one of its device's installation."""
    return _EXACT.multiply(component, installation)


def reading_after(
    register: Register, start: Decimal | None, amount: Decimal, multiplier: Decimal, scale: int
) -> Decimal | None:
    """
    Give the reading that follows from a consumption: `start + amount / multiplier`, modulo 10^dials.

    It is rounded half-even to `scale` decimals where it does not end before. None when there is no reading to start
    from.
    """
    if not register.subtractive:
        return amount
    if start is None:
        return None
    times, parts = amount.as_integer_ratio()
    over, under = multiplier.as_integer_ratio()
    steps = divide_half_even(times * under * 10**scale, parts * over)
    begin_times, begin_parts = start.as_integer_ratio()
    count = divide_half_even(begin_times * 10**scale + steps * begin_parts, begin_parts)
    if register.dials is not None:
        count %= 10 ** (register.dials + scale)
    return to_decimal(count, scale)


@dataclass(frozen=True, slots=True)
class Steps:
    """
    The consumption of L intervals of a subtractive register; where `valid` is false there is none.

    `lower` tells where two neighbouring readings make no plausible step.
    """

    values: NDArray[Any]
    """Counts at the readings' scale, times the multiplier's numerator over `denominator`."""
    valid: NDArray[np.bool_]
    lower: NDArray[np.bool_]
    denominator: int


def steps(
    register: Register,
    readings: NDArray[np.int64],
    present: NDArray[np.bool_],
    base: int | None,
    *,
    scale: int,
    multiplier: Decimal,
) -> Steps:
    """
    Give the consumption of each interval from the readings at the intervals' ends; `base` is the one at the start.

    An interval has a consumption when it has a reading at both of its ends. Readings count 10^-scale.
    """
    over, under = multiplier.as_integer_ratio()
    counts = np.concatenate([[0 if base is None else base], np.where(present, readings, 0)])
    full = 0 if register.dials is None else 10 ** (register.dials + scale)
    if (2 * int(np.abs(counts).max(initial=0)) + full) * over > INT64_MAXIMUM:
        counts = counts.astype(object)
    there = np.concatenate([[base is not None], present])
    valid = there[1:] & there[:-1]
    raw = counts[1:] - counts[:-1]
    lower = np.zeros(len(readings), dtype=np.bool_)
    negative = valid & (raw < 0).astype(np.bool_)
    if register.dials is None:
        if not register.allow_negative:
            lower = negative
    else:
        numerator, denominator = register.rollover_threshold.as_integer_ratio()
        limit = numerator * full // denominator
        rolls = negative & (raw + full <= limit).astype(np.bool_)
        backwards = (raw > limit).astype(np.bool_) & valid & register.allow_negative
        raw = raw + np.where(rolls, full, 0) - np.where(backwards, full, 0)
        if not register.allow_negative:
            lower = negative & ~rolls
    return Steps(raw * over, valid & ~lower, lower, under)
