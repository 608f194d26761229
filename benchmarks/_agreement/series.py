"""The data that everybody is given: quarter-hours of a few components, with faults whose places are known."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


SEED = 20240101
START = 1_704_067_200  # 2024-01-01 in UTC
SECONDS = 900
PER_DAY = 96
SCALE = 3  # counts are Wh


class Kind(enum.IntEnum):
    """What is wrong with an interval, or with a component's nature that only looks wrong."""

    CLEAN = 0
    SPIKE = 1
    """Far above everything else of the day."""
    HIDDEN_SPIKE = 2
    """At night, far above its neighbours, and below the day's usual peak."""
    GAP = 3
    STUCK = 4
    ZERO = 5
    NEGATIVE = 6
    SHIFT = 7
    """Three times what it should be, for days."""


@dataclass(frozen=True, slots=True)
class Component:
    """How one component behaves when nothing is wrong."""

    name: str
    allow_negative: bool = False


COMPONENTS = (
    Component("home"),
    Component("large home"),
    Component("shop"),
    Component("whole tenths"),
    Component("net meter", allow_negative=True),
)

# Kind and length of each fault that every component has once; an interval of its own day, at a place drawn by lot.
FAULTS: tuple[tuple[Kind, int], ...] = (
    *((Kind.SPIKE, length) for length in (1, 1, 1, 2, 2, 3, 3, 8)),
    *((Kind.HIDDEN_SPIKE, length) for length in (1, 1, 2)),
    *((Kind.GAP, length) for length in (1, 2, 4, 8, 9, 24, 96)),
    *((Kind.STUCK, length) for length in (7, 8, 16, 96)),
    *((Kind.ZERO, length) for length in (4, 8, 96)),
    *((Kind.NEGATIVE, length) for length in (1, 4)),
)
# These begin in the last intervals of a day and end in the next one.
ACROSS_MIDNIGHT: tuple[tuple[Kind, int], ...] = ((Kind.GAP, 6), (Kind.STUCK, 10), (Kind.ZERO, 12))
SHIFT_DAYS = 5
BEFORE_THE_FIRST = 8
"""Clean days at the beginning, so that what judges by history has some."""
FEWEST_DAYS = BEFORE_THE_FIRST + 2 * len(FAULTS) + 3 * len(ACROSS_MIDNIGHT) + SHIFT_DAYS + 1


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: intervals of one component, counted from the beginning of the data."""

    kind: Kind
    component: int
    first: int
    length: int

    @property
    def days(self) -> range:
        """The days that it touches."""
        return range(self.first // PER_DAY, (self.first + self.length - 1) // PER_DAY + 1)

    @property
    def place(self) -> tuple[int, slice]:
        """Where it stands in arrays [components, intervals]."""
        return self.component, slice(self.first, self.first + self.length)


@dataclass(frozen=True, slots=True)
class Series:
    """Counts of each component side by side, [components, intervals]; where `valid` is false there is no value."""

    counts: NDArray[np.int64]
    valid: NDArray[np.bool_]
    faults: tuple[Fault, ...]

    @property
    def days(self) -> int:
        """How many days there are."""
        return self.counts.shape[1] // PER_DAY

    def labelled(self, *kinds: Kind, at_least: int = 1) -> NDArray[np.bool_]:
        """Tell which intervals have a fault of these kinds that is long enough."""
        mask = np.zeros(self.counts.shape, dtype=np.bool_)
        for fault in self.faults:
            if fault.kind in kinds and fault.length >= at_least:
                mask[fault.place] = True
        return mask


def make(days: int, seed: int = SEED) -> Series:
    """
    Make the data of so many days; equal arguments give equal data.

    :raises ValueError: when there are too few days for the faults.
    """
    if days < FEWEST_DAYS:
        raise ValueError(f"{days} days are too few: the faults need {FEWEST_DAYS}")
    random = np.random.default_rng(seed)
    counts = np.stack([_undisturbed(component, days, random) for component in COMPONENTS])
    valid = np.ones(counts.shape, dtype=np.bool_)
    faults = tuple(fault for number in range(len(COMPONENTS)) for fault in _places(number, days, random))
    for fault in faults:
        _disturb(fault, counts, valid, random)
    return Series(counts, valid, faults)


def _undisturbed(component: Component, days: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Give a component's usual values: a shape of the day, a little louder or quieter each day, with noise."""
    hour = np.arange(PER_DAY) / 4
    noise = random.lognormal(0, 0.25, (days, PER_DAY))
    loudness = random.uniform(0.85, 1.15, (days, 1))
    evening = 60 + 180 * _bump(hour, 7.5, 1.2) + 320 * _bump(hour, 19.5, 2.2)
    if component.name == "shop":
        open_ = ((hour >= 8) & (hour < 20)).astype(np.float64)
        values = (220 + 1300 * open_) * loudness * random.normal(1, 0.05, (days, PER_DAY))
    elif component.name == "large home":
        values = 3 * evening * loudness * noise
    elif component.name == "whole tenths":
        values = np.round(evening * loudness * noise / 100) * 100
    elif component.name == "net meter":
        sun = np.maximum(random.normal(1, 0.15, (days, PER_DAY)), 0) * random.uniform(0.2, 1, (days, 1))
        values = evening * loudness * noise - 900 * _bump(hour, 12.5, 2.4) * sun
    else:
        values = evening * loudness * noise
    return np.round(values).astype(np.int64).reshape(-1)


