"""The week of final measurements that the page of a component shows, whole: what was not measured stands in it too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from vee.codes import Condition
from vee.models import MeasuringComponent
from vee.queries import Measurement


def whole(
    rows: Sequence[Measurement], *, component: MeasuringComponent, start: dt.datetime, end: dt.datetime
) -> list[Measurement]:
    """
    Give a measurement for each interval whose end lies after `start` and up to `end`, in UTC.

    One without a row has no value, so that no line is drawn over a hole. Registers, and weeks in which nothing was
    measured, are given as they are.
    """
    seconds = component.type.seconds_per_interval
    if not seconds or not rows:
        return list(rows)
    step = dt.timedelta(seconds=seconds)
    known = {row.end: row for row in rows}
    first = rows[0].end - (rows[0].end - start - dt.timedelta.resolution) // step * step
    count = (end - first) // step + 1
    ends = (first + number * step for number in range(count))
    return [known.get(at) or Measurement(at, None, Condition.MISSING, user_edited=False) for at in ends]
