"""
NEM12: a 200 row per stream, a 300 row per day of UTC+10, and 400 rows where the quality changes within the day.

A component is written as the stream that the reader would name after it: `NMI-suffix`. Days without any measurement
are left out; intervals without a value are null data.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby

from vee.codes import Band, Condition
from vee.writers.base import Channel, Measured, UnableToWrite


NEM_TIME = dt.timezone(dt.timedelta(hours=10), "NEM")
SECONDS_PER_DAY = 86_400
# What the market's rules allow; the format itself would take any length up to half an hour.
INTERVAL_LENGTHS = frozenset({300, 600, 900, 1800})
SENDER = "TIELINE"
_NAME = re.compile(r"([A-Za-z0-9_./-]{1,40})-([A-Za-z0-9_./]{1,10})")
_UOM = re.compile(r"[A-Za-z0-9/%]{1,20}")
# Methods of the market's substitutions where an estimation of ours is one of them.
_METHODS: dict[int, str] = {
    Condition.ESTIMATED_INTERPOLATED: "S17",  # linear interpolation
    Condition.ESTIMATED_AVERAGED: "S15",  # average like day
    Condition.ESTIMATED_PRORATED: "S12",  # calculated
}
_LIKE_DAY = "14"
_OUTAGE = "79"


def check(channel: Channel) -> None:
    """
    Refuse a channel that the format has no place for.

    :raises UnableToWrite: when it is no interval channel of 5, 10, 15 or 30 minutes named `NMI-suffix`.
    """
    if channel.seconds_per_interval not in INTERVAL_LENGTHS:
        raise UnableToWrite(f"{channel.component}: NEM12 holds intervals of 5, 10, 15 or 30 minutes.")
    if not _NAME.fullmatch(channel.component):
        raise UnableToWrite(f"{channel.component} cannot be written as NMI and suffix, which NEM12 needs.")
    if not _UOM.fullmatch(channel.uom):
        raise UnableToWrite(f"{channel.component}: {channel.uom!a} is not a unit of NEM12.")


def write(channels: Iterable[tuple[Channel, Iterable[Measured]]], *, created_at: dt.datetime) -> Iterator[str]:
    """Give the rows of a file; `created_at` stands in its header."""
    yield _row("100", "NEM12", f"{created_at.astimezone(NEM_TIME):%Y%m%d%H%M}", SENDER, "")
    for channel, found in channels:
        check(channel)
        matched = _NAME.fullmatch(channel.component)
        nmi, suffix = matched.groups() if matched else ("", "")
        seconds = channel.seconds_per_interval or 0
        yield _row("200", nmi, suffix, "", suffix, "", "", channel.uom, str(seconds // 60), "")
        for day, rows in groupby(found, key=_day):
            yield from _day_rows(day, list(rows), seconds)
    yield _row("900")


def _row(*cells: str) -> str:
    return ",".join(cells) + "\r\n"


def _day(row: Measured) -> dt.date:
    # An interval belongs to the day in which it begins; its label is its end.
    return (row.end.astimezone(NEM_TIME) - dt.timedelta(seconds=1)).date()


def _day_rows(day: dt.date, rows: list[Measured], seconds: int) -> Iterator[str]:
    count = SECONDS_PER_DAY // seconds
    midnight = dt.datetime.combine(day, dt.time(), NEM_TIME)
    values, flags = ["0"] * count, [("N", "")] * count
    for row in rows:
        place, rest = divmod(int((row.end - midnight).total_seconds()), seconds)
        if rest:
            raise UnableToWrite(f"{row.end:%Y-%m-%d %H:%M:%SZ} is not the end of an interval of a NEM12 day.")
        values[place - 1] = "0" if row.value is None else f"{row.value:f}"
        flags[place - 1] = _flag(row.value, row.condition)
    spans = [(flag, len(list(span))) for flag, span in groupby(flags)]
    quality, reason = spans[0][0] if len(spans) == 1 else ("V", "")
    yield _row("300", f"{day:%Y%m%d}", *values, quality, reason, "", "", "")
    if len(spans) == 1:
        return
    first = 1
    for (quality, reason), length in spans:
        yield _row("400", str(first), str(first + length - 1), quality, reason, "")
        first += length


def _flag(value: Decimal | None, condition: int) -> tuple[str, str]:
    """Give flag with method, and reason, for one interval."""
    outage = Band.OUTAGE.low <= condition <= Band.OUTAGE.high
    if value is None:
        return "N", _OUTAGE if outage else ""
    if outage:
        return "A", _OUTAGE
    if condition >= Band.REGULAR.low:
        return "A", ""
    if condition >= Condition.EXTERNAL_ESTIMATED_FINAL:
        return f"F{_LIKE_DAY}", ""
    if condition < Band.SYSTEM_ESTIMATE.low or condition // 100 == Condition.EXTERNAL_ESTIMATED_LOW // 100:
        return f"E{_LIKE_DAY}", ""
    return _METHODS.get(condition, f"S{_LIKE_DAY}"), ""
