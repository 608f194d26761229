"""The ledger of enrollment records: each messageId is sent once and answered the same."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from integration import choices


class EnrollmentRecord(models.Model):
    """
    One record of an enrollment collection, by its `messageId` (`integration.md` 2.1).

    `answer` is the entry of the acknowledgement as it was given, so that the same record gets it verbatim again.
    A record in FAILURE is tried again when it comes again; SUCCESS and ERROR are not sent twice.
    """

    flow = models.ForeignKey("integration.Flow", on_delete=models.PROTECT, related_name="+")
    message_id = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the record in canonical form."))
    run = models.ForeignKey("integration.FlowRun", on_delete=models.CASCADE, related_name="enrollment_records")
    position = models.PositiveIntegerField(help_text=_("Zero-based place in its collection."))
    state = models.CharField(
        max_length=11, choices=choices.RecordState.choices, default=choices.RecordState.IN_PROGRESS
    )
    response_code = models.CharField(max_length=7, choices=choices.AckType.choices, blank=True)
    answer_id = models.CharField(max_length=120, blank=True)
    answer_value = models.CharField(max_length=1000, blank=True)
    answer = models.JSONField(null=True, blank=True)
    received_at = models.DateTimeField(db_default=Now(), help_text=_("When the run that has it took it."))
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("enrollment record")
        constraints = [
            models.UniqueConstraint(fields=["flow", "message_id"], name="enrollment_record_once"),
        ]
        indexes = [
            models.Index(fields=["run", "position"], name="enrollment_record_order"),
            # What was acknowledged as it should is not in it.
            models.Index(fields=["state", "-id"], condition=~models.Q(state="SUCCESS"), name="enrollment_record_open"),
            # Reconciliation lists a period and counts its states from the index alone.
            models.Index(fields=["-received_at", "-id", "state"], name="enrollment_record_received"),
        ]

    def __str__(self) -> str:
        return self.message_id
