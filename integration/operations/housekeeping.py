"""Housekeeping of runs: what was abandoned, what waits, what may go."""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.db import transaction
from django.db.models import OuterRef, Subquery

from foundation import leases
from foundation.dispatch import after_commit
from integration import control_queries
from integration.choices import UNFINISHED_STATES, RunState
from integration.flows import runner
from integration.flows.contract import Fault
from integration.models import FlowRun, Payload, RunTransition, Segment
from integration.operations import cancellations, enrollments, errors, waking
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

EXECUTE_TASK = waking.EXECUTE_TASK
# A run that waits for a worker and heard nothing is woken again after this time.
WAKE_UP_AFTER = dt.timedelta(seconds=15)
PURGE_CHUNK = 500


def sweep(*, at: dt.datetime) -> int:
    """End what was abandoned and wake workers for what waits; give how many runs were ended."""
    for rows in (FlowRun.objects.filter(state__in=UNFINISHED_STATES), Segment.objects.all()):
        leases.end_impossible(rows, at=at)
    ended = end_abandoned(at=at) + end_overlong(at=at)
    wake_waiting(at=at)
    return ended


def end_abandoned(*, at: dt.datetime) -> int:
    """
    End runs that nobody works on any more, and wake a worker for those that wait; give how many were ended.

    A run whose lease has passed had its process die: it becomes FAILED with a technical fault, and its open records
    are tried again when they come again. A run with a file is gone on with instead (`segments.sweep`).
    """
    ended = 0
    for row in FlowRun.objects.select_related("flow").filter(
        state__in=UNFINISHED_STATES, lease_until__lte=at, stored_file__isnull=True
    ):
        fault = Fault(
            type=FaultType.TECHNICAL,
            code="abandoned",
            reason="The process that worked on it ended without finishing it",
        )
        with transaction.atomic():
            taken = FlowRun.objects.filter(
                pk=row.pk, state=row.state, attempts=row.attempts, lease_until=row.lease_until
            ).update(lease_until=None)
            if not taken or not runner.fail(row, fault=fault, at=at):
                continue
            enrollments.release_records(run_id=row.pk, at=at)
            cancellations.release(run_id=row.pk, at=at)
        ended += 1
        logger.warning("run_abandoned", run_id=str(row.pk), flow=row.flow.name)
        errors.report(flow=row.flow, source=row.flow.identifier, fault=fault, run=row, at=at)
    return ended


def end_overlong(*, at: dt.datetime) -> int:
    """
    Abort runs that have worked longer than their flow's maximum runtime; give how many.

    What was sent stays sent. The process that works on one finds out at its next heartbeat and starts nothing more.
    """
    taken = RunTransition.objects.filter(run=OuterRef("pk"), to_state=RunState.IN_PROGRESS).order_by("-pk")
    ended = 0
    for row in (
        FlowRun.objects.select_related("flow")
        .filter(state=RunState.IN_PROGRESS, flow__max_runtime_seconds__isnull=False)
        .annotate(taken_at=Subquery(taken.values("at")[:1]))
    ):
        limit = dt.timedelta(seconds=row.flow.max_runtime_seconds or 0)
        if at - (row.taken_at or row.started_at) < limit:
            continue
        reason = f"It ran longer than the flow's maximum runtime of {row.flow.max_runtime_seconds} s"
        if runner.abort(row, reason=reason, at=at):
            enrollments.release_records(run_id=row.pk, at=at)
            cancellations.release(run_id=row.pk, at=at)
            logger.warning("run_overlong", run_id=str(row.pk), flow=row.flow.name)
            fault = Fault(type=FaultType.TECHNICAL, code="maximum_runtime", reason=reason)
            errors.report(flow=row.flow, source=row.flow.identifier, fault=fault, run=row, at=at)
            ended += 1
    return ended


def wake_waiting(*, at: dt.datetime) -> int:
    """Send the wake-up call of waiting runs once more, should it have been lost; give how many were woken."""
    held = [*control_queries.held_flow_ids(), *waking.unattended_flow_ids(at=at)]
    waiting = (
        FlowRun.objects.select_related("flow")
        .filter(state=RunState.RECEIVED, lease_until__isnull=True, started_at__lte=at - WAKE_UP_AFTER)
        .exclude(flow_id__in=held)
        .order_by("started_at", "pk")[:PURGE_CHUNK]
    )
    routing: dict[int, dict[str, Any]] = {}
    for row in waiting:
        if row.flow_id not in routing:
            routing[row.flow_id] = waking.routing_of(row.flow)
        after_commit(EXECUTE_TASK, **routing[row.flow_id], run_id=str(row.pk))
    return len(waiting)


def purge_payloads(*, at: dt.datetime) -> int:
    """Delete payloads whose retention has passed; runs, steps and identifiers stay. Give how many were deleted."""
    purged = 0
    while True:
        chunk = list(Payload.objects.filter(retained_until__lte=at).values_list("pk", flat=True)[:PURGE_CHUNK])
        if not chunk:
            return purged
        Payload.objects.filter(pk__in=chunk).delete()
        purged += len(chunk)
