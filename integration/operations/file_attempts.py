"""
Attempts at a file: begun with the health check and the plan, stopped by the first fault (`integration.md` 3.6).

One worker begins an attempt, several work on its segments (`integration.operations.segments`), and one of them ends it
(`integration.operations.file_endings`).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import structlog
from django.db import transaction
from django.db.models import Q, Sum

from foundation.dispatch import after_commit
from integration.choices import RunState, SegmentState
from integration.flows import applied_overlays, csv_pieces, csv_rows, health_check, runner, shared_steps
from integration.flows.contract import Fault, MessageRefused
from integration.flows.dacs_enrollment import fault_of
from integration.flows.file_flow import FileFlow
from integration.flows.overlays import Overlay, OverlayFailed
from integration.flows.run import LEASE, Clock, Run
from integration.models import FileAttempt, FlowRun, Segment, StoredFile
from integration.operations import unmapped_elements, waking
from integration.operations.attachments import accepted_again
from lookups.queries import UnknownColumn, UnknownLookup, config_property
from outbound import queries as outbound_queries
from outbound.retry import FaultType
from outbound.transports import rest
from outbound.transports.base import TransportError


logger = structlog.get_logger(__name__)

WORK_SEGMENT_TASK = "integration.tasks.work_segment"
SEGMENT_SIZE, PARALLEL = "stage.segment.size", "stage.parallel"
SEND_STEP = "Send the segments"
_PLANNED_AT_ONCE = 500
_OPEN_STATES = (SegmentState.PENDING, SegmentState.FAILED, SegmentState.SKIPPED)


def begin(row: FlowRun, *, flow: FileFlow, clock: Clock) -> FileAttempt | None:
    """
    Take a waiting run, check DACS's health and lay out what is to be sent; workers are woken for the segments.

    None when another process has it. Whoever calls this ends the attempt afterwards if nothing is to be sent.

    :raises RunTakenAway: when the run is not waiting any more.
    """
    with transaction.atomic():
        run = runner.start(row, clock=clock)
        attempt = FileAttempt.objects.create(
            run=run.row,
            number=run.row.file_attempts.count() + 1,
            parallel=_count(PARALLEL),
            done_before=_done(run.row),
            started_at=clock(),
        )
    _lay_out(run, attempt, flow=flow)
    return attempt


def go_on(row: FlowRun, *, flow: FileFlow, clock: Clock) -> FileAttempt | None:
    """Go on with an attempt whose worker died before its segments stood; None when another process did."""
    at = clock()
    taken = FlowRun.objects.filter(pk=row.pk, state=RunState.IN_PROGRESS, lease_until=row.lease_until).update(
        lease_until=at + LEASE
    )
    attempt = FileAttempt.objects.filter(run=row, ended_at__isnull=True, planned_at__isnull=True).first()
    if not taken or attempt is None:
        return None
    logger.warning("file_attempt_taken_over", run_id=str(row.pk), attempt=attempt.number)
    _lay_out(Run(FlowRun.objects.select_related("flow").get(pk=row.pk), clock=clock), attempt, flow=flow)
    return attempt


def stop(*, run_ids: Sequence[uuid.UUID], fault: Fault, at: dt.datetime) -> int:
    """Let no further segment of these runs start; what is on its way is finished. Give how many were stopped."""
    return FileAttempt.objects.filter(run_id__in=run_ids, ended_at__isnull=True, stopped_at__isnull=True).update(
        stopped_at=at, fault_type=str(fault.type), fault_code=fault.code[:60], fault_reason=fault.reason[:1000]
    )


def reset(row: FlowRun, *, flow: FileFlow, at: dt.datetime) -> None:
    """Let everything of a run be sent again: its next attempt starts from the beginning."""
    row.segments.update(
        state=SegmentState.PENDING, succeeded=0, refused=0, errors=[], fault_type="", fault_code="", fault_reason=""
    )
    flow.from_start(row, at=at)


def wake(row: FlowRun, *, workers: int = 1) -> None:
    """Wake workers for a run's segments, once the open transaction is committed."""
    routing = waking.routing_of(row.flow)
    for _ in range(workers):
        after_commit(WORK_SEGMENT_TASK, **routing, run_id=str(row.pk))


def overlay_of(row: FlowRun, flow: FileFlow) -> Overlay | None:
    """
    Give the overlay that the open attempt of a run works with: the one that was in effect when it began.

    :raises OverlayFailed: when it does not fit this version of the product any more.
    """
    started_at = FileAttempt.objects.filter(run=row, ended_at__isnull=True).values_list("started_at", flat=True).first()
    return applied_overlays.in_effect(flow.mapping, at=started_at) if started_at is not None else None


