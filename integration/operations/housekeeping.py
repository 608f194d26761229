"""Housekeeping of runs: what was abandoned, what waits, what may go."""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction

from foundation.dispatch import after_commit
from integration.choices import UNFINISHED_STATES, RunState
from integration.flows import runner
from integration.flows.contract import Fault
from integration.models import FlowRun, Payload
from integration.operations import enrollments, errors
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

EXECUTE_TASK = "integration.tasks.execute_run"
# A run that waits for a worker and heard nothing is woken again after this time.
WAKE_UP_AFTER = dt.timedelta(seconds=15)
PURGE_CHUNK = 500


def sweep(*, at: dt.datetime) -> int:
    """End what was abandoned and wake workers for what waits; give how many runs were ended."""
    ended = end_abandoned(at=at)
    wake_waiting(at=at)
    return ended


def end_abandoned(*, at: dt.datetime) -> int:
    """
    End runs that nobody works on any more, and wake a worker for those that wait; give how many were ended.

    A run whose lease has passed had its process die: it becomes FAILED with a technical fault, and its open records
    are tried again when they come again.
    """
    ended = 0
    for row in FlowRun.objects.select_related("flow").filter(state__in=UNFINISHED_STATES, lease_until__lte=at):
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
        ended += 1
        logger.warning("run_abandoned", run_id=str(row.pk), flow=row.flow.name)
        errors.report(flow=row.flow, source=row.flow.identifier, fault=fault, run=row, at=at)
    return ended


def wake_waiting(*, at: dt.datetime) -> int:
    """Send the wake-up call of waiting runs once more, should it have been lost; give how many were woken."""
    waiting = FlowRun.objects.filter(
        state=RunState.RECEIVED, lease_until__isnull=True, started_at__lte=at - WAKE_UP_AFTER
    ).values_list("pk", flat=True)[:PURGE_CHUNK]
    for run_id in waiting:
        after_commit(EXECUTE_TASK, run_id=str(run_id))
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
