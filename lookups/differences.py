"""What changed between two states of a lookup, in a form that people and programs read. Plain Python."""

from __future__ import annotations

import difflib
import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lookups.columns import Column
from lookups.contents import Row
from lookups.folding import fold
from lookups.states import State


# Pairs of equal rows up to which rows without a unique column are matched rather than compared place by place.
MAX_PAIRS = 50_000


class Change(enum.StrEnum):
    """What happened to a row."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row that differs; positions count from 1, and cells hold (before, after) of what differs."""

    change: Change
    before_position: int | None
    after_position: int | None
    cells: dict[str, tuple[str, str]]
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All that differs between two states."""

    settings: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    columns: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    rows: tuple[RowChange, ...] = ()
    reordered: bool = False

    def __bool__(self) -> bool:
        return bool(self.settings or self.columns or self.rows or self.reordered)

    def count(self, change: Change) -> int:
        """Give the number of rows to which this happened."""
        return sum(1 for row in self.rows if row.change is change)

    @property
    def summary(self) -> str:
        """A short sentence, such as `2 rows added, 1 changed; columns changed`."""
        words = {Change.ADDED: "added", Change.CHANGED: "changed", Change.REMOVED: "removed"}
        counts = [f"{self.count(change)} {word}" for change, word in words.items() if self.count(change)]
        parts = ["Rows: " + ", ".join(counts)] if counts else []
        if self.reordered:
            parts.append("order of rows changed")
        if self.columns:
            parts.append("columns changed: " + ", ".join(self.columns))
        if self.settings:
            parts.append(", ".join(self.settings) + " changed")
        return "; ".join(parts) or "No change"

    def details(self, *, limit: int = 5) -> str:
        """The summary and the first cells that differ, such as `… (CA: Site 'A' → 'B')`."""
        cells = [
            f"{row.label or row.after_position or row.before_position}: {name} {before!r} → {after!r}"
            for row in self.rows
            for name, (before, after) in row.cells.items()
        ]
        if not cells:
            return self.summary
        return f"{self.summary}: {'; '.join(cells[:limit])}{'; …' if len(cells) > limit else ''}"

    def as_json(self) -> dict[str, Any]:
        """Give the difference for a problem document or an API answer."""
        return {
            "settings": {name: list(pair) for name, pair in self.settings.items()},
            "columns": {name: list(pair) for name, pair in self.columns.items()},
            "rows": [
                {
                    "change": row.change.value,
                    "before_position": row.before_position,
                    "after_position": row.after_position,
                    "cells": {name: list(pair) for name, pair in row.cells.items()},
                }
                for row in self.rows
            ],
            "reordered": self.reordered,
        }


def compare(before: State, after: State) -> Difference:
    """Give what differs between two states of a lookup."""
    row_changes, reordered = _compare_rows(before, after)
    return Difference(
        settings={
            name: (_plain(getattr(before, name)), _plain(getattr(after, name)))
            for name in ("kind", "description", "strict", "aliases")
            if getattr(before, name) != getattr(after, name)
        },
        columns=_compare_columns(before.columns, after.columns),
        rows=tuple(row_changes),
        reordered=reordered,
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, enum.Enum) else value


def _compare_columns(before: Sequence[Column], after: Sequence[Column]) -> dict[str, tuple[Any, Any]]:
    old = {column.name: column for column in before}
    new = {column.name: column for column in after}
    changes: dict[str, tuple[Any, Any]] = {}
    for name in [*new, *(name for name in old if name not in new)]:
        if old.get(name) != new.get(name):
            changes[name] = (
                old[name].as_json() if name in old else None,
                new[name].as_json() if name in new else None,
            )
    if not changes and list(old) != list(new):
        changes["order"] = (list(old), list(new))
    return changes


def _compare_rows(before: State, after: State) -> tuple[list[RowChange], bool]:
    key = _key_column(before, after)
    if key is not None:
        return _compare_keyed(before, after, key)
    return _compare_in_order(before, after), False


def _key_column(before: State, after: State) -> Column | None:
    old = {column.name for column in before.columns if column.unique}
    return next((column for column in after.columns if column.unique and column.name in old), None)


def _compare_keyed(before: State, after: State, key: Column) -> tuple[list[RowChange], bool]:
    old = {fold(row[key.name], key.folding): position for position, row in enumerate(before.rows, start=1)}
    new = {fold(row[key.name], key.folding): position for position, row in enumerate(after.rows, start=1)}
    changes: list[RowChange] = []
    for value, position in new.items():
        earlier = old.get(value)
        change = _row_change(
            before.rows[earlier - 1] if earlier else None, after.rows[position - 1], earlier, position, key.name
        )
        if change is not None:
            changes.append(change)
    for value, position in old.items():
        if value not in new:
            change = _row_change(before.rows[position - 1], None, position, None, key.name)
            if change is not None:
                changes.append(change)
    kept_before = [value for value in old if value in new]
    kept_after = [value for value in new if value in old]
    return changes, kept_before != kept_after


def _compare_in_order(before: State, after: State) -> list[RowChange]:
    names = list(dict.fromkeys(column.name for column in (*before.columns, *after.columns)))
    old = [tuple(row.get(name, "") for name in names) for row in before.rows]
    new = [tuple(row.get(name, "") for name in names) for row in after.rows]
    changes: list[RowChange] = []
    for old_from, old_to, new_from, new_to in _stretches(old, new):
        for offset in range(max(old_to - old_from, new_to - new_from)):
            earlier = old_from + offset if old_from + offset < old_to else None
            later = new_from + offset if new_from + offset < new_to else None
            change = _row_change(
                before.rows[earlier] if earlier is not None else None,
                after.rows[later] if later is not None else None,
                earlier + 1 if earlier is not None else None,
                later + 1 if later is not None else None,
                names[0] if names else "",
            )
            if change is not None:
                changes.append(change)
    return changes


def _stretches(old: Sequence[tuple[str, ...]], new: Sequence[tuple[str, ...]]) -> list[tuple[int, int, int, int]]:
    # Rows that repeat many times over make the matching slow beyond use: such tables are compared place by place.
    counts = Counter(old)
    if sum(counts[row] for row in new) > MAX_PAIRS:
        pairs = zip(old, new, strict=False)
        common = min(len(old), len(new))
        places = [(at, at + 1, at, at + 1) for at, (before, after) in enumerate(pairs) if before != after]
        return [*places, (common, len(old), common, len(new))]
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    return [codes[1:] for codes in matcher.get_opcodes() if codes[0] != "equal"]


def _row_change(
    old: Row | None, new: Row | None, before_position: int | None, after_position: int | None, label: str
) -> RowChange | None:
    names = dict.fromkeys([*(new or {}), *(old or {})])
    cells = {
        name: ((old or {}).get(name, ""), (new or {}).get(name, ""))
        for name in names
        if (old or {}).get(name, "") != (new or {}).get(name, "")
    }
    kind = Change.CHANGED if old is not None and new is not None else Change.REMOVED if new is None else Change.ADDED
    if kind is Change.CHANGED and not cells:
        return None
    return RowChange(
        change=kind,
        before_position=before_position,
        after_position=after_position,
        cells=cells,
        label=(new or old or {}).get(label, ""),
    )
