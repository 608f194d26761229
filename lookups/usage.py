"""Where lookups are used: flows say at import which table and columns they read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lookups.names import name_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One reader of a lookup, and the columns that it reads."""

    table: str
    used_by: str
    columns: tuple[str, ...]


_uses: dict[tuple[str, str], Use] = {}


def register_use(*, table: str, used_by: str, columns: Sequence[str] = ()) -> None:
    """
    Say that something reads a lookup; saying it again adds columns.

    :param table: name or alias of the lookup.
    :param used_by: what a person knows the reader by, such as the flow's name.
    :param columns: the columns that it reads, which then cannot be taken away.
    """
    key = (name_key(table), used_by)
    earlier = _uses[key].columns if key in _uses else ()
    _uses[key] = Use(table=table, used_by=used_by, columns=tuple(dict.fromkeys([*earlier, *columns])))


def uses(*, names: Iterable[str]) -> list[Use]:
    """Give the readers of the lookup that has these names, ordered by reader."""
    keys = {name_key(name) for name in names}
    return sorted((use for (key, _), use in _uses.items() if key in keys), key=lambda use: use.used_by)


def columns_in_use(*, names: Iterable[str]) -> set[str]:
    """Give the columns that somebody reads."""
    return {column for use in uses(names=names) for column in use.columns}
