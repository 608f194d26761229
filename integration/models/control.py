"""Control of flows: pauses, schedules with their slots, statistics that outlive runs, and workers beside peers."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integration import choices


class Pause(models.Model):
    """
    A stop for a while: of one flow, of all flows, or of everything that uses a connection. Evidence.

    A flow waits as long as any open pause covers it, so that ending one restores exactly what that one stopped.
    """

    scope = models.CharField(max_length=10, choices=choices.PauseScope.choices)
    target = models.CharField(
        max_length=60, blank=True, help_text=_("Name of the flow or of the connection; empty for all flows.")
    )
    reason = models.CharField(max_length=1000)
    paused_by = models.CharField(max_length=150)
    paused_at = models.DateTimeField()
    planned_end = models.DateTimeField(
        null=True, blank=True, help_text=_("When it ends by itself; empty: when a person resumes.")
    )
    resumed_at = models.DateTimeField(null=True, blank=True)
    resumed_by = models.CharField(max_length=150, blank=True)
    resume_reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "target"], condition=Q(resumed_at__isnull=True), name="pause_one_open"
            ),
        ]
        permissions = [("pause_flow", _("Can pause and resume flows"))]

    def __str__(self) -> str:
        # With the flow's title where the query added it (`control_queries.with_flow_titles`).
        return f"{self.get_scope_display()} {getattr(self, 'flow_title', None) or self.target}".strip()


class FlowSchedule(models.Model):
    """When a scheduled flow runs by itself: every so many seconds, or at the times of a cron expression in a zone."""

    flow = models.OneToOneField("integration.Flow", on_delete=models.PROTECT, related_name="schedule")
    enabled = models.BooleanField(default=False, help_text=_("Off: it runs only by hand."))
    every_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(5)],
        help_text=_("Every so many seconds; or a cron expression."),
    )
    cron = models.CharField(
        max_length=100, blank=True, help_text=_("Minute, hour, day of month, month, day of week, such as 30 2 * * *.")
    )
    time_zone = models.CharField(max_length=60, default="UTC", help_text=_("The zone that the expression speaks of."))
    overlap = models.CharField(
        max_length=10,
        choices=choices.OverlapPolicy.choices,
        default=choices.OverlapPolicy.SKIP,
        help_text=_("What happens when it is due while an earlier run is unfinished."),
    )
    missed = models.CharField(
        max_length=10,
        choices=choices.MissedPolicy.choices,
        default=choices.MissedPolicy.RUN_ONCE,
        help_text=_("What happens with times at which nothing could run."),
    )
    parameters = models.JSONField(default=dict, blank=True, help_text=_("The message that each run gets."))
    next_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    history = HistoricalRecords(excluded_fields=["next_due_at"])

    class Meta:
        verbose_name = _("flow schedule")
        constraints = [
            models.CheckConstraint(
                name="flow_schedule_one_kind",
                condition=Q(every_seconds__isnull=False, cron="") | (Q(every_seconds__isnull=True) & ~Q(cron="")),
                violation_error_message=_("Either every so many seconds, or a cron expression."),
            ),
        ]
        permissions = [("run_schedule", _("Can run a scheduled flow now"))]

    def __str__(self) -> str:
        return f"{self.flow}: {self.cron or f'every {self.every_seconds} s'}"


class ScheduleSlot(models.Model):
    """One time at which a schedule was due, and what became of it; each is decided once."""

    schedule = models.ForeignKey(FlowSchedule, on_delete=models.CASCADE, related_name="slots")
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=choices.SlotOutcome.choices)
    run = models.ForeignKey("integration.FlowRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    requested_by = models.CharField(max_length=150, blank=True, help_text=_("Who ran it by hand; empty: the schedule."))
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("schedule slot")
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="schedule_slot_once")]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.due_at:%Y-%m-%d %H:%M:%S}"

    @property
    def lateness_seconds(self) -> float:
        """How long after its time it was decided."""
        return max((self.decided_at - self.due_at).total_seconds(), 0.0)


class FlowStatistics(models.Model):
    """
    What a flow did on a day (UTC), by its version; written with the run itself and never purged.

    Several rows (`part`) hold one day, so that runs that end together do not wait for each other; they are added up.
    Durations are in seconds, of ended runs.
    """

    flow = models.ForeignKey("integration.Flow", on_delete=models.PROTECT, related_name="statistics")
    version = models.CharField(max_length=20)
    day = models.DateField()
    part = models.PositiveSmallIntegerField(default=0)
    received = models.PositiveBigIntegerField(default=0)
    succeeded = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    aborted = models.PositiveBigIntegerField(default=0)
    measured = models.PositiveBigIntegerField(default=0, help_text=_("How many durations are in the sums."))
    duration_sum = models.FloatField(default=0.0)
    duration_squares = models.FloatField(default=0.0)
    duration_min = models.FloatField(null=True, blank=True)
    duration_max = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name = _("flow statistics")
        verbose_name_plural = _("flow statistics")
        default_permissions = ("view",)
        permissions = [("view_audit", "Can see the design-time audit")]
        constraints = [
            models.UniqueConstraint(fields=["flow", "version", "day", "part"], name="flow_statistics_once"),
        ]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.version} {self.day}"


class ZoneHeartbeat(models.Model):
    """When a worker of a connection zone last answered; evidence that the zone's queue has somebody."""

    zone = models.CharField(max_length=40, unique=True)
    beat_at = models.DateTimeField()
    worker = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("zone heartbeat")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.zone
