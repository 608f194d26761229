"""What happened by day: a summary, so that a trend costs a few rows however many readings there are."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vee import choices


class DailyCount(models.Model):
    """How often something happened on a day (UTC); written by `vee.operations.daily_counts`, and never purged."""

    day = models.DateField()
    kind = models.CharField(max_length=20, choices=choices.DailyKind.choices)
    number = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("daily count")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["day", "kind"], name="daily_count_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind}"


class DailyCountCursor(models.Model):
    """
    Up to which row of an insert-only table the daily counts reach.

    What lies above `seen_to` waits one round more: a transaction that was given lower ids may still be under way.
    """

    source = models.CharField(max_length=20, unique=True)
    counted_to = models.BigIntegerField(default=0)
    seen_to = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("daily count cursor")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.source} {self.counted_to}"
