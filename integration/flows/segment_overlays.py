"""
Overlays of the rows of a segment: a row that the overlay cannot be applied to is not sent, the others are.

What fails for the document as a whole would fail for every segment: it is a fault that stops the attempt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integration.flows import applied_overlays
from integration.flows.applied_overlays import Facts
from integration.flows.contract import Fault
from integration.flows.file_flow import SegmentWork
from integration.flows.overlays import OverlayFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaid:
    """The document to be sent; `failed` says by place in its list which rows are not in it, and why."""

    document: Mapping[str, Any]
    failed: Mapping[int, str] = dataclasses.field(default_factory=dict)
    fault: Fault | None = None


def overlaid(work: SegmentWork, *, document: Mapping[str, Any], items: str, lines: Sequence[int]) -> Overlaid:
    """Apply the overlay of the attempt to a document whose list `items` was made of the rows at these lines."""
    if work.overlay is None:
        return Overlaid(document=document)
    rows = {row.line: row.values for row in work.block.rows()}
    applied = applied_overlays.apply(
        work.overlay,
        message=work.accepted.message,
        base=document,
        rows=[rows[line] for line in lines],
        facts=Facts.of(work.run),
    )
    whole = [failure.finding for failure in applied.failures if failure.item is None]
    if whole:
        return Overlaid(document=document, fault=applied_overlays.fault_of(OverlayFailed(whole)))
    failed: dict[int, str] = {}
    for failure in applied.failures:
        failed.setdefault(failure.item or 0, f"line {lines[failure.item or 0]}: {failure.finding.message}")
    if not failed:
        return Overlaid(document=applied.document)
    kept = [entry for place, entry in enumerate(applied.document[items]) if place not in failed]
    return Overlaid(document={**applied.document, items: kept}, failed=failed)
