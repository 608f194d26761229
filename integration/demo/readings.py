"""
The day of readings, with what is wrong in it written on a label.

The label says what a good product does with the day, so that the demo can count what was caught and what was
missed. A pure function of the seed.
"""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from integration.demo.profiles import day_of, draw_household


ZONE = ZoneInfo("America/New_York")
SECONDS_PER_INTERVAL = 900
INTERVAL_TYPE = "DEMO-15MIN-KWH"
SHORT_GAP_INTERVALS = (1, 6)
LONG_GAP_INTERVALS = (14, 30)
SPIKE_FACTORS = (8.0, 25.0)


class Label(enum.StrEnum):
    """What is wrong with a meter's day."""

    CLEAN = "clean"
    SHORT_GAP = "short gap"
    LONG_GAP = "long gap"
    SPIKE = "spike"
    WRONG_UOM = "wrong unit"
    WRONG_MULTIPLIER = "wrong multiplier"
    UNKNOWN_COMPONENT = "unknown component"


SHARES: dict[Label, float] = {
    Label.SHORT_GAP: 0.04,
    Label.LONG_GAP: 0.015,
    Label.SPIKE: 0.02,
    Label.WRONG_UOM: 0.0075,
    Label.WRONG_MULTIPLIER: 0.0075,
    Label.UNKNOWN_COMPONENT: 0.005,
}
"""What part of the meters gets which label; the rest is clean. At least one meter gets each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDay:
    """
    One meter's readings of one local day.

    `values` are kWh, None where a reading is missing; `affected` are the intervals (from 0) that the label is about.
    """

    component: str
    label: Label
    start: datetime
    end: datetime
    values: tuple[float | None, ...]
    affected: tuple[int, ...] = ()
    uom: str = "KWH"
    multiplier: int = 1

    @property
    def external_id(self) -> str:
        """The head end's id of the message."""
        return f"{self.component}-{self.start:%Y%m%d}"

    def as_imd(self) -> dict[str, Any]:
        """Give the record of `POST /api/v1/imds/`."""
        return {
            "measuring_component": self.component,
            "start": _iso(self.start),
            "end": _iso(self.end),
            "seconds_per_interval": SECONDS_PER_INTERVAL,
            "uom": self.uom,
            "kind": "INITIAL_LOAD",
            "multiplier": self.multiplier,
            "external_id": self.external_id,
            "values": list(self.values),
        }


def local_day(on: date) -> tuple[datetime, datetime]:
    """Give start and end of a local day as UTC instants; 23 or 25 hours apart when the clock changes."""
    start = datetime(on.year, on.month, on.day, tzinfo=ZONE)
    after = on + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=ZONE)
    return start.astimezone(UTC), end.astimezone(UTC)


def generate_day(*, run: str, meters: int, on: date, seed: int) -> list[MeterDay]:
    """Generate the day of `meters` meters whose names begin with `run`."""
    random = np.random.default_rng(seed)
    start, end = local_day(on)
    intervals = int((end - start).total_seconds()) // SECONDS_PER_INTERVAL
    labels = _draw_labels(meters, random)
    days = []
    for index, label in enumerate(labels):
        energies = day_of(
            draw_household(random), intervals=intervals, seconds_per_interval=SECONDS_PER_INTERVAL, random=random
        )
        clean = MeterDay(
            component=f"{run}-M{index:05d}",
            label=Label.CLEAN,
            start=start,
            end=end,
            values=tuple(float(energy) for energy in energies),
        )
        days.append(_spoil(clean, label, random))
    return days


def master_data(days: list[MeterDay]) -> list[dict[str, Any]]:
    """Give the lines of `POST /api/v1/master-data/` for the meters; those labelled unknown are left out."""
    lines: list[dict[str, Any]] = []
    for day in days:
        if day.label is not Label.UNKNOWN_COMPONENT:
            lines.extend(meter_lines(day.component, component_type=INTERVAL_TYPE))
    return lines


def meter_lines(component: str, *, component_type: str) -> list[dict[str, Any]]:
    """Give the master data of one meter with one channel: service point, device, measuring component."""
    point, device = f"SP-{component}", f"DEV-{component}"
    return [
        {"kind": "service_point", "id": point, "time_zone": ZONE.key},
        {"kind": "device", "id": device, "service_point": point, "incoming_data_shift": "STANDARD"},
        {
            "kind": "measuring_component",
            "id": component,
            "type": component_type,
            "device": device,
            "service_point": point,
            "multiplier": 1,
            "consumption_reference": None,
        },
    ]


def _draw_labels(meters: int, random: np.random.Generator) -> list[Label]:
    labels = [Label.CLEAN] * meters
    places = iter(random.permutation(meters).tolist())
    for label, share in SHARES.items():
        for place in itertools.islice(places, max(1, round(meters * share))):
            labels[place] = label
    return labels


def _spoil(day: MeterDay, label: Label, random: np.random.Generator) -> MeterDay:
    if label in (Label.SHORT_GAP, Label.LONG_GAP):
        low, high = SHORT_GAP_INTERVALS if label is Label.SHORT_GAP else LONG_GAP_INTERVALS
        length = int(random.integers(low, high + 1))
        # Away from the edges, so that there is a neighbour on each side.
        first = int(random.integers(4, len(day.values) - length - 4))
        gap = range(first, first + length)
        values = tuple(None if index in gap else value for index, value in enumerate(day.values))
        return replace(day, label=label, values=values, affected=tuple(gap))
    if label is Label.SPIKE:
        place = int(random.integers(0, len(day.values)))
        height = round(max(value or 0.0 for value in day.values) * float(random.uniform(*SPIKE_FACTORS)), 3)
        values = tuple(height if index == place else value for index, value in enumerate(day.values))
        return replace(day, label=label, values=values, affected=(place,))
    if label is Label.WRONG_UOM:
        return replace(day, label=label, uom="KW")
    if label is Label.WRONG_MULTIPLIER:
        return replace(day, label=label, multiplier=10)
    if label is Label.UNKNOWN_COMPONENT:
        return replace(day, label=label, component=f"{day.component}-UNREGISTERED")
    return day


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
