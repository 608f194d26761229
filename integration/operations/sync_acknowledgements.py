"""
Acknowledging sync requests to DACS: queued once per request and cycle, and followed to the end.

The queue keeps the delay and the retries (`integration.md` 3.3): no worker waits, and a restart in between changes
nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from foundation.kept_texts import kept
from integration.choices import SyncAckState, SyncOutcome
from integration.flows import applied_overlays, registry, sync_acknowledgement
from integration.flows.acknowledgements import AckCode
from integration.flows.applied_overlays import Facts
from integration.flows.contract import Fault, Finding, MessageKeyReused
from integration.flows.enroll_ack_message import EnrollAck
from integration.models import EnrollmentSync, Flow
from integration.operations import errors
from lookups.queries import config_property
from outbound.operations.messages import queue_message
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

MESSAGE_TYPE = "SYNC-ACK"
DACS = "DACS"
MAPPING = "enroll_sync_ack"
DELAY = "enrollmentSyncAckDelay"
CATEGORY = "dacs.sync.messageCategory"
NUMBER = "dacs.sync.messageNumber"
_STATES = {
    "SUCCESS": SyncAckState.DELIVERED,
    "FAIL": SyncAckState.FAILED,
    "CANCELED": SyncAckState.CANCELED,
}


def queue(*, row: EnrollmentSync, error_text: str, at: dt.datetime) -> None:
    """
    Queue the acknowledgement of a sync request in the caller's transaction, and note it in the row, which is not saved.

    :param error_text: what DERMS refused; empty: DERMS has it.
    :raises UnableToQueueMessage: when the queue is not set up for it.
    :raises UnableToReadProperty: when a property cannot be read as its type.
    :raises OverlayFailed: when the site's overlay of the acknowledgement cannot be applied.
    """
    delay = config_property(DELAY)
    due_at = at + delay if isinstance(delay, dt.timedelta) else at
    message = queue_message(
        message_type=MESSAGE_TYPE,
        external_system=DACS,
        payload=_overlaid(row, error_text, at=at),
        message_id=_message_id(row),
        key=row.sync_request_id,
        not_before=due_at,
        # The path of the message type names it.
        context={"syncRequestId": row.sync_request_id},
        at=at,
    )
    row.ack_state, row.ack_has_error = SyncAckState.WAITING, bool(error_text)
    row.ack_message_id, row.ack_due_at = message.message_id, due_at
    row.ack_settled_at, row.ack_error = None, ""


def known(*, acknowledgement: EnrollAck) -> uuid.UUID | None:
    """
    Give the run that took this very acknowledgement of DERMS before; None when it is new.

    :raises MessageKeyReused: when DERMS acknowledged the sync request before with another body.
    """
    row = EnrollmentSync.objects.filter(sync_request_id=acknowledgement.sync_request_id).first()
    if row is None or not row.ack_digest:
        return None
    if row.ack_digest != acknowledgement.digest:
        raise _reused(acknowledgement)
    return row.ack_run_id


def claim(*, acknowledgement: EnrollAck, run_id: uuid.UUID, at: dt.datetime) -> None:
    """
    Note that DERMS acknowledged a sync request; one that never came by here is acknowledged all the same.

    :raises MessageKeyReused: when DERMS acknowledged it before with another body.
    """
    with transaction.atomic():
        row = _locked(acknowledgement.sync_request_id) or _unseen(acknowledgement.sync_request_id, at)
        if row.ack_digest and row.ack_digest != acknowledgement.digest:
            raise _reused(acknowledgement)
        row.ack_digest, row.ack_run_id = acknowledgement.digest, run_id
        row.save(update_fields=["ack_digest", "ack_run_id"])


def queue_for_derms(*, acknowledgement: EnrollAck, at: dt.datetime) -> tuple[EnrollmentSync, bool]:
    """
    Queue DERMS's own acknowledgement, unless the sync request has one already; give the row and whether it was queued.

    :raises UnableToQueueMessage: when the queue is not set up for it.
    :raises UnableToReadProperty: when a property cannot be read as its type.
    """
    with transaction.atomic():
        row = _locked(acknowledgement.sync_request_id) or _unseen(acknowledgement.sync_request_id, at)
        if row.ack_state not in (SyncAckState.NONE, SyncAckState.EXPECTED):
            return row, False
        has_error = acknowledgement.code is not AckCode.SUCCESS
        queue(row=row, error_text=(acknowledgement.text or "refused") if has_error else "", at=at)
        row.save()
    return row, True


def message_settled(*, message: Any, status: str, at: dt.datetime) -> EnrollmentSync | None:
    """Follow an outbound message to its end; a failure opens an incident. None when it is no acknowledgement."""
    state = _STATES.get(str(status))
    row = EnrollmentSync.objects.select_related("run").filter(ack_message_id=message.message_id).first()
    if row is None or state is None:
        return None
    changed = (
        EnrollmentSync.objects.filter(pk=row.pk)
        .exclude(ack_state=state)
        .update(
            ack_state=state,
            ack_settled_at=at,
            ack_error="" if state == SyncAckState.DELIVERED else message.last_error[:1000],
        )
    )
    row.refresh_from_db()
    if changed and state == SyncAckState.FAILED:
        _report(row, message.last_error, at)
    return row


def _report(row: EnrollmentSync, last_error: str, at: dt.datetime) -> None:
    declaration = registry.find("enroll_sync_ack")
    reason = f"The acknowledgement of sync request {row.sync_request_id} was not delivered to DACS"
    errors.report(
        flow=Flow.objects.filter(identifier=declaration.identifier).first(),
        source=declaration.identifier,
        fault=Fault(
            type=FaultType.REMOTE,
            code="sync_ack_failed",
            reason=reason,
            detail=f"{reason}: {last_error}" if last_error else "",
        ),
        run=row.run,
        identifiers={"syncRequestId": row.sync_request_id},
        at=at,
    )


def _overlaid(row: EnrollmentSync, error_text: str, *, at: dt.datetime) -> Mapping[str, Any]:
    base = _payload(row, error_text)
    overlay = applied_overlays.in_effect(MAPPING, at=at)
    if overlay is None:
        return base
    run_id = row.ack_run_id or row.run_id
    return applied_overlays.whole(
        applied_overlays.apply(
            overlay,
            message=source_of(row, error_text),
            base=base,
            facts=Facts(flow=MAPPING, run_id=str(run_id or ""), received_at=row.received_at),
        )
    )


def source_of(row: EnrollmentSync, error_text: str) -> dict[str, str]:
    """Give what an overlay's expressions start at: what the hub knows of the sync request."""
    return {
        "syncRequestId": row.sync_request_id,
        "errorText": error_text,
        "drmsInstance": row.drms_instance,
        "subscriptionId": row.subscription_id,
    }


