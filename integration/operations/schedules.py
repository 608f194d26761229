"""What the scheduler does by itself: the shipped schedules, as rows that a person may change in the admin."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedSchedule:
    """A task by name and when it runs: every so many seconds, or daily at an hour and minute in UTC."""

    name: str
    task: str
    description: str
    seconds: int | None = None
    daily_at: tuple[int, int] | None = None


SHIPPED = (
    ShippedSchedule(
        name="Outbound: sweep",
        task="outbound.tasks.sweep",
        description="Sends what is due and was not woken up.",
        seconds=15,
    ),
    ShippedSchedule(
        name="Audit: seal",
        task="integration.tasks.seal_audit",
        description="Chains entries of the audit trail that were not chained after their commit.",
        seconds=60,
    ),
    ShippedSchedule(
        name="Meter data: sweep",
        task="vee.tasks.sweep",
        description="Takes up reading files and initial measurements that are due and were not woken up.",
        seconds=15,
    ),
    ShippedSchedule(
        name="Meter data: retries",
        task="vee.tasks.retry_imds",
        description="Runs initial measurements in exception again whose retry policy says that it is time.",
        seconds=300,
    ),
    ShippedSchedule(
        name="Meter data: gaps",
        task="vee.tasks.find_gaps",
        description="Creates estimations for gaps in final measurements (component types with an age for gaps).",
        daily_at=(4, 15),
    ),
    ShippedSchedule(
        name="Meter data: completeness",
        task="vee.tasks.summarise_completeness",
        description="Adds up days that are over or whose measurements changed, for the report of data completeness.",
        seconds=300,
    ),
    ShippedSchedule(
        name="Meter data: completeness of recent days",
        task="vee.tasks.summarise_recent_days",
        description="Adds up the days of the last weeks again, for installations that were entered late.",
        daily_at=(4, 45),
    ),
    ShippedSchedule(
        name="Reports: mails",
        task="integration.tasks.send_reports",
        description="Mails the reports whose time has come.",
        seconds=30,
    ),
    ShippedSchedule(
        name="Meter data: days",
        task="vee.tasks.count_days",
        description="Counts readings and To Dos by day, for the trends of the home page.",
        seconds=300,
    ),
    ShippedSchedule(
        name="Meter data: silent meters",
        task="vee.tasks.mark_stale",
        description="Marks measuring components whose readings have stayed away for longer than expected.",
        seconds=900,
    ),
    ShippedSchedule(
        name="Set-up: review",
        task="integration.tasks.review_setup",
        description="Counts the open steps of the set-up, for the home page.",
        seconds=300,
    ),
    ShippedSchedule(
        name="Programs: sweep",
        task="assets.tasks.sweep",
        description="Sets devices up that were not woken up, gives up on status checks without an answer (property "
        "deviceStatusCheck.ackTimeout), ends subscriptions whose day has come.",
        seconds=15,
    ),
    ShippedSchedule(
        name="Meter data: months",
        task="vee.tasks.maintain_measurements",
        description="Creates monthly partitions of measurements ahead and retires old ones (MEASUREMENT_MONTHS_KEPT).",
        daily_at=(3, 15),
    ),
    ShippedSchedule(
        name="Flows: sweep",
        task="integration.tasks.sweep",
        description="Takes up flow runs that are due and were not woken up.",
        seconds=15,
    ),
    ShippedSchedule(
        name="Files: sweep",
        task="integration.tasks.sweep_segments",
        description="Takes up files that are due and were not woken up, or whose worker died.",
        seconds=15,
    ),
    ShippedSchedule(
        name="Status checks: overdue",
        task="integration.tasks.mark_overdue_checks",
        description="Lists device status checks without an answer (property deviceStatusCheck.ackTimeout).",
        seconds=60,
    ),
    ShippedSchedule(
        name="Errors: digests",
        task="integration.tasks.send_digests",
        description="Mails the incidents of the last period (parameter ERROR_DIGEST_SECONDS).",
        seconds=30,
    ),
    ShippedSchedule(
        name="Flows: schedules",
        task="integration.tasks.fire_schedules",
        description="Starts scheduled flows whose time has come, and ends pauses at their planned end.",
        seconds=5,
    ),
    ShippedSchedule(
        name="Programs: event performance",
        task="assets.tasks.calculate_performance",
        description="Calculates load reductions of events that ended or whose measurements changed.",
        seconds=300,
    ),
    ShippedSchedule(
        name="Zones: heartbeat",
        task="integration.tasks.ask_zones",
        description="Asks the workers of every connection zone whether they are there.",
        seconds=30,
    ),
    ShippedSchedule(
        name="Sync requests: F1-SYNRQ",
        task="assets.tasks.work_on_sync_requests",
        description="DACS side: sends what changed to the DERMS, and gives up what nobody acknowledged.",
        seconds=60,
    ),
    ShippedSchedule(
        name="Sync requests: compare all",
        task="assets.tasks.compare_all_snapshots",
        description="DACS side: looks for changes of subscriptions that nothing captured.",
        daily_at=(2, 30),
    ),
    ShippedSchedule(
        name="Programs: device scores",
        task="assets.tasks.score_and_extract",
        description="Scores all enrolled devices (X1-CALAS) and then extracts the scores (X1-SDCSE), on the DACS side.",
        daily_at=(5, 0),
    ),
    ShippedSchedule(
        name="Certificates: expiry",
        task="integration.tasks.alert_expiring_certificates",
        description="Tells of certificates that expire in 60, 30, 14, 7 days or 1 day.",
        daily_at=(6, 0),
    ),
    ShippedSchedule(
        name="Retention: everything",
        task="integration.tasks.purge",
        description="Deletes runs, incidents, mails and answers that are older than they are kept; statistics stay.",
        daily_at=(3, 45),
    ),
    ShippedSchedule(
        name="Retention: payloads",
        task="integration.tasks.purge_payloads",
        description="Deletes payloads that are older than their flow keeps them; runs and steps stay.",
        daily_at=(3, 30),
    ),
)


def install_schedules() -> list[str]:
    """
    Create the shipped schedules that are missing, give their names.

    One that exists is left as a person has set it: its interval, and whether it is switched on.
    """
    created = []
    with transaction.atomic():
        existing = set(
            PeriodicTask.objects.filter(name__in=[each.name for each in SHIPPED]).values_list("name", flat=True)
        )
        for shipped in SHIPPED:
            if shipped.name not in existing:
                _create(shipped)
                created.append(shipped.name)
    return created


def _create(shipped: ShippedSchedule) -> None:
    task = PeriodicTask(name=shipped.name, task=shipped.task, description=shipped.description)
    if shipped.seconds is not None:
        task.interval = IntervalSchedule.objects.filter(
            every=shipped.seconds, period=IntervalSchedule.SECONDS
        ).first() or IntervalSchedule.objects.create(every=shipped.seconds, period=IntervalSchedule.SECONDS)
        # With no worker running, wake-up calls must not pile up: the next one does the same work.
        task.expire_seconds = shipped.seconds
    if shipped.daily_at is not None:
        hour, minute = shipped.daily_at
        at = {"hour": str(hour), "minute": str(minute), "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"}
        task.crontab = CrontabSchedule.objects.filter(**at, timezone="UTC").first() or CrontabSchedule.objects.create(
            **at, timezone="UTC"
        )
    task.save()
