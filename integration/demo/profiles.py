"""
Load profiles of households: quarter-hourly energy with a morning and an evening peak.

Pure functions of a random generator: the same seed gives the same day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


Energies = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """
    How one customer uses energy.

    Powers are in kW; hours are local, counted from midnight as wall-clock decimals; widths are standard deviations
    in hours.
    """

    base: float
    morning_peak: float
    morning_hour: float
    evening_peak: float
    evening_hour: float
    midday: float
    noise: float


def draw_household(random: np.random.Generator) -> Household:
    """Draw one customer: most use little, a few use much."""
    size = float(np.clip(random.lognormal(mean=0.0, sigma=0.4), 0.4, 3.0))
    return Household(
        base=size * float(random.uniform(0.12, 0.35)),
        morning_peak=size * float(random.uniform(0.4, 1.2)),
        morning_hour=float(random.normal(7.25, 0.6)),
        evening_peak=size * float(random.uniform(0.9, 2.2)),
        evening_hour=float(random.normal(19.0, 0.8)),
        midday=size * float(random.uniform(0.0, 0.5)),
        noise=float(random.uniform(0.04, 0.12)),
    )


def day_of(household: Household, *, intervals: int, seconds_per_interval: int, random: np.random.Generator) -> Energies:
    """
    Give the energy in kWh of each interval of a local day, to three decimals and never below 0.001.

    `intervals` is 92, 96 or 100 on a day of quarter-hours, as the clock changes or does not.
    """
    hours = (np.arange(intervals) + 0.5) * (seconds_per_interval / 3600.0)
    power = household.base + household.midday * np.exp(-0.5 * ((hours - 13.0) / 2.5) ** 2)
    power += household.morning_peak * np.exp(-0.5 * ((hours - household.morning_hour) / 0.9) ** 2)
    power += household.evening_peak * np.exp(-0.5 * ((hours - household.evening_hour) / 1.8) ** 2)
    power *= np.clip(random.normal(1.0, household.noise, size=intervals), 0.6, 1.4)
    energies: Energies = np.maximum(np.round(power * (seconds_per_interval / 3600.0), 3), 0.001)
    return energies
