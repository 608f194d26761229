"""Readings cut at the borders of standard-time days."""

from __future__ import annotations

import dataclasses

import numpy as np


SECONDS_PER_DAY = 86_400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DayPieces:
    """
    N pieces of day blocks that begin at the same slot of their days and have the same K intervals.

    `values` int64[N,K] counts 10^-scale of the unit with `NO_VALUE` where there is none, `conditions` int32[N,K],
    `edited` bool[N,K] or None, `readings` int64[N,K] for subtractive components or None. `block_starts` are epoch
    seconds (UTC) of the starts of the standard-time days, `multipliers` count millionths.
    """

    component_ids: np.ndarray
    block_starts: np.ndarray
    first_slot: int
    values: np.ndarray
    conditions: np.ndarray
    edited: np.ndarray | None
    imd_ids: np.ndarray
    multipliers: np.ndarray
    scale: int
    seconds_per_interval: int
    skip_identical: bool = True
    readings: np.ndarray | None = None

    @property
    def slots_per_day(self) -> int:
        """The number of intervals of a whole block."""
        return SECONDS_PER_DAY // self.seconds_per_interval


def cut_into_days(
    *,
    component_ids: np.ndarray,
    imd_ids: np.ndarray,
    multipliers: np.ndarray,
    starts: np.ndarray,
    standard_offsets: np.ndarray,
    values: np.ndarray,
    conditions: np.ndarray,
    edited: np.ndarray | None,
    scale: int,
    seconds_per_interval: int,
    skip_identical: bool = True,
    readings: np.ndarray | None = None,
) -> list[DayPieces]:
    """
    Cut N sets of L readings, each starting at `starts` (epoch seconds), into pieces of day blocks.

    `standard_offsets` are the seconds of each component's standard time east of UTC. Starts lie on the grid of
    intervals; the caller has checked that.
    """
    length = values.shape[1]
    slots = SECONDS_PER_DAY // seconds_per_interval
    into_day = (starts + standard_offsets) % SECONDS_PER_DAY
    offsets = into_day // seconds_per_interval
    pieces = []
    for offset in np.unique(offsets):
        rows = np.flatnonzero(offsets == offset)
        day_starts = starts[rows] - into_day[rows]
        first, slot, day = 0, int(offset), 0
        while first < length:
            last = min(length, first + slots - slot)
            pieces.append(
                DayPieces(
                    component_ids=component_ids[rows],
                    block_starts=day_starts + day * SECONDS_PER_DAY,
                    first_slot=slot,
                    values=values[rows, first:last],
                    conditions=conditions[rows, first:last],
                    edited=None if edited is None else edited[rows, first:last],
                    imd_ids=imd_ids[rows],
                    multipliers=multipliers[rows],
                    scale=scale,
                    seconds_per_interval=seconds_per_interval,
                    skip_identical=skip_identical,
                    readings=None if readings is None else readings[rows, first:last],
                )
            )
            first, slot, day = last, 0, day + 1
    return pieces
