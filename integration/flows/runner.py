"""
The life of a run: received, taken to work, finished, failed, aborted, put back to wait (`house.md` D2).

The only place that moves a run by itself; what people do with one is in `integration.operations.runs`. Every move
leaves a row, and its count in the statistics, in the same transaction.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence

import structlog
from django.db import transaction
from django_fsm import can_proceed

from integration.choices import AckType, PayloadDirection, RunKind, RunState
from integration.flows import run_payloads
from integration.flows.contract import Fault
from integration.flows.run import LEASE, Clock, Run
from integration.flows.step import REASON_LENGTH
from integration.models import Flow, FlowRun, RunIdentifier, RunTransition
from integration.operations import errors, statistics


logger = structlog.get_logger(__name__)

IDENTIFIERS_SHOWN = 3


class RunTakenAway(Exception):
    """The run is not, or no longer, waiting: another process took it, or a person ended it."""


def receive(
    *,
    flow: Flow,
    kind: RunKind = RunKind.MESSAGE,
    parent: FlowRun | None = None,
    body: bytes,
    media_type: str,
    digest: str,
    identifiers: Sequence[tuple[str, str]],
    requested_by_id: int | None,
    by: str,
    reason: str,
    correlation_id: str = "",
    leased: bool = True,
    at: dt.datetime,
) -> FlowRun:
    """
    Store a message as a run in RECEIVED, with its payload and business identifiers.

    The caller's transaction commits it before anything is acknowledged or sent. `leased`: this process goes on with
    it at once; otherwise it waits for a worker.
    """
    run_id = uuid.uuid4()
    row = FlowRun.objects.create(
        id=run_id,
        flow=flow,
        kind=kind,
        parent=parent,
        correlation_id=correlation_id or str(run_id),
        idempotency_key=(identifiers[0][1] if identifiers else "")[:255],
        body_digest=digest,
        requested_by_id=requested_by_id,
        identifiers_shown=_shown(identifiers),
        started_at=at,
        lease_until=at + LEASE if leased else None,
    )
    RunIdentifier.objects.bulk_create(
        [RunIdentifier(run=row, name=name, value=value) for name, value in dict.fromkeys(identifiers)]
    )
    RunTransition.objects.create(run=row, to_state=RunState.RECEIVED, at=at, by=by, reason=reason)
    run_payloads.keep(row, PayloadDirection.REQUEST_IN, body, media_type=media_type, at=at)
    statistics.count_received(flow_id=flow.pk, run_id=run_id, at=at)
    return row


def start(row: FlowRun, *, clock: Clock) -> Run:
    """
    Take a received run; of two processes one gets it.

    :raises RunTakenAway: when it is no longer waiting.
    """
    at = clock()
    with transaction.atomic():
        taken = FlowRun.objects.filter(pk=row.pk, state=RunState.RECEIVED).update(
            state=RunState.IN_PROGRESS, attempts=row.attempts + 1, lease_until=at + LEASE
        )
        if not taken:
            raise RunTakenAway("The run is no longer waiting.")
        RunTransition.objects.create(
            run=row, from_state=RunState.RECEIVED, to_state=RunState.IN_PROGRESS, at=at, reason="taken to work"
        )
    fresh = FlowRun.objects.select_related("flow", "requested_by").get(pk=row.pk)
    return Run(fresh, clock=clock)


def finish(
    run: Run,
    *,
    status: int,
    response: bytes,
    ack_type: str = "",
    counts: Mapping[str, int] | None = None,
    fault: Fault | None = None,
) -> bool:
    """
    Store the answer and end the run: SUCCEEDED, or FAILED when there was a fault.

    Gives False when the run had been ended by somebody else meanwhile; its answer is stored all the same.
    """
    row, at = run.row, run.clock()
    with transaction.atomic():
        run.keep(PayloadDirection.RESPONSE_OUT, response)
        FlowRun.objects.filter(pk=row.pk).update(
            response_status=status,
            ack_type=ack_type,
            counts=dict(counts or {}),
            lookup_versions=row.lookup_versions,
            overlay_versions=row.overlay_versions,
        )
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        if current.state != RunState.IN_PROGRESS or current.attempts != row.attempts:
            logger.warning("run_ended_meanwhile", state=current.state)
            return False
        if fault is None:
            current.succeed()
            reason = f"acknowledged {ack_type}" if ack_type else "done"
        else:
            current.fail()
            _set_fault(current, fault)
            reason = fault.reason
        _end(current, from_state=RunState.IN_PROGRESS, at=at, by="system", reason=reason)
    row.refresh_from_db()
    logger.info("run_finished", state=row.state, ack_type=ack_type)
    if fault is None and ack_type != AckType.FAILURE:
        errors.recovered(run=row, at=at)
    return True


def conclude(row: FlowRun, *, ack_type: str, counts: Mapping[str, int], fault: Fault | None, at: dt.datetime) -> bool:
    """
    End a run that several workers worked on, by its acknowledgement: SUCCEEDED, or FAILED when there was a fault.

    Gives False when somebody else had ended it; the acknowledgement is noted all the same.
    """
    with transaction.atomic():
        current = FlowRun.objects.select_for_update(of=("self",)).select_related("flow").get(pk=row.pk)
        current.ack_type, current.counts = ack_type, dict(counts)
        if current.state != RunState.IN_PROGRESS:
            current.save(update_fields=["ack_type", "counts"])
            return False
        if fault is None:
            current.succeed()
        else:
            current.fail()
            _set_fault(current, fault)
        reason = fault.reason if fault else f"acknowledged {ack_type}"
        _end(current, from_state=RunState.IN_PROGRESS, at=at, by="system", reason=reason)
    return True


def requeue(row: FlowRun, *, by: str, reason: str, at: dt.datetime) -> bool:
    """Put an ended run back to wait for a worker, as the caller's re-send asks; False when it has not ended."""
    with transaction.atomic():
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        before = current.state
        if not can_proceed(current.resume):
            return False
        current.resume()
        current.lease_until = None
        current.save()
        RunTransition.objects.create(
            run=row, from_state=before, to_state=current.state, at=at, by=by, reason=reason[:REASON_LENGTH]
        )
    return True


