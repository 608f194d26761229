"""Evidence of what configuration documents did."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integration import choices


class AppliedConfiguration(models.Model):
    """
    A configuration document that changed something: who applied it, when, and what it changed, field by field.

    Evidence. Documents hold no secrets, so none can appear here; of a secret it says that it was set.
    """

    applied_at = models.DateTimeField(db_index=True)
    applied_by = models.CharField(max_length=150, blank=True, help_text=_("Empty: the product itself."))
    source = models.CharField(max_length=10, choices=choices.DocumentSource.choices)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the document as it was read."))
    count = models.PositiveIntegerField(help_text=_("How many records were created or changed."))
    changes = models.JSONField(default=list, help_text=_("Record by record: section, name, outcome, fields, notes."))

    class Meta:
        verbose_name = _("applied configuration")
        verbose_name_plural = _("applied configurations")
        default_permissions = ("view",)
        permissions = [
            ("export_configuration", _("Can export the configuration")),
            ("apply_configuration", _("Can apply configuration documents")),
        ]

    def __str__(self) -> str:
        return f"{self.applied_at:%Y-%m-%d %H:%M} {self.applied_by or 'system'}"
