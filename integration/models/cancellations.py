"""The ledger of cancellations: each is sent once, and what it says about its event holds for reservations."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integration import choices
from integration.choices import RecordState


class Cancellation(models.Model):
    """
    A request of DERMS to cancel an event before it starts, by `(drmsInstanceId, messageId)` (`integration.md` 3.7).

    The latest one of an event decides: while it is open, when it went through, and while nobody knows whether it did,
    no device of the event is reserved any more. A FAILURE is tried again when it comes again; SUCCESS and ERROR are
    answered as before.
    """

    drms_instance_id = models.CharField(max_length=120)
    message_id = models.CharField(max_length=120)
    event_id = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the request in canonical form."))
    run = models.ForeignKey("integration.FlowRun", on_delete=models.CASCADE, related_name="cancellations")
    state = models.CharField(max_length=11, choices=RecordState.choices, default=RecordState.IN_PROGRESS)
    stands = models.BooleanField(
        default=True, help_text=_("It holds up reservations of its event: open, done, or of unknown outcome.")
    )
    answer_value = models.CharField(max_length=1000, blank=True)
    claimed_at = models.DateTimeField(help_text=_("When it was taken to work last."))
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("cancellation")
        constraints = [
            models.UniqueConstraint(fields=["drms_instance_id", "message_id"], name="cancellation_once"),
            models.UniqueConstraint(
                fields=["drms_instance_id", "event_id"],
                condition=models.Q(state=choices.RecordState.IN_PROGRESS),
                name="cancellation_one_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["event_id", "drms_instance_id", "-claimed_at"], name="cancellation_of_event")]

    def __str__(self) -> str:
        return f"{self.event_id} ({self.message_id})"
