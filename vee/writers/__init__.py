"""
Writers: final measurements out, as text in pieces; memory does not grow with the period.

Plain Python. A writer knows a format, not the database: which components there are and what was measured is read by
`vee.operations.exports`. What a writer writes, the reader of the same name reads back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vee.writers import csv_rows, green_button, nem12
from vee.writers.base import Channel, Measured, UnableToWrite


__all__ = ["FORMATS", "Channel", "Format", "Measured", "UnableToWrite", "check", "write"]

Channels = Iterable[tuple[Channel, Iterable[Measured]]]


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it refuses, how it is written, and how files of it are called."""

    check: Callable[[Channel], None]
    write: Callable[..., Iterator[str]]
    media_type: str
    extension: str


FORMATS: dict[str, Format] = {
    "csv": Format(csv_rows.check, csv_rows.write, "text/csv; charset=utf-8", "csv"),
    "nem12": Format(nem12.check, nem12.write, "text/csv; charset=utf-8", "csv"),
    "green_button": Format(green_button.check, green_button.write, "application/atom+xml; charset=utf-8", "xml"),
}


def check(format: str, channel: Channel) -> None:  # noqa: A002  (the field's own word)
    """
    Refuse a channel that a format has no place for, before anything is written.

    :raises UnableToWrite: when the format is unknown, or cannot hold the channel.
    """
    if format not in FORMATS:
        raise UnableToWrite(f"{format!a} is not a format to write; known are {', '.join(FORMATS)}.")
    FORMATS[format].check(channel)


def write(format: str, channels: Channels, *, created_at: dt.datetime) -> Iterator[str]:  # noqa: A002
    """
    Give a file in pieces: the channels in their order, each with its measurements in the order of time.

    :raises UnableToWrite: as `check`.
    """
    if format not in FORMATS:
        raise UnableToWrite(f"{format!a} is not a format to write; known are {', '.join(FORMATS)}.")
    return FORMATS[format].write(channels, created_at=created_at)
