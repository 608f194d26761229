"""The ledger of event outcomes: what became of each device in each event."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integration import choices


class Outcome(models.Model):
    """
    One device's outcome in one event: `(event, head_end_system, nic_id)` has one, the latest (`integration.md` 2.1).

    POSTED with the same values is not sent again, whatever message brings it; other values are a correction and go to
    DACS. A device without a reservation here is allowed: reservations may have been made elsewhere.
    """

    event = models.ForeignKey("integration.Event", on_delete=models.CASCADE, related_name="outcomes")
    head_end_system = models.CharField(max_length=50)
    nic_id = models.CharField(max_length=100)
    run = models.ForeignKey("integration.FlowRun", on_delete=models.CASCADE, related_name="outcomes")
    line = models.PositiveBigIntegerField()
    code = models.CharField(max_length=30, help_text=_("In DERMS's words."))
    outcome = models.CharField(max_length=30, help_text=_("In DACS's words."))
    participated_from = models.DateTimeField(null=True, blank=True)
    participated_to = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=4000, blank=True, help_text=_("The whole error message of the head end."))
    message_cut = models.BooleanField(default=False, help_text=_("DACS got the first 100 characters of it."))
    state = models.CharField(max_length=8, choices=choices.OutcomeState.choices, default=choices.OutcomeState.POSTED)
    answer = models.CharField(max_length=500, blank=True, help_text=_("What DACS said to a refused one."))
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("event outcome")
        constraints = [
            models.UniqueConstraint(fields=["event", "head_end_system", "nic_id"], name="outcome_once"),
        ]
        indexes = [
            models.Index(fields=["run", "line"], name="outcome_by_run"),
            models.Index(fields=["state", "-id"], condition=~models.Q(state="POSTED"), name="outcome_not_taken"),
            models.Index(fields=["nic_id"], opclasses=["varchar_pattern_ops"], name="outcome_nic_start"),
        ]

    def __str__(self) -> str:
        return f"{self.head_end_system}/{self.nic_id}"
