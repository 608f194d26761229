"""Evidence and work: changes of status with their reasons, To Dos, runs of batches."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from assets import choices


class StatusChange(models.Model):
    """
    Each change of status of an enrollment, subscription, sync request, …: from, to, when, who, why. Insert-only.

    `subject` is the kind of thing in lower case without spaces, as `_meta.model_name` gives it, `subject_id` its key.
    """

    subject = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    from_status = models.CharField(max_length=30, blank=True)
    to_status = models.CharField(max_length=30)
    at = models.DateTimeField()
    by = models.CharField(max_length=150, default="system")
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("change of status")
        verbose_name_plural = _("changes of status")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["subject", "subject_id", "id"], name="status_change_of_subject")]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class AssetToDo(models.Model):
    """Work for a person on the DACS side: one open To Do per thing and type."""

    type = models.CharField(max_length=20, choices=choices.ToDoType.choices)
    subject = models.CharField(max_length=40, help_text=_("As in the changes of status."))
    subject_id = models.CharField(max_length=40)
    status = models.CharField(max_length=20, choices=choices.ToDoStatus.choices, default=choices.ToDoStatus.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="asset_todos"
    )
    summary = models.CharField(max_length=1000)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    completed_by = models.CharField(max_length=150, blank=True)
    completion = models.CharField(max_length=500, blank=True, help_text=_("What completed it, and why."))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("program To Do")
        verbose_name_plural = _("program To Dos")
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["type", "subject", "subject_id"],
                condition=~Q(status=choices.ToDoStatus.COMPLETE),
                name="asset_todo_one_open",
            ),
        ]
        indexes = [models.Index(fields=["status", "created_at"], name="asset_todo_status_age")]

    def __str__(self) -> str:
        return self.summary


class BatchRun(models.Model):
    """
    One run of a batch: F1-SYNRQ, X1-CALAS or X1-SDCSE.

    The rerun of a failed one has its batch number and the next rerun number.
    """

    batch_code = models.CharField(max_length=30)
    batch_number = models.PositiveIntegerField()
    rerun_number = models.PositiveIntegerField(default=0)
    status = models.CharField(
        max_length=11, choices=choices.BatchStatus.choices, default=choices.BatchStatus.IN_PROGRESS
    )
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it last was seen at work; long ago: its worker died.")
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True, help_text=_("What was done to how many."))
    file_name = models.CharField(max_length=255, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text=_("SHA-256 of the file."))
    message = models.CharField(max_length=1000, blank=True)
    by = models.CharField(max_length=150, default="system")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("batch run")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["batch_code", "batch_number", "rerun_number"], name="batch_run_once"),
            models.UniqueConstraint(
                fields=["batch_code"],
                condition=Q(status=choices.BatchStatus.IN_PROGRESS),
                name="batch_run_one_at_a_time",
            ),
        ]
        permissions = [("run_batch", _("Can run batches"))]

    def __str__(self) -> str:
        return f"{self.batch_code} {self.batch_number}_{self.rerun_number}"
