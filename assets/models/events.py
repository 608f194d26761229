"""Program events and who took part in them: what scores and performance are computed from."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from assets import choices
from assets.models.customers import ControllableDevice, ProgramSubscription


class ProgramEvent(models.Model):
    """An event of the DERMS, as its reservations, cancellation and outcomes tell of it."""

    external_identifier = models.CharField(
        max_length=120, unique=True, help_text=_("eventExternalIdentifier in messages.")
    )
    category = models.CharField(max_length=4, choices=choices.EventCategory.choices, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=choices.EventStatus.choices, default=choices.EventStatus.SCHEDULED)
    cancel_message = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("program event")
        indexes = [models.Index(fields=["starts_at"], name="program_event_start")]

    def __str__(self) -> str:
        return self.external_identifier


class Participation(models.Model):
    """
    One device's part in one event: reserved, canceled, or reported with its outcome.

    Without a reservation the two reservation times are those of the event, or empty: outcomes of events that were
    reserved elsewhere are kept too.
    """

    event = models.ForeignKey(ProgramEvent, on_delete=models.CASCADE, related_name="participations")
    device = models.ForeignKey(ControllableDevice, on_delete=models.CASCADE, related_name="participations")
    subscription = models.ForeignKey(
        ProgramSubscription, on_delete=models.SET_NULL, null=True, blank=True, related_name="participations"
    )
    reserved_from = models.DateTimeField(null=True, blank=True)
    reserved_to = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=8, choices=choices.ParticipationStatus.choices, default=choices.ParticipationStatus.RESERVED
    )
    outcome = models.CharField(max_length=4, choices=choices.ParticipationOutcome.choices, blank=True)
    participated_from = models.DateTimeField(null=True, blank=True)
    participated_to = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=100, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("participation")
        constraints = [
            models.UniqueConstraint(fields=["event", "device"], name="participation_once"),
            models.CheckConstraint(
                name="participation_reserved_period",
                condition=Q(reserved_from__isnull=True)
                | Q(reserved_to__isnull=True)
                | Q(reserved_to__gte=F("reserved_from")),
            ),
        ]
        indexes = [models.Index(fields=["device", "reserved_from"], name="participation_of_device")]

    def __str__(self) -> str:
        return f"{self.event_id}/{self.device_id}"
