"""The ledger of files that scheduled flows take from a prefix queue and hand on."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from integration import choices


class TransferredFile(models.Model):
    """
    One file of a prefix queue, by the place where it lies and its name (`integration.md` 2.1, 3.9).

    `size` and `etag` are those of the latest listing, `sha256` that of the content that was sent. `round` counts the
    times that the name stood for something to be sent: new content, or a file that a person put back.
    `records_done` is how far a flow has come that sends a file record by record.
    """

    flow = models.ForeignKey("integration.Flow", on_delete=models.PROTECT, related_name="+")
    connection = models.CharField(max_length=60, help_text=_("Name of the connection that the file was found through."))
    place = models.CharField(max_length=500, blank=True, help_text=_("Directory or bucket."))
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    etag = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    modified_at = models.DateTimeField(null=True, blank=True)
    size_seen_at = models.DateTimeField(help_text=_("When it was first listed with this size."))
    state = models.CharField(max_length=11, choices=choices.FileState.choices, default=choices.FileState.WAITING)
    round = models.PositiveIntegerField(default=1)
    attempts = models.PositiveIntegerField(default=0, help_text=_("Times that it was taken to be sent."))
    records_done = models.PositiveIntegerField(default=0)
    message_id = models.CharField(
        max_length=60, db_index=True, help_text=_("Under this id the target knows the content; the same over retries.")
    )
    renamed_to = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=1000, blank=True, help_text=_("What the target or the place answered last."))
    run = models.ForeignKey(
        "integration.FlowRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="transferred_files"
    )
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("transferred file")
        verbose_name_plural = _("transferred files")
        permissions = [("requeue_transferredfile", _("Can put a file that was not sent back into the queue"))]
        constraints = [
            models.UniqueConstraint(fields=["flow", "connection", "place", "name"], name="transferred_file_once"),
        ]
        indexes = [models.Index(fields=["state", "-changed_at", "id"], name="transferred_file_by_state")]

    def __str__(self) -> str:
        return self.name


class TransferredFileEvent(models.Model):
    """What happened to a file: from, to, when, in which run, by whom, why."""

    file = models.ForeignKey(TransferredFile, on_delete=models.CASCADE, related_name="events")
    run = models.ForeignKey("integration.FlowRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    from_state = models.CharField(max_length=11, blank=True)
    to_state = models.CharField(max_length=11, choices=choices.FileState.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=150, default="system")
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("file event")
        indexes = [models.Index(fields=["file", "id"], name="transferred_file_event_order")]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"

    @property
    def from_label(self) -> Any:
        """The state before, as people read it; a dash at the beginning."""
        return choices.FileState(self.from_state).label if self.from_state else "–"
