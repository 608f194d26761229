"""
Segments of a file, each sent by one worker under a lease (`integration.md` 3.6, 6.5).

A wake-up names the run; which segment a worker gets is decided by the claim: the first that is free, as long as fewer
than `stage.parallel` are on their way and nothing stopped the attempt. A worker takes one segment after the other, so
that what it has read once (the request, the lookup, the header of the file, its sockets) serves many of them; after a
while it gives other work a turn. A segment whose worker died is claimed again.
"""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q

from foundation import leases
from foundation.leases import LEASE
from integration import control_queries
from integration.choices import RunState, SegmentState
from integration.flows import applied_overlays, csv_blocks, csv_rows, registry, run_payloads, runner
from integration.flows.contract import Fault, MessageRefused
from integration.flows.csv_blocks import ERRORS_KEPT
from integration.flows.file_flow import FileFlow, SegmentResult, SegmentWork
from integration.flows.overlays import Overlay, OverlayFailed
from integration.flows.run import Clock
from integration.models import FileAttempt, FlowRun, RunStep, Segment, StoredFile
from integration.operations import file_attempts, file_endings
from integration.operations.attachments import accepted_again
from integration.operations.flows import packaged_flow
from lookups.queries import UnknownColumn, UnknownLookup
from outbound import queries as outbound_queries
from outbound.models import Connection
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

# How long a worker stays with one run before others get a turn.
TURN = dt.timedelta(seconds=15)
_CONNECTION_FOR = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    segment: Segment
    token: str


@dataclass(slots=True, kw_only=True)
class _Shared:
    """What the segments of a run share, read once by a worker; `step` is the one that shows them."""

    row: FlowRun
    flow: FileFlow
    clock: Clock
    step: RunStep | None = None
    accepted: Any = None
    prepared: Any = None
    file: StoredFile | None = None
    header: csv_rows.Header | None = None
    overlay: Overlay | None = None
    _target: tuple[dt.datetime, Connection] | None = None

    def connection(self) -> Connection:
        """
        Give the connection to the flow's target: what somebody changes counts for the calls from the next second on.

        :raises UnknownConnection: when there is none.
        """
        at = self.clock()
        if self._target is None or not dt.timedelta() <= at - self._target[0] < _CONNECTION_FOR:
            self._target = at, outbound_queries.connection(self.flow.target)
        return self._target[1]

    def read(self) -> tuple[StoredFile, csv_rows.Header]:
        """
        Read the request, what the flow makes of it, and the header of the file, if that has not been done.

        :raises OverlayFailed: when the attempt's overlay does not fit this version of the product any more.
        """
        if self.file is None or self.header is None:
            self.accepted = accepted_again(self.row, self.flow)
            self.prepared = self.flow.prepare(self.accepted, None)
            file = StoredFile.objects.get(run=self.row)
            with file.content.open("rb") as stream:
                self.header = csv_rows.with_all_columns(csv_rows.read_header(stream, self.flow.layout))
            self.overlay = file_attempts.overlay_of(self.row, self.flow)
            self.file = file
        return self.file, self.header


def work_next(*, run_id: uuid.UUID, clock: Clock) -> bool:
    """Send the next free segment of a run, and end the attempt when it was the last; False when there was none."""
    shared = _shared(run_id, clock)
    if shared is None:
        return False
    with runner.bound(shared.row):
        taken = _work(shared)
        if not taken or _may_be_over(shared.row):
            file_endings.end_if_done(shared.row, flow=shared.flow, at=clock())
    return taken


def work(*, run_id: uuid.UUID, clock: Clock) -> int:
    """
    Send segments of a run until none is free, and end the attempt when they were the last; give how many were sent.

    When others should have a turn, a further worker is woken for what is left.
    """
    shared = _shared(run_id, clock)
    if shared is None:
        return 0
    began = clock()
    sent = 0
    with runner.bound(shared.row):
        while _work(shared):
            sent += 1
            if clock() - began > TURN:
                file_attempts.wake(shared.row)
                break
        if _may_be_over(shared.row):
            file_endings.end_if_done(shared.row, flow=shared.flow, at=clock())
    return sent


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


def _shared(run_id: uuid.UUID, clock: Clock) -> _Shared | None:
    row = FlowRun.objects.select_related("flow").filter(pk=run_id).first()
    if row is None:
        return None
    flow = packaged_flow(registry.find(row.flow.identifier))
    if not isinstance(flow, FileFlow):
        return None
    step = RunStep.objects.filter(run=row, name=file_attempts.SEND_STEP).order_by("-sequence").first()
    return _Shared(row=row, flow=flow, clock=clock, step=step)


def _may_be_over(row: FlowRun) -> bool:
    """Whether no segment is open, or the attempt was stopped or is no more: a look without a lock."""
    if Segment.objects.filter(run=row, state__in=[SegmentState.PENDING, SegmentState.IN_PROGRESS]).exists():
        return not FileAttempt.objects.filter(
            run=row, run__state=RunState.IN_PROGRESS, ended_at__isnull=True, stopped_at__isnull=True
        ).exists()
    return True


def _work(shared: _Shared) -> bool:
    claim = _claim(shared.row, at=shared.clock())
    if claim is None:
        return False
    result = _result(shared, claim)
    _settle(shared, claim, result, at=shared.clock())
    return True


def _result(shared: _Shared, claim: _Claim) -> SegmentResult:
    segment, flow = claim.segment, shared.flow
    try:
        file, header = shared.read()
        fault = flow.why_not_now(shared.accepted, run=shared.row)
        if fault is not None:
            return SegmentResult(succeeded=0, refused=0, fault=fault)
        with file.content.open("rb") as stream:
            block = csv_blocks.block_of(
                stream, header=header, offset=segment.offset, line=segment.first_line, count=segment.rows
            )
        work = SegmentWork(
            run=shared.row,
            segment=segment,
            block=block,
            accepted=shared.accepted,
            prepared=shared.prepared,
            clock=shared.clock,
            connection=shared.connection,
            overlay=shared.overlay,
        )
        with leases.kept(lambda: _renew(claim, clock=shared.clock)):
            return flow.send(work)
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


def _renew(claim: _Claim, *, clock: Clock) -> None:
    Segment.objects.filter(pk=claim.segment.pk, lease_token=claim.token).update(lease_until=clock() + LEASE)


def _settle(shared: _Shared, claim: _Claim, result: SegmentResult, *, at: dt.datetime) -> None:
    fault, row = result.fault, shared.row
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
        run_payloads.keep_exchanges(row, result.exchanges, step=shared.step, at=at)
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