def fail(row: FlowRun, *, fault: Fault, at: dt.datetime) -> bool:
    """End a run that cannot go on; gives False when somebody else had ended it."""
    with transaction.atomic():
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        if current.state not in (RunState.RECEIVED, RunState.IN_PROGRESS):
            return False
        before = current.state
        current.fail()
        _set_fault(current, fault)
        _end(current, from_state=before, at=at, by="system", reason=fault.reason)
    return True


def abort(row: FlowRun, *, reason: str, at: dt.datetime) -> bool:
    """End a run that is at work because it may not go on; gives False when somebody else had ended it."""
    with transaction.atomic():
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        if current.state != RunState.IN_PROGRESS:
            return False
        current.abort()
        _end(current, from_state=RunState.IN_PROGRESS, at=at, by="system", reason=reason)
    return True


@contextlib.contextmanager
def bound(row: FlowRun) -> Iterator[None]:
    """Put the run's ids into every log line of the work inside."""
    with structlog.contextvars.bound_contextvars(
        correlation_id=row.correlation_id, run_id=str(row.pk), flow=row.flow.name
    ):
        yield


def _end(row: FlowRun, *, from_state: str, at: dt.datetime, by: str, reason: str) -> None:
    row.finished_at = at
    row.lease_until = None
    row.save()
    statistics.count_ended(run=row, at=at)
    RunTransition.objects.create(
        run=row, from_state=from_state, to_state=row.state, at=at, by=by, reason=reason[:REASON_LENGTH]
    )


def _set_fault(row: FlowRun, fault: Fault) -> None:
    row.fault_type = str(fault.type)
    row.fault_code = fault.code[:60]
    row.fault_reason = fault.reason[:REASON_LENGTH]


def _shown(identifiers: Sequence[tuple[str, str]]) -> str:
    unique = list(dict.fromkeys(value for _, value in identifiers))
    more = f" +{len(unique) - IDENTIFIERS_SHOWN}" if len(unique) > IDENTIFIERS_SHOWN else ""
    return (", ".join(unique[:IDENTIFIERS_SHOWN]) + more)[:400]
