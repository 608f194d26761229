"""Master data: what is measured, where and with what."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from vee import choices


class ServicePoint(models.Model):
    """A place where service is delivered. Its zone decides what a local day is."""

    identifier = models.CharField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=60, default="UTC", help_text=_("IANA name, e.g. America/New_York."))
    standard_offset_seconds = models.IntegerField(
        default=0,
        editable=False,
        help_text=_(
            "Offset of the zone's standard time, fixed when the point is created: measurement blocks are laid by it."
        ),
    )
    holiday_calendar = models.CharField(
        max_length=40, blank=True, help_text=_("The calendar whose holidays count as such here; empty: none do.")
    )
    characteristics = models.JSONField(
        default=dict, blank=True, help_text=_("Names and values that factors and eligibility criteria look at.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("service point")

    def __str__(self) -> str:
        return self.identifier


class Device(models.Model):
    """A meter or another device at a service point; its measuring components are siblings."""

    identifier = models.CharField(max_length=60, unique=True)
    service_point = models.ForeignKey(
        ServicePoint, on_delete=models.PROTECT, null=True, blank=True, related_name="devices"
    )
    incoming_data_shift = models.CharField(
        max_length=10,
        choices=choices.IncomingDataShift.choices,
        default=choices.IncomingDataShift.STANDARD,
        help_text=_("How times without an offset are meant in this device's files."),
    )
    characteristics = models.JSONField(
        default=dict, blank=True, help_text=_("Names and values that factors and eligibility criteria look at.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("device")

    def __str__(self) -> str:
        return self.identifier


class MeasuringComponentType(models.Model):
    """What all measuring components of a kind have in common, and the VEE groups that they fall back on."""

    identifier = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200, blank=True)
    component_kind = models.CharField(max_length=20, choices=choices.ComponentKind.choices)
    seconds_per_interval = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Interval kinds only; a divisor of a day."),
    )
    uom = models.CharField(_("unit of measure"), max_length=20)
    scale = models.PositiveSmallIntegerField(
        default=6,
        help_text=_("Decimal places kept: a stored value counts 10^-scale of the unit. Fixed once data exists."),
    )
    allow_negative = models.BooleanField(default=False)
    dials = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Scalar kinds: digits of the register.")
    )
    rollover_threshold = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        default=Decimal("0.5"),
        validators=[MinValueValidator(Decimal("0.000001")), MaxValueValidator(1)],
        help_text=_("Scalar kinds: a step beyond this share of the register's range is a rollover."),
    )
    subtractive = models.BooleanField(
        default=True,
        help_text=_("Scalar kinds: a reading is a sum, and consumption the difference of two; off: it is consumption."),
    )
    sync_consumption = models.BooleanField(
        default=True,
        help_text=_("Subtractive kinds: a late or changed reading changes the consumption of the next one as well."),
    )
    initial_load_group = models.ForeignKey(
        "vee.VeeGroup", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    manual_override_group = models.ForeignKey(
        "vee.VeeGroup", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    estimation_group = models.ForeignKey(
        "vee.VeeGroup", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    skip_identical = models.BooleanField(
        default=True, help_text=_("Normalization leaves a measurement alone that has the same value and condition.")
    )
    check_too_few_intervals = models.BooleanField(
        default=True, help_text=_("Refuse data with fewer intervals than its period has.")
    )
    check_too_many_intervals = models.BooleanField(
        default=True, help_text=_("Refuse data with more intervals than its period has.")
    )
    fill_missing_intervals = models.BooleanField(
        default=False,
        help_text=_("Where fewer intervals were delivered than the period has, the rest of it counts as missing."),
    )
    snap_to_boundaries = models.BooleanField(
        default=False, help_text=_("Move times beside the boundaries of intervals onto the nearest ones.")
    )
    direct_processing = models.BooleanField(
        default=False,
        help_text=_(
            "Interval kinds: readings of files about which there is nothing to say become measurements at once, with "
            "the file as evidence and no IMD of their own."
        ),
    )
    high_quality_tolerance = models.DecimalField(
        max_digits=18,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_(
            "Before VEE, every interval has to lie within this quantity of the same interval of the day before; "
            "empty: not checked."
        ),
    )
    estimate_gaps_after_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text=_("Look for gaps in final measurements that are older than this; empty: never."),
    )
    gap_action = models.CharField(
        max_length=10,
        choices=choices.GapAction.choices,
        default=choices.GapAction.ESTIMATE,
        help_text=_("What is done about a gap."),
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("measuring component type")
        constraints = [
            models.CheckConstraint(
                name="component_type_interval_size",
                condition=Q(component_kind="SCALAR", seconds_per_interval__isnull=True)
                | (~Q(component_kind="SCALAR") & Q(seconds_per_interval__gt=0)),
                violation_error_message=_("An interval kind needs seconds per interval; a scalar kind has none."),
            ),
            models.CheckConstraint(name="component_type_scale", condition=Q(scale__lte=9)),
        ]

    def __str__(self) -> str:
        return self.identifier


class ValueDerivation(models.Model):
    """A further value that components of a type have, computed from their measurements when they are read."""

    type = models.ForeignKey(MeasuringComponentType, on_delete=models.CASCADE, related_name="derivations")
    name = models.CharField(max_length=40, help_text=_("What the value is called where measurements are read."))
    sequence = models.PositiveSmallIntegerField(default=10, help_text=_("A formula may use the values before it."))
    method = models.CharField(max_length=20, choices=choices.DerivationMethod.choices)
    uom = models.CharField(_("unit of measure"), max_length=20)
    scale = models.PositiveSmallIntegerField(default=6, help_text=_("Decimal places, rounded half-even."))
    parameters = models.JSONField(default=dict, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("value derivation")
        constraints = [
            models.UniqueConstraint(fields=["type", "name"], name="value_derivation_unique_name"),
            models.CheckConstraint(name="value_derivation_scale", condition=Q(scale__lte=12)),
        ]

    def __str__(self) -> str:
        return self.name


class MeasuringComponent(models.Model):
    """A channel or register of a device: what readings are about."""

    identifier = models.CharField(max_length=60, unique=True)
    type = models.ForeignKey(MeasuringComponentType, on_delete=models.PROTECT, related_name="components")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, null=True, blank=True, related_name="components")
    service_point = models.ForeignKey(
        ServicePoint, on_delete=models.PROTECT, null=True, blank=True, related_name="components"
    )
    multiplier = models.DecimalField(max_digits=15, decimal_places=6, default=1)
    consumption_reference = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="referring_components"
    )
    initial_load_group = models.ForeignKey(
        "vee.VeeGroup",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Overrides the type's group; it does not add to it."),
    )
    manual_override_group = models.ForeignKey(
        "vee.VeeGroup", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    estimation_group = models.ForeignKey(
        "vee.VeeGroup", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    characteristics = models.JSONField(
        default=dict, blank=True, help_text=_("Names and values that factors and eligibility criteria look at.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("measuring component")

    def __str__(self) -> str:
        return self.identifier


class Outage(models.Model):
    """A period in which a service point had no supply: half-open, the end nullable while it lasts."""

    service_point = models.ForeignKey(ServicePoint, on_delete=models.CASCADE, related_name="outages")
    start = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("outage")
        constraints = [
            models.CheckConstraint(name="outage_period", condition=Q(end__isnull=True) | Q(end__gt=F("start"))),
            models.UniqueConstraint(fields=["service_point", "start"], name="outage_unique_start"),
        ]

    def __str__(self) -> str:
        return f"{self.service_point_id} {self.start:%Y-%m-%d %H:%M}"


class MeasuringComponentProgress(models.Model):
    """
    How far a component's final measurements reach; kept by normalization.

    Beside the component, whose row is wide and under history.
    """

    measuring_component = models.OneToOneField(
        MeasuringComponent, on_delete=models.CASCADE, primary_key=True, related_name="progress"
    )
    latest_contiguous_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The label up to which nothing is missing.")
    )
    most_recent_actual_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The latest label whose measurement is not estimated.")
    )
    stale_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When it was found that readings have stayed away for longer than expected; empty: they have not."),
    )

    class Meta:
        verbose_name = _("progress of a measuring component")
        # Narrow on purpose: normalization never touches the column, so that its updates stay as cheap as they were.
        indexes = [
            models.Index(fields=["stale_since"], condition=Q(stale_since__isnull=False), name="component_stale"),
        ]

    def __str__(self) -> str:
        return f"progress of {self.measuring_component_id}"
