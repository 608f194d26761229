"""Naive times of files: which instant they mean on a clock, and when they mean none or two (`vee.md` 7.5)."""

from __future__ import annotations

import datetime as dt

from vee.readers.base import RowRefused, ZoneLookup


def meanings(naive: dt.datetime, clock: dt.tzinfo) -> tuple[dt.datetime, ...]:
    """
    Give the instants, UTC, that a clock shows as this time, in order.

    None when the clock skips it, two when the clock shows it twice.
    """
    instants = []
    for fold in (0, 1):
        instant = naive.replace(tzinfo=clock, fold=fold).astimezone(dt.UTC)
        if instant.astimezone(clock).replace(tzinfo=None, fold=0) == naive.replace(fold=0) and instant not in instants:
            instants.append(instant)
    return tuple(sorted(instants))


def to_instant(naive: dt.datetime, clock: dt.tzinfo) -> dt.datetime:
    """
    Give the one instant, UTC, that a clock shows as this time.

    :raises RowRefused: with code `nonexistent_time` or `ambiguous_time`; a time is never guessed.
    """
    found = meanings(naive, clock)
    if not found:
        raise RowRefused("nonexistent_time", f"{naive:%Y-%m-%d %H:%M:%S} does not exist on the clock of {clock}")
    if len(found) > 1:
        raise RowRefused("ambiguous_time", f"{naive:%Y-%m-%d %H:%M:%S} exists twice on the clock of {clock}")
    return found[0]


def clock_for(component: str, clock_of: ZoneLookup | None) -> dt.tzinfo:
    """
    Give the clock by which a component's naive times are read.

    :raises RowRefused: with code `zone_unknown` when the component, and so its zone, is not known.
    """
    clock = clock_of(component) if clock_of is not None else None
    if clock is None:
        raise RowRefused(
            "zone_unknown", f"the time has no offset, and the time zone of the component {component!a} is not known"
        )
    return clock
