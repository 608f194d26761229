"""Periods on a line of time: the geometry of a drawing that the template writes as SVG, and the table beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vee.periods import Period, gaps, overlaps


LABEL_WIDTH = 230
WIDTH = 1000
LANE = 30
MARGIN = dt.timedelta(days=60)
# What lies further from today than this is drawn at the edge: a far-off date would press all others together.
PAST, FUTURE = dt.timedelta(days=5 * 365), dt.timedelta(days=3 * 365)
_TOP = 26


@dataclass(frozen=True, slots=True)
class Entry:
    """One period of a lane, with what counts in it; `other` is drawn lighter: it belongs to something else."""

    period: Period
    what: str
    other: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """What has versions by date: a place among the rules, a value of a factor."""

    label: str
    entries: Sequence[Entry]


def drawing(lanes: Sequence[Lane], *, today: dt.date) -> dict[str, Any] | None:
    """Give the drawing of lanes around today; None when no period begins or ends anywhere."""
    bounds = sorted(
        {
            bound
            for lane in lanes
            for entry in lane.entries
            for bound in (entry.period.start, entry.period.end)
            if bound is not None
        }
    )
    if not bounds:
        return None
    first = max(min(bounds[0], today), today - PAST) - MARGIN
    last = min(max(bounds[-1], today), today + FUTURE) + MARGIN
    scale = _Scale(first, last)
    height = _TOP + LANE * len(lanes)
    return {
        "width": WIDTH,
        "height": height,
        "lanes": [_lane(lane, number, scale) for number, lane in enumerate(lanes)],
        "ticks": [{"x": scale.x(bound), "label": bound.isoformat()} for bound in scale.ticks(bounds)],
        "today": scale.x(today),
        "height_of_axis": height,
        "doubtful": any(gaps(_periods(lane)) or overlaps(_periods(lane)) for lane in lanes),
    }


@dataclass(frozen=True, slots=True)
class _Scale:
    first: dt.date
    last: dt.date

    def x(self, day: dt.date) -> int:
        days = (min(max(day, self.first), self.last) - self.first).days
        return LABEL_WIDTH + days * (WIDTH - LABEL_WIDTH) // max((self.last - self.first).days, 1)

    def ticks(self, bounds: Sequence[dt.date]) -> list[dt.date]:
        """Give those days that stand far enough apart to be read."""
        kept: list[dt.date] = []
        for bound in bounds:
            if (
                self.first <= bound <= self.last
                and (not kept or self.x(bound) - self.x(kept[-1]) >= 85)
                and self.x(bound) <= WIDTH - 75
            ):
                kept.append(bound)
        return kept

    def bar(self, period: Period) -> dict[str, int]:
        begins = self.x(period.start or self.first)
        # The last day belongs to the period.
        ends = self.x(self.last if period.end is None else period.end + dt.timedelta(days=1))
        begins = min(begins, WIDTH - 3)
        return {"x": begins, "width": max(ends - begins, 3)}


def _lane(lane: Lane, number: int, scale: _Scale) -> dict[str, Any]:
    periods = _periods(lane)
    holes, doubled = gaps(periods), overlaps(periods)
    top = _TOP + number * LANE
    return {
        "label": lane.label,
        "short": lane.label if len(lane.label) <= 34 else f"{lane.label[:33]}…",
        "text_y": top + 19,
        "bar_y": top + 5,
        "bars": [
            {**scale.bar(entry.period), "what": entry.what, "other": entry.other, "period": entry.period}
            for entry in lane.entries
        ],
        "gaps": [{**scale.bar(hole), "period": hole} for hole in holes],
        "overlaps": [{**scale.bar(both), "period": both} for both in doubled],
    }


def _periods(lane: Lane) -> list[Period]:
    return [entry.period for entry in lane.entries]