def _payload(row: EnrollmentSync, error_text: str) -> Mapping[str, Any]:
    if error_text:
        return sync_acknowledgement.negative(
            sync_request_id=row.sync_request_id,
            text=error_text,
            category=int(str(config_property(CATEGORY))),
            number=int(str(config_property(NUMBER))),
        )
    key = f"{row.drms_instance}:{row.subscription_id}" if row.drms_instance and row.subscription_id else ""
    return sync_acknowledgement.positive(sync_request_id=row.sync_request_id, external_key=key)


def _message_id(row: EnrollmentSync) -> str:
    """Follow from the sync request, so that it is sent once; a new cycle of it has one of its own."""
    return f"{MESSAGE_TYPE}-{row.sync_request_id}" + (f"-{row.cycle}" if row.cycle > 1 else "")


def _locked(sync_request_id: str) -> EnrollmentSync | None:
    return EnrollmentSync.objects.select_for_update().filter(sync_request_id=sync_request_id).first()


def _unseen(sync_request_id: str, at: dt.datetime) -> EnrollmentSync:
    try:
        with transaction.atomic():
            return EnrollmentSync.objects.create(
                sync_request_id=sync_request_id, outcome=SyncOutcome.NOT_SEEN, received_at=at
            )
    except IntegrityError:
        # It came in this moment.
        return EnrollmentSync.objects.select_for_update().get(sync_request_id=sync_request_id)


def _reused(acknowledgement: EnrollAck) -> MessageKeyReused:
    text = kept(f"dacsMessageId {acknowledgement.sync_request_id} was acknowledged before with another body")
    return MessageKeyReused(
        f"{text}. Nothing was stored.",
        findings=[Finding(pointer=acknowledgement.pointer, code="idempotency_key_reused", message=text)],
        message_id=acknowledgement.sync_request_id,
    )
