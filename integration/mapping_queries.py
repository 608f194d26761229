"""Reads of base mappings, their overlays, and elements that no mapping takes up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from integration.choices import OverlayState
from integration.flows import base_mappings, overlay_checks, overlay_expressions
from integration.flows.base_mappings import UnknownMapping
from integration.flows.mapping_declarations import BaseMapping, MappedField, TargetField
from integration.models import MappingOverlay, MappingOverlayField, UnmappedElement


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """An element of a target as people read it: who sets it, what it is made of, and what it takes."""

    target: str
    origin: str
    lines: Sequence[MappedField]
    known: TargetField | None
    field: MappingOverlayField | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A field of an overlay that does not fit the base mapping of this version, and why."""

    overlay: MappingOverlay
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A base mapping with what a site has done about it."""

    mapping: BaseMapping
    active: MappingOverlay | None
    scheduled: MappingOverlay | None
    draft: MappingOverlay | None
    unmapped: Sequence[UnmappedElement]
    misfits: int


def overlays_of(mapping: str) -> QuerySet[MappingOverlay]:
    """Give the versions of an overlay, the latest first, with their fields."""
    return MappingOverlay.objects.filter(mapping=mapping).prefetch_related("fields").order_by("-version")


def all_overlays() -> QuerySet[MappingOverlay]:
    """Give every version of every overlay with its fields, by mapping and the latest first."""
    return MappingOverlay.objects.prefetch_related("fields").order_by("mapping", "-version")


def active(mapping: str, *, at: dt.datetime) -> MappingOverlay | None:
    """Give the version that messages are mapped with at a moment; None when there is none."""
    return (
        MappingOverlay.objects.filter(_in_effect(at), mapping=mapping).order_by("-effective_from", "-version").first()
    )


def not_ended(mapping: str, *, at: dt.datetime) -> list[MappingOverlay]:
    """Give the versions in effect or to take effect, in the order of their dates."""
    alive = Q(effective_to__isnull=True) | (Q(effective_to__gt=at) & ~Q(effective_to=F("effective_from")))
    rows = MappingOverlay.objects.filter(alive, mapping=mapping, effective_from__isnull=False)
    return list(rows.prefetch_related("fields").order_by("effective_from", "version"))


def summaries(*, at: dt.datetime) -> list[Summary]:
    """Give every base mapping with what stands about it."""
    rows = list(all_overlays())
    elements: dict[str, list[UnmappedElement]] = {}
    for element in UnmappedElement.objects.order_by("mapping", "path"):
        elements.setdefault(element.mapping, []).append(element)
    found = []
    for mapping in base_mappings.MAPPINGS.values():
        own = [row for row in rows if row.mapping == mapping.name]
        states = {state: [row for row in own if row.state_at(at) == state] for state in OverlayState}
        found.append(
            Summary(
                mapping=mapping,
                active=next(iter(states[OverlayState.ACTIVE]), None),
                scheduled=next(iter(states[OverlayState.SCHEDULED]), None),
                draft=next(iter(states[OverlayState.DRAFT]), None),
                unmapped=elements.get(mapping.name, []),
                misfits=sum(len(misfits_of(row)) for row in own if row.state_at(at) != OverlayState.RETIRED),
            )
        )
    return found


def field_lines(mapping: BaseMapping, overlay: MappingOverlay | None) -> list[FieldLine]:
    """Give the elements of a target with the origin of each: the base mapping, an overlay, or nothing yet."""
    own = {field.target: field for field in overlay.fields.all()} if overlay is not None else {}
    mapped = list(dict.fromkeys(line.target for line in mapping.fields))
    paths = list(dict.fromkeys([*(known.path for known in mapping.targets), *mapped, *own]))
    found = []
    for path in paths:
        lines = mapping.lines_of(path)
        origin = "base" if lines else "not mapped"
        if path in own:
            origin = "overlay" if lines else "overlay (added)"
        found.append(FieldLine(target=path, origin=origin, lines=lines, known=mapping.known(path), field=own.get(path)))
    return found


def unmapped_elements(mapping: str) -> QuerySet[UnmappedElement]:
    """Give the elements that messages brought and the base mapping does not take up, by path."""
    return UnmappedElement.objects.filter(mapping=mapping).order_by("path")


def misfits_of(overlay: MappingOverlay) -> list[Misfit]:
    """Give the fields of an overlay that no longer fit what this version is packaged with."""
    try:
        mapping = base_mappings.find(overlay.mapping)
    except UnknownMapping as error:
        return [Misfit(overlay=overlay, target="", reason=str(error))]
    found = []
    for field in overlay.fields.all():
        reason = overlay_checks.target_misfit(mapping, field.target, extra=field.extra)
        if not reason:
            try:
                overlay_expressions.compiled(field.expression)
            except overlay_expressions.UnusableExpression as error:
                reason = str(error)
        if reason:
            found.append(Misfit(overlay=overlay, target=field.target, reason=reason))
    return found


def misfits(*, at: dt.datetime) -> list[Misfit]:
    """Give what no longer fits in overlays that are drafts, active, or to take effect."""
    return [
        misfit
        for overlay in all_overlays()
        if overlay.state_at(at) != OverlayState.RETIRED
        for misfit in misfits_of(overlay)
    ]


def _in_effect(at: dt.datetime) -> Q:
    return Q(effective_from__lte=at) & (Q(effective_to__isnull=True) | Q(effective_to__gt=at))
