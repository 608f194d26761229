"""Writes of the cancellation ledger: a message is answered once, an event is cancelled once."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import IntegrityError, transaction
from django.db.models import Q

from integration.choices import SETTLED_RECORD_STATES, UNFINISHED_STATES, RecordState
from integration.flows.cancel_mapping import CancelRequest
from integration.flows.contract import Fault, Finding, MessageInProgress, MessageKeyReused
from integration.models import Cancellation, FlowRun
from outbound.retry import FaultType


def known(*, request: CancelRequest, at: dt.datetime) -> Cancellation | None:
    """
    Give what the ledger holds of this message.

    :raises MessageKeyReused: when its key came before with another body.
    :raises MessageInProgress: when a live run is working on it, or on another cancellation of its event.
    """
    row = (
        Cancellation.objects.select_related("run")
        .filter(drms_instance_id=request.drms_instance_id, message_id=request.message_id)
        .first()
    )
    if row is not None and row.digest != request.digest:
        message = f"messageId {request.message_id} of {request.drms_instance_id} came before with another body"
        raise MessageKeyReused(
            f"{message}. Nothing was stored.",
            findings=[Finding(pointer="/messageId", code="idempotency_key_reused", message=message)],
            message_id=request.message_id,
        )
    open_one = (
        Cancellation.objects.select_related("run")
        .filter(drms_instance_id=request.drms_instance_id, event_id=request.event_id, state=RecordState.IN_PROGRESS)
        .first()
    )
    if open_one is not None and _is_alive(open_one.run, at):
        raise MessageInProgress(f"Event {request.event_id} is being cancelled by run {open_one.run_id}.")
    return row


def claim(*, request: CancelRequest, run_id: uuid.UUID, again: bool, at: dt.datetime) -> None:
    """
    Take a message that is new, or that failed before, for a run: from here on its event is held.

    With `again` (a replay) one that was refused is taken too.

    :raises MessageKeyReused: when its key came before with another body.
    :raises MessageInProgress: when another run holds it, or another cancellation of its event.
    """
    with transaction.atomic():
        row = known(request=request, at=at)
        _give_up_abandoned(request, at=at)
        if row is not None:
            row.refresh_from_db()
            if row.state == RecordState.SUCCESS or (row.state == RecordState.ERROR and not again):
                return
        try:
            with transaction.atomic():
                _take(request, row, run_id=run_id, at=at)
        except IntegrityError:
            raise MessageInProgress(f"Event {request.event_id} is being cancelled by another run just now.") from None


def of_message(*, request: CancelRequest) -> Cancellation | None:
    """Give the row of this message; None when there is none."""
    return Cancellation.objects.filter(drms_instance_id=request.drms_instance_id, message_id=request.message_id).first()


def cancelled_by(*, drms_instance_id: str, event_id: str) -> Cancellation | None:
    """Give the cancellation that went through for an event; None when there is none."""
    return Cancellation.objects.filter(
        drms_instance_id=drms_instance_id, event_id=event_id, state=RecordState.SUCCESS
    ).first()


def held_by(*, drms_instance_id: str, event_id: str) -> Cancellation | None:
    """
    Give the cancellation because of which no device of the event may be reserved; None when there is none.

    Who reserves asks this after a claim and before the call, so that a cancellation that waits for what is on its way
    either sees the claim or is seen.
    """
    latest = (
        Cancellation.objects.filter(drms_instance_id=drms_instance_id, event_id=event_id)
        .order_by("-claimed_at", "-pk")
        .first()
    )
    return latest if latest is not None and latest.stands else None


def why_held(*, event_id: str, message_id: str) -> Fault:
    """Give the fault with which the reservation of a cancelled event ends; `message_id` is the cancellation's."""
    return Fault(
        type=FaultType.BUSINESS,
        code="event_cancelled",
        reason=f"Event {event_id} is cancelled (messageId {message_id})",
    )


def settle(*, run_id: uuid.UUID, code: str, value: str, at: dt.datetime) -> bool:
    """
    Write what became of a run's cancellation; False when it holds none that is open.

    A refusal lets reservations of the event go on; a success and a failure do not.
    """
    written = Cancellation.objects.filter(run_id=run_id, state=RecordState.IN_PROGRESS).update(
        state=code, stands=code != RecordState.ERROR, answer_value=value[:1000], settled_at=at
    )
    return bool(written)


def release(*, run_id: uuid.UUID, at: dt.datetime) -> int:
    """Put what an ended run left open to FAILURE, so that it is tried again when it comes again."""
    return Cancellation.objects.filter(run_id=run_id, state=RecordState.IN_PROGRESS).update(
        state=RecordState.FAILURE, settled_at=at
    )


def is_settled(row: Cancellation | None) -> bool:
    """Whether a message has its final answer."""
    return row is not None and row.state in SETTLED_RECORD_STATES


def _take(request: CancelRequest, row: Cancellation | None, *, run_id: uuid.UUID, at: dt.datetime) -> None:
    if row is None:
        Cancellation.objects.create(
            drms_instance_id=request.drms_instance_id,
            message_id=request.message_id,
            event_id=request.event_id,
            digest=request.digest,
            run_id=run_id,
            claimed_at=at,
        )
        return
    taken = Cancellation.objects.filter(pk=row.pk, state=row.state, run_id=row.run_id).update(
        state=RecordState.IN_PROGRESS, stands=True, run_id=run_id, claimed_at=at, settled_at=None
    )
    if not taken:
        raise MessageInProgress(f"messageId {request.message_id} was taken by another run just now.")


def _give_up_abandoned(request: CancelRequest, *, at: dt.datetime) -> None:
    # What a dead process left open does not hold up the next one.
    alive = FlowRun.objects.filter(state__in=UNFINISHED_STATES).filter(
        Q(lease_until__isnull=True) | Q(lease_until__gt=at)
    )
    Cancellation.objects.filter(
        drms_instance_id=request.drms_instance_id, event_id=request.event_id, state=RecordState.IN_PROGRESS
    ).exclude(run__in=alive).update(state=RecordState.FAILURE, settled_at=at)


def _is_alive(run: FlowRun, at: dt.datetime) -> bool:
    # A run without a lease waits for a worker, such as a replay.
    return run.state in UNFINISHED_STATES and (run.lease_until is None or run.lease_until > at)
