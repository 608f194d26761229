"""VEE configuration: groups, their rules, and the types of exception that rules raise."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from vee import choices


class VeeExceptionType(models.Model):
    """Groups exceptions by likeness, so that the root issue is recognizable."""

    code = models.CharField(max_length=40, primary_key=True)
    description = models.CharField(max_length=200, blank=True)
    todo_type = models.ForeignKey(
        "vee.ToDoType",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("The type of the To Do; empty: the default type."),
    )
    todo_role = models.ForeignKey(
        Group,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("The role that works on it; empty: the role of the To Do type."),
    )
    create_todo = models.BooleanField(default=True)
    retry_when_related_completes = models.BooleanField(
        default=False,
        help_text=_(
            "An IMD that is held by exceptions of such types alone runs again when an IMD of a related component "
            "completes (`vee.md` 3.3, 7.3)."
        ),
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("VEE exception type")

    def __str__(self) -> str:
        return self.code


class VeeGroup(models.Model):
    """An ordered list of rules that an IMD passes."""

    code = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("VEE group")

    def __str__(self) -> str:
        return self.code


class VeeRule(models.Model):
    """One rule of one group, in force for IMDs whose local start date lies in its period (both dates inclusive)."""

    group = models.ForeignKey(VeeGroup, on_delete=models.CASCADE, related_name="rules")
    sequence = models.PositiveIntegerField()
    rule = models.CharField(max_length=60, help_text=_("The rule's name in the registry, e.g. interval_spike_check."))
    description = models.CharField(max_length=200, blank=True)
    severity = models.CharField(max_length=10, choices=choices.Severity.choices, default=choices.Severity.ISSUE)
    exception_type = models.ForeignKey(VeeExceptionType, on_delete=models.PROTECT, null=True, blank=True)
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    eligibility = models.JSONField(
        default=list, blank=True, help_text=_("Criteria that decide whether the rule applies to an IMD.")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("VEE rule")
        constraints = [
            models.UniqueConstraint(
                fields=["group", "sequence", "start_date"],
                name="vee_rule_unique_sequence",
                violation_error_message=_("Two rules of one group cannot share a sequence and start date."),
            ),
            # NULLs are distinct in the constraint above; SQLite knows no NULLS NOT DISTINCT.
            models.UniqueConstraint(
                fields=["group", "sequence"],
                condition=Q(start_date__isnull=True),
                name="vee_rule_unique_undated",
                violation_error_message=_("Two rules of one group without a start date cannot share a sequence."),
            ),
            models.CheckConstraint(
                name="vee_rule_period",
                condition=Q(end_date__isnull=True) | Q(start_date__isnull=True) | Q(end_date__gte=F("start_date")),
                violation_error_message=_("The end date lies before the start date."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.rule}"


class Factor(models.Model):
    """
    What a characteristic leads to: a VEE group, or a profile component, by value and date (`vee.md` 3.4).

    The characteristic is looked for on the measuring component, its device, and its service point, in this order.
    """

    code = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=200, blank=True)
    characteristic = models.CharField(max_length=60, help_text=_("The name of the characteristic that decides."))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("factor")

    def __str__(self) -> str:
        return self.code


class FactorValue(models.Model):
    """What a value of a factor's characteristic leads to in a period, both dates inclusive; the IMD's start counts."""

    factor = models.ForeignKey(Factor, on_delete=models.CASCADE, related_name="values")
    characteristic_value = models.CharField(max_length=100)
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    vee_group = models.ForeignKey(VeeGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    measuring_component = models.ForeignKey(
        "vee.MeasuringComponent", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("factor value")
        constraints = [
            models.UniqueConstraint(
                fields=["factor", "characteristic_value", "start_date"], name="factor_value_unique_start"
            ),
            models.UniqueConstraint(
                fields=["factor", "characteristic_value"],
                condition=Q(start_date__isnull=True),
                name="factor_value_unique_undated",
            ),
            models.CheckConstraint(
                name="factor_value_period",
                condition=Q(end_date__isnull=True) | Q(start_date__isnull=True) | Q(end_date__gte=F("start_date")),
                violation_error_message=_("The end date lies before the start date."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.characteristic_value}"
