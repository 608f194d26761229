"""What a question of reconciliation consists of: views with a number, columns, filters, and who may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integration.reconciliation_queries import Selection


Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: what a row has in it, and the page that it leads to."""

    label: Text
    value: Callable[[Any], Any]
    address: Callable[[Any], str | None] | None = None
    counts: str = ""
    """The view whose rows, of this row's event, the number counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A set of rows that has a number; `gap`: there should be none of them."""

    code: str
    label: Text
    rows: Callable[[Selection], QuerySet[Any]]
    gap: bool = False
    dacs_side: bool = False
    columns: tuple[Column, ...] = ()
    """Where they are others than the question's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A page of reconciliation."""

    code: str
    title: Text
    explanation: Text
    date_label: Text
    permissions: tuple[str, ...]
    filters: tuple[str, ...]
    views: tuple[View, ...]
    columns: tuple[Column, ...]
    days: int | None = None
    """How many days back the page looks when nobody says."""
    dacs_side: bool = False
    with_dacs_side: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None
    """What its rows are told of the DACS side, where that is on."""
    dacs_side_columns: tuple[Column, ...] = ()


def page_of(view: str, key: Callable[[Any], Any]) -> Callable[[Any], str | None]:
    """Give what leads from a row to the page of the record with this key, in the admin."""

    def address(row: Any) -> str | None:
        found = key(row)
        return None if found is None else reverse(f"admin:{view}_change", args=[found])

    return address


def label_of(choices: Any, value: str | None) -> Any:
    """Give the label of a value that was annotated; empty for none."""
    return "" if not value else dict(choices.choices).get(value, value)


RUN = Column(
    label=_("Run"),
    value=lambda row: row.run_id,
    address=page_of("integration_flowrun", lambda row: row.run_id),
)
HEAD_END = Column(label=_("Head-end system"), value=lambda row: row.head_end_system)
