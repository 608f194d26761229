"""What every writer takes: channels with their measurements."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


class UnableToWrite(ValueError):
    """A channel has no place in the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """
    One component: unit, interval length in seconds (None for a register), decimal places that are kept.

    `zone` is that of its service point: local days are counted in it.
    """

    component: str
    uom: str
    seconds_per_interval: int | None
    scale: int
    zone: dt.tzinfo


class Measured(Protocol):
    """One final measurement, labelled at its end, UTC; `reading` is that of a register."""

    @property
    def end(self) -> dt.datetime:
        """The end of the interval, or the time of the read."""

    @property
    def value(self) -> Decimal | None:
        """The quantity; None when there is none."""

    @property
    def condition(self) -> int:
        """The condition code."""

    @property
    def reading(self) -> Decimal | None:
        """The reading of a register."""
