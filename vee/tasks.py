"""Wake-ups of the workers. What is due is read from the database; a lost message costs seconds."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from foundation.dispatch import after_commit
from vee import queries, usage_queries
from vee.operations import (
    completeness,
    daily_counts,
    gap_finding,
    measurement_retention,
    processing,
    retries,
    staleness,
    usage,
    usage_sending,
)


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
        intake.load_file(file_id=file_id, at=timezone.now(), onward=True)
    except reading_files.UnableToLoadFile as reason:
        # Two wake-ups of one file are normal; the row says who has it.
        logger.info("reading_file_not_loaded", reading_file=file_id, reason=str(reason))


@shared_task(name="vee.tasks.run_rule_trial")
def run_rule_trial(*, trial_id: int, **_unused: Any) -> None:
    """Run one rule trial."""
    from vee.operations import trials

    try:
        trials.run_trial(trial_id=trial_id, at=timezone.now())
    except trials.TrialNotDue as reason:
        # Two wake-ups of one trial are normal; the row says who has it.
        logger.info("rule_trial_not_run", rule_trial=trial_id, reason=str(reason))


@shared_task(name="vee.tasks.calculate_usage")
def calculate_usage(**_unused: Any) -> None:
    """Calculate the usage that is stale or whose time has come."""
    done = usage.calculate_due(at=timezone.now())
    if done:
        logger.info("usage_calculated", transactions=done)


@shared_task(name="vee.tasks.find_gaps")
def find_gaps(**_unused: Any) -> None:
    """Create estimations for gaps in final measurements, of component types that want that."""
    found = gap_finding.find_gaps(at=timezone.now())
    if found.components:
        logger.info(
            "gaps_found", components=found.components, estimations=found.estimations, waiting_for_a_person=found.asked
        )


@shared_task(name="vee.tasks.summarise_completeness")
def summarise_completeness(**_unused: Any) -> None:
    """Add up the completeness of days that are over or whose measurements changed."""
    done = completeness.summarise_due(at=timezone.now())
    if done.days:
        logger.info("completeness_summarised", days=done.days, notes=done.notes)


@shared_task(name="vee.tasks.summarise_recent_days")
def summarise_recent_days(**_unused: Any) -> None:
    """Add up the completeness of the last weeks once more: installations may have been entered late."""
    done = completeness.summarise_recent(at=timezone.now())
    logger.info("completeness_of_recent_days_summarised", days=done.days)


@shared_task(name="vee.tasks.maintain_measurements")
def maintain_measurements(**_unused: Any) -> None:
    """Create monthly partitions ahead, and retire those older than the site keeps."""
    done = measurement_retention.maintain(
        at=timezone.now(),
        months_ahead=settings.MEASUREMENT_MONTHS_AHEAD,
        months_kept=settings.MEASUREMENT_MONTHS_KEPT,
    )
    if done.created or done.retired:
        created = [f"{month:%Y-%m}" for month in done.created]
        logger.info("measurements_maintained", created=created, retired=done.retired)


@shared_task(name="vee.tasks.count_days")
def count_days(**_unused: Any) -> None:
    """Bring the daily counts of readings and To Dos up to date."""
    counted = daily_counts.count_days(at=timezone.now())
    if counted:
        logger.info("days_counted", rows=counted)


@shared_task(name="vee.tasks.mark_stale")
def mark_stale(**_unused: Any) -> None:
    """Mark the measuring components whose readings have stayed away for longer than expected."""
    found, cleared = staleness.mark_stale(at=timezone.now())
    if found or cleared:
        logger.info("stale_components_marked", found=found, cleared=cleared)


@shared_task(name="vee.tasks.retry_imds")
def retry_imds(**_unused: Any) -> None:
    """Run IMDs in EXCEPTION again whose retry policy says that it is time."""
    done = retries.retry_due(at=timezone.now())
    if done.retried:
        logger.info("imds_retried", imds=done.retried, last_attempts=done.last_attempts)


@shared_task(name="vee.tasks.sweep")
def sweep(**_unused: Any) -> None:
    """Wake up what should have been woken: due IMDs, abandoned files, and usage to be calculated or sent."""
    now = timezone.now()
    if queries.due_since(before=now - GRACE):
        after_commit("vee.tasks.process_due_imds")
    for file_id in queries.stale_reading_file_ids(before=now - GRACE, now=now):
        after_commit("vee.tasks.load_reading_file", file_id=str(file_id))
    for trial_id in queries.due_trial_ids(before=now - GRACE, at=now):
        after_commit("vee.tasks.run_rule_trial", trial_id=trial_id)
    if usage_queries.due_calculations(at=now, before=now - GRACE, limit=1):
        after_commit("vee.tasks.calculate_usage")
    usage_sending.offer_waiting(before=now - GRACE, at=now)
