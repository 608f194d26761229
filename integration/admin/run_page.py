"""What the page of one run shows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from integration import payload_masking, queries
from integration.admin import badges
from integration.file_queries import file_progress
from integration.models import FlowRun, Payload, RunStep, StoredFile


PAYLOADS_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """A step with its place on the time bar, in percent of the run."""

    step: RunStep
    badge: str
    offset: float
    width: float
    seconds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadBlock:
    """A payload with its text as people read it."""

    payload: Payload
    text: str


def run_page(object_id: str, *, unmasked: bool, may_unmask: bool) -> dict[str, Any] | None:
    """Give what the page shows; None when there is no such run, which the admin answers itself."""
    try:
        run = queries.run_detail(uuid.UUID(object_id))
    except (ValueError, queries.UnknownRun):
        return None
    payloads = queries.payloads_of(run.pk, limit=PAYLOADS_SHOWN + 1)
    return {
        "run": run,
        "file": StoredFile.objects.filter(run=run).first(),
        "progress": file_progress(run, at=timezone.now()),
        "state_badge": badges.RUN_STATES[run.state],
        "ack_badge": badges.RESPONSE_CODES.get(run.ack_type, "default"),
        "counts": [(code, run.counts[code], badges.RESPONSE_CODES.get(code, "default")) for code in run.counts],
        "steps": _lines(run),
        "payloads": [
            PayloadBlock(
                payload=payload,
                text=payload_masking.shown(bytes(payload.content), media_type=payload.media_type, mask=not unmasked),
            )
            for payload in payloads[:PAYLOADS_SHOWN]
        ],
        "more_payloads": len(payloads) > PAYLOADS_SHOWN,
        "unmasked": unmasked,
        "may_unmask": may_unmask,
        "identifiers": list(run.identifiers.all())[:50],
        "transitions": sorted(run.transitions.all(), key=lambda each: each.pk),
        "lookups": sorted(run.lookup_versions.items()),
        "overlays": sorted(run.overlay_versions.items()),
        "children": sorted(run.children.all(), key=lambda each: each.started_at),
    }


def _lines(run: FlowRun) -> list[StepLine]:
    steps = sorted(run.steps.all(), key=lambda step: step.sequence)
    if not steps:
        return []
    start = steps[0].started_at
    ends = [(step.started_at - start).total_seconds() + float(step.duration_seconds or 0) for step in steps]
    whole = max(*ends, 0.001)
    return [
        StepLine(
            step=step,
            badge=badges.STEP_OUTCOMES[step.outcome],
            offset=round(100 * (step.started_at - start).total_seconds() / whole, 2),
            width=max(round(100 * float(step.duration_seconds or 0) / whole, 2), 0.6),
            seconds="" if step.duration_seconds is None else f"{step.duration_seconds:.3f} s",
        )
        for step in steps
    ]
