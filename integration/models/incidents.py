"""Incidents: one cause, however many failures."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integration import choices


class Incident(models.Model):
    """
    The same fault code of the same flow, from the first time until it is closed; one mail thread.

    `source` is the flow's code, or the name of an integration that is none of ours. `occurrences` counts every fault,
    `mailed_count` those that a mail has told of.
    """

    flow = models.ForeignKey(
        "integration.Flow", on_delete=models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    source = models.CharField(max_length=120)
    fault_type = models.CharField(max_length=9, choices=choices.FaultType.choices)
    fault_code = models.CharField(max_length=60)
    fault_reason = models.CharField(max_length=1000, blank=True, help_text=_("Of the latest fault."))
    latest_run = models.ForeignKey(
        "integration.FlowRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="incidents"
    )
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    occurrences = models.PositiveIntegerField(default=1)
    mailed_count = models.PositiveIntegerField(default=0)
    last_mail_at = models.DateTimeField(null=True, blank=True)
    mail_thread = models.CharField(max_length=120, blank=True)
    mail_trouble = models.CharField(max_length=500, blank=True, help_text=_("Why the last mail was not queued."))
    escalations = models.PositiveIntegerField(
        default=0, help_text=_("How often it was told more urgently, because the faults went on.")
    )
    recovered = models.BooleanField(default=False, help_text=_("Closed because the flow succeeded again."))
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    closing_note = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "fault_code"], condition=Q(closed_at__isnull=True), name="incident_one_open"
            ),
        ]
        indexes = [models.Index(fields=["-last_seen_at", "id"], name="incident_newest")]
        permissions = [("close_incident", _("Can close incidents"))]

    def __str__(self) -> str:
        return f"{self.source} {self.fault_code}"
