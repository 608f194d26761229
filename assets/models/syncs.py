"""Sync requests: what changed in a subscription, what the DERMS is told of it, and whether it took it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from assets.choices import SYNC_UNDER_WAY, CapturedObject, SyncFault
from assets.choices import SyncStatus as Status
from assets.identifiers import new_message_identifier
from assets.models.customers import ProgramSubscription
from foundation.state_machine import StateMachine


class SyncRequest(StateMachine, models.Model):
    """
    A request to bring the DERMS up to date on one subscription (X1-NMSDigitalAssetCustSync).

    The transitions are the one table of what may follow what; `assets.operations` is the only caller. A snapshot is
    `sendDetails` of the message without the request's id: what the DERMS holds, and what it is to hold.
    """

    sync_request_id = models.CharField(
        max_length=14, unique=True, default=new_message_identifier, help_text=_("syncRequestId in messages.")
    )
    subscription = models.ForeignKey(ProgramSubscription, on_delete=models.PROTECT, related_name="sync_requests")
    status = FSMField(default=Status.PENDING, choices=Status.choices, max_length=12, protected=True)
    created_at = models.DateTimeField()
    initial_snapshot = models.JSONField(
        null=True, blank=True, help_text=_("What the DERMS was told last; empty: it was never told.")
    )
    final_snapshot = models.JSONField(null=True, blank=True, help_text=_("What it is told."))
    tries = models.PositiveIntegerField(default=0, help_text=_("How often it was handed to the outbound queue."))
    message_id = models.CharField(max_length=200, blank=True, db_index=True, help_text=_("Of the last try's message."))
    sent_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was handed to the outbound queue."))
    accepted_at = models.DateTimeField(null=True, blank=True, help_text=_("When the hub took it."))
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledgement = models.JSONField(null=True, blank=True, help_text=_("As it came (F1-UpdateSyncRequest)."))
    external_ids = models.JSONField(default=list, blank=True, help_text=_("How others know it."))
    ended_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=12, choices=SyncFault.choices, blank=True)
    fault_text = models.CharField(max_length=1000, blank=True)
    is_last_told = models.BooleanField(
        default=False, help_text=_("Its final snapshot is what the DERMS holds of the subscription.")
    )
    may_be_known = models.BooleanField(
        default=False, help_text=_("It was sent, and nothing tells whether the DERMS took it.")
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("sync request")
        default_permissions = ("view",)
        permissions = [
            ("retry_syncrequest", _("Can retry sync requests")),
            ("cancel_syncrequest", _("Can cancel sync requests")),
        ]
        constraints = [
            # Changes gather in one request until it is worked on.
            models.UniqueConstraint(
                fields=["subscription"], condition=Q(status=Status.PENDING), name="sync_request_one_pending"
            ),
            # The next one waits (F1-WAITRELSR).
            models.UniqueConstraint(
                fields=["subscription"],
                condition=Q(status__in=sorted(SYNC_UNDER_WAY)),
                name="sync_request_one_under_way",
            ),
            models.UniqueConstraint(
                fields=["subscription"], condition=Q(is_last_told=True), name="sync_request_one_last_told"
            ),
        ]
        indexes = [
            models.Index(fields=["subscription", "-id"], name="sync_request_of_subscription"),
            models.Index(fields=["status", "id"], name="sync_request_status"),
            models.Index(
                fields=["accepted_at"],
                name="sync_request_awaiting",
                condition=Q(status=Status.AWAITING_ACKNOWLEDGEMENT),
            ),
        ]

    def __str__(self) -> str:
        return self.sync_request_id

    @transition(field=status, source=Status.PENDING, target=Status.DETERMINE)
    def determine(self) -> None:
        """Its time has come: is there anything to tell?"""

    @transition(field=status, source=Status.DETERMINE, target=Status.DISCARDED)
    def discard(self) -> None:
        """Nothing relevant changed."""

    @transition(field=status, source=Status.DETERMINE, target=Status.SEND_REQUEST)
    def send(self) -> None:
        """Its message is in the outbound queue."""

    @transition(field=status, source=Status.SEND_REQUEST, target=Status.AWAITING_ACKNOWLEDGEMENT)
    def accept(self) -> None:
        """The hub took the message."""

    @transition(field=status, source=Status.ERROR, target=Status.AWAITING_ACKNOWLEDGEMENT)
    def accept_after_all(self) -> None:
        """A message that had failed for good was sent again by a person, and the hub took it."""

    @transition(field=status, source=Status.AWAITING_ACKNOWLEDGEMENT, target=Status.SYNCHRONIZED)
    def synchronize(self) -> None:
        """The DERMS has it."""

    @transition(
        field=status,
        source=[Status.DETERMINE, Status.SEND_REQUEST, Status.AWAITING_ACKNOWLEDGEMENT],
        target=Status.ERROR,
    )
    def fail(self) -> None:
        """It needs a person."""

    @transition(field=status, source=Status.ERROR, target=Status.PENDING)
    def retry(self) -> None:
        """It is worked on anew, with the data as they are by then."""

    @transition(field=status, source=[Status.PENDING, *sorted(SYNC_UNDER_WAY), Status.ERROR], target=Status.CANCELED)
    def cancel(self) -> None:
        """It is put aside: by a person, or because a later request tells all of it."""


class SyncChange(models.Model):
    """One change that a sync request was captured for: of what, which fields, who and when. Insert-only, no values."""

    request = models.ForeignKey(SyncRequest, on_delete=models.CASCADE, related_name="changes")
    what = models.CharField(max_length=200, help_text=_("What changed, in words or as the kind of record."))
    fields = models.JSONField(default=list, blank=True, help_text=_("Names of the fields, where they are known."))
    at = models.DateTimeField()
    by = models.CharField(max_length=150, default="system")

    class Meta:
        ordering = ["id"]
        verbose_name = _("captured change")
        default_permissions = ("view",)

    def __str__(self) -> str:
        names = ", ".join(name.replace("_", " ") for name in self.fields)
        return f"{self.label}: {names}" if names else self.label

    @property
    def label(self) -> str:
        """What changed, in words."""
        known = self.what in CapturedObject.values
        return str(CapturedObject(self.what).label) if known else self.what
