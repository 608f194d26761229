"""Single intervals, one after another, joined to the runs that become initial measurements."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from vee.readers.base import IntervalReadings, ZoneLookup


@dataclass(slots=True, kw_only=True)
class Interval:
    """One interval of one component: `(start, start + seconds]`; `day` is the local day in which it starts."""

    component: str
    start: dt.datetime
    day: dt.date
    seconds: int
    uom: str
    value: Decimal | None
    condition: int
    line: int

    @property
    def end(self) -> dt.datetime:
        """The end of the interval."""
        return self.start + dt.timedelta(seconds=self.seconds)


@dataclass(slots=True)
class _Run:
    head: Interval
    end: dt.datetime
    values: list[Decimal | None] = field(default_factory=list)
    conditions: list[int] = field(default_factory=list)

    def add(self, interval: Interval) -> None:
        self.values.append(interval.value)
        self.conditions.append(interval.condition)
        self.end = interval.end

    def takes(self, interval: Interval) -> bool:
        head = self.head
        return (
            interval.start == self.end
            and interval.component == head.component
            and interval.seconds == head.seconds
            and interval.uom == head.uom
            and interval.day == head.day
            # Rows of an item are consecutive, so that a file can be taken up again at any row.
            and interval.line == head.line + len(self.values)
        )

    def item(self) -> IntervalReadings:
        return IntervalReadings(
            component=self.head.component,
            start=self.head.start,
            seconds_per_interval=self.head.seconds,
            uom=self.head.uom,
            values=self.values,
            conditions=self.conditions,
            line=self.head.line,
            rows=len(self.values),
        )


class Runs:
    """
    Joins intervals that follow each other without a gap, on consecutive rows and one local day.

    A gap, another component, unit or length, and a new day begin a new run; gaps are not filled.
    """

    def __init__(self) -> None:
        self._run: _Run | None = None

    def add(self, interval: Interval) -> IntervalReadings | None:
        """Take an interval; give the run before it when it begins a new one."""
        done = None
        if self._run is not None and not self._run.takes(interval):
            done = self.close()
        if self._run is None:
            self._run = _Run(head=interval, end=interval.start)
        self._run.add(interval)
        return done

    def close(self) -> IntervalReadings | None:
        """End the run, if there is one, and give it."""
        run, self._run = self._run, None
        return None if run is None else run.item()


def local_day(start: dt.datetime, component: str, zone_of: ZoneLookup | None) -> dt.date:
    """Give the day of an instant in the component's zone; where that is not known, in the instant's own offset."""
    zone = zone_of(component) if zone_of is not None else None
    return (start.astimezone(zone) if zone is not None else start).date()
