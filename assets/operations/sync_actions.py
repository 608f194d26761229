"""What people do with sync requests: retry one that is in error, cancel one that has not ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from assets import sync_queries
from assets.choices import SYNC_ENDED, CapturedObject, SyncStatus
from assets.models import SyncRequest
from assets.operations import change_capture, status
from assets.operations.sync_requests import move
from outbound import message_queries
from outbound.models import OutboundMessage
from outbound.operations import message_actions


class UnableToAct(Exception):
    """What was asked is not possible with this sync request; nothing was changed."""


def retry(*, sync_request_id: str, by: Any, reason: str = "", at: dt.datetime) -> SyncRequest:
    """
    Work on a request in error anew, with the data as they are now; give the request that goes on.

    That is another one when the subscription has a pending request already, and when the DERMS may hold what was
    sent: under its id the hub has its answer, and would not send it again.

    :raises UnknownSyncRequest: when there is none.
    :raises UnableToAct: when it is not in error.
    """
    name = str(by or status.SYSTEM)
    with transaction.atomic():
        request, pending = _locked(sync_request_id)
        if request.status != SyncStatus.ERROR:
            raise UnableToAct(f"{_said(request)}: only one in error can be retried.")
        if pending is None and not request.may_be_known:
            move(request, "retry", at=at, by=name, reason=reason, fault="", fault_text="", acknowledgement=None)
            status.complete_todos(subject=request, at=at, by=name, completion="Retried.")
            return request
        if pending is None:
            change_capture.captured(
                subscription_ids=[request.subscription_id], what=CapturedObject.RETRY, by=name, at=at
            )
            pending = SyncRequest.objects.filter(
                subscription=request.subscription_id, status=SyncStatus.PENDING
            ).first()
            if pending is None:
                raise UnableToAct("The DACS side is switched off (property dacsSide.enabled): nothing is sent.")
        text = f"Continued by sync request {pending.sync_request_id}."
        move(request, "cancel", at=at, by=name, reason=f"{text} {reason}".strip(), ended_at=at)
        status.complete_todos(subject=request, at=at, by=name, completion=text)
        before = f"Continues sync request {request.sync_request_id}."
        status.note(pending, before=pending.status, after=pending.status, at=at, by=name, reason=before)
        return pending


def cancel(*, sync_request_id: str, by: Any, reason: str = "", at: dt.datetime) -> SyncRequest:
    """
    Put aside a request that has not ended, with its message when that still waits; what was sent stays sent.

    :raises UnknownSyncRequest: when there is none.
    :raises UnableToAct: when it has ended.
    """
    name = str(by or status.SYSTEM)
    with transaction.atomic():
        request, _pending = _locked(sync_request_id)
        if request.status in SYNC_ENDED:
            raise UnableToAct(f"{_said(request)}: it has ended.")
        unsure = request.may_be_known or request.status == SyncStatus.AWAITING_ACKNOWLEDGEMENT
        if request.status == SyncStatus.SEND_REQUEST:
            unsure = not _message_taken_back(request, by=by, reason=reason, at=at)
        move(request, "cancel", at=at, by=name, reason=reason, may_be_known=unsure, ended_at=at)
        status.complete_todos(subject=request, at=at, by=name, completion="The sync request was canceled.")
    return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How many requests of a selection were acted upon, and why the others were not."""

    count: int
    refusals: tuple[str, ...]


ACTIONS: dict[str, Callable[..., SyncRequest]] = {"retry": retry, "cancel": cancel}


def act_on_many(*, action: str, sync_request_ids: Sequence[str], by: Any, reason: str = "", at: dt.datetime) -> Done:
    """Do the same with several requests, each on its own; one that does not allow it is left alone."""
    count, refusals = 0, []
    for sync_request_id in sync_request_ids:
        try:
            ACTIONS[action](sync_request_id=sync_request_id, by=by, reason=reason, at=at)
        except (UnableToAct, sync_queries.UnknownSyncRequest) as error:
            refusals.append(str(error))
        else:
            count += 1
    return Done(count=count, refusals=tuple(refusals))


def _locked(sync_request_id: str) -> tuple[SyncRequest, SyncRequest | None]:
    """Lock a request, and before it the pending one of its subscription: the order in which the batch locks."""
    row = sync_queries.sync_request(sync_request_id=sync_request_id)
    rows = SyncRequest.objects.select_for_update(of=("self",))
    pending = rows.filter(subscription=row.subscription_id, status=SyncStatus.PENDING).first()
    if pending is not None and pending.pk == row.pk:
        return pending, None
    return rows.get(pk=row.pk), pending


def _message_taken_back(request: SyncRequest, *, by: Any, reason: str, at: dt.datetime) -> bool:
    """Cancel the message of a request; whether it never left."""
    message = OutboundMessage.objects.filter(message_id=request.message_id).first()
    if message is None:
        return False
    why = reason or f"Sync request {request.sync_request_id} was canceled."
    try:
        with transaction.atomic():
            message_actions.cancel(message_pk=message.pk, by=by, reason=why, at=at)
    except (message_actions.UnableToAct, message_queries.UnknownMessage):
        # It is being sent, or was: what comes of it is not waited for.
        return False
    return not message.attempts.exists()


def _said(request: SyncRequest) -> str:
    return f"Sync request {request.sync_request_id} is {request.get_status_display().lower()}"
