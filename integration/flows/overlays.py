"""
Overlays: fields that a site adds to a base mapping's result, or sets otherwise than it does. Plain Python.

A field names an element of the target and a JMESPath expression. The expression starts at the message; for an element
of a list's items it starts at that item's own source: the asset, the device, the row of the file. What an expression
gives is checked against what the target takes. A field that cannot be set is a fault, never passed over.
"""

from __future__ import annotations

import copy
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integration.flows import overlay_expressions
from integration.flows.contract import Finding
from integration.flows.mapping_declarations import ROWS, BaseMapping, TargetField, steps_of
from integration.flows.overlay_expressions import Compiled
from integration.flows.overlay_functions import Lookup, Surroundings
from integration.flows.overlay_limits import Budget, ExpressionFailed


MAX_STEPS_OF_DOCUMENT = 2_000_000
"""Of all expressions for one document: a segment of rows is one."""
MAX_EXTRA_NODES = 1_000
"""Values in an extra field that is an object or a list."""


class WhenEmpty(enum.StrEnum):
    """What becomes of a field when its expression gives nothing: null, or an empty text."""

    KEEP = "KEEP"
    LEAVE_OUT = "LEAVE_OUT"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayField:
    """One line of an overlay, checked. `known` is the target's declaration; None for an extra field."""

    target: str
    steps: tuple[str, ...]
    expression: Compiled
    when_empty: WhenEmpty
    known: TargetField | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """An overlay ready to be applied."""

    mapping: BaseMapping
    version: int
    fields: tuple[OverlayField, ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return f"overlay {self.mapping.name} version {self.version}"

    @property
    def lookups(self) -> tuple[str, ...]:
        """The tables that its expressions name."""
        return tuple(
            dict.fromkeys(table for each in self.fields for table, _source, _target in each.expression.lookups)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an overlay works on: the message, the rows of its file, what the base mapping gave, and the run's facts."""

    message: Mapping[str, Any]
    base: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    lookup: Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A field that could not be set. `item` is its place in the outermost list; None: it is of the whole document."""

    target: str
    why: str
    finding: Finding
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The document with the overlay, the pointers of what it set (`added` or not), and what failed."""

    document: dict[str, Any]
    changed: Mapping[str, bool]
    failures: tuple[Failure, ...]


class OverlayFailed(Exception):
    """An overlay could not be applied to a message: a technical fault, with a pointer to each field of the target."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings)[:1000])
        self.findings = tuple(findings)


def apply(overlay: Overlay, given: Given) -> Applied:
    """
    Apply an overlay. The base result is not changed; each field sees it as the base mapping left it.

    Nothing is raised for a field that fails: it is told, and the document then is not to be sent, or not its item.
    """
    working = _Applying(overlay, given)
    for each in overlay.fields:
        working.set(each)
    return Applied(document=working.document, changed=working.changed, failures=tuple(working.failures))


class _Applying:
    """One document on its way."""

    def __init__(self, overlay: Overlay, given: Given) -> None:
        self._overlay = overlay
        self._given = given
        self._budget = Budget(MAX_STEPS_OF_DOCUMENT)
        self.document: dict[str, Any] = copy.deepcopy(dict(given.base))
        self.changed: dict[str, bool] = {}
        self.failures: list[Failure] = []

    def set(self, each: OverlayField) -> None:
        self._below(each, each.steps, self.document, self._given.base, self._given.message, "", "", None)

    def _below(
        self,
        each: OverlayField,
        steps: tuple[str, ...],
        place: dict[str, Any],
        base: Any,
        source: Any,
        path: str,
        pointer: str,
        item: int | None,
    ) -> None:
        """Go down to the next list of the path, or to its end, and set the field there."""
        if "[]" not in steps:
            self._set(each, steps, place, base, source, pointer, item)
            return
        at = steps.index("[]")
        names, rest = steps[:at], steps[at + 1 :]
        items, base_items = _at(place, names), _at(base, names)
        if not isinstance(items, list):
            return
        path = ".".join(part for part in (path, *names) if part)
        sources = self._sources(path, source, len(items))
        pointer = f"{pointer}/{'/'.join(names)}"
        for index, entry in enumerate(items):
            if isinstance(entry, dict):
                own = base_items[index] if isinstance(base_items, list) and index < len(base_items) else None
                outermost = index if item is None else item
                self._below(each, rest, entry, own, sources[index], f"{path}[]", f"{pointer}/{index}", outermost)

    def _sources(self, path: str, source: Any, count: int) -> Sequence[Any]:
        followed = self._overlay.mapping.lists.get(path, "")
        if followed == ROWS:
            found: Any = self._given.rows
        elif followed:
            found = _at(self._given.message, tuple(followed.split(".")))
        else:
            return [source] * count
        known = list(found) if isinstance(found, list | tuple) else []
        return [*known, *([None] * (count - len(known)))]

    def _set(
        self,
        each: OverlayField,
        names: tuple[str, ...],
        place: dict[str, Any],
        base: Any,
        source: Any,
        pointer: str,
        item: int | None,
    ) -> None:
        pointer = f"{pointer}/{'/'.join(names)}"
        given = self._given
        surroundings = Surroundings(message=given.message, target=base, context=given.context, lookup=given.lookup)
        try:
            value = overlay_expressions.evaluate(
                each.expression, source, surroundings=surroundings, budget=self._budget
            )
        except ExpressionFailed as error:
            self._fail(each, pointer, "expression_failed", str(error), item)
            return
        if value is None or value == "":
            if each.when_empty is WhenEmpty.FAIL:
                self._fail(each, pointer, "no_value", "it gives nothing", item)
            elif each.when_empty is WhenEmpty.LEAVE_OUT and _removed(place, names):
                self.changed[pointer] = False
            return
        misfit = each.known.misfit(value) if each.known is not None else why_no_json(value)
        if misfit:
            self._fail(each, pointer, "invalid_value", misfit, item)
            return
        for name in names[:-1]:
            below = place.setdefault(name, {})
            if not isinstance(below, dict):
                self._fail(each, pointer, "invalid_place", f"{name} is no object in the base mapping's result", item)
                return
            place = below
        self.changed[pointer] = names[-1] not in place
        # What is picked from the message stays the message's: nothing set later may reach into it.
        place[names[-1]] = copy.deepcopy(value) if isinstance(value, dict | list) else value

    def _fail(self, each: OverlayField, pointer: str, code: str, why: str, item: int | None) -> None:
        message = f"{self._overlay.name}, field {each.target}: {why}"
        finding = Finding(pointer=pointer, code=code, message=message)
        self.failures.append(Failure(target=each.target, why=why, finding=finding, item=item))


def overlay(mapping: BaseMapping, *, version: int, fields: Sequence[tuple[str, str, str]]) -> Overlay:
    """
    Make an overlay of stored fields `(target, expression, when empty)`, which were checked when they were saved.

    :raises UnusableExpression: when an expression is none, such as after an upgrade.
    :raises NoPath: when a target is no path.
    """
    return Overlay(
        mapping=mapping,
        version=version,
        fields=tuple(
            OverlayField(
                target=target,
                steps=steps_of(target),
                expression=overlay_expressions.compiled(expression),
                when_empty=WhenEmpty(when_empty),
                known=mapping.known(target),
            )
            for target, expression, when_empty in fields
        ),
    )


def why_no_json(value: Any) -> str:
    """Give why a value cannot stand in a message; empty when it can."""
    waiting, count = [(value, 0)], 0
    while waiting:
        each, depth = waiting.pop()
        count += 1
        if count > MAX_EXTRA_NODES or depth > 8:
            return f"it gives an object or list of more than {MAX_EXTRA_NODES} values, or more than 8 deep"
        if isinstance(each, dict):
            waiting.extend((below, depth + 1) for below in each.values())
        elif isinstance(each, list):
            waiting.extend((below, depth + 1) for below in each)
        elif each is not None and not isinstance(each, str | int | float | Decimal):
            # A reference to an expression, as in &name alone.
            return "it gives an expression, not a value"
        elif isinstance(each, float | Decimal) and not Decimal(each).is_finite():
            return "it gives a number that JSON cannot hold"
    return ""


def _at(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _removed(place: dict[str, Any], names: Sequence[str]) -> bool:
    parent = _at(place, names[:-1])
    if not isinstance(parent, dict) or names[-1] not in parent:
        return False
    del parent[names[-1]]
    return True
