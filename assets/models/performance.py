"""How much a device reduced its load in an event: by which method, against which days, with which numbers."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from assets import choices
from assets.engine.baselines import Adjustment, DayType, Method, Selection
from assets.models.events import Participation
from vee.models import MeasuringComponent


class BaselineMethod(models.Model):
    """A baseline method as data (`integration.md` 9.3): of Y like days X are averaged, then adjusted."""

    code = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=200, blank=True)
    days_considered = models.PositiveSmallIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("Y: the latest qualified days."),
    )
    days_selected = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(60)], help_text=_("X: those of them averaged.")
    )
    weekend_days_considered = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(60)],
        help_text=_("Y for an event on a weekend day or holiday; 0: as on working days."),
    )
    weekend_days_selected = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(60)], help_text=_("X likewise; 0: all that are considered.")
    )
    selection = models.CharField(
        max_length=11, choices=choices.BaselineSelection.choices, default=choices.BaselineSelection.MOST_RECENT
    )
    day_type = models.CharField(
        max_length=12, choices=choices.BaselineDayType.choices, default=choices.BaselineDayType.SAME_KIND
    )
    lookback_days = models.PositiveSmallIntegerField(
        default=45,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text=_("How far back days are looked for."),
    )
    exclude_event_days = models.BooleanField(
        default=True, help_text=_("Leave out days on which a device of the place was in an event.")
    )
    exclude_holidays = models.BooleanField(default=True, help_text=_("Leave holidays out for events on working days."))
    minimum_qualified = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("With fewer days there is no baseline."),
    )
    adjustment = models.CharField(
        max_length=14, choices=choices.BaselineAdjustment.choices, default=choices.BaselineAdjustment.MULTIPLICATIVE
    )
    window_hours = models.DecimalField(
        max_digits=4,
        decimal_places=2,
        default=Decimal(3),
        validators=[MinValueValidator(Decimal("0.25")), MaxValueValidator(Decimal(12))],
        help_text=_("Length of the adjustment window, hours."),
    )
    gap_hours = models.DecimalField(
        max_digits=4,
        decimal_places=2,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(12))],
        help_text=_("Hours between the end of the adjustment window and the event."),
    )
    lowest_adjustment = models.DecimalField(
        max_digits=9,
        decimal_places=4,
        null=True,
        blank=True,
        help_text=_("Lower limit: a factor, or kW when the adjustment is added. Empty: none."),
    )
    highest_adjustment = models.DecimalField(
        max_digits=9, decimal_places=4, null=True, blank=True, help_text=_("Upper limit likewise.")
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["code"]
        verbose_name = _("baseline method")
        constraints = [
            models.CheckConstraint(
                name="baseline_method_days",
                condition=Q(days_selected__lte=F("days_considered")),
                violation_error_message=_("No more days can be selected than are considered."),
            ),
            models.CheckConstraint(
                name="baseline_method_limits",
                condition=Q(lowest_adjustment__isnull=True)
                | Q(highest_adjustment__isnull=True)
                | Q(lowest_adjustment__lte=F("highest_adjustment")),
                violation_error_message=_("The lower limit lies above the upper one."),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """
        Refuse what no day could satisfy.

        :raises ValidationError: at the field.
        """
        if self.minimum_qualified > self.days_considered:
            raise ValidationError({"minimum_qualified": _("No more days can be needed than are considered.")})
        if self.weekend_days_selected > (self.weekend_days_considered or self.days_considered):
            raise ValidationError({"weekend_days_selected": _("No more days can be selected than are considered.")})

    def as_method(self) -> Method:
        """Give the method as the engine takes it."""
        return Method(
            days_considered=self.days_considered,
            days_selected=self.days_selected,
            weekend_days_considered=self.weekend_days_considered,
            weekend_days_selected=self.weekend_days_selected,
            selection=Selection(self.selection),
            day_type=DayType(self.day_type),
            lookback_days=self.lookback_days,
            exclude_event_days=self.exclude_event_days,
            exclude_holidays=self.exclude_holidays,
            minimum_qualified=self.minimum_qualified,
            adjustment=Adjustment(self.adjustment),
            window_hours=self.window_hours,
            gap_hours=self.gap_hours,
            lowest=self.lowest_adjustment,
            highest=self.highest_adjustment,
        )


class EventPerformance(models.Model):
    """
    The load reduction of one device in one event, against its baseline.

    Loads are mean kW per interval, as decimal texts in order of time, of the measuring component as a whole; where
    several devices of the event share the component (`shared_by`), each has an equal part of the reduction.
    """

    participation = models.OneToOneField(
        Participation, on_delete=models.CASCADE, primary_key=True, related_name="performance"
    )
    status = models.CharField(max_length=11, choices=choices.PerformanceStatus.choices)
    reason = models.CharField(max_length=30, choices=choices.PerformanceReason.choices, blank=True)
    method = models.ForeignKey(
        BaselineMethod, on_delete=models.SET_NULL, null=True, blank=True, related_name="performances"
    )
    method_parameters = models.JSONField(default=dict, blank=True, help_text=_("The method as it was then."))
    measuring_component = models.ForeignKey(
        MeasuringComponent, on_delete=models.SET_NULL, null=True, blank=True, related_name="event_performances"
    )
    shared_by = models.PositiveSmallIntegerField(default=1, help_text=_("Devices of the event behind the component."))
    starts_at = models.DateTimeField(null=True, blank=True, help_text=_("Where the first whole interval begins."))
    seconds_per_interval = models.PositiveIntegerField(null=True, blank=True)
    actual = models.JSONField(default=list, blank=True)
    unadjusted = models.JSONField(default=list, blank=True)
    baseline = models.JSONField(default=list, blank=True)
    days = models.JSONField(default=list, blank=True, help_text=_("The days that were averaged, latest first."))
    notes = models.JSONField(default=list, blank=True)
    raw_adjustment = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    applied_adjustment = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    reduction_kwh = models.DecimalField(
        max_digits=18, decimal_places=4, null=True, blank=True, help_text=_("The device's part, kWh.")
    )
    highest_drop_kw = models.DecimalField(
        max_digits=18,
        decimal_places=4,
        null=True,
        blank=True,
        help_text=_("The device's part of the highest drop, kW."),
    )
    intervals = models.PositiveIntegerField(default=0)
    estimated_intervals = models.PositiveIntegerField(
        default=0, help_text=_("Of the event's intervals, those that were estimated.")
    )
    estimated_reduction_kwh = models.DecimalField(
        max_digits=18,
        decimal_places=4,
        null=True,
        blank=True,
        help_text=_("Of the reduction, what rests on them, kWh."),
    )
    estimated_baseline_intervals = models.PositiveIntegerField(
        default=0, help_text=_("Intervals of the averaged days that were estimated.")
    )
    reads_from = models.DateTimeField(null=True, blank=True, help_text=_("Measurements from here on …"))
    reads_to = models.DateTimeField(null=True, blank=True, help_text=_("… to here decide; a change makes it stale."))
    stale = models.BooleanField(default=False)
    calculated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("event performance")
        verbose_name_plural = _("event performance")
        default_permissions = ("view",)
        permissions = [("calculate_performance", _("Can calculate event performance"))]
        indexes = [
            models.Index(fields=["stale"], name="event_performance_stale", condition=Q(stale=True)),
            models.Index(fields=["measuring_component", "reads_to"], name="event_performance_reads"),
        ]

    def __str__(self) -> str:
        return f"performance {self.pk}"
