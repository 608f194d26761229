"""Files that came with a message: the file, the attempts at it, and the segments in which it is sent."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration import choices
from integration.choices import SegmentState


class StoredFile(models.Model):
    """
    The file of a message, stored before the message is acknowledged, and the message's key (`integration.md` 2.1).

    `(flow, drms_instance_id, message_id)` comes once; `digest` decides whether a re-send is the same message.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.OneToOneField("integration.FlowRun", on_delete=models.CASCADE, related_name="stored_file")
    flow = models.ForeignKey("integration.Flow", on_delete=models.PROTECT, related_name="+")
    drms_instance_id = models.CharField(max_length=120)
    message_id = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the request in canonical form and of the file."))
    name = models.CharField(max_length=255, help_text=_("The sender's file name: a label, never a path."))
    content = models.FileField(upload_to="message-files/%Y/%m/", max_length=255)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    rows = models.PositiveBigIntegerField(default=0)
    refused_rows = models.PositiveBigIntegerField(default=0, help_text=_("Rows that are not valid."))
    received_at = models.DateTimeField(db_index=True)
    purged_at = models.DateTimeField(null=True, blank=True, help_text=_("When its content was deleted."))

    class Meta:
        verbose_name = _("message file")
        constraints = [
            models.UniqueConstraint(fields=["flow", "drms_instance_id", "message_id"], name="stored_file_once"),
        ]

    def __str__(self) -> str:
        return self.name


class FileAttempt(models.Model):
    """
    One pass over a file: from the health check to the one acknowledgement (C-24).

    `planned_at`: the segments stand, workers may take them. `stopped_at`: no further segment starts, because of the
    fault. `ended_at` is set once, by a conditional update: whoever sets it queues the acknowledgement.
    """

    run = models.ForeignKey("integration.FlowRun", on_delete=models.CASCADE, related_name="file_attempts")
    number = models.PositiveIntegerField()
    parallel = models.PositiveSmallIntegerField(help_text=_("Segments that are sent at the same time, at most."))
    done_before = models.PositiveBigIntegerField(default=0, help_text=_("Rows that earlier attempts had done."))
    started_at = models.DateTimeField()
    planned_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    fault_type = models.CharField(max_length=9, choices=choices.FaultType.choices, blank=True)
    fault_code = models.CharField(max_length=60, blank=True)
    fault_reason = models.CharField(max_length=1000, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ack_type = models.CharField(max_length=7, choices=choices.AckType.choices, blank=True)
    ack_message_id = models.CharField(max_length=120, blank=True, help_text=_("The outbound message that tells it."))
    succeeded = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("file attempt")
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="file_attempt_once"),
            models.UniqueConstraint(fields=["run"], condition=Q(ended_at__isnull=True), name="file_attempt_one_open"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.number}"


class Segment(models.Model):
    """
    Some rows of a file that go to the target in one call (or one per event).

    Claimed by conditional update under a lease; one whose worker died is claimed again. `errors` holds the first
    rows that were refused.
    """

    run = models.ForeignKey("integration.FlowRun", on_delete=models.CASCADE, related_name="segments")
    number = models.PositiveIntegerField()
    offset = models.PositiveBigIntegerField(help_text=_("Byte at which its first row starts."))
    first_line = models.PositiveBigIntegerField()
    rows = models.PositiveIntegerField()
    state = models.CharField(max_length=11, choices=SegmentState.choices, default=SegmentState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    succeeded = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list, blank=True)
    fault_type = models.CharField(max_length=9, choices=choices.FaultType.choices, blank=True)
    fault_code = models.CharField(max_length=60, blank=True)
    fault_reason = models.CharField(max_length=1000, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("segment")
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="segment_once")]
        indexes = [
            models.Index(fields=["run", "state", "number"], name="segment_by_state"),
            models.Index(fields=["lease_until"], condition=Q(state="IN_PROGRESS"), name="segment_leased"),
        ]

    def __str__(self) -> str:
        file = StoredFile.objects.filter(run=self.run_id).only("name").first()
        whole = file.name if file is not None else str(self.run)
        return gettext("Segment %(number)s of %(file)s") % {"number": self.number, "file": whole}
