"""The functions of overlay expressions: JMESPath's own, for exact numbers, and ours. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import jmespath.functions

from integration.flows import canonical
from integration.flows.overlay_limits import MAX_TEXT, ExpressionFailed, ExpressionTooCostly


Declared = TypeVar("Declared", bound=Callable[..., Any])

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")

Lookup = Callable[[str, str, str, str], str | None]
"""Translates: table, source column, value, target column; None when the value is not found."""


def signature(*arguments: dict[str, Any]) -> Callable[[Declared], Declared]:
    """Declare the arguments of a function, as the library's decorator of that name does, with types."""

    def declare(function: Declared) -> Declared:
        function.signature = arguments  # type: ignore[attr-defined]
        return function

    return declare


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an expression reaches beside the element that it starts at."""

    message: Any
    target: Any
    context: Mapping[str, Any]
    lookup: Lookup


class Functions(jmespath.functions.Functions):  # type: ignore[misc]
    """JMESPath's functions, for exact numbers, and ours."""

    # Set by the evaluation that owns these functions; declared functions of the registry take none.
    surroundings: Surroundings | None = None

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> Any:
        if isinstance(value, str):
            text = value.strip()
            if not _NUMBER.fullmatch(text):
                return None
            return Decimal(text) if set(text) & set(".eE") else int(text)
        return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        return value if isinstance(value, str) else canonical.write(value).decode()

    @signature({"types": []})
    def _func_type(self, value: Any) -> Any:
        return "number" if isinstance(value, Decimal) else super()._func_type(value)

    @signature()
    def _func_message(self) -> Any:
        return self._known().message

    @signature()
    def _func_target(self) -> Any:
        return self._known().target

    @signature()
    def _func_context(self) -> Any:
        return self._known().context

    @signature({"types": ["string"]}, {"types": ["number"]}, {"types": ["number"]})
    def _func_substring(self, text: str, start: int, length: int) -> str:
        first = max(int(start), 0)
        return text[first : first + max(int(length), 0)]

    @signature({"types": ["string"]})
    def _func_upper(self, text: str) -> str:
        return text.upper()

    @signature({"types": ["string"]})
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @signature({"types": ["string"]})
    def _func_trim(self, text: str) -> str:
        return text.strip()

    @signature({"types": ["string"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, text: str, old: str, new: str) -> str:
        # At most twice the text's length of pieces, each of at most the new text: checked before it is made.
        if len(text) + text.count(old) * len(new) > MAX_TEXT:
            raise ExpressionTooCostly(f"replace() makes a text of more than {MAX_TEXT} characters")
        return text.replace(old, new)

    @signature({"types": ["string"]}, {"types": ["string"]}, {"types": []}, {"types": ["string"], "variadic": True})
    def _func_lookupValue(self, table: str, source: str, value: Any, target: str, *default: Any) -> Any:  # noqa: N802
        if value is None or value == "":
            return default[0] if default else None
        if not isinstance(value, str):
            value = str(value) if isinstance(value, int) and not isinstance(value, bool) else None
        if value is None:
            raise ExpressionFailed("lookupValue() looks up texts and whole numbers")
        found = self._known().lookup(table, source, value, target)
        if found is not None:
            return found
        if not default:
            raise ExpressionFailed(f"the lookup {table} does not hold the value in {source}")
        return default[0]

    def _known(self) -> Surroundings:
        assert self.surroundings is not None  # noqa: S101  (the evaluation sets it before it starts)
        return self.surroundings

    def _get_allowed_pytypes(self, types: list[str]) -> Any:
        allowed, subtypes = super()._get_allowed_pytypes(types)
        exact = "Decimal"
        return (
            [*allowed, exact] if "float" in allowed else allowed,
            [(*names, exact) if "float" in names else names for names in subtypes],
        )

    def _convert_to_jmespath_type(self, name: str) -> Any:
        return "number" if name == "Decimal" else super()._convert_to_jmespath_type(name)
