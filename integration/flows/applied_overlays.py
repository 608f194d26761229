"""
Overlays at work: the one in effect, read once and remembered, and applied to what a base mapping gave.

A message is mapped with the version that is in effect when it is translated; all segments of an attempt at a file with
the one that was in effect when the attempt began. Without an overlay that costs one query per run or segment.
"""

from __future__ import annotations

import collections
import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.times import format_instant
from integration import mapping_queries
from integration.flows import base_mappings, overlays
from integration.flows.contract import Fault, Finding
from integration.flows.mapping_declarations import NoPath
from integration.flows.overlay_expressions import UnusableExpression
from integration.flows.overlay_limits import ExpressionFailed
from integration.flows.overlays import Applied, Given, Overlay, OverlayFailed
from integration.models import FlowRun
from lookups.queries import Table, UnknownColumn, UnknownLookup
from lookups.queries import table as current_table
from outbound.retry import FaultType


FAULT_CODE = "overlay_failed"
_REMEMBERED = 64
# A version that was activated never changes: what was read of it stays true, under its random revision.
_remembered: collections.OrderedDict[uuid.UUID, Overlay] = collections.OrderedDict()

TableOf = Callable[[str], Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an expression may know of the run: `context()` gives it."""

    flow: str
    run_id: str
    received_at: dt.datetime

    @classmethod
    def of(cls, row: FlowRun) -> Facts:
        """Give the facts of a run."""
        return cls(flow=row.flow.name, run_id=str(row.pk), received_at=row.started_at)


def in_effect(mapping: str, *, at: dt.datetime) -> Overlay | None:
    """
    Give the overlay of a mapping that is in effect at a moment, ready to be applied.

    :raises OverlayFailed: when it does not fit this version of the product any more.
    """
    row = mapping_queries.active(mapping, at=at)
    if row is None:
        return None
    known = _remembered.get(row.revision)
    if known is None:
        fields = row.fields.order_by("position").values_list("target", "expression", "when_empty")
        try:
            known = overlays.overlay(base_mappings.find(mapping), version=row.version, fields=list(fields))
        except (UnusableExpression, NoPath) as error:
            text = f"overlay {mapping} version {row.version} does not fit this version of the product: {error}"
            raise OverlayFailed([Finding(pointer="", code="does_not_fit", message=text)]) from None
        _remembered[row.revision] = known
        while len(_remembered) > _REMEMBERED:
            _remembered.popitem(last=False)
    return known


def apply(
    overlay: Overlay,
    *,
    message: Mapping[str, Any],
    base: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]] = (),
    facts: Facts,
    table_of: TableOf = lambda name: current_table(name=name),
) -> Applied:
    """Apply an overlay to what the base mapping gave; `table_of` gives the lookups that its expressions name."""
    return overlays.apply(
        overlay,
        Given(
            message=message,
            base=base,
            rows=rows,
            context={
                "flow": facts.flow,
                "mapping": overlay.mapping.name,
                "runId": facts.run_id,
                "receivedAt": format_instant(facts.received_at),
            },
            lookup=translator(table_of),
        ),
    )


def translator(table_of: TableOf) -> Callable[[str, str, str, str], str | None]:
    """Give the `lookupValue` of expressions."""

    def translate(table: str, source: str, value: str, target: str) -> str | None:
        try:
            return table_of(table).translate(source=source, value=value, target=target, strict=False).result
        except (UnknownLookup, UnknownColumn) as error:
            raise ExpressionFailed(str(error).rstrip(".")) from None

    return translate


def note(overlay: Overlay) -> dict[str, str]:
    """Give the line that tells on a step which version was used."""
    fields = ", ".join(each.target for each in overlay.fields)
    return {"code": "overlay", "text": f"With {overlay.name}: {fields}"[:900]}


def fault_of(error: OverlayFailed) -> Fault:
    """Give the technical fault that an overlay which cannot be applied is."""
    return Fault(type=FaultType.TECHNICAL, code=FAULT_CODE, reason=str(error))


def whole(applied: Applied) -> dict[str, Any]:
    """
    Give the document of an overlay that went through as a whole.

    :raises OverlayFailed: naming each field that failed.
    """
    if applied.failures:
        raise OverlayFailed([failure.finding for failure in applied.failures])
    return applied.document
