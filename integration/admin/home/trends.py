"""Small charts of the last fourteen days, drawn here as SVG: no script draws, and they read as tables too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


DAYS = 14
WIDTH, HEIGHT = 336, 84
_SLOT = WIDTH // DAYS
_GAP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One kind of thing in a chart; `tone` names its colour in the stylesheet."""

    key: str
    label: Any
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle of a chart, in the units of its view box."""

    x: int
    y: float
    width: int
    height: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day (UTC): its bars, and its numbers in the order of the series."""

    date: dt.date
    bars: Sequence[Bar]
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A chart with its numbers."""

    key: str
    title: Any
    series: Sequence[Series]
    days: Sequence[Day]
    highest: int
    totals: Sequence[tuple[Series, int]] = field(default=())
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened at all."""
        return self.highest == 0


def first_day(at: dt.datetime) -> dt.date:
    """Give the first of the days that are shown, in UTC."""
    return at.astimezone(dt.UTC).date() - dt.timedelta(days=DAYS - 1)


def trend(
    *,
    key: str,
    title: Any,
    series: Sequence[Series],
    number_of: Callable[[dt.date, str], int],
    at: dt.datetime,
    side_by_side: bool = False,
) -> Trend:
    """Draw a chart; the kinds of a day stand on each other, or side by side where their sum means nothing."""
    first = first_day(at)
    dates = [first + dt.timedelta(days=number) for number in range(DAYS)]
    rows = [[number_of(day, each.key) for each in series] for day in dates]
    highest = max((max(row) if side_by_side else sum(row) for row in rows), default=0)
    days = [
        Day(
            date=day,
            numbers=row,
            bars=_bars(row, series, left=place * _SLOT, highest=highest, side_by_side=side_by_side),
        )
        for place, (day, row) in enumerate(zip(dates, rows, strict=True))
    ]
    totals = [(each, sum(row[place] for row in rows)) for place, each in enumerate(series)]
    return Trend(key=key, title=title, series=series, days=days, highest=highest, totals=totals)


def _bars(row: Sequence[int], series: Sequence[Series], *, left: int, highest: int, side_by_side: bool) -> list[Bar]:
    bars = []
    room = _SLOT - _GAP
    width = room // len(series) if side_by_side else room
    below = 0.0
    for place, (number, each) in enumerate(zip(row, series, strict=True)):
        if not number:
            continue
        # What happened is seen, however little it is beside the rest.
        height = max(round(number / highest * (HEIGHT - 2), 2), 1.5)
        x = left + _GAP // 2 + (place * width if side_by_side else 0)
        y = max(HEIGHT - height - (0.0 if side_by_side else below), 0.0)
        bars.append(Bar(x=x, y=round(y, 2), width=width, height=height, tone=each.tone))
        below += height
    return bars


def by_day(counts: Mapping[dt.date, Mapping[str, int]]) -> Callable[[dt.date, str], int]:
    """Read the numbers of a chart from days and kinds."""
    return lambda day, key: counts.get(day, {}).get(key, 0)
