"""Background work of the DACS side. Each task makes one call; the clock is read here."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from assets import queries
from assets.batches import BATCHES
from assets.operations import performance, score_chain
from assets.operations.batch_work import BatchInProgress


logger = structlog.get_logger(__name__)


@shared_task(name="assets.tasks.score_and_extract")
def score_and_extract() -> None:
    """Run X1-CALAS, and X1-SDCSE when it went well."""
    score_chain.run(clock=timezone.now)


@shared_task(name="assets.tasks.run_batch")
def run_batch(*, batch_code: str, by: str) -> None:
    """Run one batch that a person asked for."""
    try:
        BATCHES[batch_code](by=by, at=timezone.now())
    except BatchInProgress as reason:
        # Asked for twice: the run that is at work does it.
        logger.info("batch_not_run", batch_code=batch_code, reason=str(reason))


@shared_task(name="assets.tasks.calculate_performance")
def calculate_performance(**_unused: object) -> None:
    """Calculate load reductions of events that ended."""
    if not queries.is_on():
        return
    counts = performance.calculate_due(at=timezone.now())
    if counts:
        logger.info("event_performance_calculated", **{status.lower(): count for status, count in counts.items()})
