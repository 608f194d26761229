"""Readings that became measurements without an IMD of their own, and the file that proves them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vee.models.fields import NumberArrayField


class DirectLoad(models.Model):
    """
    A chunk of a reading file whose readings became measurements at once: insert-only.

    Where an IMD stands in measurements (`imd_id`) there is a number of `imd_ids` here, which no IMD has; `lines` are
    the rows of the file that they came from. The file's checksum is that of the file.
    """

    file = models.ForeignKey("vee.ReadingFile", on_delete=models.PROTECT, related_name="direct_loads")
    first_imd_id = models.BigIntegerField(db_index=True)
    last_imd_id = models.BigIntegerField()
    imd_ids = NumberArrayField(dtype="int64")
    lines = NumberArrayField(dtype="int64")
    at = models.DateTimeField()
    details = models.JSONField(help_text=_("Rules run and skipped, as in the transition of an IMD."))

    class Meta:
        verbose_name = _("direct load")

    def __str__(self) -> str:
        return f"{len(self.imd_ids)} readings of {self.file_id}"
