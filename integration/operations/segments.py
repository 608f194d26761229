"""
Segments of a file, each sent by one worker under a lease (`integration.md` 3.6, 6.5).

A wake-up names the run; which segments a worker gets is decided by the claim: the first that are free, as long as fewer
than `stage.parallel` are on their way and nothing stopped the attempt. A worker has several in hand at once, and takes
the next as they are through, so that what it has read once (the request, the lookup, the header of the file, its
sockets) and what its statements cost serve many of them; after a while it gives other work a turn. A segment whose
worker died is claimed again.
"""

from __future__ import annotations

import datetime as dt
import uuid

from integration.choices import RunState, SegmentState
from integration.flows import registry, runner
from integration.flows.file_flow import FileFlow
from integration.flows.run import Clock
from integration.models import FileAttempt, FlowRun, RunStep, Segment
from integration.operations import file_attempts, file_endings
from integration.operations.flows import packaged_flow
from integration.operations.segment_sharing import Shared
from integration.operations.segment_turns import SegmentTurn


# How long a worker stays with one run before others get a turn.
TURN = dt.timedelta(seconds=15)


def work_next(*, run_id: uuid.UUID, clock: Clock) -> bool:
    """Send the next free segment of a run, and end the attempt when it was the last; False when there was none."""
    shared = _shared(run_id, clock)
    if shared is None:
        return False
    with runner.bound(shared.row):
        taken = SegmentTurn(shared, most=1).work(until=clock())
        if not taken or _may_be_over(shared.row):
            file_endings.end_if_done(shared.row, flow=shared.flow, at=clock())
    return bool(taken)


def work(*, run_id: uuid.UUID, clock: Clock) -> int:
    """
    Send segments of a run until none is free, and end the attempt when they were the last; give how many were sent.

    When others should have a turn, a further worker is woken for what is left.
    """
    shared = _shared(run_id, clock)
    if shared is None:
        return 0
    with runner.bound(shared.row):
        turn = SegmentTurn(shared)
        sent = turn.work(until=clock() + TURN)
        if turn.cut_short:
            file_attempts.wake(shared.row)
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


def _shared(run_id: uuid.UUID, clock: Clock) -> Shared | None:
    row = FlowRun.objects.select_related("flow").filter(pk=run_id).first()
    if row is None:
        return None
    flow = packaged_flow(registry.find(row.flow.identifier))
    if not isinstance(flow, FileFlow):
        return None
    step = RunStep.objects.filter(run=row, name=file_attempts.SEND_STEP).order_by("-sequence").first()
    return Shared(row=row, flow=flow, clock=clock, step=step)


def _may_be_over(row: FlowRun) -> bool:
    """Whether no segment is open, or the attempt was stopped or is no more: a look without a lock."""
    if Segment.objects.filter(run=row, state__in=[SegmentState.PENDING, SegmentState.IN_PROGRESS]).exists():
        return not FileAttempt.objects.filter(
            run=row, run__state=RunState.IN_PROGRESS, ended_at__isnull=True, stopped_at__isnull=True
        ).exists()
    return True
