"""What the forms of rules draw the fields of a rule's parameters from: its own declarations."""

from __future__ import annotations

from typing import Any

from vee.engine import registry
from vee.engine.description import ParameterField


# Lists of these are written as texts with commas between them; any other list is typed as JSON.
_WRITTEN_IN_A_LINE = ("text", "decimal", "whole number", "choice")


def declarations() -> dict[str, list[dict[str, Any]]]:
    """Give the parameters of every rule that can run, by its name, for `rule-parameters.js`."""
    return {
        name: [_declaration(field) for field in registry.describe(name).parameters]
        for name in sorted(registry.AVAILABLE)
    }


def label_of(name: str) -> str:
    """Give a parameter's name as a form writes it."""
    text = name.replace("_pct", "").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def refusal(error: registry.UnableToReadParameters) -> str:
    """Say which parameter does not fit and why."""
    name = error.pointer.lstrip("/").partition("/")[0]
    return f"{label_of(name)}: {error}" if name else str(error)


def _declaration(field: ParameterField) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": label_of(field.name),
        "kind": _drawn_as(field),
        "help": field.help,
        "unit": field.unit,
        "default": field.default,
        "required": field.required,
        "optional": field.optional,
        "bounds": _bounds(field),
        "choices": field.choices,
        "numbers": field.items in ("decimal", "whole number"),
    }


def _drawn_as(field: ParameterField) -> str:
    if field.kind == "list" and field.items not in _WRITTEN_IN_A_LINE:
        return "json"
    return field.kind


def _bounds(field: ParameterField) -> str:
    low, high = field.minimum, field.maximum
    if low is not None and high is not None:
        return f"{low} – {high}"
    if low is not None:
        return f"≥ {low}"
    if field.above is not None:
        return f"> {field.above}"
    return "" if high is None else f"≤ {high}"
