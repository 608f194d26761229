"""What the parts of the home page are made of: numbers, each with the list that shows exactly what it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from foundation import counting
from foundation.counting import Counted


def rows_address(view: str, **filters: Any) -> str:
    """Give the address of a list of the admin with filters."""
    address = reverse(f"admin:{view}")
    return f"{address}?{urlencode(filters)}" if filters else address


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Rows that are counted for whoever may see their list; `tone` says how a number above 0 is meant."""

    key: str
    label: Any
    permission: str
    rows: QuerySet[Any]
    view: str
    filters: dict[str, Any] = field(default_factory=dict)
    tone: str = "bad"
    note: Any = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number with its list. Tones: bad and warn need a person, info does not."""

    key: str
    label: Any
    count: Counted
    address: str
    tone: str = "bad"
    note: Any = ""

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody should do something about it."""
        return bool(self.count) and self.tone in ("bad", "warn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One subject of the page: its facts, its tables by name, its trends."""

    key: str
    title: Any
    facts: Sequence[Fact]
    tables: dict[str, Any] = field(default_factory=dict)
    charts: Sequence[Any] = ()

    @property
    def template(self) -> str:
        """The tables of this subject."""
        return f"admin/home/{self.key}.html"


def counted(watched: Sequence[Watched], user: Any) -> dict[str, Fact]:
    """Count what the person may see, by key, in one query."""
    permitted = [each for each in watched if user.has_perm(each.permission)]
    numbers = counting.counts({each.key: each.rows for each in permitted})
    return {
        each.key: Fact(
            key=each.key,
            label=each.label,
            count=numbers[each.key],
            address=rows_address(each.view, **each.filters),
            tone=each.tone,
            note=each.note,
        )
        for each in permitted
    }
