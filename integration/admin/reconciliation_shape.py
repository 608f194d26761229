"""What a question of reconciliation consists of: views with a number, columns, filters, and who may see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foundation.admin import COUNTED, bounded, bounded_count
from foundation.counting import counts_by_value
from integration.reconciliation_queries import Selection, number_by_event


Text = str | Promise
# A pass over so many rows takes about as long as a person waits.
COUNTED_TOGETHER = 5 * COUNTED


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
    states: tuple[str, ...] | None = None
    """Its rows are those of the question's `counted` in these states; none: all of them. None: it is counted alone."""
    by_event: bool = False
    """Its rows are those of events, compared with others of the same event: they are counted event by event."""


def of_states(code: str, label: Text, rows: Callable[..., QuerySet[Any]], *states: str, gap: bool = False) -> View:
    """Give the view of a question's `counted` rows in these states; without any, of all of them."""
    return View(code=code, label=label, rows=lambda chosen: rows(chosen, *states), states=states, gap=gap)


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
    counted: Callable[[Selection], QuerySet[Any]] | None = None
    """Rows of which several views show some states: they are counted in one pass, by `state_field`."""
    state_field: str = "state"
    days: int | None = None
    """How many days back the page looks when nobody says."""
    dacs_side: bool = False
    with_dacs_side: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None
    """What its rows are told of the DACS side, where that is on."""
    dacs_side_columns: tuple[Column, ...] = ()

    def counts(self, views: Sequence[View], selection: Selection) -> dict[str, int]:
        """Give how many rows each view has, by its code; what has more than `COUNTED` is not counted to its end."""
        found = self._counts_by_state(views, selection)
        for view in views:
            if view.by_event:
                found[view.code] = bounded(number_by_event(view.rows, selection))
            elif view.code not in found:
                found[view.code] = bounded_count(view.rows(selection))
        return found

    def _counts_by_state(self, views: Sequence[View], selection: Selection) -> dict[str, int]:
        together = [view for view in views if view.states is not None]
        if self.counted is None or not together:
            return {}
        by_state = counts_by_value(self.counted(selection), self.state_field, at_most=COUNTED_TOGETHER)
        if by_state is None:
            # Of so many, what is rare is found faster by a question of its own.
            return {}
        counts = {
            view.code: sum(number for state, number in by_state.items() if not view.states or state in view.states)
            for view in together
        }
        return {code: bounded(count) for code, count in counts.items()}


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
