"""Background work of the DACS side. Each task makes one call; the clock is read here."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from assets.operations import sync_batch


@shared_task(name="assets.tasks.work_on_sync_requests")
def work_on_sync_requests() -> None:
    """Run F1-SYNRQ: pending sync requests, and those without an acknowledgement."""
    sync_batch.run(at=timezone.now())


@shared_task(name="assets.tasks.compare_all_snapshots")
def compare_all_snapshots() -> None:
    """Look for changes of subscriptions that nothing captured."""
    sync_batch.compare_all(at=timezone.now())
