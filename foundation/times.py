"""Reading instants from outside: ISO 8601 with an offset or `Z`, nothing else."""

from __future__ import annotations

import datetime as dt
import functools


@functools.lru_cache(maxsize=4096)
def parse_instant(text: str) -> dt.datetime:
    """
    Read an ISO 8601 date-time and give it in UTC.

    :raises ValueError: when the text is no date-time, names no offset, or lies outside the years 1 to 9999.
    """
    if "T" not in text and " " not in text:
        raise ValueError(f"{text!r} is not an ISO 8601 date-time")
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an ISO 8601 date-time") from None
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write it as 2024-03-10T05:00:00Z or with +hh:mm")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError(f"{text!r} does not lie in the years 1 to 9999 of UTC") from None


def format_instant(value: dt.datetime) -> str:
    """Give an instant as UTC with milliseconds and `Z`, the form of the guide's payloads (`integration.md` 2.2)."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
