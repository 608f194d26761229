"""Steps that several workers share, such as sending a file in segments: one opens it, another one may close it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integration.choices import StepOutcome
from integration.flows.contract import Fault
from integration.flows.step import REASON_LENGTH
from integration.models import FlowRun, RunStep


def open_step(row: FlowRun, name: str, *, notes: Sequence[Mapping[str, Any]] = (), at: dt.datetime) -> RunStep:
    """Start a step that several workers share, with lines of detail; `close_step` ends it."""
    last = RunStep.objects.filter(run=row).order_by("-sequence").values_list("sequence", flat=True).first() or 0
    return RunStep.objects.create(
        run=row,
        name=name,
        sequence=last + 1,
        attempt=row.attempts,
        started_at=at,
        detail=[dict(line) for line in notes],
    )


def close_step(
    row: FlowRun, name: str, *, counts: Mapping[str, Any], fault: Fault | None, warning: str, at: dt.datetime
) -> None:
    """End a shared step, if it is open."""
    step = RunStep.objects.filter(run=row, name=name, outcome=StepOutcome.IN_PROGRESS).order_by("-sequence").first()
    if step is None:
        return
    step.counts = dict(counts)
    step.outcome = StepOutcome.FAILED if fault else StepOutcome.WARNING if warning else StepOutcome.SUCCEEDED
    step.fault_type = str(fault.type) if fault else ""
    step.message = (fault.reason if fault else warning)[:REASON_LENGTH]
    step.duration_seconds = Decimal(f"{max((at - step.started_at).total_seconds(), 0.0):.3f}")
    step.save()
