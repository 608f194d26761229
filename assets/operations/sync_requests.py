"""
The way of a sync request from PENDING to the outbound queue: is there anything to tell, and is it complete?

Each request is worked on in its own transaction, under a lock on its row: the snapshot, the message in the outbound
queue and the status are one, whatever dies. A change that comes meanwhile waits for that lock, finds the request
gone from PENDING, and begins the next one.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from assets import sync_queries, sync_snapshots
from assets.choices import SubscriptionStatus, SyncFault, SyncStatus, ToDoType
from assets.engine import sync_comparison
from assets.models import SyncRequest
from assets.operations import moves, status
from foundation.kept_texts import kept
from outbound.operations.messages import queue_message


logger = structlog.get_logger(__name__)

MESSAGE_TYPE = "X1-NMSDASMSG"
HUB = "HUB"


def process(*, request_pk: int, at: dt.datetime) -> SyncStatus | None:
    """
    Work on one pending request; give what became of it, None when it is not its turn.

    :raises UnableToQueueMessage: when the outbound queue is not set up for it; the request stays pending.
    """
    with transaction.atomic():
        request = (
            SyncRequest.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=request_pk, status=SyncStatus.PENDING)
            .first()
        )
        if request is None or request.pk not in sync_queries.pending_ids(limit=1, after=request_pk - 1):
            return None
        try:
            with transaction.atomic():
                move(request, "determine", at=at)
        except IntegrityError:
            # Another one of the subscription is under way since a moment ago.
            return None
        _supersede_errors(request, at=at)
        _decide(request, at=at)
    return SyncStatus(request.status)


def move(
    request: SyncRequest, transition: str, *, at: dt.datetime, by: str = status.SYSTEM, reason: str = "", **facts: Any
) -> None:
    """Take a request that is locked over a transition, with further columns to write, and leave word of it."""
    for name, value in facts.items():
        setattr(request, name, value)
    moves.move(request, transition, at=at, by=by, reason=reason, also=tuple(facts))


def into_error(request: SyncRequest, *, fault: SyncFault, text: str, at: dt.datetime, **facts: Any) -> None:
    """Take a request that is locked into ERROR, and give a person the work."""
    move(request, "fail", at=at, reason=text, fault=fault, fault_text=text[:1000], **facts)
    summary = kept(f"Sync request {request.sync_request_id}: {text}")
    status.open_todo(kind=ToDoType.SYNC_REQUEST, subject=request, summary=summary, at=at)
    logger.warning("sync_request_in_error", sync_request=request.sync_request_id, fault=str(fault))


def end_overdue(*, request_pk: int, accepted_before: dt.datetime, at: dt.datetime) -> bool:
    """Give up waiting for an acknowledgement; False when it came, or is not due yet."""
    with transaction.atomic():
        request = (
            SyncRequest.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=request_pk, status=SyncStatus.AWAITING_ACKNOWLEDGEMENT, accepted_at__lt=accepted_before)
            .first()
        )
        if request is None or request.accepted_at is None:
            return False
        text = f"no acknowledgement has come since {request.accepted_at:%Y-%m-%d %H:%M} UTC, when the hub took it."
        into_error(request, fault=SyncFault.OVERDUE, text=text, at=at, may_be_known=True)
    return True


def _decide(request: SyncRequest, *, at: dt.datetime) -> None:
    key = request.subscription_id
    told = sync_queries.last_told([key]).get(key)
    perhaps = sync_queries.perhaps_told([key]).get(key, [])
    current = sync_snapshots.current([key])[key]
    final = sync_snapshots.to_tell(current, told=[told, *perhaps])
    facts: dict[str, Any] = {"initial_snapshot": sync_comparison.held(told), "final_snapshot": final}
    # What the DERMS may hold without having said so is told again, even when it looks the same as before.
    if not perhaps:
        active = current["subscriptionInfo"]["status"] == SubscriptionStatus.ACTIVE
        if told is None and not active:
            reason = "The DERMS was never told of the subscription, and it is not active."
            move(request, "discard", at=at, reason=reason, ended_at=at, **facts)
            return
        if sync_comparison.is_same(sync_comparison.held(told), final):
            move(request, "discard", at=at, reason="Nothing relevant changed.", ended_at=at, **facts)
            return
    missing = sync_comparison.missing(final)
    if missing:
        text = f"{'; '.join(missing)}. Nothing was sent. Enter it: that change is sent by itself."
        into_error(request, fault=SyncFault.INCOMPLETE, text=text, at=at, **facts)
        return
    _send(request, final, at=at, **facts)


def _send(request: SyncRequest, final: dict[str, Any], *, at: dt.datetime, **facts: Any) -> None:
    number = request.tries + 1
    details = {"syncRequestId": request.sync_request_id, **final}
    message = queue_message(
        message_type=MESSAGE_TYPE,
        external_system=HUB,
        payload={"sendDetails": details},
        # Follows from the request, so that a try is queued once; the next try is another message.
        message_id=f"{MESSAGE_TYPE}-{request.sync_request_id}" + (f"-{number}" if number > 1 else ""),
        key=final["subscriptionInfo"]["subscriptionId"],
        context={"syncRequestId": request.sync_request_id},
        at=at,
    )
    move(request, "send", at=at, tries=number, message_id=message.message_id, sent_at=at, accepted_at=None, **facts)


def _supersede_errors(request: SyncRequest, *, at: dt.datetime) -> None:
    """Put aside earlier requests in error: this one tells all of it, and brings the next To Do if it must."""
    # One that a person is acting upon in this moment is the person's; to wait for it could wait for this one in turn.
    earlier = SyncRequest.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        subscription=request.subscription_id, status=SyncStatus.ERROR
    )
    text = f"Superseded by sync request {request.sync_request_id}, which tells the DERMS all of it."
    for row in earlier.order_by("pk"):
        move(row, "cancel", at=at, reason=text, ended_at=at)
        status.complete_todos(subject=row, at=at, completion=text)
