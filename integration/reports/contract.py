"""What a report is: its parameters, its columns, and the rows, sums and chart that it answers with."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo


class Kind(enum.Enum):
    """How a column's values are written."""

    TEXT = "text"
    DATE = "date"
    INSTANT = "instant"
    COUNT = "count"
    PERCENT = "percent"
    QUANTITY = "quantity"
    SECONDS = "seconds"


NUMERIC = frozenset({Kind.COUNT, Kind.PERCENT, Kind.QUANTITY, Kind.SECONDS})

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for: local days from `first` to `last`, both inclusive, in a zone; and the other parameters."""

    first: dt.date
    last: dt.date
    zone: ZoneInfo
    at: dt.datetime
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def begins_at(self) -> dt.datetime:
        """The instant at which the first day begins."""
        return self.midnight(self.first)

    @property
    def ends_at(self) -> dt.datetime:
        """The instant at which the last day ends."""
        return self.midnight(self.last + dt.timedelta(days=1))

    def midnight(self, day: dt.date) -> dt.datetime:
        """Give the instant at which a day begins, UTC."""
        return dt.datetime.combine(day, dt.time(), tzinfo=self.zone).astimezone(dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    A column: `key` finds its value in a row, `unit` stands in the heading of files.

    `link` gives the address of the rows that a number counts; None where there are none.
    """

    key: str
    title: Any
    kind: Kind = Kind.TEXT
    unit: Any = ""
    link: Callable[[Row, Asked], str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series of a chart; None is a place without a value, and no line goes over it."""

    title: Any
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart over the places of `labels`: stacked bars, or lines."""

    title: Any
    labels: Sequence[str]
    lines: Sequence[Line]
    unit: str = ""
    stacked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a report found: rows in order, sums over all of them, and a chart where one says more."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    totals: Row | None = None
    chart: Chart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter beside the period: one of `choices`, or a whole number where there are none; empty is allowed."""

    name: str
    label: Any
    choices: Callable[[], Sequence[tuple[str, Any]]] | None = None
    default: str = ""
    required: bool = False
    help: Any = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    A report by its name.

    `rights` are all needed to see it, `offered` says whether the site uses what it speaks of.
    """

    name: str
    title: Any
    description: Any
    rights: tuple[str, ...]
    answer: Callable[[Asked], Answer]
    parameters: tuple[Parameter, ...] = ()
    period: str = "LAST_7_DAYS"
    offered: Callable[[], bool] = lambda: True

    def is_permitted(self, user: Any) -> bool:
        """Whether a person may see it."""
        return bool(user.has_perms(self.rights))


def percent(part: float | None, whole: float | None) -> float | None:
    """Give a share in per cent; nothing of nothing is no share."""
    return None if not whole or part is None else 100.0 * float(part) / float(whole)


def sums(rows: Sequence[Row], *keys: str) -> dict[str, Any]:
    """Add up columns over all rows; one in which nothing stands has no sum."""
    found: dict[str, Any] = {}
    for key in keys:
        values = [row[key] for row in rows if row.get(key) is not None]
        found[key] = sum(values) if values else None
    return found
