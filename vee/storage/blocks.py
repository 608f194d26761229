"""The day blocks of one layout as matrices, on their way in and out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools

import numpy as np


@dataclasses.dataclass(slots=True, kw_only=True)
class Blocks:
    """
    M blocks of S slots, sorted by component and start.

    `starts` are epoch seconds. A slot where nothing was ever delivered has `NO_VALUE` and condition 0. `readings` are
    those of subtractive components, `NO_VALUE` where there is none; None for all others.
    """

    component_ids: np.ndarray
    starts: np.ndarray
    values: np.ndarray
    conditions: np.ndarray
    flags: np.ndarray
    versions: np.ndarray
    imd_ids: np.ndarray
    multipliers: np.ndarray
    totals: np.ndarray
    missing: np.ndarray
    scale: int
    seconds_per_interval: int
    readings: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.component_ids)

    def take(self, rows: np.ndarray) -> Blocks:
        """Give some of the blocks."""
        parts = {
            field.name: getattr(self, field.name)[rows]
            for field in dataclasses.fields(self)
            if field.name not in ("scale", "seconds_per_interval", "readings")
        }
        parts["readings"] = None if self.readings is None else self.readings[rows]
        return Blocks(**parts, scale=self.scale, seconds_per_interval=self.seconds_per_interval)


@dataclasses.dataclass(frozen=True, slots=True)
class StoredBlock:
    """One block as the database has it."""

    component_id: int
    start: int
    seconds_per_interval: int
    scale: int
    values: np.ndarray
    conditions: np.ndarray | None
    flags: np.ndarray | None
    version: int
    readings: np.ndarray | None = None


@functools.lru_cache(maxsize=8_192)
def instant(seconds: int) -> dt.datetime:
    """Turn epoch seconds into an aware instant in UTC."""
    return dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC)
