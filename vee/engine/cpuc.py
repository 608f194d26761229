"""
Estimating a read by average daily usage as the Californian working group wrote it down (`vee.md` 9.1, GT-44).

The average is rounded half-up to 2 decimals, and so is the usage that follows from it; the usage divided by the meter
constant is truncated to whole steps of the dial. This rounding is the market's, not the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction


_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class AduEstimate:
    """Average daily usage, the usage of the days asked for, and the steps by which the dial goes on."""

    average: Decimal
    usage: Decimal
    steps: int


def half_up(value: Fraction) -> Decimal:
    """Round to 2 decimals, halves away from 0."""
    twice = abs(value.numerator) * 200 + value.denominator
    cents = twice // (2 * value.denominator)
    return (Decimal(-cents if value < 0 else cents) * _CENT).quantize(_CENT, rounding=ROUND_HALF_UP)


def estimate(*, total: Fraction, covered_days: Fraction, days: Fraction, constant: Decimal) -> AduEstimate:
    """Estimate the usage of `days` from a total over the days that it covers."""
    average = half_up(total / covered_days)
    usage = half_up(Fraction(average) * days)
    steps = Fraction(usage) / Fraction(constant)
    return AduEstimate(average, usage, int(steps))
