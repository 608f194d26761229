"""Where devices were installed and when they were switched off; and the days that are holidays there."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vee.models.meters import Device, ServicePoint


class InstallEvent(models.Model):
    """A device at a service point from its installation to its removal: half-open, the end nullable while it lasts."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="install_events")
    service_point = models.ForeignKey(ServicePoint, on_delete=models.PROTECT, related_name="install_events")
    installed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    multiplier = models.DecimalField(
        max_digits=15,
        decimal_places=6,
        default=1,
        help_text=_("Multiplies the measuring component's own."),
    )

    class Meta:
        verbose_name = _("install event")
        constraints = [
            models.CheckConstraint(
                name="install_event_period", condition=Q(removed_at__isnull=True) | Q(removed_at__gt=F("installed_at"))
            ),
            models.UniqueConstraint(fields=["device", "installed_at"], name="install_event_unique_start"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.installed_at:%Y-%m-%d}"


class OffPeriod(models.Model):
    """A period in which an installed device was disconnected: half-open, the end nullable while it lasts."""

    install_event = models.ForeignKey(InstallEvent, on_delete=models.CASCADE, related_name="off_periods")
    start = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("off period")
        constraints = [
            models.CheckConstraint(name="off_period_period", condition=Q(end__isnull=True) | Q(end__gt=F("start"))),
            models.UniqueConstraint(fields=["install_event", "start"], name="off_period_unique_start"),
        ]

    def __str__(self) -> str:
        return f"{self.install_event_id} {self.start:%Y-%m-%d %H:%M}"


class Holiday(models.Model):
    """A day of a holiday calendar; estimations look for like days among holidays."""

    calendar = models.CharField(max_length=40)
    date = models.DateField()
    name = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = _("holiday")
        constraints = [models.UniqueConstraint(fields=["calendar", "date"], name="holiday_unique_date")]

    def __str__(self) -> str:
        return f"{self.calendar} {self.date}"
