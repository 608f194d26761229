"""A lookup written out in a configuration document: everything that it has, columns and rows in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lookups.columns import Column
from lookups.folding import Folding
from lookups.kinds import Kind
from lookups.operations.saving import UnableToSaveLookup
from lookups.refusals import refusal


WHOLE_KEYS = ("kind", "description", "strict", "aliases", "columns", "rows")
_COLUMN_KEYS = frozenset({"name", "folding", "unique", "aliases"})


def is_whole(contents: Mapping[Any, Any]) -> bool:
    """Tell a lookup that is written out from properties: no property has a list for its value."""
    return isinstance(contents.get("rows"), list) or isinstance(contents.get("columns"), list)


def read_whole(contents: Mapping[Any, Any]) -> dict[str, Any]:
    """
    Give what `save_lookup` takes for a lookup that is written out; what it does not name stays.

    :raises UnableToSaveLookup: with everything that does not fit.
    """
    errors = [
        refusal(str(key), code="unknown_key", message=f"{key} is not known; known are {', '.join(WHOLE_KEYS)}.")
        for key in contents
        if key not in WHOLE_KEYS
    ]
    given: dict[str, Any] = {}
    for key, read in _READ.items():
        if key not in contents or key in given:
            continue
        try:
            given[key] = read(contents[key])
        except _Misfit as misfit:
            errors.append(refusal(key, *misfit.steps, code="invalid", message=str(misfit)))
    if errors:
        raise UnableToSaveLookup(errors)
    return given


class _Misfit(Exception):
    def __init__(self, message: str, *steps: str | int) -> None:
        super().__init__(message)
        self.steps = steps


def _kind(value: object) -> Kind:
    try:
        return Kind(str(value))
    except ValueError:
        raise _Misfit(f"The kind of a lookup is one of {', '.join(Kind)}.") from None


def _description(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Misfit("A description is a text.")
    return value


def _strict(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Misfit("strict is true or false.")
    return value


def _names(value: object, *steps: str | int) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(name, str) for name in value):
        raise _Misfit("This is a list of names.", *steps)
    return list(value)


def _columns(value: object) -> list[str | Column]:
    if not isinstance(value, list):
        raise _Misfit("The columns are a list.")
    return [_column(index, declared) for index, declared in enumerate(value)]


def _column(index: int, declared: object) -> str | Column:
    if isinstance(declared, str):
        return declared
    if not isinstance(declared, Mapping) or not isinstance(declared.get("name"), str):
        raise _Misfit("A column is a name, or a mapping with name, folding, unique and aliases.", index)
    unknown = sorted(set(declared) - _COLUMN_KEYS, key=str)
    if unknown:
        raise _Misfit(f"{unknown[0]} is not known of a column.", index, str(unknown[0]))
    try:
        folding = Folding(str(declared.get("folding", Folding.EXACT)))
    except ValueError:
        raise _Misfit(f"The folding is one of {', '.join(Folding)}.", index, "folding") from None
    unique = declared.get("unique", False)
    if not isinstance(unique, bool):
        raise _Misfit("unique is true or false.", index, "unique")
    aliases = _names(declared.get("aliases", []), index, "aliases")
    return Column(name=declared["name"], folding=folding, unique=unique, aliases=tuple(aliases))


def _rows(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _Misfit("The rows are a list.")
    return value


_READ: dict[str, Any] = {
    "kind": _kind,
    "description": _description,
    "strict": _strict,
    "aliases": _names,
    "columns": _columns,
    "rows": _rows,
}
