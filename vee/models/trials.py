"""Trials of rules over stored readings: what was asked, what came out, and whether it was promoted."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vee import choices
from vee.models.meters import MeasuringComponentType
from vee.models.rules import VeeGroup


class RuleTrial(models.Model):
    """
    Changed rules of one VEE group, run over stored IMDs beside today's rules, without writing anything.

    Rules are kept as a configuration document names them. `result` is a
    `vee.operations.trial_comparison.Comparison` as JSON. A trial is never changed: another idea is another trial.
    """

    group = models.ForeignKey(VeeGroup, on_delete=models.CASCADE, related_name="trials")
    rules_today = models.JSONField(help_text=_("The group's rules when the trial was requested."))
    rules = models.JSONField(help_text=_("The rules that were tried."))
    start = models.DateTimeField(help_text=_("IMDs that start at or after this instant …"))
    end = models.DateTimeField(help_text=_("… and before this one."))
    component_type = models.ForeignKey(
        MeasuringComponentType, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    component_search = models.CharField(
        _("measuring components"), max_length=60, blank=True, help_text=_("How their identifiers begin; empty: all.")
    )
    maximum_imds = models.PositiveIntegerField(default=5_000, help_text=_("The trial ends after so many IMDs."))
    status = models.CharField(max_length=10, choices=choices.TrialStatus.choices, default=choices.TrialStatus.REQUESTED)
    examined = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True, help_text=_("Why it could not be run."))
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    promoted_by = models.CharField(max_length=150, blank=True)
    promoted_at = models.DateTimeField(null=True, blank=True)
    promotion_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("rule trial")
        indexes = [models.Index(fields=["group", "-requested_at"], name="rule_trial_group")]
        permissions = [("promote_ruletrial", _("Can promote a rule trial"))]

    def __str__(self) -> str:
        return f"{self.group_id} {self.requested_at:%Y-%m-%d %H:%M}"
