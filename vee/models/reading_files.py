"""Files of readings: what came, what became of it, and row by row what was wrong with it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from vee import choices


class ReadingFile(models.Model):
    """
    A file of readings, stored before it is acknowledged.

    Its rows are accounted for: `rows_read = rows_accepted + rows_rejected`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, help_text=_("The sender's file name: a label, never a path."))
    format = models.CharField(max_length=60)
    content = models.FileField(upload_to="reading-files/%Y/%m/", max_length=255)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    auto_register = models.BooleanField(default=False)
    component_type = models.ForeignKey(
        "vee.MeasuringComponentType",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("The type on which unknown measuring components are created."),
    )
    layout = models.JSONField(
        null=True,
        blank=True,
        help_text=_("The column profile by which it is read, as it was when the file came."),
    )
    status = models.CharField(
        max_length=10, choices=choices.ReadingFileStatus.choices, default=choices.ReadingFileStatus.RECEIVED
    )
    rows_read = models.PositiveBigIntegerField(default=0)
    rows_accepted = models.PositiveBigIntegerField(default=0)
    rows_rejected = models.PositiveBigIntegerField(default=0)
    intervals = models.PositiveBigIntegerField(default=0)
    imds = models.PositiveBigIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True, help_text=_("Why the file as a whole failed."))
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("reading file")

    def __str__(self) -> str:
        return self.name


class ReadingFileError(models.Model):
    """One row of a reading file that was refused, and why."""

    file = models.ForeignKey(ReadingFile, on_delete=models.CASCADE, related_name="errors")
    line = models.PositiveBigIntegerField()
    code = models.CharField(max_length=60)
    message = models.CharField(max_length=500)

    class Meta:
        verbose_name = _("reading file error")
        indexes = [models.Index(fields=["file", "line"], name="reading_file_error_line")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"
