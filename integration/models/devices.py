"""The ledgers of what DACS asks of DERMS: enrollment syncs with their acknowledgement, and device status checks."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integration import choices


class EnrollmentSync(models.Model):
    """
    One sync request of DACS, by its `syncRequestId` (`integration.md` 2.1): sent to DERMS once, acknowledged once.

    `cycle` counts how often the request was taken up anew after DERMS had refused it and DACS had been told so: each
    cycle has a key and an acknowledgement of its own.
    """

    sync_request_id = models.CharField(max_length=14, unique=True)
    subscription_id = models.CharField(max_length=48, blank=True)
    division = models.CharField(max_length=60, blank=True)
    drms_instance = models.CharField(max_length=120, blank=True, help_text=_("From the routing lookup."))
    digest = models.CharField(max_length=64, blank=True, help_text=_("SHA-256 of the message in canonical form."))
    run = models.ForeignKey(
        "integration.FlowRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="enrollment_syncs"
    )
    cycle = models.PositiveSmallIntegerField(default=1)
    outcome = models.CharField(
        max_length=11, choices=choices.SyncOutcome.choices, default=choices.SyncOutcome.IN_PROGRESS
    )
    outcome_text = models.CharField(max_length=1000, blank=True, help_text=_("What DERMS said."))
    received_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    ack_state = models.CharField(max_length=9, choices=choices.SyncAckState.choices, default=choices.SyncAckState.NONE)
    ack_has_error = models.BooleanField(null=True, blank=True, help_text=_("Whether DACS is told of an error."))
    ack_message_id = models.CharField(max_length=80, blank=True, db_index=True, help_text=_("The outbound message."))
    ack_due_at = models.DateTimeField(null=True, blank=True)
    ack_settled_at = models.DateTimeField(null=True, blank=True)
    ack_error = models.CharField(max_length=1000, blank=True)
    ack_digest = models.CharField(
        max_length=64, blank=True, help_text=_("SHA-256 of DERMS's own acknowledgement, when it sent one.")
    )
    ack_run = models.ForeignKey(
        "integration.FlowRun",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="sync_acknowledgements",
        help_text=_("The run of DERMS's own acknowledgement."),
    )

    class Meta:
        verbose_name = _("enrollment sync")
        verbose_name_plural = _("enrollment syncs")
        indexes = [
            models.Index(fields=["-received_at", "id"], name="enrollment_sync_newest"),
            models.Index(
                fields=["subscription_id"], opclasses=["varchar_pattern_ops"], name="enrollment_sync_subscr_start"
            ),
            models.Index(
                fields=["received_at", "id"],
                condition=~models.Q(ack_state="DELIVERED"),
                name="enrollment_sync_not_told",
            ),
            models.Index(
                fields=["ack_state", "ack_due_at"],
                condition=Q(ack_state__in=["EXPECTED", "WAITING", "FAILED"]),
                name="enrollment_sync_unacknowledged",
            ),
        ]

    def __str__(self) -> str:
        return self.sync_request_id


class DeviceStatusCheck(models.Model):
    """
    One device status check, by its `communicationId`: asked by DACS, answered by DERMS at once, hours later, or never.

    Without an answer after `deviceStatusCheck.ackTimeout` it is OVERDUE. An answer to a check that never came by is
    kept too, as NOT_SEEN with no `asked_at`.
    """

    communication_id = models.CharField(max_length=30, unique=True)
    division = models.CharField(max_length=60, blank=True)
    device_type = models.CharField(max_length=120, blank=True)
    head_end_system = models.CharField(max_length=50, blank=True)
    nic_id = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text=_("SHA-256 of the message in canonical form."))
    run = models.ForeignKey(
        "integration.FlowRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="status_checks"
    )
    state = models.CharField(max_length=11, choices=choices.CheckState.choices, default=choices.CheckState.IN_PROGRESS)
    asked_at = models.DateTimeField(null=True, blank=True)
    overdue_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was found overdue."))
    result = models.CharField(max_length=7, choices=choices.CheckResult.choices, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_state = models.CharField(
        max_length=11, choices=choices.CheckAnswerState.choices, default=choices.CheckAnswerState.NONE
    )
    answer_digest = models.CharField(max_length=64, blank=True, help_text=_("SHA-256 of DERMS's answer."))
    answer_run = models.ForeignKey(
        "integration.FlowRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="status_answers"
    )
    reply = models.JSONField(null=True, blank=True, help_text=_("The acknowledgement that DERMS got for its answer."))

    class Meta:
        verbose_name = _("device status check")
        verbose_name_plural = _("device status checks")
        indexes = [
            models.Index(fields=["state", "asked_at"], name="status_check_due"),
            models.Index(fields=["nic_id"], opclasses=["varchar_pattern_ops"], name="status_check_nic_start"),
            models.Index(fields=["-asked_at", "-id"], name="status_check_newest"),
            models.Index(
                fields=["answered_at", "id"],
                condition=Q(answer_state__in=["IN_PROGRESS", "FAILED"]),
                name="status_check_not_told",
            ),
        ]

    def __str__(self) -> str:
        return self.communication_id
