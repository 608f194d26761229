"""Codes that came in messages and that their lookup does not hold."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class UnmappedCode(models.Model):
    """
    A value that a flow looked for in a column of a lookup, in vain; open until the lookup has it.

    Counts are written in bundles, so that they may lag behind by a minute.
    """

    lookup = models.CharField(max_length=120)
    source = models.CharField(_("column"), max_length=120, help_text=_("In which the value was looked for."))
    value = models.CharField(max_length=200)
    target = models.CharField(
        _("wanted column"), max_length=120, help_text=_("Whose value was wanted; the last one that was asked for.")
    )
    count = models.PositiveBigIntegerField(default=0, help_text=_("How often it was looked for."))
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    mapped_at = models.DateTimeField(null=True, blank=True, help_text=_("Since when the lookup has it; empty: open."))
    mapped_by = models.CharField(max_length=150, blank=True, help_text=_("Who added it from here."))

    class Meta:
        verbose_name = _("unmapped code")
        verbose_name_plural = _("unmapped codes")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["lookup", "source", "value"], name="unmapped_code_once")]
        indexes = [models.Index(fields=["-last_seen_at"], condition=Q(mapped_at__isnull=True), name="unmapped_open")]

    def __str__(self) -> str:
        return f"{self.lookup}: {self.value}"
