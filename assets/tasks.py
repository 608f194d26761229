"""Background work of the DACS side. Each task makes one call; the clock is read here. A lost wake-up costs seconds."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from assets import queries
from assets.batches import BATCHES
from assets.operations import enrollments, performance, score_chain, sweeping, sync_batch
from assets.operations.batch_work import BatchInProgress


logger = structlog.get_logger(__name__)


@shared_task(name="assets.tasks.set_up_devices")
def set_up_devices(*, enrollment_pk: int, **_unused: Any) -> None:
    """Begin with the devices of one enrollment; one that does not wait for it is left alone."""
    enrollments.set_up(enrollment_id=enrollment_pk, at=timezone.now())


@shared_task(name="assets.tasks.sweep")
def sweep(**_unused: Any) -> None:
    """Take up what was not woken up, and what waits for a time to pass."""
    done = sweeping.sweep(at=timezone.now())
    if done.timed_out or done.ended:
        logger.info("programs_swept", woken=done.woken, timed_out=done.timed_out, ended=done.ended)


@shared_task(name="assets.tasks.calculate_performance")
def calculate_performance(**_unused: Any) -> None:
    """Calculate load reductions of events that ended."""
    if not queries.is_on():
        return
    counts = performance.calculate_due(at=timezone.now())
    if counts:
        logger.info("event_performance_calculated", **{status.lower(): count for status, count in counts.items()})


@shared_task(name="assets.tasks.work_on_sync_requests")
def work_on_sync_requests(**_unused: Any) -> None:
    """Run F1-SYNRQ: pending sync requests, and those without an acknowledgement."""
    sync_batch.run(at=timezone.now())


@shared_task(name="assets.tasks.compare_all_snapshots")
def compare_all_snapshots(**_unused: Any) -> None:
    """Look for changes of subscriptions that nothing captured."""
    sync_batch.compare_all(at=timezone.now())


@shared_task(name="assets.tasks.score_and_extract")
def score_and_extract(**_unused: Any) -> None:
    """Run X1-CALAS, and X1-SDCSE when it went well."""
    score_chain.run(clock=timezone.now)


@shared_task(name="assets.tasks.run_batch")
def run_batch(*, batch_code: str, by: str, **_unused: Any) -> None:
    """Run one batch that a person asked for."""
    try:
        BATCHES[batch_code](by=by, at=timezone.now())
    except BatchInProgress as reason:
        # Asked for twice: the run that is at work does it.
        logger.info("batch_not_run", batch_code=batch_code, reason=str(reason))
