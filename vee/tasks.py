"""Wake-ups of the workers. What is due is read from the database; a lost message costs seconds."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from foundation.dispatch import after_commit
from vee import queries
from vee.operations import gap_finding, processing, retries


logger = structlog.get_logger(__name__)

# How long one task works before it hands over to the next, so that workers stay responsive.
BUDGET_SECONDS = 60.0
# How long a wake-up of its own is given before the sweep repeats it.
GRACE = dt.timedelta(seconds=10)


@shared_task(name="vee.tasks.process_due_imds")
def process_due_imds(**_unused: Any) -> None:
    """Process due IMDs until none is left or the time budget is used up."""
    stop = time.monotonic() + BUDGET_SECONDS
    while time.monotonic() < stop:
        done = processing.process_due(at=timezone.now(), limit=processing.DEFAULT_CHUNK)
        if not done.imds:
            return
        logger.info("imds_processed", imds=done.imds, completed=done.completed, exceptions=done.exceptions)
    after_commit("vee.tasks.process_due_imds")


@shared_task(name="vee.tasks.load_reading_file")
def load_reading_file(*, file_id: str, **_unused: Any) -> None:
    """Load one reading file."""
    from vee.operations import intake, reading_files

    try:
        intake.load_file(file_id=file_id, at=timezone.now())
    except reading_files.UnableToLoadFile as reason:
        # Two wake-ups of one file are normal; the row says who has it.
        logger.info("reading_file_not_loaded", reading_file=file_id, reason=str(reason))


@shared_task(name="vee.tasks.find_gaps")
def find_gaps(**_unused: Any) -> None:
    """Create estimations for gaps in final measurements, of component types that want that."""
    found = gap_finding.find_gaps(at=timezone.now())
    if found.components:
        logger.info(
            "gaps_found", components=found.components, estimations=found.estimations, waiting_for_a_person=found.asked
        )


@shared_task(name="vee.tasks.retry_imds")
def retry_imds(**_unused: Any) -> None:
    """Run IMDs in EXCEPTION again whose retry policy says that it is time."""
    done = retries.retry_due(at=timezone.now())
    if done.retried:
        logger.info("imds_retried", imds=done.retried, last_attempts=done.last_attempts)


@shared_task(name="vee.tasks.sweep")
def sweep(**_unused: Any) -> None:
    """Wake up what should have been woken: due IMDs, and files that wait or whose loader is gone."""
    now = timezone.now()
    if queries.due_since(before=now - GRACE):
        after_commit("vee.tasks.process_due_imds")
    for file_id in queries.stale_reading_file_ids(before=now - GRACE, now=now):
        after_commit("vee.tasks.load_reading_file", file_id=str(file_id))
