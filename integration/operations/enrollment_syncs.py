"""Writes of the ledger of enrollment syncs: each `syncRequestId` goes to DERMS once and is answered the same."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import IntegrityError, transaction

from foundation.kept_texts import kept
from integration.choices import UNFINISHED_STATES, SyncAckState, SyncOutcome
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Finding, MessageInProgress, MessageKeyReused
from integration.flows.dacs_messages import SyncMessage
from integration.models import EnrollmentSync, FlowRun
from integration.operations import sync_acknowledgements


# DACS was told of the refusal, or never will be: the request may come anew, with other data.
_REFUSAL_TOLD = (SyncAckState.DELIVERED, SyncAckState.FAILED, SyncAckState.CANCELED)


def answered(*, message: SyncMessage, at: dt.datetime) -> EnrollmentSync | None:
    """
    Give the ledger's row when this very message has its answer; None when it is to be sent (again).

    A request that DERMS refused is a new one once DACS was told so: people mend the data and send it again.

    :raises MessageKeyReused: when the syncRequestId came before with another body.
    :raises MessageInProgress: when a live run is working on it.
    """
    row = EnrollmentSync.objects.select_related("run").filter(sync_request_id=message.sync_request_id).first()
    if row is None or not _binds(row, at):
        return None
    if row.digest != message.digest:
        raise _reused(message)
    if row.outcome == SyncOutcome.IN_PROGRESS:
        raise MessageInProgress(f"syncRequestId {message.sync_request_id} is being worked on by run {row.run_id}.")
    return row


def claim(*, message: SyncMessage, run_id: uuid.UUID, again: bool, at: dt.datetime) -> None:
    """
    Take a sync request for a run; one that was taken by DERMS stays so, whatever a replay (`again`) gives.

    :raises MessageKeyReused: when the syncRequestId came before with another body.
    :raises MessageInProgress: when another run holds it, also one that took it just now.
    """
    with transaction.atomic():
        row = (
            EnrollmentSync.objects.select_for_update(of=("self",))
            .select_related("run")
            .filter(sync_request_id=message.sync_request_id)
            .first()
        )
        if row is None:
            _open(message, run_id, at)
            return
        if _binds(row, at):
            if row.digest != message.digest:
                raise _reused(message)
            if row.outcome == SyncOutcome.IN_PROGRESS:
                raise MessageInProgress(f"syncRequestId {message.sync_request_id} is worked on by run {row.run_id}.")
            if not again:
                raise MessageInProgress(f"syncRequestId {message.sync_request_id} was answered just now.")
            if row.outcome == SyncOutcome.SUCCESS:
                return
        if row.outcome == SyncOutcome.ERROR:
            row.cycle += 1
            row.ack_state, row.ack_has_error, row.ack_message_id, row.ack_error = SyncAckState.NONE, None, "", ""
            row.ack_due_at = row.ack_settled_at = None
            row.ack_digest, row.ack_run = "", None
        row.outcome, row.outcome_text, row.answered_at = SyncOutcome.IN_PROGRESS, "", None
        row.run_id, row.received_at = run_id, at
        _describe(row, message)
        row.save()


def delivery_key(*, message: SyncMessage) -> str:
    """Give the key under which DERMS gets the request: the same for the same cycle of the same request."""
    cycle = EnrollmentSync.objects.filter(sync_request_id=message.sync_request_id).values_list("cycle", flat=True)
    number = cycle.first() or 1
    return message.sync_request_id if number == 1 else f"{message.sync_request_id}-{number}"


def settle(
    *,
    run: FlowRun,
    message: SyncMessage,
    code: AckCode,
    text: str,
    drms_instance: str,
    derms_acknowledges: bool,
    at: dt.datetime,
) -> EnrollmentSync | None:
    """
    Store DERMS's answer and, in the same transaction, queue the acknowledgement to DACS; give the row.

    None when the request is not this run's: it was taken before, and is not acknowledged twice.

    :param code: SUCCESS or ERROR.
    :param derms_acknowledges: DERMS sends the acknowledgement itself (`sendEnrollAck`); none is queued.
    :raises UnableToQueueMessage: when the queue is not set up for it; nothing is stored then.
    :raises UnableToReadProperty: when a property of the acknowledgement cannot be read; nothing is stored then.
    """
    with transaction.atomic():
        row = (
            EnrollmentSync.objects.select_for_update()
            .filter(sync_request_id=message.sync_request_id, run_id=run.pk, outcome=SyncOutcome.IN_PROGRESS)
            .first()
        )
        if row is None:
            return None
        row.outcome = SyncOutcome.SUCCESS if code is AckCode.SUCCESS else SyncOutcome.ERROR
        row.outcome_text, row.answered_at, row.drms_instance = text[:1000], at, drms_instance[:120]
        if row.ack_state == SyncAckState.NONE:
            if derms_acknowledges:
                row.ack_state = SyncAckState.EXPECTED
            else:
                sync_acknowledgements.queue(
                    row=row, error_text="" if code is AckCode.SUCCESS else text or "refused", at=at
                )
        row.save()
    return row


def release(*, run: FlowRun, text: str, at: dt.datetime) -> bool:
    """Say that the request did not get through, so that it may come again; False when it is not the run's."""
    return bool(
        EnrollmentSync.objects.filter(run_id=run.pk, outcome=SyncOutcome.IN_PROGRESS).update(
            outcome=SyncOutcome.FAULT, outcome_text=text[:1000], answered_at=at
        )
    )


def _binds(row: EnrollmentSync, at: dt.datetime) -> bool:
    """Whether the syncRequestId belongs to its message: nothing else may come under it."""
    if row.outcome == SyncOutcome.IN_PROGRESS:
        # A run without a lease waits for a worker, such as a replay.
        run = row.run
        return run is not None and run.state in UNFINISHED_STATES and (run.lease_until is None or run.lease_until > at)
    if row.outcome == SyncOutcome.ERROR:
        return row.ack_state not in _REFUSAL_TOLD
    return bool(row.outcome == SyncOutcome.SUCCESS)


def _open(message: SyncMessage, run_id: uuid.UUID, at: dt.datetime) -> None:
    row = EnrollmentSync(sync_request_id=message.sync_request_id, run_id=run_id, received_at=at)
    _describe(row, message)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise MessageInProgress(f"syncRequestId {message.sync_request_id} came twice at the same time.") from None


def _describe(row: EnrollmentSync, message: SyncMessage) -> None:
    row.subscription_id = message.subscription["subscriptionId"]
    row.division, row.digest = message.division, message.digest


def _reused(message: SyncMessage) -> MessageKeyReused:
    text = kept(f"syncRequestId {message.sync_request_id} came before with another body")
    return MessageKeyReused(
        f"{text}. Nothing was stored.",
        findings=[Finding(pointer="/sendDetails/syncRequestId", code="idempotency_key_reused", message=text)],
        message_id=message.sync_request_id,
    )
