"""What is wrong with the fields of an overlay before any message is mapped with it. Plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integration.flows import overlay_expressions, overlays
from integration.flows.contract import Finding
from integration.flows.mapping_declarations import BaseMapping, NoPath, steps_of
from integration.flows.overlay_functions import Lookup
from integration.flows.overlays import Given, WhenEmpty


MAX_FIELDS = 50
"""Of one overlay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEdit:
    """
    A field as a person enters it.

    `extra`: the site says that its target has the element although this version does not know it.
    """

    target: str
    expression: str
    when_empty: str = WhenEmpty.KEEP
    extra: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found: with `errors` the overlay cannot be used; `cautions` are for the person who saves it."""

    errors: tuple[Finding, ...]
    cautions: tuple[Finding, ...]


def target_misfit(mapping: BaseMapping, target: str, *, extra: bool) -> str:
    """Give why an overlay cannot set this element of the target; empty when it can."""
    try:
        steps_of(target)
    except NoPath as error:
        return str(error)
    known = mapping.known(target)
    if known is not None:
        return "The hub and its peers know the message by it: an overlay cannot change it." if known.fixed else ""
    found = _place_misfit(mapping, target)
    if found or extra:
        return found
    return (
        f"{mapping.target} is not known to have {target}. Pick a known element, or say that it is an extra field of "
        "your release."
    )


def check(
    mapping: BaseMapping,
    fields: Sequence[FieldEdit],
    *,
    example_base: Mapping[str, Any],
    lookup: Lookup,
) -> Checked:
    """
    Check fields one by one, against each other, and on the mapping's example message.

    Pointers name the field and its member, as in `/fields/0/expression`.
    """
    errors = list(_field_errors(mapping, fields))
    if errors or not fields:
        return Checked(errors=tuple(errors), cautions=())
    trial = overlays.apply(
        overlays.overlay(
            mapping, version=0, fields=[(each.target, each.expression, each.when_empty) for each in fields]
        ),
        Given(
            message=mapping.example,
            base=example_base,
            rows=mapping.rows,
            context={"flow": mapping.flow, "mapping": mapping.name, "runId": "", "receivedAt": "2023-06-01T17:20:05Z"},
            lookup=lookup,
        ),
    )
    places = {each.target: index for index, each in enumerate(fields)}
    wrong: list[Finding] = []
    cautions: list[Finding] = []
    for failure in trial.failures:
        serious = failure.finding.code in ("invalid_value", "invalid_place")
        text = f"On the example message {failure.why}."
        if not serious:
            text = f"{text} A message on which it does so is not sent."
        pointer = f"/fields/{places[failure.target]}/expression"
        found = Finding(pointer=pointer, code=failure.finding.code, message=text)
        (wrong if serious else cautions).append(found)
    return Checked(errors=tuple(wrong), cautions=tuple(cautions))


def _field_errors(mapping: BaseMapping, fields: Sequence[FieldEdit]) -> Iterator[Finding]:
    if len(fields) > MAX_FIELDS:
        yield Finding(
            pointer="/fields", code="too_many", message=f"{len(fields)} fields; an overlay has up to {MAX_FIELDS}."
        )
    seen: dict[str, int] = {}
    for index, each in enumerate(fields):
        place = f"/fields/{index}"
        misfit = target_misfit(mapping, each.target, extra=each.extra) or _clash(each.target, seen)
        if misfit:
            yield Finding(pointer=f"{place}/target", code="invalid", message=misfit)
        seen.setdefault(each.target, index)
        try:
            overlay_expressions.compiled(each.expression)
        except overlay_expressions.UnusableExpression as error:
            yield Finding(pointer=f"{place}/expression", code="invalid", message=str(error))
        if each.when_empty not in list(WhenEmpty):
            choices = ", ".join(WhenEmpty)
            yield Finding(pointer=f"{place}/when_empty", code="invalid_choice", message=f"One of {choices}.")
        known = mapping.known(each.target)
        if known is not None and known.required and each.when_empty == WhenEmpty.LEAVE_OUT:
            text = f"The target requires {each.target}: it cannot be left out."
            yield Finding(pointer=f"{place}/when_empty", code="invalid_choice", message=text)


def _place_misfit(mapping: BaseMapping, target: str) -> str:
    """Give why no element of the target can stand there, known or not."""
    lists = {f"{path}[]" for path in mapping.lists}
    parts = target.split(".")
    for count in range(1, len(parts) + 1):
        path = ".".join(parts[:count])
        if path.endswith("[]") and path not in lists:
            return f"The target has no list {path.removesuffix('[]')}."
        if f"{path}[]" in lists:
            return f"{path} is a list: write {path}[] and name a field of its items."
        if count < len(parts) and mapping.known(path) is not None:
            return f"{path} is a single value: nothing stands below it."
    if any(known.path.startswith((f"{target}.", f"{target}[]")) for known in mapping.targets):
        return f"{target} is an object: name a field of it."
    return ""


def _clash(target: str, seen: Mapping[str, int]) -> str:
    for other, index in seen.items():
        if other == target:
            return f"Field {index + 1} sets {target} already."
        if target.startswith(f"{other}.") or other.startswith(f"{target}."):
            return f"Field {index + 1} sets {other}: one of the two would be lost."
    return ""
