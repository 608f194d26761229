"""
Design-time audit (`integration.md` 6.7): who changed what of the configuration, when and why, over all of its tables.

Read from the history that each table keeps of itself, and from the versions of lookups. Values of secrets are in no
history, so they cannot appear here.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Model, Q
from django.utils.text import capfirst

from foundation.spreadsheets import csv_line, safe_cell
from lookups.models import LookupVersion


MAX_ROWS = 10_000
"""What one download holds at most."""

_ACTIONS = {"+": "CREATE", "~": "CHANGE", "-": "DELETE"}
_LOOKUPS = "lookups.lookup"
COLUMNS = ("at", "by", "component", "name", "action", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change: when, by whom, of what, how, and why."""

    at: dt.datetime
    by: str
    component: str
    name: str
    action: str
    reason: str


def components() -> list[tuple[str, str]]:
    """Give what can be asked for: (key, label)."""
    found = [(model._meta.label_lower, str(capfirst(model._meta.verbose_name))) for model in _models()]
    return sorted([*found, (_LOOKUPS, "Lookup")], key=lambda each: each[1])


def entries(
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    by: str = "",
    component: str = "",
    action: str = "",
    search: str = "",
    limit: int = MAX_ROWS,
) -> list[Entry]:
    """
    Give the changes that fit, the latest first, at most `limit`.

    :param component: one of `components()`; :param action: CREATE, CHANGE or DELETE; :param by: an account's name.
    """
    wanted = [model for model in _models() if component in ("", model._meta.label_lower)]
    found: list[Entry] = []
    for model in wanted:
        found += itertools.islice(_of_model(model, since, until, by, action), limit)
    if component in ("", _LOOKUPS) and action in ("", "CHANGE"):
        found += itertools.islice(_of_lookups(since, until, by), limit)
    text = search.strip().casefold()
    if text:
        found = [each for each in found if text in f"{each.name} {each.reason}".casefold()]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def as_csv(rows: list[Entry]) -> str:
    """Give changes as CSV that is safe to open in a spreadsheet."""
    lines = [csv_line(COLUMNS)]
    for row in rows:
        at = f"{row.at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        texts = (row.by, row.component, row.name, row.action, row.reason)
        lines.append(csv_line([at, *(safe_cell(text) for text in texts)]))
    return "".join(lines)


def _models() -> list[type[Model]]:
    return [model for model in apps.get_models() if hasattr(model._meta, "simple_history_manager_attribute")]


def _history_of(model: type[Model]) -> Any:
    attribute = model._meta.simple_history_manager_attribute  # type: ignore[attr-defined]
    return getattr(model, attribute).model


def _of_model(
    model: type[Model], since: dt.datetime | None, until: dt.datetime | None, by: str, action: str
) -> Iterator[Entry]:
    condition = Q()
    if since is not None:
        condition &= Q(history_date__gte=since)
    if until is not None:
        condition &= Q(history_date__lt=until)
    if by:
        condition &= Q(history_user__username=by)
    if action:
        condition &= Q(history_type__in=[sign for sign, name in _ACTIONS.items() if name == action])
    rows = _history_of(model).objects.filter(condition).select_related("history_user").order_by("-history_date", "-pk")
    label = str(capfirst(model._meta.verbose_name))
    for row in rows[:MAX_ROWS].iterator(chunk_size=500):
        yield Entry(
            at=row.history_date,
            by=row.history_user.get_username() if row.history_user else "system",
            component=label,
            name=_name(row),
            action=_ACTIONS.get(row.history_type, row.history_type),
            reason=row.history_change_reason or "",
        )


def _of_lookups(since: dt.datetime | None, until: dt.datetime | None, by: str) -> Iterator[Entry]:
    condition = Q()
    if since is not None:
        condition &= Q(at__gte=since)
    if until is not None:
        condition &= Q(at__lt=until)
    if by:
        condition &= Q(by_name=by)
    rows = LookupVersion.objects.filter(condition).select_related("lookup").order_by("-at", "-pk")
    for row in rows[:MAX_ROWS].iterator(chunk_size=500):
        yield Entry(
            at=row.at,
            by=row.by_name or "system",
            component="Lookup",
            name=f"{row.lookup.name} version {row.number}",
            action="CHANGE",
            reason=row.note,
        )


def _name(row: Any) -> str:
    if getattr(row, "mapping", "") and getattr(row, "version", None):
        # A version of a mapping overlay.
        return f"{row.mapping} version {row.version}"
    for field in ("name", "code", "external_id", "identifier"):
        value = getattr(row, field, "")
        if value:
            return str(value)
    # Not every record is known by an id: a retry policy is by the kind of IMD that it is for.
    return f"#{getattr(row, row.instance_type._meta.pk.attname)}"