def _bump(hour: NDArray[np.float64], middle: float, width: float) -> NDArray[np.float64]:
    return np.exp(-(((hour - middle) / width) ** 2))


def _places(component: int, days: int, random: np.random.Generator) -> Sequence[Fault]:
    """Give each fault days of its own, in an order drawn by lot, with at least one clean day after each."""
    within = [(kind, length, 1) for kind, length in FAULTS]
    across = [(kind, length, 2) for kind, length in ACROSS_MIDNIGHT]
    wanted = [*within, *across, (Kind.SHIFT, SHIFT_DAYS * PER_DAY, SHIFT_DAYS)]
    spare = random.multinomial(days - FEWEST_DAYS, [1 / len(wanted)] * len(wanted)).tolist()
    day, placed = BEFORE_THE_FIRST, []
    for number in random.permutation(len(wanted)).tolist():
        kind, length, takes = wanted[number]
        day += spare.pop()
        if kind == Kind.SHIFT:
            at = 0
        elif takes == 2:
            at = PER_DAY - length // 2
        elif kind == Kind.HIDDEN_SPIKE:
            at = int(random.integers(8, 16))
        else:
            # Neither the first nor the last interval, unless it takes the whole day: both neighbours are there.
            at = 0 if length == PER_DAY else int(random.integers(1, PER_DAY - length))
        placed.append(Fault(kind, component, day * PER_DAY + at, length))
        day += takes + 1
    return placed


def _disturb(fault: Fault, counts: NDArray[np.int64], valid: NDArray[np.bool_], random: np.random.Generator) -> None:
    """Put a fault into the values."""
    values = counts[fault.place]
    day = fault.first // PER_DAY * PER_DAY
    peak = int(counts[fault.component, day : day + PER_DAY].max())
    if fault.kind == Kind.SPIKE:
        values[:] = np.round(peak * random.uniform(4, 9, fault.length))
    elif fault.kind == Kind.HIDDEN_SPIKE:
        values[:] = np.round(peak * random.uniform(0.75, 0.9, fault.length))
    elif fault.kind == Kind.GAP:
        values[:] = 0
        valid[fault.place] = False
    elif fault.kind == Kind.STUCK:
        values[:] = values[0]
    elif fault.kind == Kind.ZERO:
        values[:] = 0
    elif fault.kind == Kind.NEGATIVE:
        values[:] = -np.abs(values) - 7
    else:
        values[:] *= 3
