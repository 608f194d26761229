"""When IMDs in EXCEPTION run again by themselves."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from vee import choices


class VeeRetryPolicy(models.Model):
    """The criteria of automatic retry for IMDs of one kind (`vee.md` 2.7); without a row the defaults hold."""

    kind = models.CharField(max_length=12, choices=choices.ImdKind.choices, primary_key=True)
    enabled = models.BooleanField(default=True)
    retryable_exception_types = models.JSONField(
        default=list,
        blank=True,
        help_text=_(
            "Codes of exception types. An IMD is retried when every open Issue or Terminate is of one of them. "
            "Empty: all types but those raised by an Exception Handler."
        ),
    )
    frequency_hours = models.PositiveIntegerField(
        default=24, validators=[MinValueValidator(1)], help_text=_("Hours from one attempt to the next.")
    )
    max_attempts = models.PositiveSmallIntegerField(
        default=5, help_text=_("How often an IMD is run again at most; then it stays in EXCEPTION.")
    )
    max_age_days = models.PositiveIntegerField(
        default=30, help_text=_("An IMD that came longer ago is not run again by itself.")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("retry policy")
        verbose_name_plural = _("retry policies")

    def __str__(self) -> str:
        return self.get_kind_display()
