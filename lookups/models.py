"""Lookups, their rows, their other names, and every version that they ever had."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from lookups.kinds import Kind


class Lookup(models.Model):
    """
    A table that translates codes or holds properties (`integration.md` 4).

    Written by `lookups.operations` only. `key` is the name as it is compared (without regard to case); `revision`
    changes with every version, so that a process can tell by one indexed query whether what it remembers is current.
    """

    name = models.CharField(max_length=120)
    key = models.CharField(max_length=120, unique=True, editable=False)
    kind = models.CharField(
        max_length=12,
        choices=[
            (Kind.TABLE.value, "Table"),
            (Kind.PROPERTIES.value, "Properties"),
            (Kind.RECIPIENTS.value, "Recipients"),
        ],
        default=Kind.TABLE.value,
    )
    description = models.TextField(blank=True)
    strict = models.BooleanField(
        default=False,
        help_text="A value that is not found is an error wherever the caller does not say otherwise.",
    )
    columns = models.JSONField(default=list, help_text="In order: name, folding, unique, and other spellings.")
    version = models.PositiveIntegerField(default=0)
    revision = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    shipped = models.BooleanField(default=False, editable=False, help_text="Came with the product.")
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class LookupAlias(models.Model):
    """Another name under which a lookup is found (C-01, C-09, C-26)."""

    lookup = models.ForeignKey(Lookup, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=120)
    key = models.CharField(max_length=120, unique=True, editable=False)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "lookup aliases"

    def __str__(self) -> str:
        return self.name


class LookupRow(models.Model):
    """One row of a lookup as it is now: text by column name."""

    lookup = models.ForeignKey(Lookup, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField(help_text="Counts from 1; of several rows that match, the first counts.")
    values = models.JSONField(default=dict)

    class Meta:
        ordering = ["lookup", "position"]
        constraints = [
            models.UniqueConstraint(fields=["lookup", "position"], name="lookup_row_unique_position"),
        ]

    def __str__(self) -> str:
        return f"Row {self.position}"


class LookupVersion(models.Model):
    """A lookup as it was at one version: inserted once, never changed."""

    lookup = models.ForeignKey(Lookup, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    revision = models.UUIDField(unique=True, editable=False)
    kind = models.CharField(max_length=12)
    description = models.TextField(blank=True)
    strict = models.BooleanField(default=False)
    aliases = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=150, blank=True, help_text="Kept when the account goes.")
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["lookup", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["lookup", "number"], name="lookup_version_unique_number"),
        ]

    def __str__(self) -> str:
        return f"{self.lookup_id} version {self.number}"
