"""
What may go when its time has passed: payloads, runs, incidents, mails, answers to idempotency keys, schedule slots.

Statistics are a table of their own and never change by a purge. Everything goes in small pieces, so that a purge
never holds what others need, and may be stopped and run again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.deletion import ProtectedError

from foundation.models import IdempotentRequest
from integration.choices import ENDED_STATES
from integration.models import Flow, FlowRun, Incident, ScheduleSlot
from integration.operations import attachments, housekeeping
from outbound.choices import MailStatus
from outbound.models import Mail
from outbound.queries import parameter


logger = structlog.get_logger(__name__)

CHUNK = 200
SLOT_RETENTION_DAYS = 365


def purge(*, at: dt.datetime) -> dict[str, int]:
    """Delete everything whose retention has passed; give how much of each kind went."""
    steps: dict[str, Callable[..., int]] = {
        "payloads": housekeeping.purge_payloads,
        "files": attachments.purge,
        "runs": purge_runs,
        "incidents": purge_incidents,
        "mails": purge_mails,
        "idempotent_requests": purge_idempotent_requests,
        "schedule_slots": purge_slots,
    }
    purged = {name: step(at=at) for name, step in steps.items()}
    logger.info("purged", **purged)
    return purged


def purge_runs(*, at: dt.datetime) -> int:
    """
    Delete ended runs that are older than their flow keeps them, with steps, payloads and ledger; give how many.

    A run that a younger one repeats, or that something else still needs, stays until that has gone.
    """
    purged = 0
    for flow in Flow.objects.filter(run_retention_days__isnull=False):
        limit = at - dt.timedelta(days=flow.run_retention_days or 0)
        kept: set[Any] = set()
        while True:
            old = (
                FlowRun.objects.filter(flow=flow, state__in=ENDED_STATES, children__isnull=True)
                .filter(Q(finished_at__lte=limit) | Q(finished_at__isnull=True, started_at__lte=limit))
                .exclude(pk__in=kept)
            )
            chunk = list(old.values_list("pk", flat=True)[:CHUNK])
            if not chunk:
                break
            for run_id in chunk:
                if _delete_run(run_id):
                    purged += 1
                else:
                    kept.add(run_id)
    return purged


def purge_incidents(*, at: dt.datetime) -> int:
    """Delete incidents that were closed long ago; give how many."""
    return _delete(Incident.objects.filter(closed_at__lte=_limit("INCIDENT_RETENTION_DAYS", at)))


def purge_mails(*, at: dt.datetime) -> int:
    """Delete mails that were sent long ago; what waits or failed stays. Give how many."""
    return _delete(Mail.objects.filter(status=MailStatus.SENT, sent_at__lte=_limit("MAIL_RETENTION_DAYS", at)))


def purge_idempotent_requests(*, at: dt.datetime) -> int:
    """Delete old answers to an `Idempotency-Key`; give how many."""
    return _delete(IdempotentRequest.objects.filter(created_at__lte=_limit("IDEMPOTENCY_RETENTION_DAYS", at)))


def purge_slots(*, at: dt.datetime) -> int:
    """Delete decisions of schedules of long ago; give how many."""
    return _delete(ScheduleSlot.objects.filter(due_at__lte=at - dt.timedelta(days=SLOT_RETENTION_DAYS)))


def _delete_run(run_id: Any) -> bool:
    try:
        with transaction.atomic():
            row = FlowRun.objects.select_for_update().filter(pk=run_id, state__in=ENDED_STATES).first()
            if row is None:
                # Somebody resubmitted it in this moment.
                return False
            files = list(_files_of(row))
            row.delete()
            transaction.on_commit(lambda: _drop(files))
    except ProtectedError as error:
        logger.info("run_kept", run_id=str(run_id), reason=str(error)[:300])
        return False
    return True


def _files_of(row: FlowRun) -> Iterable[Any]:
    stored = getattr(row, "stored_file", None)
    if stored is not None and stored.content:
        yield stored.content


def _drop(files: Iterable[Any]) -> None:
    for file in files:
        file.storage.delete(file.name)


def _delete(rows: QuerySet[Any, Any]) -> int:
    model: type[Model] = rows.model
    deleted = 0
    while True:
        chunk = list(rows.values_list("pk", flat=True)[:CHUNK])
        if not chunk:
            return deleted
        model._default_manager.filter(pk__in=chunk).delete()
        deleted += len(chunk)


def _limit(name: str, at: dt.datetime) -> dt.datetime:
    return at - dt.timedelta(days=int(parameter(name)))
