"""Background work of the DACS side. Each task makes one call; the clock is read here."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from assets import queries
from assets.operations import performance


logger = structlog.get_logger(__name__)


@shared_task(name="assets.tasks.calculate_performance")
def calculate_performance(**_unused: object) -> None:
    """Calculate load reductions of events that ended."""
    if not queries.is_on():
        return
    counts = performance.calculate_due(at=timezone.now())
    if counts:
        logger.info("event_performance_calculated", **{status.lower(): count for status, count in counts.items()})
