"""
Segments of a file, each sent by one worker under a lease (`integration.md` 3.6, 6.5).

A wake-up names the run; which segment a worker gets is decided by the claim: the first that is free, as long as fewer
than `stage.parallel` are on their way and nothing stopped the attempt. A segment whose worker died is claimed again.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
import datetime as dt
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import connections, transaction
from django.db.models import F, Q

from integration import control_queries
from integration.choices import RunState, SegmentState
from integration.flows import applied_overlays, csv_rows, registry, run_payloads, runner
from integration.flows.contract import Fault, MessageRefused
from integration.flows.csv_rows import ERRORS_KEPT, Row
from integration.flows.file_flow import FileFlow, SegmentResult, SegmentWork
from integration.flows.overlays import OverlayFailed
from integration.flows.run import Clock
from integration.models import FileAttempt, FlowRun, RunStep, Segment, StoredFile
from integration.operations import file_attempts, file_endings
from integration.operations.attachments import accepted_again
from integration.operations.flows import packaged_flow
from lookups.queries import UnknownColumn, UnknownLookup
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

LEASE = dt.timedelta(seconds=30)
_HEARTBEAT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    segment: Segment
    token: str


def work_next(*, run_id: uuid.UUID, clock: Clock) -> bool:
    """
    Send the next free segment of a run, and end the attempt when it was the last; False when there was none to take.

    A further worker is woken for what is left.
    """
    row = FlowRun.objects.select_related("flow").filter(pk=run_id).first()
    if row is None:
        return False
    flow = packaged_flow(registry.find(row.flow.identifier))
    if not isinstance(flow, FileFlow):
        return False
    with runner.bound(row):
        claim = _claim(row, at=clock())
        if claim is None:
            file_endings.end_if_done(row, flow=flow, at=clock())
            return False
        result = _result(row, claim, flow=flow, clock=clock)
        _settle(row, claim, result, at=clock())
        if not file_endings.end_if_done(row, flow=flow, at=clock()):
            file_attempts.wake(row)
    return True


def sweep(*, at: dt.datetime, clock: Clock) -> int:
    """
    Take up what was lost: attempts without a plan, segments without a worker, ends without an acknowledgement.

    Give how many runs were looked after.
    """
    looked_after = 0
    for attempt in FileAttempt.objects.select_related("run__flow").filter(ended_at__isnull=True):
        row = attempt.run
        flow = packaged_flow(registry.find(row.flow.identifier))
        if not isinstance(flow, FileFlow):
            continue
        looked_after += 1
        if attempt.planned_at is None:
            lost = row.lease_until is None or row.lease_until <= at
            if row.state == RunState.IN_PROGRESS and lost:
                file_attempts.go_on(row, flow=flow, clock=clock)
            elif row.state != RunState.IN_PROGRESS:
                file_endings.end_if_done(row, flow=flow, at=at)
        elif not file_endings.end_if_done(row, flow=flow, at=at):
            at_work = row.segments.filter(state=SegmentState.IN_PROGRESS, lease_until__gt=at).count()
            file_attempts.wake(row, workers=max(attempt.parallel - at_work, 0))
    return looked_after


def in_flight(*, run_ids: list[uuid.UUID], at: dt.datetime) -> int:
    """Give how many segments of these runs a worker holds right now."""
    return Segment.objects.filter(run_id__in=run_ids, state=SegmentState.IN_PROGRESS, lease_until__gt=at).count()


def _claim(row: FlowRun, *, at: dt.datetime) -> _Claim | None:
    if control_queries.pauses_of(row.flow):
        return None
    token = secrets.token_hex(16)
    with transaction.atomic():
        attempt = (
            FileAttempt.objects.select_for_update(of=("self",))
            .filter(run=row, run__state=RunState.IN_PROGRESS, ended_at__isnull=True, planned_at__isnull=False)
            .first()
        )
        if attempt is None or attempt.stopped_at is not None:
            return None
        at_work = Segment.objects.filter(run=row, state=SegmentState.IN_PROGRESS, lease_until__gt=at).count()
        if at_work >= attempt.parallel:
            return None
        free = Q(state=SegmentState.PENDING) | Q(state=SegmentState.IN_PROGRESS, lease_until__lte=at)
        segment = Segment.objects.filter(free, run=row).order_by("number").first()
        if segment is None:
            return None
        Segment.objects.filter(pk=segment.pk).update(
            state=SegmentState.IN_PROGRESS,
            lease_token=token,
            lease_until=at + LEASE,
            attempts=F("attempts") + 1,
            started_at=at,
            finished_at=None,
        )
    return _Claim(segment=segment, token=token)


def _result(row: FlowRun, claim: _Claim, *, flow: FileFlow, clock: Clock) -> SegmentResult:
    segment = claim.segment
    try:
        accepted = accepted_again(row, flow)
        fault = flow.why_not_now(accepted, run=row)
        if fault is not None:
            return SegmentResult(succeeded=0, refused=0, fault=fault)
        work = SegmentWork(
            run=row,
            segment=segment,
            rows=_rows(row, segment, flow),
            accepted=accepted,
            prepared=flow.prepare(accepted, None),
            clock=clock,
            overlay=file_attempts.overlay_of(row, flow),
        )
        return _with_heartbeat(lambda: flow.send(work), claim, clock=clock)
    except (MessageRefused, UnknownLookup, UnknownColumn) as error:
        return _defect("configuration", str(error))
    except OverlayFailed as error:
        return SegmentResult(succeeded=0, refused=0, fault=applied_overlays.fault_of(error))
    except (csv_rows.FileUnreadable, OSError) as error:
        return _defect("file_unreadable", f"The stored file cannot be read: {error}")
    except Exception as error:
        # Whatever it was, the segment must not stay open and DERMS must hear of it.
        logger.exception("segment_failed_with_a_defect", segment=segment.number)
        return _defect(type(error).__name__, f"{type(error).__name__}: {error}")


def _defect(code: str, reason: str) -> SegmentResult:
    return SegmentResult(succeeded=0, refused=0, fault=Fault(type=FaultType.TECHNICAL, code=code, reason=reason[:1000]))


def _rows(row: FlowRun, segment: Segment, flow: FileFlow) -> list[Row]:
    file = StoredFile.objects.get(run=row)
    with file.content.open("rb") as stream:
        header = csv_rows.with_all_columns(csv_rows.read_header(stream, flow.layout))
        return csv_rows.rows_of(
            stream, header=header, offset=segment.offset, line=segment.first_line, count=segment.rows
        )


def _with_heartbeat(send: Callable[[], SegmentResult], claim: _Claim, *, clock: Clock) -> SegmentResult:
    """Send in a thread of its own, while this one keeps the lease."""

    def closing() -> SegmentResult:
        try:
            return send()
        finally:
            connections.close_all()

    with concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="segment") as pool:
        future = pool.submit(contextvars.copy_context().run, closing)
        while True:
            try:
                return future.result(timeout=_HEARTBEAT_SECONDS)
            except concurrent.futures.TimeoutError:
                if future.done():
                    raise
                Segment.objects.filter(pk=claim.segment.pk, lease_token=claim.token).update(lease_until=clock() + LEASE)


def _settle(row: FlowRun, claim: _Claim, result: SegmentResult, *, at: dt.datetime) -> None:
    fault = result.fault
    step = RunStep.objects.filter(run=row, name=file_attempts.SEND_STEP).order_by("-sequence").first()
    with transaction.atomic():
        held = Segment.objects.filter(
            pk=claim.segment.pk, lease_token=claim.token, state=SegmentState.IN_PROGRESS
        ).update(
            state=SegmentState.FAILED if fault else SegmentState.DONE,
            lease_token="",
            lease_until=None,
            succeeded=result.succeeded,
            refused=result.refused,
            errors=[error.as_entry() for error in result.errors[:ERRORS_KEPT]],
            fault_type=str(fault.type) if fault else "",
            fault_code=fault.code[:60] if fault else "",
            fault_reason=fault.reason[:1000] if fault else "",
            finished_at=at,
        )
        if not held:
            logger.warning("segment_taken_away", segment=claim.segment.number)
            return
        for exchanged in result.exchanges:
            run_payloads.keep_exchange(
                row,
                request=exchanged.request,
                response=exchanged.response,
                label=exchanged.label,
                succeeded=exchanged.succeeded,
                media_type=exchanged.media_type,
                step=step,
                at=at,
            )
        if fault is None:
            FlowRun.objects.filter(pk=row.pk).update(progress_done=F("progress_done") + claim.segment.rows)
        else:
            file_attempts.stop(run_ids=[row.pk], fault=fault, at=at)
    logger.info(
        "segment",
        segment=claim.segment.number,
        succeeded=result.succeeded,
        refused=result.refused,
        fault=fault.code if fault else "",
    )
