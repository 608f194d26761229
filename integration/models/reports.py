"""Reports that are mailed by themselves, and each time at which one was due."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integration import choices


class ReportSchedule(models.Model):
    """A report with its parameters, when it is mailed, to whom and in which form."""

    name = models.CharField(max_length=100, unique=True)
    report = models.CharField(max_length=60)
    parameters = models.JSONField(
        default=dict,
        blank=True,
        help_text=_('Names and values as in the address of the report\'s page, such as {"period": "LAST_WEEK"}.'),
    )
    recipients = models.CharField(
        max_length=1000,
        default="to.process.notification",
        help_text=_("Mail addresses, or names of recipients of the lookup of e-mail recipients, separated by commas."),
    )
    frequency = models.CharField(
        max_length=7, choices=choices.ReportFrequency.choices, default=choices.ReportFrequency.WEEKLY
    )
    weekday = models.PositiveSmallIntegerField(
        choices=choices.Weekday.choices, default=choices.Weekday.MONDAY, help_text=_("For weekly mails.")
    )
    day_of_month = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("For monthly mails; a month that is shorter has it on its last day."),
    )
    local_time = models.TimeField(help_text=_("On the clock of the time zone."))
    time_zone = models.CharField(max_length=60, default="UTC", help_text=_("IANA name, e.g. America/New_York."))
    file_format = models.CharField(
        _("format"), max_length=4, choices=choices.ReportFormat.choices, default=choices.ReportFormat.XLSX
    )
    active = models.BooleanField(default=True)
    next_due_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    last_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_problem = models.CharField(max_length=500, blank=True, editable=False)
    history = HistoricalRecords(excluded_fields=["next_due_at", "last_sent_at", "last_problem"])

    class Meta:
        verbose_name = _("report schedule")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="report_schedule_days", condition=Q(day_of_month__range=(1, 31), weekday__range=(1, 7))
            ),
        ]
        permissions = [("send_report", _("Can mail a scheduled report now"))]

    def __str__(self) -> str:
        return self.name


class ReportDelivery(models.Model):
    """One time at which a report was due or sent by hand, and what became of it; each is decided once."""

    schedule = models.ForeignKey(ReportSchedule, on_delete=models.CASCADE, related_name="deliveries")
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=choices.ReportOutcome.choices)
    mail = models.ForeignKey("outbound.Mail", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    rows = models.PositiveIntegerField(null=True, blank=True)
    requested_by = models.CharField(max_length=150, blank=True, help_text=_("Who sent it; empty: the schedule."))
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("report delivery")
        verbose_name_plural = _("report deliveries")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="report_delivery_once")]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.due_at:%Y-%m-%d %H:%M}"
