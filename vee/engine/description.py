"""Rules explained: for the admin's forms, for people who read a configuration, and for the reference page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vee.codes import Severity
from vee.engine import parameters as words
from vee.engine.findings import MAIN
from vee.engine.parameters import RuleParameters
from vee.engine.rule import FailurePoint, Rule
from vee.engine.sentences import FAILS, Said, gettext_noop


_HEADS = {
    Severity.INFO: Said(gettext_noop("Info")),
    Severity.ISSUE: Said(gettext_noop("Issue")),
    Severity.TERMINATE: Said(gettext_noop("Terminate")),
}
_CONSEQUENCES = {
    Severity.INFO: Said(gettext_noop("That is kept for reporting.")),
    Severity.ISSUE: Said(gettext_noop("That holds the IMD for a person, after the other rules have run.")),
    Severity.TERMINATE: Said(gettext_noop("That ends the run at once and holds the IMD for a person.")),
}
# Of a rule whose sentence does not begin with its severity.
_NAMED_CONSEQUENCES = {
    Severity.INFO: Said(gettext_noop("Then an Info is kept for reporting.")),
    Severity.ISSUE: Said(gettext_noop("Then an Issue holds the IMD for a person, after the other rules have run.")),
    Severity.TERMINATE: Said(gettext_noop("Then the run ends at once and the IMD is held for a person.")),
}
_INTRODUCTION = (
    "Generated from the rules' own declarations; a test keeps it equal to them. Severity and exception type of the "
    "main failure point are set on the rule's row in its VEE group. A rule takes part when the IMD's local start date "
    "lies in the row's period, both dates included."
)
_UNAVAILABLE = (
    "These names are accepted in a configuration. An IMD that reaches such a rule goes to EXCEPTION with a Terminate "
    "of type `RULE-NOT-AVAILABLE`."
)
_TYPE_NAMES = {"integer": "whole number", "boolean": "yes or no", "string": "text", "null": "", "array": "list"}


@dataclass(frozen=True, slots=True)
class ParameterField:
    """One parameter as a form shows it."""

    name: str
    kind: str
    """decimal, whole number, yes or no, choice, condition range, text or list."""
    help: str
    unit: str
    default: Any
    """As JSON would have it: decimals are strings."""
    required: bool
    optional: bool
    """Whether it may be left empty (null)."""
    minimum: int | None
    above: int | None
    maximum: int | None
    choices: tuple[str, ...]
    items: str
    """The kind of each of a list; empty for what is no list."""


@dataclass(frozen=True, slots=True)
class RuleDescription:
    """A rule as forms and documents show it."""

    name: str
    code: str
    title: str
    summary: str
    kinds: tuple[str, ...]
    roles: tuple[str, ...]
    failure_points: tuple[FailurePoint, ...]
    parameters: tuple[ParameterField, ...]


def describe(rule: Rule) -> RuleDescription:
    """Give what forms and documents show of a rule."""
    schema = words.schema(rule.parameters)
    required = schema.get("required", [])
    return RuleDescription(
        name=rule.name,
        code=rule.code,
        title=rule.title,
        summary=rule.summary,
        kinds=tuple(sorted(rule.kinds)),
        roles=tuple(sorted(rule.roles)),
        failure_points=rule.failure_points,
        parameters=tuple(_field(name, field, name in required) for name, field in schema["properties"].items()),
    )


def sentence(rule: Rule, parameters: RuleParameters, severity: Severity) -> Said:
    """Say what a configured rule does and, where it has a main failure point, what follows from it."""
    said = rule.sentence(parameters)
    if rule.estimates or (rule.never_fails is not None and rule.never_fails(parameters)):
        return said
    counts = Severity(rule.severity or severity)
    headed = said.replacing(FAILS, _HEADS[counts])
    return headed.with_ending((_NAMED_CONSEQUENCES if headed == said else _CONSEQUENCES)[counts])


def reference(rules: Sequence[Rule], unavailable: Sequence[str]) -> str:
    """Give the reference page of rules as Markdown."""
    parts = [
        "# VEE rules",
        _INTRODUCTION,
        *(_section(describe(rule), rule) for rule in sorted(rules, key=lambda rule: rule.name)),
    ]
    if unavailable:
        parts += [
            "## Not available in this version",
            _UNAVAILABLE,
            "\n".join(f"* `{name}`" for name in unavailable),
        ]
    return "\n\n".join(parts) + "\n"


def _section(shown: RuleDescription, rule: Rule) -> str:
    code = f", vendor's code {shown.code}" if shown.code else ""
    lines = [
        f"## {shown.title}",
        f"`{shown.name}`{code}. Kinds: {_listed(shown.kinds)}. Roles: {_listed(shown.roles)}.",
        shown.summary,
    ]
    if not any(field.required for field in shown.parameters):
        lines.append(f"With its defaults: {rule.sentence(rule.parameters())}")
    if shown.parameters:
        rows = [
            f"| `{field.name}` | {_kind_text(field)} | {_default_text(field)} | {field.help} |"
            for field in shown.parameters
        ]
        lines.append("\n".join(["| parameter | takes | default | meaning |", "|---|---|---|---|", *rows]))
    else:
        lines.append("No parameters.")
    if shown.failure_points:
        points = [
            f"| {'main' if point.name == MAIN else f'`{point.name}`'} | `{point.exception_type}` | {point.title} |"
            for point in shown.failure_points
        ]
        lines.append("\n".join(["| failure point | default exception type | when |", "|---|---|---|", *points]))
    return "\n\n".join(lines)


def _field(name: str, field: dict[str, Any], required: bool) -> ParameterField:
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    shape = {**options[0], **{key: value for key, value in field.items() if key != "anyOf"}}
    if "$ref" in shape:
        shape = {**shape, "enum": [severity.value for severity in Severity]}
    return ParameterField(
        name=name,
        kind=_kind(shape),
        help=shape.get("description", ""),
        unit=shape.get("unit", ""),
        default=field.get("default"),
        required=required,
        optional=len(options) < len(field.get("anyOf", [field])),
        minimum=shape.get("minimum"),
        above=shape.get("exclusiveMinimum"),
        maximum=shape.get("maximum"),
        choices=tuple(str(choice) for choice in shape.get("enum", ())),
        items=_item_kind(shape["items"]) if isinstance(shape.get("items"), dict) else "",
    )


def _kind(shape: dict[str, Any]) -> str:
    if "enum" in shape:
        return "choice"
    if shape.get("format") == "decimal":
        return "decimal"
    if "prefixItems" in shape:
        return "condition range"
    return _TYPE_NAMES[shape["type"]]


def _item_kind(shape: dict[str, Any]) -> str:
    # A reference is to a closed set of names.
    return "choice" if "$ref" in shape else _kind(shape)


def _kind_text(field: ParameterField) -> str:
    words_of = " or ".join(f"`{choice}`" for choice in field.choices) or field.kind
    bounds = f" ≥ {field.minimum}" if field.minimum is not None else ""
    bounds += f" > {field.above}" if field.above is not None else ""
    return words_of + bounds + (f", {field.unit}" if field.unit else "")


def _default_text(field: ParameterField) -> str:
    if field.required:
        return "required"
    if field.default is None or field.default == "":
        return "–"
    if field.kind == "condition range":
        return f"{field.default[0]}–{field.default[1]}"
    if isinstance(field.default, list):
        return ", ".join(map(str, field.default)) or "–"
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    return str(field.default)


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items)
