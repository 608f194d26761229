"""What comes back for a sync request: the end of its message, and the acknowledgement; in either order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from assets import sync_queries
from assets.choices import SyncFault, SyncStatus
from assets.models import SyncRequest
from assets.operations import status
from assets.operations.sync_requests import into_error, move
from foundation.kept_texts import kept
from outbound.choices import MessageFault, MessageStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """F1-UpdateSyncRequest as it came (`integration.md` 3.3): with a text for each exception, none when all is well."""

    sync_request_id: str
    exceptions: Sequence[str] = ()
    external_ids: Sequence[Mapping[str, Any]] = ()
    document: Mapping[str, Any] = field(default_factory=dict)


class NotAwaited(Exception):
    """The request awaits no acknowledgement; `repeated`: it has this very one already."""

    def __init__(self, text: str, *, repeated: bool) -> None:
        super().__init__(text)
        self.repeated = repeated


def acknowledge(*, acknowledgement: Acknowledgement, by: str, at: dt.datetime) -> SyncRequest:
    """
    Take the acknowledgement: SYNCHRONIZED, or ERROR with a To Do when it has exceptions.

    It may come before the end of the message was told here: the hub can only acknowledge what it took.

    :raises UnknownSyncRequest: when there is no such request.
    :raises NotAwaited: when the request awaits none; nothing is changed then.
    """
    key = sync_queries.sync_request(sync_request_id=acknowledgement.sync_request_id).pk
    with transaction.atomic():
        request = SyncRequest.objects.select_for_update(of=("self",)).get(pk=key)
        if request.status == SyncStatus.SEND_REQUEST:
            reason = "Its acknowledgement came before the end of its message was noted."
            move(request, "accept", at=at, by=by, reason=reason, accepted_at=at)
        if request.status != SyncStatus.AWAITING_ACKNOWLEDGEMENT:
            raise _not_awaited(request, acknowledgement)
        facts: dict[str, Any] = {"acknowledgement": dict(acknowledgement.document), "acknowledged_at": at}
        if acknowledgement.exceptions:
            text = "; ".join(acknowledgement.exceptions)
            into_error(request, fault=SyncFault.REFUSED, text=text, at=at, **facts)
        else:
            external = [dict(one) for one in acknowledgement.external_ids]
            _synchronized(request, by=by, at=at, external_ids=external, **facts)
    return request


def message_settled(*, message: Any, status_of_message: str, at: dt.datetime) -> SyncRequest | None:
    """Follow the message of a request to its end; None when it is the message of none."""
    with transaction.atomic():
        request = SyncRequest.objects.select_for_update(of=("self",)).filter(message_id=message.message_id).first()
        if request is None:
            return None
        if status_of_message == MessageStatus.SUCCESS:
            _accepted(request, at=at)
        elif request.status == SyncStatus.SEND_REQUEST:
            canceled = status_of_message == MessageStatus.CANCELED
            text = (
                kept("its message was canceled")
                if canceled
                else kept(f"its message was not delivered: {message.last_error}")
            )
            # A refusal is sure; after a timeout the hub may have it all the same.
            unsure = message.fault_type != MessageFault.BUSINESS and message.attempts.exists()
            into_error(request, fault=SyncFault.NOT_DELIVERED, text=text, at=at, may_be_known=unsure)
    return request


def _accepted(request: SyncRequest, *, at: dt.datetime) -> None:
    if request.status == SyncStatus.SEND_REQUEST:
        move(request, "accept", at=at, accepted_at=at)
    elif request.status == SyncStatus.ERROR and request.fault == SyncFault.NOT_DELIVERED:
        text = "Its message was sent again, and the hub took it."
        facts: dict[str, Any] = {"accepted_at": at, "fault": "", "fault_text": "", "may_be_known": False}
        try:
            with transaction.atomic():
                move(request, "accept_after_all", at=at, reason=text, **facts)
        except IntegrityError:
            # A later request is under way, and tells the DERMS all of it.
            return
        status.complete_todos(subject=request, at=at, completion=text)


def _synchronized(request: SyncRequest, *, by: str, at: dt.datetime, **facts: Any) -> None:
    # From now on it is sure again what the DERMS holds.
    rows = SyncRequest.objects.filter(subscription=request.subscription_id).exclude(pk=request.pk)
    rows.filter(is_last_told=True).update(is_last_told=False)
    rows.filter(may_be_known=True).update(may_be_known=False)
    move(request, "synchronize", at=at, by=by, is_last_told=True, ended_at=at, **facts)
    status.complete_todos(subject=request, at=at, completion="The DERMS has it.")


def _not_awaited(request: SyncRequest, acknowledgement: Acknowledgement) -> NotAwaited:
    refused = request.status == SyncStatus.ERROR and request.fault == SyncFault.REFUSED
    repeated = refused if acknowledgement.exceptions else request.status == SyncStatus.SYNCHRONIZED
    said = f"Sync request {request.sync_request_id} is {request.get_status_display().lower()}"
    if repeated:
        return NotAwaited(f"{said}: it was acknowledged before.", repeated=True)
    return NotAwaited(f"{said}: it awaits no acknowledgement.", repeated=False)
