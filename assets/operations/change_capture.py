"""
Change data capture: what changes of a subscription, its contact, devices or place gathers in one pending sync request.

OUAF's MO audit algorithms (F1-GCHG-CDCP, X1-CNTCDCDA, X1-DVCCDCDA, X1-LOCCDCDA) do this; here it is one function,
called by `assets.receivers` for every row that is saved, and by operations that write rows in bulk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db import transaction

from assets import queries, sync_queries
from assets.choices import SyncStatus
from assets.identifiers import new_message_identifier
from assets.models import SyncChange, SyncRequest
from assets.operations import status


logger = structlog.get_logger(__name__)

_ROUNDS = 20


class UnableToCapture(RuntimeError):
    """Other processes took each pending request before the change could be noted with it: the change is refused."""


def captured(
    *, subscription_ids: Iterable[int], what: str, by: Any, at: dt.datetime, fields: Sequence[str] = ()
) -> int:
    """
    Note a change with the pending sync request of each subscription, made where there is none; give how many.

    Called in the transaction of the change, after it was written, so that the two cannot part. Nothing is noted while
    the DACS side is off, nor for subscriptions that are not active and that the DERMS never heard of.

    :param subscription_ids: keys of program subscriptions; others are passed over.
    :param what: what changed: a `CapturedObject`, or in words.
    :param by: a user or a name; empty: the system.
    :param fields: names of what changed, where they are known.
    :raises UnableToCapture: when it cannot be noted; the change is not to be kept then.
    """
    wanted = sorted(set(subscription_ids))
    if not wanted or not queries.is_on():
        return 0
    noted = 0
    name = str(by or status.SYSTEM)[:150]
    with transaction.atomic():
        for part in sync_queries.parts(wanted):
            requests = _pending(sync_queries.eligible(part), by=name, at=at)
            _note(requests, what=str(what)[:200], by=name, at=at, fields=sorted(set(fields)))
            noted += len(requests)
    return noted


def _pending(subscription_ids: Sequence[int], *, by: str, at: dt.datetime) -> list[SyncRequest]:
    """Lock the pending requests of subscriptions, made where there is none; in the order of their subscriptions."""
    held: dict[int, SyncRequest] = {}
    for _ in range(_ROUNDS):
        held.update(_locked([pk for pk in subscription_ids if pk not in held]))
        missing = [pk for pk in subscription_ids if pk not in held]
        if not missing:
            return [held[pk] for pk in subscription_ids]
        ids = {pk: new_message_identifier() for pk in missing}
        # What somebody else makes in this moment stands; it is looked for again.
        SyncRequest.objects.bulk_create(
            [SyncRequest(subscription_id=pk, sync_request_id=ids[pk], created_at=at) for pk in missing],
            ignore_conflicts=True,
        )
        found = _locked(missing)
        made = [row for pk, row in found.items() if row.sync_request_id == ids[pk]]
        status.note_many(made, before="", after=SyncStatus.PENDING, by=by, at=at)
        held.update(found)
    if len(held) == len(subscription_ids):
        return [held[pk] for pk in subscription_ids]
    raise UnableToCapture(
        "The change cannot be noted for the DERMS, because its sync requests are very busy. Try again."
    )


def _locked(subscription_ids: Sequence[int]) -> dict[int, SyncRequest]:
    if not subscription_ids:
        return {}
    rows = (
        SyncRequest.objects.select_for_update()
        .filter(subscription__in=subscription_ids, status=SyncStatus.PENDING)
        .defer("initial_snapshot", "final_snapshot", "acknowledgement")
        .order_by("subscription")
    )
    return {row.subscription_id: row for row in rows}


def _note(requests: Sequence[SyncRequest], *, what: str, by: str, at: dt.datetime, fields: list[str]) -> None:
    # One save of a thing may be told twice, by the row and by the operation that wrote it: it is one change.
    known = {row.request_id: row for row in SyncChange.objects.filter(request__in=requests, what=what, by=by, at=at)}
    SyncChange.objects.bulk_create(
        [
            SyncChange(request=request, what=what, fields=fields, at=at, by=by)
            for request in requests
            if request.pk not in known
        ]
    )
    for row in known.values():
        row.fields = sorted({*row.fields, *fields})
    SyncChange.objects.bulk_update([*known.values()], ["fields"])
    if requests:
        logger.info("changes_captured", what=what, requests=len(requests), by=by)
