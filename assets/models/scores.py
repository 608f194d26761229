"""Score calculations as data, and the score of each device of a subscription with what it came from."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from assets import choices
from assets.models.customers import SubscriptionDevice
from assets.models.programs import Program
from assets.models.work import BatchRun


class ScoreCalculation(models.Model):
    """How devices of programs are scored; what it says lies in its versions."""

    code = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["code"]
        verbose_name = _("score calculation")

    def __str__(self) -> str:
        return self.code


class ScoreCalculationVersion(models.Model):
    """
    What a score calculation says from a day on. Insert-only: a correction is a further version.

    In force on a day is the version with the latest `effective_on` not after it, of several the one with the highest
    number. `definition` is what `assets.engine.scores.read` reads.
    """

    calculation = models.ForeignKey(ScoreCalculation, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    effective_on = models.DateField(help_text=_("The first day on which it counts, in the program's time zone."))
    definition = models.JSONField()
    note = models.CharField(max_length=500, blank=True, help_text=_("Why it was made."))
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150, default="system")

    class Meta:
        ordering = ["calculation", "-effective_on", "-number"]
        verbose_name = _("version of a score calculation")
        verbose_name_plural = _("versions of score calculations")
        default_permissions = ("add", "view")
        constraints = [
            models.UniqueConstraint(fields=["calculation", "number"], name="score_calculation_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.calculation_id}/{self.number}"


class ControlScore(models.Model):
    """
    The score of a device in a subscription, as the last run of X1-CALAS left it, with every number that it came from.

    The numbers are named as `assets.engine.score_words` names the variables of formulas.
    """

    membership = models.OneToOneField(
        SubscriptionDevice, on_delete=models.CASCADE, primary_key=True, related_name="control_score"
    )
    # Without indexes of their own: they change with every run, and an update that touches no index costs half.
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="control_scores", db_index=False)
    version = models.ForeignKey(ScoreCalculationVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    batch_run = models.ForeignKey(BatchRun, on_delete=models.PROTECT, related_name="control_scores", db_index=False)
    score = models.DecimalField(max_digits=9, decimal_places=2)
    eligible = models.BooleanField()
    reason = models.CharField(
        max_length=30, blank=True, help_text=_("Why it is not eligible, ineligibilityReason in files.")
    )
    scored_at = models.DateTimeField()
    previous_score = models.DecimalField(max_digits=9, decimal_places=2, null=True, blank=True)
    changed_at = models.DateTimeField(help_text=_("Since when the score is this one."))
    communication_status = models.CharField(max_length=7, choices=choices.ReachForScore.choices)
    last_event_at = models.DateTimeField(null=True, blank=True, help_text=_("Of the last successful participation."))
    event_limit = models.IntegerField(help_text=_("CA"))
    event_count = models.IntegerField(help_text=_("CU"))
    event_limit_per_year = models.IntegerField(help_text=_("CAyear"))
    event_count_year = models.IntegerField(help_text=_("CUyear"))
    days_in_cycle = models.IntegerField(help_text=_("DP"))
    day_of_cycle = models.IntegerField(help_text=_("d"))
    days_elapsed = models.IntegerField(help_text=_("DE"))
    specification_kw = models.DecimalField(max_digits=9, decimal_places=3, help_text=_("specKw"))
    reference_kw = models.DecimalField(max_digits=9, decimal_places=3, help_text=_("referenceKw"))
    successes = models.IntegerField()
    attempts = models.IntegerField()
    active = models.BooleanField()
    opted_out = models.BooleanField(help_text=_("optedOut"))
    reserved = models.BooleanField()

    class Meta:
        verbose_name = _("control score")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["program", "membership"], name="control_score_of_program"),
            models.Index(fields=["reason", "membership"], name="control_score_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.score} ({self.pk})"
