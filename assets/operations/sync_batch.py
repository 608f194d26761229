"""
F1-SYNRQ: pending sync requests are worked on, and overdue ones given up; and the comparison of all snapshots.

The deferral to a batch is what lets changes gather (`integration.md` 8.3). Several workers may run it at a time: each
request is locked by the one who works on it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assets import queries, sync_queries, sync_snapshots
from assets.choices import SYNC_UNDER_WAY, CapturedObject, SyncStatus
from assets.engine import sync_comparison
from assets.models import BatchRun, SyncRequest
from assets.operations import batch_runs, change_capture, status, sync_requests
from lookups.queries import config_property
from outbound.operations.messages import UnableToQueueMessage


BATCH = "F1-SYNRQ"
COMPARISON = "F1-SYNRQ-ALL"
ACK_TIMEOUT = "syncRequest.ackTimeout"
CHUNK = 200
LIMIT = 5_000
"""Requests of one run; the next run goes on."""
_OUTCOMES = {
    SyncStatus.SEND_REQUEST: "sent",
    SyncStatus.DISCARDED: "discarded",
    SyncStatus.ERROR: "error",
}


def run(*, by: Any = status.SYSTEM, at: dt.datetime, limit: int = LIMIT) -> BatchRun | None:
    """
    Work on what is pending and give up what is overdue; give the run, None when there was nothing to do.

    A queue that is not set up stops the run: the requests stay pending, and the run says why.
    """
    if not queries.is_on():
        return None
    counts: Counter[str] = Counter()
    name = str(by or status.SYSTEM)
    try:
        for request_pk in _pending(limit):
            done = sync_requests.process(request_pk=request_pk, at=at)
            if done is not None:
                counts[_OUTCOMES[done]] += 1
    except UnableToQueueMessage as error:
        return batch_runs.record_failure(batch_code=BATCH, by=name, at=at, counts=counts, message=str(error))
    counts["overdue"] += _end_overdue(at=at, limit=limit)
    return _recorded(BATCH, counts, by=name, at=at)


def compare_all(*, by: Any = status.SYSTEM, at: dt.datetime) -> BatchRun | None:
    """
    Compare what the DERMS holds of every subscription with what it is to hold, and capture what differs.

    The net below change data capture: it finds what was written past it, and what a crash between the commit of
    `vee` and its event lost. In parts, so that memory does not grow with the subscriptions.
    """
    if not queries.is_on():
        return None
    counts: Counter[str] = Counter()
    last = 0
    while True:
        ids = list(
            sync_queries.told_or_active()
            .filter(pk__gt=last)
            .order_by("pk")
            .values_list("pk", flat=True)[: sync_queries.PART]
        )
        if not ids:
            break
        last = ids[-1]
        differing = _differing(ids)
        counts["compared"] += len(ids)
        counts["captured"] += change_capture.captured(
            subscription_ids=differing, what=CapturedObject.COMPARISON, by=by, at=at
        )
    return _recorded(COMPARISON, counts, by=str(by or status.SYSTEM), at=at)


def _pending(limit: int) -> Iterator[int]:
    last, left = 0, limit
    while left > 0:
        ids = sync_queries.pending_ids(limit=min(CHUNK, left), after=last)
        if not ids:
            return
        yield from ids
        last, left = ids[-1], left - len(ids)


def _end_overdue(*, at: dt.datetime, limit: int) -> int:
    timeout = config_property(ACK_TIMEOUT)
    before = at - (timeout if isinstance(timeout, dt.timedelta) else dt.timedelta(hours=24))
    ids = sync_queries.overdue_ids(accepted_before=before, limit=limit)
    return sum(sync_requests.end_overdue(request_pk=pk, accepted_before=before, at=at) for pk in ids)


def _differing(subscription_ids: Sequence[int]) -> list[int]:
    told = sync_queries.last_told(subscription_ids)
    perhaps = sync_queries.perhaps_told(subscription_ids)
    under_way, refused = _in_work(subscription_ids)
    found = []
    for key, current in sync_snapshots.current(subscription_ids).items():
        if key in under_way:
            continue
        final = sync_snapshots.to_tell(current, told=[told.get(key), *perhaps.get(key, [])])
        # What is in error as it stands is the work of a person, who has a To Do for it.
        if key in refused and sync_comparison.is_same(refused[key], final):
            continue
        if key in perhaps or not sync_comparison.is_same(sync_comparison.held(told.get(key)), final):
            found.append(key)
    return found


def _in_work(subscription_ids: Sequence[int]) -> tuple[set[int], dict[int, Any]]:
    under_way: set[int] = set()
    refused: dict[int, Any] = {}
    rows = SyncRequest.objects.filter(
        subscription__in=subscription_ids, status__in=[SyncStatus.PENDING, SyncStatus.ERROR, *SYNC_UNDER_WAY]
    )
    for key, state, snapshot in rows.order_by("pk").values_list("subscription", "status", "final_snapshot"):
        if state == SyncStatus.ERROR:
            refused[key] = snapshot
        else:
            under_way.add(key)
    return under_way, refused


def _recorded(batch_code: str, counts: Mapping[str, int], *, by: str, at: dt.datetime) -> BatchRun | None:
    done = {name: number for name, number in counts.items() if number}
    if not done:
        return None
    return batch_runs.record(batch_code=batch_code, by=by, started_at=at, ended_at=at, counts=done)
