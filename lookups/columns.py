"""Columns of a lookup: named freely, each with its folding and whether a value may stand twice. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lookups.folding import Folding
from lookups.refusals import refusal


MAX_COLUMN_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    One column.

    `unique` refuses a value that stands twice after folding. `aliases` are other spellings of the name, accepted
    on import and when reading (C-38).
    """

    name: str
    folding: Folding = Folding.EXACT
    unique: bool = False
    aliases: tuple[str, ...] = ()

    def answers_to(self, name: str) -> bool:
        """Whether this is the column of that name or of that other spelling."""
        return name == self.name or name in self.aliases

    def as_json(self) -> dict[str, Any]:
        """Give the declaration as it is stored."""
        stored: dict[str, Any] = {"name": self.name, "folding": self.folding.value, "unique": self.unique}
        if self.aliases:
            stored["aliases"] = list(self.aliases)
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Column:
        """Read a stored declaration."""
        return cls(
            name=stored["name"],
            folding=Folding(stored.get("folding", Folding.EXACT)),
            unique=bool(stored.get("unique", False)),
            aliases=tuple(stored.get("aliases", ())),
        )


def read_columns(stored: Iterable[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Read the stored declarations of a table."""
    return tuple(Column.from_json(declaration) for declaration in stored)


def find_column(columns: Iterable[Column], name: str) -> Column | None:
    """Give the column of that name, or else the one with that other spelling."""
    columns = tuple(columns)
    exact = next((column for column in columns if column.name == name), None)
    return exact or next((column for column in columns if name in column.aliases), None)


def declare(names: Sequence[str | Column], *, known: Sequence[Column] = ()) -> tuple[Column, ...]:
    """
    Give declarations for column names: those that the table has keep theirs.

    A table that has none of them gets the default: the first column is unique, compared exactly.
    """
    declared: list[Column] = []
    kept = False
    for name in names:
        if isinstance(name, Column):
            declared.append(name)
            kept = True
            continue
        column = find_column(known, name)
        declared.append(column or Column(name=name))
        kept = kept or column is not None
    if declared and not kept:
        declared[0] = replace(declared[0], unique=True)
    return tuple(declared)


def check_columns(columns: Sequence[Column]) -> list[dict[str, str]]:
    """Give what is wrong with the columns of a table; an empty list when nothing is."""
    errors: list[dict[str, str]] = []
    if len(columns) < 2:
        errors.append(refusal("columns", code="too_few", message="A lookup needs at least two columns."))
    seen: dict[str, int] = {}
    for index, column in enumerate(columns):
        name = column.name
        if not isinstance(name, str) or not name.strip():
            errors.append(refusal("columns", index, code="required", message="A column needs a name."))
            continue
        if len(name) > MAX_COLUMN_NAME or name != name.strip() or any(ord(character) < 32 for character in name):
            errors.append(
                refusal(
                    "columns",
                    index,
                    code="invalid",
                    message=f"The column name {name!r} is longer than {MAX_COLUMN_NAME} characters, "
                    "has white space around it or holds control characters.",
                )
            )
        folded = name.casefold()
        if folded in seen:
            errors.append(
                refusal(
                    "columns",
                    index,
                    code="duplicate",
                    message=f"The column {name!r} stands twice (as column {seen[folded] + 1} and {index + 1}).",
                )
            )
        seen.setdefault(folded, index)
    return errors
