"""What the forms of rules draw the fields of a rule's parameters from: its own declarations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, pgettext

from foundation.words import in_words
from vee.engine import registry
from vee.engine.description import ParameterField


CONTEXT = "rule parameter"
"""Sets the names of parameters, their choices and units apart in the catalogue of translations."""
_COMPARISONS = {
    "EQ": "equal to", "NE": "other than", "LT": "below", "LE": "at most", "GT": "above", "GE": "at least",
}  # fmt: skip
_SPELT_OUT = {
    "imd": "IMD", "uom": "unit", "sp": "service point", "mct": "component type", "todo": "To Do", "pct": "", "s": "",
}  # fmt: skip
# Lists of these are written as texts with commas between them; any other list is typed as JSON.
_WRITTEN_IN_A_LINE = ("text", "decimal", "whole number", "choice")


def declarations() -> dict[str, list[dict[str, Any]]]:
    """Give the parameters of every rule that can run, by its name, for `rule-parameters.js`."""
    return {
        name: [_declaration(field) for field in registry.describe(name).parameters]
        for name in sorted(registry.AVAILABLE)
    }


def label_of(name: str) -> str:
    """Give a parameter's name as a form writes it, in the language of whoever reads the form."""
    return pgettext(CONTEXT, _spelt(name))


def in_words_of(rule: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the parameters that a rule was given, each name with its value, in the language of the reader."""
    fields = registry.describe(rule).parameters if rule in registry.AVAILABLE else ()
    declared = {field.name: field for field in fields}
    return [(label_of(name), _value_in_words(declared.get(name), value)) for name, value in parameters.items()]


def _value_in_words(field: ParameterField | None, value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value is None:
        return "–"
    if field is not None and field.kind == "condition range" and isinstance(value, list):
        return " – ".join(map(str, value))
    if isinstance(value, list):
        return ", ".join(_value_in_words(field, each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{label_of(name)}: {_value_in_words(None, each)}" for name, each in value.items())
    if field is not None and str(value) in field.choices:
        return pgettext(CONTEXT, _choice(str(value)))
    unit = pgettext(CONTEXT, field.unit) if field is not None and field.unit else ""
    return f"{value} {unit}".strip()


def texts() -> set[str]:
    """Give the names of all parameters, their choices and units in English: what `declarations` translates."""
    found: set[str] = set()
    for name in registry.AVAILABLE:
        for field in registry.describe(name).parameters:
            found |= {_spelt(field.name), field.unit, *map(_choice, field.choices)}
    return {text for text in found if any(letter.isalpha() for letter in text)}


def _spelt(name: str) -> str:
    text = " ".join(filter(None, (_SPELT_OUT.get(word, word) for word in name.split("_"))))
    return text[:1].upper() + text[1:]


def _choice(value: str) -> str:
    return _COMPARISONS.get(value) or _spelt(value.lower())


def refusal(error: registry.UnableToReadParameters) -> str:
    """Say which parameter does not fit and why."""
    name = error.pointer.lstrip("/").partition("/")[0]
    return f"{label_of(name)}: {in_words(error)}" if name else in_words(error)


def _declaration(field: ParameterField) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": label_of(field.name),
        "kind": _drawn_as(field),
        "help": in_words(field.help),
        "unit": pgettext(CONTEXT, field.unit) if field.unit else "",
        "default": field.default,
        "required": field.required,
        "optional": field.optional,
        "bounds": _bounds(field),
        "choices": [(choice, pgettext(CONTEXT, _choice(choice))) for choice in field.choices],
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
