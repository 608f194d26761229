"""Tieline's own CSV, one row per interval, as the reader of the same name takes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from foundation.spreadsheets import csv_line
from vee.writers.base import Channel, Measured, UnableToWrite


HEADER = "measuring_component,start,seconds_per_interval,uom,value,condition\r\n"


def check(channel: Channel) -> None:
    """
    Refuse a channel that the format has no place for.

    :raises UnableToWrite: for a register: a row is an interval.
    """
    if channel.seconds_per_interval is None:
        raise UnableToWrite(f"{channel.component} is a register; this CSV has a row per interval.")


def write(channels: Iterable[tuple[Channel, Iterable[Measured]]], *, created_at: dt.datetime) -> Iterator[str]:
    """Give the rows, UTC; `created_at` stands nowhere in this format."""
    yield HEADER
    for channel, found in channels:
        check(channel)
        step = dt.timedelta(seconds=channel.seconds_per_interval or 0)
        for row in found:
            start = f"{row.end - step:%Y-%m-%dT%H:%M:%SZ}"
            value = "" if row.value is None else f"{row.value:f}"
            yield csv_line([channel.component, start, channel.seconds_per_interval, channel.uom, value, row.condition])
