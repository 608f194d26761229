"""
The rules once more, one IMD and one interval at a time, in fractions: what the engine has to agree with.

Written from `vee.md` 4 and not from the engine: no arrays, no counts, no thresholds worked out in advance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction


NO_READ = (100_000, 108_999)
MISSING = (109_000, 299_999)


@dataclass
class Interval:
    value: Decimal | None
    condition: int
    set_by: int = 0


@dataclass
class Imd:
    intervals: list[Interval]
    before: tuple[Decimal, int] | None = None
    after: tuple[Decimal, int] | None = None
    failures: list[tuple[int, int, int]] = field(default_factory=list)


def within(condition: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= condition <= bounds[1]


def is_missing(interval: Interval) -> bool:
    return within(interval.condition, MISSING) or (interval.value is None and not within(interval.condition, NO_READ))


def may_refer(value: Decimal | None, condition: int) -> bool:
    return value is not None and not within(condition, MISSING) and not within(condition, NO_READ)


def quantized(value: Fraction, scale: int) -> Decimal:
    """`round` of a Fraction rounds half to even."""
    return Decimal(round(value * 10**scale)).scaleb(-scale)


def interpolate(imd: Imd, *, limit: int, scale: int, rule_id: int, condition: int = 301_100) -> None:
    intervals = imd.intervals
    missing = [is_missing(interval) for interval in intervals]
    at = 0
    while at < len(intervals):
        if not missing[at]:
            at += 1
            continue
        end = at
        while end < len(intervals) and missing[end]:
            end += 1
        left = imd.before if at == 0 else (intervals[at - 1].value, intervals[at - 1].condition)
        right = imd.after if end == len(intervals) else (intervals[end].value, intervals[end].condition)
        ends = [side[0] for side in (left, right) if side and may_refer(*side)]
        if end - at <= limit and ends:
            first, last = Fraction(ends[0] or 0), Fraction(ends[-1] or 0)
            for number in range(1, end - at + 1):
                value = first + (last - first) * number / (end - at + 1)
                intervals[at + number - 1] = Interval(quantized(value, scale), condition, rule_id)
        at = end


def find_spikes(
    imd: Imd,
    *,
    tolerance: Decimal,
    per_day: int | None,
    minimum_peak: Decimal,
    exclude: tuple[int, int] | None,
) -> list[tuple[int, int, int]]:
    """First interval, last interval and number of the intervals that stand out, per stretch that fails."""
    failures = []
    width = per_day or len(imd.intervals)
    for start in range(0, len(imd.intervals), width):
        usable = {
            start + offset: Fraction(interval.value)
            for offset, interval in enumerate(imd.intervals[start : start + width])
            if interval.value is not None and not (exclude and within(interval.condition, exclude))
        }
        if len(usable) < 3:
            continue
        ordered = sorted(usable.values(), reverse=True)
        p1, p3 = ordered[0], ordered[2]
        if p1 <= 0 or p1 < minimum_peak:
            continue
        if p3 <= 0:
            if p1 <= minimum_peak:
                continue
            spikes = [at for at, value in usable.items() if value > minimum_peak]
        else:
            if (p1 - p3) / p3 <= Fraction(tolerance):
                continue
            spikes = [at for at, value in usable.items() if (value - p3) / p3 > Fraction(tolerance)]
        failures.append((spikes[0], spikes[-1], len(spikes)))
    return failures
