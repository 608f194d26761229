"""How complete final measurements are, day by day: sums that reports read instead of measurements."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DayCompleteness(models.Model):
    """
    What of one local day's intervals came, of the measuring components of a type on a measurement cycle route.

    The day is the one of each service point's zone, of 23, 24 or 25 hours. Missing is what was expected and neither
    received nor estimated. A day without any component has one row of zeros: it was looked at.
    """

    day = models.DateField()
    type = models.ForeignKey("vee.MeasuringComponentType", on_delete=models.CASCADE, related_name="+", db_index=False)
    route = models.CharField(
        max_length=60, blank=True, help_text=_("Characteristic measurement_cycle_route of the service points.")
    )
    components = models.PositiveIntegerField(help_text=_("Components that were installed for some of the day."))
    expected = models.PositiveBigIntegerField(help_text=_("Intervals in which they were installed and not off."))
    received = models.PositiveBigIntegerField(help_text=_("Of these, those with a measured value."))
    estimated = models.PositiveBigIntegerField(help_text=_("Of these, those with an estimated value."))
    computed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("completeness of a day")
        verbose_name_plural = _("completeness by day")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["day", "type", "route"], name="day_completeness_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.type_id} {self.route}".strip()


class DayCompletenessDue(models.Model):
    """
    A note that measurements of components of a type and zone changed, by first and last label: insert-only.

    Written in the transaction of the measurements and taken away once the days between were added up again. No two
    writers meet here, as they would in a row for each day.
    """

    type_id = models.BigIntegerField()
    time_zone = models.CharField(max_length=60)
    first = models.DateTimeField()
    last = models.DateTimeField()
    noted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("day to be added up")
        verbose_name_plural = _("days to be added up")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.type_id} {self.first:%Y-%m-%d %H:%M} {self.last:%Y-%m-%d %H:%M}"