def fault_of_attempt(attempt: FileAttempt) -> Fault | None:
    """Give the fault that stopped an attempt."""
    if attempt.stopped_at is None:
        return None
    return Fault(type=FaultType(attempt.fault_type), code=attempt.fault_code, reason=attempt.fault_reason)


def _lay_out(run: Run, attempt: FileAttempt, *, flow: FileFlow) -> None:
    overlay: Overlay | None = None
    fault = _translation_fault(run, flow)
    if fault is None:
        try:
            overlay = run.overlay_of(flow.mapping, at=attempt.started_at)
        except OverlayFailed as error:
            fault = applied_overlays.fault_of(error)
    if fault is None:
        with run.step("Check the health of DACS") as step:
            verdict = _health(flow)
            step.count(status=verdict.status, cached=int(verdict.cached))
            step.note({"code": "health", "text": verdict.reason})
            if verdict.fault is not None:
                step.fail(verdict.fault)
                fault = verdict.fault
    with run.step("Divide the file into segments") as step:
        try:
            made = _plan(run, flow)
        except (csv_rows.FileUnreadable, OSError) as error:
            reason = f"The stored file cannot be read: {error}"
            fault = fault or Fault(type=FaultType.TECHNICAL, code="file_unreadable", reason=reason)
            step.fail(fault)
        else:
            step.count(**made)
    at = run.clock()
    row = run.row
    if fault is not None:
        stop(run_ids=[row.pk], fault=fault, at=at)
    with transaction.atomic():
        # From here on the segments carry the leases.
        FlowRun.objects.filter(pk=row.pk, state=RunState.IN_PROGRESS).update(
            lease_until=None,
            lookup_versions=row.lookup_versions,
            overlay_versions=row.overlay_versions,
            progress_done=_done(row),
            progress_total=StoredFile.objects.get(run=row).rows,
        )
        FileAttempt.objects.filter(pk=attempt.pk).update(planned_at=at)
        if fault is None:
            notes = [applied_overlays.note(overlay)] if overlay is not None else []
            shared_steps.open_step(row, SEND_STEP, notes=notes, at=at)
            wake(row, workers=attempt.parallel)


def _translation_fault(run: Run, flow: FileFlow) -> Fault | None:
    try:
        accepted = accepted_again(run.row, flow)
        unmapped_elements.observe(flow.mapping, accepted.message, at=run.clock())
        flow.prepare(accepted, run)
    except (MessageRefused, UnknownLookup, UnknownColumn) as error:
        return Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))
    return None


def _health(flow: FileFlow) -> health_check.HealthVerdict:
    try:
        connection = outbound_queries.connection(flow.target)
        client = rest.client(connection)
    except outbound_queries.UnknownConnection as error:
        fault = Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))
        return health_check.HealthVerdict(healthy=False, status=0, reason=str(error), fault=fault)
    except TransportError as error:
        fault = fault_of(error)
        return health_check.HealthVerdict(healthy=False, status=0, reason=fault.reason, fault=fault)
    path = connection.options.get("health_path") or health_check.HEALTH_PATH
    return health_check.check(client, bool(config_property(health_check.ACCEPT_DEGRADED)), path=path)


def _plan(run: Run, flow: FileFlow) -> dict[str, int]:
    row = run.row
    file = StoredFile.objects.get(run=row)
    # Rows that were refused may fare better now, such as after a lookup was filled; the others are in the ledger.
    row.segments.filter(Q(state__in=_OPEN_STATES) | Q(state=SegmentState.DONE, refused__gt=0)).update(
        state=SegmentState.PENDING, lease_token="", lease_until=None, fault_type="", fault_code="", fault_reason=""
    )
    known = row.segments.count()
    planned = row.segments.aggregate(rows=Sum("rows"))["rows"] or 0
    if planned >= file.rows:
        return {"segments": known, "to_send": row.segments.exclude(state=SegmentState.DONE).count()}
    # A plan that was cut short is made again: none of its segments can have started.
    row.segments.all().delete()
    size = _count(SEGMENT_SIZE)
    waiting: list[Segment] = []
    number = 0
    with file.content.open("rb") as stream:
        header = csv_rows.read_header(stream, flow.layout)
        unmapped_elements.observe_rows(flow.mapping, header.names, at=run.clock())
        for offset, line, count in csv_pieces.segments(stream, header=header, size=size):
            number += 1
            waiting.append(Segment(run=row, number=number, offset=offset, first_line=line, rows=count))
            if len(waiting) == _PLANNED_AT_ONCE:
                Segment.objects.bulk_create(waiting)
                waiting = []
                run.heartbeat()
    Segment.objects.bulk_create(waiting)
    return {"segments": number, "to_send": number}


def _done(row: FlowRun) -> int:
    return row.segments.filter(state=SegmentState.DONE).aggregate(rows=Sum("rows"))["rows"] or 0


def _count(name: str) -> int:
    return max(int(str(config_property(name))), 1)
