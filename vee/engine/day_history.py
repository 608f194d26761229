"""
What was measured in the same slots of other local days: the working of every estimation that compares days.

A slot is a stretch of local time of day, one interval long. Where the clock goes back a day has some slots twice, and
both count; where it goes forward a day lacks some, and then it is no comparison for these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.engine.batch import Batch, in_range
from vee.engine.calendar import SECONDS_PER_DAY, wall_clock
from vee.engine.context import Context, Windows
from vee.engine.fixed_point import INT64_MAXIMUM, divide_half_even


_ORDINAL_OF_1970 = 719_163

Candidates = Callable[[int], Sequence[int]]
"""Gives the comparison days of a day, best first; both as proleptic ordinals of local dates."""


@dataclass(frozen=True, slots=True)
class LocalDays:
    """For each interval of a stretch the local day that it begins on (a proleptic ordinal), and its slot of the day."""

    days: NDArray[np.int64]
    slots: NDArray[np.intp]


def local_days(zone: str, start: int, seconds_per_interval: int, count: int) -> LocalDays:
    """Give days and slots of `count` intervals from `start` (seconds since 1970, UTC)."""
    shown = wall_clock(zone, start, seconds_per_interval, count)
    days, into = np.divmod(shown, SECONDS_PER_DAY)
    return LocalDays(days + _ORDINAL_OF_1970, (into // seconds_per_interval).astype(np.intp))


@dataclass(frozen=True, slots=True)
class Estimates:
    """What the missing intervals of some rows were estimated at, and which were left for want of comparison days."""

    rows: NDArray[np.intp]
    intervals: NDArray[np.intp]
    values: NDArray[np.int64]
    left: NDArray[np.bool_]
    """[N, L] of the whole batch: missing intervals that have too few comparison days."""


class DayHistory:
    """
    The final measurements of days around some IMDs of a batch: read once, for `back` days before and `forward` after.

    Usable are values with a condition in a range, and with `exclude_edited` those that no person set.

    :raises ValueError: when the interval size is not known or does not divide a day.
    """

    def __init__(
        self,
        batch: Batch,
        rows: NDArray[np.intp],
        context: Context,
        *,
        back: int,
        forward: int,
        condition_range: tuple[int, int],
        exclude_edited: bool,
    ) -> None:
        size = batch.seconds_per_interval
        if size is None or SECONDS_PER_DAY % size:
            raise ValueError(f"{size} seconds per interval do not divide a day")
        self._batch, self._rows, self._size = batch, rows, size
        # One day more on either side: a day before the change of the clock begins earlier or later than 24 h before.
        self._into = (back + 1) * SECONDS_PER_DAY
        self._length = (self._into + (forward + 1) * SECONDS_PER_DAY) // size + batch.length
        found = context.measured(
            Windows(
                component_ids=batch.component_ids[rows],
                starts=batch.starts[rows] - self._into,
                length=self._length,
                seconds_per_interval=size,
                scale=batch.scale,
            )
        )
        usable = found.present & found.valid & in_range(found.conditions, condition_range)
        if exclude_edited:
            usable &= ~found.edited
        self._usable = usable
        self._values = np.where(usable, found.values, 0)
        self._largest = max(int(self._values.max(initial=0)), -int(self._values.min(initial=0)))

    def average(
        self,
        missing: NDArray[np.bool_],
        candidates_of: Callable[[int], tuple[Any, Candidates]],
        *,
        days_to_average: int,
        minimum_days: int,
    ) -> Estimates:
        """
        Estimate missing intervals as the average of the same slot on the first days that have it.

        `missing` is [N, L] of the whole batch. `candidates_of` gives for a row of the batch a key and its comparison
        days; rows with equal keys have equal ones. A slot with fewer usable days than `minimum_days` is left.
        """
        groups: dict[Any, tuple[Candidates, list[int]]] = {}
        for position, row in enumerate(self._rows.tolist()):
            key, candidates = candidates_of(row)
            place = (self._batch.facts[row].time_zone, int(self._batch.starts[row]))
            groups.setdefault((place, key), (candidates, []))[1].append(position)
        rows, intervals, values = [], [], []
        left = np.zeros(missing.shape, dtype=np.bool_)
        for ((zone, start), _), (candidates, positions) in groups.items():
            own = local_days(zone, start, self._size, self._batch.length)
            members = np.array(positions, dtype=np.intp)
            at = self._rows[members]
            for day in np.unique(own.days[missing[at].any(axis=0)]).tolist():
                of_day = np.flatnonzero(own.days == day)
                wanted = missing[np.ix_(at, of_day)]
                totals, counts, found = self._gathered(
                    (zone, start), members, candidates(day), own.slots[of_day], wanted, days_to_average
                )
                enough = found >= max(minimum_days, 1)
                left[np.ix_(at, of_day)] = wanted & ~enough
                which, columns = np.nonzero(wanted & enough)
                rows.append(at[which])
                intervals.append(of_day[columns])
                values.append(divide_half_even(totals[which, columns], counts[which, columns]))
        return Estimates(
            _joined(rows).astype(np.intp), _joined(intervals).astype(np.intp), _joined(values).astype(np.int64), left
        )

    def _gathered(
        self,
        place: tuple[str, int],
        members: NDArray[np.intp],
        days: Sequence[int],
        slots: NDArray[np.intp],
        wanted: NDArray[np.bool_],
        most: int,
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Give total, number of values and number of days for slots, of the first `most` days that have each."""
        zone, start = place
        first, columns = _columns(zone, start - self._into, self._size, self._length)
        totals: NDArray[Any] = np.zeros(wanted.shape, dtype=np.int64)
        if self._largest * 2 * most > INT64_MAXIMUM:
            totals = totals.astype(object)
        counts, found = np.zeros(wanted.shape, dtype=np.int64), np.zeros(wanted.shape, dtype=np.int64)
        for day in days:
            if not 0 <= day - first < len(columns):
                continue
            open_slots = found < most
            seen = np.zeros(wanted.shape, dtype=np.bool_)
            for occurrence in columns[day - first].T:
                there = occurrence[slots]
                some = np.flatnonzero(there >= 0)
                if len(some):
                    at = np.ix_(members, there[some])
                    used = self._usable[at] & open_slots[:, some]
                    totals[:, some] += np.where(used, self._values[at], 0)
                    counts[:, some] += used
                    seen[:, some] |= used
            found += seen
            if (found[wanted] >= most).all():
                break
        return totals, counts, found


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


@functools.lru_cache(maxsize=64)
def _columns(zone: str, start: int, seconds_per_interval: int, count: int) -> tuple[int, NDArray[np.intp]]:
    """Give the first local day of a window, and [days, slots, 2] the columns of each slot; -1 where there is none."""
    window = local_days(zone, start, seconds_per_interval, count)
    first = int(window.days[0])
    slots = SECONDS_PER_DAY // seconds_per_interval
    columns = np.full((int(window.days[-1]) - first + 1, slots, 2), -1, dtype=np.intp)
    keys = (window.days - first) * slots + window.slots
    _, firsts = np.unique(keys, return_index=True)
    again = np.ones(count, dtype=np.bool_)
    again[firsts] = False
    for occurrence, chosen in enumerate((firsts, np.flatnonzero(again))):
        columns[window.days[chosen] - first, window.slots[chosen], occurrence] = chosen
    columns.flags.writeable = False
    return first, columns
