"""Background work of integration. Each task makes one call; the clock is read here."""

from __future__ import annotations

import uuid

from celery import shared_task
from django.utils import timezone

from integration.operations import errors, housekeeping, messages


@shared_task(name="integration.tasks.execute_run")
def execute_run(*, run_id: str) -> None:
    """Work on a run that waits, such as a replay."""
    messages.execute(run_id=uuid.UUID(run_id), clock=timezone.now)


@shared_task(name="integration.tasks.sweep")
def sweep() -> int:
    """End what was abandoned and wake what waits; give how many runs were ended."""
    return housekeeping.sweep(at=timezone.now())


@shared_task(name="integration.tasks.send_digests")
def send_digests() -> int:
    """Mail the counts of open incidents whose window has passed; give how many mails were queued."""
    return errors.send_digests(at=timezone.now())


@shared_task(name="integration.tasks.purge_payloads")
def purge_payloads() -> int:
    """Delete payloads whose retention has passed; give how many."""
    return housekeeping.purge_payloads(at=timezone.now())
