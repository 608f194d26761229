"""Background work of integration. Each task makes one call; the clock is read here."""

from __future__ import annotations

import socket
import uuid

from celery import shared_task
from django.utils import timezone

from foundation import audit
from integration.operations import (
    certificates,
    errors,
    flow_schedules,
    housekeeping,
    messages,
    pauses,
    report_schedules,
    retention,
    scheduled_runs,
    segments,
    setup_review,
    status_checks,
    zones,
)


@shared_task(name="integration.tasks.execute_run")
def execute_run(*, run_id: str) -> None:
    """Work on a run that waits, such as a replay."""
    messages.execute(run_id=uuid.UUID(run_id), clock=timezone.now)


@shared_task(name="integration.tasks.run_scheduled_flow")
def run_scheduled_flow(*, identifier: str) -> None:
    """Start a run of a scheduled flow, unless one is in progress."""
    scheduled_runs.run_when_due(identifier=identifier, at=timezone.now())


@shared_task(name="integration.tasks.work_segment")
def work_segment(*, run_id: str) -> int:
    """Send segments of a run's file for a while; give how many."""
    return segments.work(run_id=uuid.UUID(run_id), clock=timezone.now)


@shared_task(name="integration.tasks.sweep_segments")
def sweep_segments() -> int:
    """Take up files whose worker died or whose wake-up was lost; give how many are being worked on."""
    return segments.sweep(at=timezone.now(), clock=timezone.now)


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


@shared_task(name="integration.tasks.mark_overdue_checks")
def mark_overdue_checks() -> int:
    """List device status checks whose answer has not come in time; give how many were found."""
    return status_checks.mark_overdue(at=timezone.now())


@shared_task(name="integration.tasks.purge")
def purge() -> dict[str, int]:
    """Delete what is older than it is kept; give how much of each kind."""
    return retention.purge(at=timezone.now())


@shared_task(name="integration.tasks.fire_schedules")
def fire_schedules() -> int:
    """Decide the due times of flow schedules and end pauses whose time has come; give how many runs were started."""
    at = timezone.now()
    pauses.end_planned(at=at)
    return flow_schedules.fire_due(at=at)


@shared_task(name="integration.tasks.send_reports")
def send_reports() -> int:
    """Mail the reports whose time has come; give how many mails were queued."""
    return report_schedules.send_due(at=timezone.now())


@shared_task(name="integration.tasks.alert_expiring_certificates")
def alert_expiring_certificates() -> int:
    """Tell of certificates that expire; give of how many."""
    return certificates.alert_expiring(at=timezone.now())


@shared_task(name="integration.tasks.ask_zones")
def ask_zones() -> int:
    """Ask the workers of every connection zone whether they are there; give how many zones there are."""
    return zones.ask_zones(at=timezone.now())


@shared_task(name="integration.tasks.zone_heartbeat")
def zone_heartbeat(*, zone: str) -> None:
    """Answer for the workers of a zone: whoever runs this takes the zone's queue."""
    zones.record_heartbeat(zone=zone, worker=socket.gethostname(), at=timezone.now())


@shared_task(name="integration.tasks.review_setup")
def review_setup() -> int:
    """Look at the steps of the set-up, so that home knows what is open; give how many are."""
    return sum(subject.open for subject in setup_review.review(at=timezone.now()))


@shared_task(name="integration.tasks.seal_audit")
def seal_audit() -> int:
    """Chain entries of the audit trail that were not sealed after their commit; give how many."""
    return audit.seal()
