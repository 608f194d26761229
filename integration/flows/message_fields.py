"""Checks of the members of a flat message object: every misfit, each with its pointer. Plain Python."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foundation.times import parse_instant
from integration.flows.contract import Finding


_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")


def texts(parent: Mapping[str, Any], *, lengths: Mapping[str, int], required: Sequence[str] = ()) -> Iterator[Finding]:
    """Check that the named members are texts of at most their length, and that the required ones are there."""
    for name, longest in lengths.items():
        value = parent.get(name)
        if value is None or value == "":
            if name in required:
                yield _finding(name, "required", "is required")
        elif not isinstance(value, str):
            yield _finding(name, "invalid_type", "is not a text")
        elif len(value) > longest:
            yield _finding(name, "max_length", f"is longer than {longest} characters")
        elif "\x00" in value:
            yield _finding(name, "invalid", "holds a NUL character")
        elif name in required and not value.strip():
            yield _finding(name, "required", "is required")


def instants(parent: Mapping[str, Any], *, names: Sequence[str], required: Sequence[str] = ()) -> Iterator[Finding]:
    """Check that the named members are ISO 8601 date-times with `Z` or an offset."""
    for name in names:
        value = parent.get(name)
        if value is None or value == "":
            if name in required:
                yield _finding(name, "required", "is required")
        elif not isinstance(value, str) or not is_instant(value):
            yield _finding(
                name,
                "invalid_date_time",
                "is no ISO 8601 date-time with Z or an offset, as in 2023-06-02T00:00:00Z",
            )


def counts(parent: Mapping[str, Any], *, names: Sequence[str]) -> Iterator[Finding]:
    """Check that the named members, where given, are whole numbers from zero up."""
    for name in names:
        value = parent.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            yield _finding(name, "invalid_type", "is not a whole number from 0 up")


@functools.lru_cache(maxsize=4096)
def is_instant(text: str) -> bool:
    """Whether a text is a date-time that goes over the wire: the `T` form, with seconds or without, with an offset."""
    if not _DATE_TIME.match(text):
        return False
    try:
        parse_instant(text)
        # What is read is written out again: it must be a date in any calendar.
        dt.date.fromisoformat(text[:10])
    except (ValueError, OverflowError):
        return False
    return True


def _finding(name: str, code: str, what: str) -> Finding:
    return Finding(pointer=f"/{name}", code=code, message=f"{name} {what}")
