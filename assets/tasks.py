"""Background work of the DACS side. Each task makes one call; the clock is read here."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from assets import queries
from assets.operations import enrollments, performance, sweeping


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
def calculate_performance(**_unused: object) -> None:
    """Calculate load reductions of events that ended."""
    if not queries.is_on():
        return
    counts = performance.calculate_due(at=timezone.now())
    if counts:
        logger.info("event_performance_calculated", **{status.lower(): count for status, count in counts.items()})
