"""What a lookup is at one version, and what an edit would make of it. Plain Python: nothing is read or written."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from lookups.columns import Column, check_columns, declare, find_column
from lookups.contents import Row, check_rows, read_rows
from lookups.kinds import Kind, check_kind, default_kind
from lookups.names import name_key
from lookups.refusals import refusal


MAX_NAME = 120
_UNUSABLE_NAME = re.compile(r"[/\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All of a lookup that a person can edit, at one version."""

    name: str
    kind: Kind = Kind.TABLE
    description: str = ""
    strict: bool = False
    aliases: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What an edit names; None leaves as it is."""

    columns: Sequence[str | Column] | None = None
    rows: Sequence[Mapping[str, object]] | None = None
    description: str | None = None
    strict: bool | None = None
    kind: Kind | None = None
    aliases: Sequence[str] | None = None


def edited(before: State, edit: Edit, *, needed: Collection[str] = ()) -> tuple[State, list[dict[str, str]]]:
    """
    Give the state after an edit, and what stands against it.

    :param needed: columns that the product itself reads from this lookup; they cannot be taken away.
    """
    columns = before.columns
    if edit.columns is not None:
        columns = declare(edit.columns, known=before.columns)
    elif not columns and edit.rows is not None:
        columns = declare(_names_in(edit.rows))
    errors = check_name(before.name) + check_columns(columns)
    kind = edit.kind or (before.kind if before.columns else default_kind(columns))
    after = replace(
        before,
        kind=kind,
        columns=columns,
        description=before.description if edit.description is None else edit.description,
        strict=before.strict if edit.strict is None else edit.strict,
        aliases=before.aliases if edit.aliases is None else tuple(edit.aliases),
    )
    for name in needed:
        if before.columns and find_column(columns, name) is None and find_column(before.columns, name) is not None:
            errors.append(
                refusal(
                    "columns",
                    code="column_in_use",
                    message=f"The column {name!r} is read by the product and cannot be taken away.",
                )
            )
    errors += check_aliases(after)
    if errors:
        return after, errors
    if edit.rows is None:
        # A column that is new stands empty, one that was taken away goes with its values.
        given: Sequence[Mapping[str, object]] = [
            {column.name: row.get(column.name, "") for column in columns} for row in before.rows
        ]
    else:
        given = edit.rows
    rows, errors = read_rows(columns, given)
    if not errors:
        errors = check_rows(columns, rows) + check_kind(kind, columns, rows)
    return replace(after, rows=tuple(rows)), errors


def check_name(name: str) -> list[dict[str, str]]:
    """Give what is wrong with a lookup's name."""
    if not name.strip() or len(name) > MAX_NAME or name != name.strip() or _UNUSABLE_NAME.search(name):
        return [
            refusal(
                "name",
                code="invalid",
                message=f"A lookup's name has 1 to {MAX_NAME} characters, no slash, no control character "
                "and no white space around it.",
            )
        ]
    return []


def check_aliases(state: State) -> list[dict[str, str]]:
    """Give what is wrong with a lookup's other names, as far as it can be told without the other lookups."""
    errors: list[dict[str, str]] = []
    seen = {name_key(state.name)}
    for index, alias in enumerate(state.aliases):
        wrong = check_name(alias)
        if wrong:
            errors.append(refusal("aliases", index, code="invalid", message=wrong[0]["message"]))
        elif name_key(alias) in seen:
            errors.append(refusal("aliases", index, code="duplicate", message=f"The name {alias!r} is given twice."))
        seen.add(name_key(alias))
    return errors


def _names_in(rows: Sequence[Mapping[str, object]]) -> list[str]:
    names: dict[str, None] = {}
    for row in rows:
        if isinstance(row, Mapping):
            names.update(dict.fromkeys(str(name) for name in row))
    return list(names)
