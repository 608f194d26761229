"""Demand-response events as far as they passed through here, and the ledger of reserved devices."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integration import choices


class Event(models.Model):
    """An event of DERMS, by `(drms_instance_id, external_id)`, as its latest reservation message described it."""

    drms_instance_id = models.CharField(max_length=120)
    external_id = models.CharField(max_length=120)
    event_type = models.CharField(max_length=60, blank=True, help_text=_("In DERMS's words."))
    event_status = models.CharField(max_length=60, blank=True, help_text=_("In DERMS's words."))
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=choices.EventState.choices, default=choices.EventState.RECEIVED)
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("event")
        constraints = [
            models.UniqueConstraint(fields=["drms_instance_id", "external_id"], name="event_once"),
        ]
        indexes = [models.Index(fields=["external_id"], name="event_by_external_id")]

    def __str__(self) -> str:
        return self.external_id


class Reservation(models.Model):
    """
    One device reserved for one event: `(event, head_end_system, nic_id)` is reserved once (`integration.md` 2.1).

    SENDING is written before the call, so that a device is never in two calls at once; RESERVED is not sent again.
    A file has up to a million of them, and the database would look up event, run and segment for each: that they are
    there is looked up once for a segment by who writes it, and Django follows where they are deleted.
    """

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="reservations", db_constraint=False, db_index=False
    )
    head_end_system = models.CharField(max_length=50)
    nic_id = models.CharField(max_length=100)
    run = models.ForeignKey(
        "integration.FlowRun",
        on_delete=models.CASCADE,
        related_name="reservations",
        db_constraint=False,
        db_index=False,
    )
    segment = models.ForeignKey(
        "integration.Segment", on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    line = models.PositiveBigIntegerField()
    starts_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: the event's start."))
    ends_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: the event's end."))
    state = models.CharField(
        max_length=8, choices=choices.ReservationState.choices, default=choices.ReservationState.SENDING
    )
    message = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("reservation")
        constraints = [
            models.UniqueConstraint(fields=["event", "nic_id", "head_end_system"], name="reservation_once"),
        ]
        indexes = [
            models.Index(fields=["run", "line"], name="reservation_by_run"),
            models.Index(fields=["nic_id"], opclasses=["varchar_pattern_ops"], name="reservation_nic_start"),
        ]

    def __str__(self) -> str:
        return f"{self.head_end_system}/{self.nic_id}"
