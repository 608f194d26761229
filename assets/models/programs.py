"""What customers subscribe to, and the kinds of things that the DACS side knows: its configuration."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from assets import choices
from assets.identifiers import new_identifier


class Program(models.Model):
    """A demand-response program: its limits, and by what its devices are scored."""

    identifier = models.CharField(
        max_length=30, unique=True, default=new_identifier, help_text=_("programId in messages.")
    )
    code = models.CharField(max_length=60, unique=True, help_text=_("programCode in messages, e.g. SMART-COOL."))
    description = models.CharField(max_length=200, blank=True)
    subscription_type = models.CharField(max_length=30, default="DR-RES", help_text=_("subscriptionType in messages."))
    open_for_enrollment = models.BooleanField(default=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True, help_text=_("The first day that is not part of it."))
    time_zone = models.CharField(
        max_length=60, default="UTC", help_text=_("IANA name: in it cycles and days of the program begin.")
    )
    cycle = models.CharField(max_length=5, choices=choices.Cycle.choices, default=choices.Cycle.MONTH)
    event_limit = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1)], help_text=_("Successful participations a cycle (CA).")
    )
    event_limit_per_year = models.PositiveSmallIntegerField(
        default=40, validators=[MinValueValidator(1)], help_text=_("Successful participations a calendar year.")
    )
    reference_kw = models.DecimalField(
        _("reference power"),
        max_digits=9,
        decimal_places=3,
        default=Decimal("3.5"),
        validators=[MinValueValidator(Decimal("0.001"))],
        help_text=_("Power of a device that counts in full, kW."),
    )
    score_calculation = models.ForeignKey(
        "assets.ScoreCalculation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="programs",
        help_text=_("How its devices are scored; empty: the calculation DEFAULT."),
    )
    needs_status_check = models.BooleanField(
        default=True, help_text=_("A device is set up when its head-end system says that it can be reached.")
    )
    baseline_method = models.ForeignKey(
        "assets.BaselineMethod",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="programs",
        help_text=_("How load reductions are measured; empty: they are not."),
    )
    usage_recipient = models.CharField(
        max_length=60,
        default="DACS",
        help_text=_("Recipient of the usage subscriptions that subscriptions to the program are."),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["code"]
        verbose_name = _("program")
        constraints = [
            models.CheckConstraint(
                name="program_period",
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")),
                violation_error_message=_("A program ends after it starts."),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class CodedKind(models.Model):
    """What activity, communication and service task types have in common (guide, chapter 3)."""

    code = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200, blank=True)
    business_object = models.CharField(max_length=60, blank=True, help_text=_("The name that DACS has for it."))

    class Meta:
        abstract = True
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class ActivityType(CodedKind):
    """A kind of activity, e.g. the controllable device status check."""

    history = HistoricalRecords()

    class Meta(CodedKind.Meta):
        verbose_name = _("activity type")


class CommunicationType(CodedKind):
    """A kind of communication with a device, e.g. the status check and its response."""

    history = HistoricalRecords()

    class Meta(CodedKind.Meta):
        verbose_name = _("communication type")


class ServiceTaskType(CodedKind):
    """A kind of task that a customer asks for, e.g. an enrollment."""

    history = HistoricalRecords()

    class Meta(CodedKind.Meta):
        verbose_name = _("service task type")


class HeadEndSystem(models.Model):
    """An aggregator through which devices are reached (guide, chapter 3)."""

    name = models.CharField(max_length=50, unique=True, help_text=_("headEndSystem in messages, e.g. ECOBEE."))
    description = models.CharField(max_length=200, blank=True)
    external_system = models.ForeignKey(
        "outbound.ExternalSystem",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Where messages to its devices go: the hub that speaks to the DERMS."),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name = _("head-end system")

    def __str__(self) -> str:
        return self.name


class ProcessingMethod(models.Model):
    """How a head-end system does one thing: with which communication and which message."""

    head_end_system = models.ForeignKey(HeadEndSystem, on_delete=models.CASCADE, related_name="processing_methods")
    role = models.CharField(max_length=30, choices=choices.ProcessingRole.choices)
    communication_type = models.ForeignKey(CommunicationType, on_delete=models.PROTECT, related_name="+")
    message_type = models.ForeignKey(
        "outbound.OutboundMessageType", on_delete=models.PROTECT, related_name="+", help_text=_("E.g. X1-CTRLDVCS.")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("processing method")
        constraints = [
            models.UniqueConstraint(fields=["head_end_system", "role"], name="processing_method_once_a_role"),
        ]

    def __str__(self) -> str:
        return str(self.get_role_display())


class DeviceSpecification(models.Model):
    """A make and model of controllable devices, with the power that it can shed."""

    code = models.CharField(max_length=120, unique=True, help_text=_("specification in messages, e.g. ECOBEE-SMART5."))
    description = models.CharField(max_length=200, blank=True)
    device_type = models.CharField(max_length=120, help_text=_("deviceType in messages, e.g. SMART-THERMOSTAT."))
    rated_kw = models.DecimalField(
        max_digits=9, decimal_places=3, validators=[MinValueValidator(Decimal(0))], help_text=_("kW.")
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["code"]
        verbose_name = _("device specification")

    def __str__(self) -> str:
        return self.code
