"""Mapping overlays: what a site adds to packaged mappings or sets otherwise, in versions; and unmapped elements."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integration import choices
from integration.choices import OverlayState


class MappingOverlay(models.Model):
    """
    One version of the overlay of a base mapping. It is changed while it is a draft, and never once it was activated.

    It is in effect from `effective_from` to before `effective_to`; of one mapping at most one version is at any moment.
    The base mapping itself is packaged (`integration.flows.base_mappings`): an upgrade of it leaves overlays alone.
    """

    mapping = models.SlugField(max_length=60, help_text=_("Name of the base mapping."))
    version = models.PositiveIntegerField(help_text=_("Counted per mapping from 1."))
    note = models.CharField(max_length=500, blank=True, help_text=_("What it is for."))
    effective_from = models.DateTimeField(
        null=True, blank=True, help_text=_("From when messages are mapped with it (UTC); empty: it is a draft.")
    )
    effective_to = models.DateTimeField(
        null=True, blank=True, help_text=_("From when they no longer are (UTC); empty: no end is set.")
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.CharField(max_length=150, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True, help_text=_("When a person or a later version ended it."))
    retired_by = models.CharField(max_length=150, blank=True)
    revision = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False, help_text=_("By what processes remember the version.")
    )

    history = HistoricalRecords(excluded_fields=["revision"])

    class Meta:
        verbose_name = _("mapping overlay")
        verbose_name_plural = _("mapping overlays")
        constraints = [
            models.UniqueConstraint(fields=["mapping", "version"], name="mapping_overlay_version"),
            models.UniqueConstraint(
                fields=["mapping"], condition=Q(effective_from__isnull=True), name="mapping_overlay_one_draft"
            ),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")),
                name="mapping_overlay_ends_after_its_start",
            ),
        ]
        indexes = [models.Index(fields=["mapping", "effective_from"], name="mapping_overlay_in_effect")]
        permissions = [("activate_mappingoverlay", _("Can activate and retire mapping overlays"))]

    def __str__(self) -> str:
        return f"{self.mapping} version {self.version}"

    @property
    def is_draft(self) -> bool:
        """Whether it may still be changed."""
        return self.effective_from is None

    def state_at(self, at: dt.datetime) -> OverlayState:
        """Give where it stands at a moment."""
        if self.effective_from is None:
            return OverlayState.DRAFT
        if self.effective_to is not None and (self.effective_to <= at or self.effective_to == self.effective_from):
            return OverlayState.RETIRED
        return OverlayState.SCHEDULED if self.effective_from > at else OverlayState.ACTIVE


class MappingOverlayField(models.Model):
    """A field of an overlay: the element of the target, and the expression that gives its value."""

    overlay = models.ForeignKey(MappingOverlay, on_delete=models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField()
    target = models.CharField(
        max_length=200, help_text=_("Element of the target, such as locationInfo.address2 or deviceList[].note.")
    )
    expression = models.CharField(
        max_length=1000,
        help_text=_("JMESPath over the message; for an item of a list, over that item's own source."),
    )
    when_empty = models.CharField(
        max_length=9, choices=choices.WhenEmpty.choices, default=choices.WhenEmpty.KEEP, verbose_name=_("when empty")
    )
    extra = models.BooleanField(
        default=False,
        verbose_name=_("extra field"),
        help_text=_("The target's release has this element although this version does not know it."),
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("field")
        ordering = ["overlay", "position"]
        constraints = [
            models.UniqueConstraint(fields=["overlay", "target"], name="mapping_overlay_field_once"),
        ]

    def __str__(self) -> str:
        return self.target


class UnmappedElement(models.Model):
    """
    An element that came in messages and that the base mapping does not take up: its path and kind, never a value.

    Counts are written in bundles, so that they may lag behind by a minute.
    """

    mapping = models.SlugField(max_length=60)
    path = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, help_text=_("What it held: text, number, boolean."))
    count = models.PositiveBigIntegerField(default=0, help_text=_("Messages that had it; rows of files count as one."))
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("unmapped element")
        verbose_name_plural = _("unmapped elements")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["mapping", "path"], name="unmapped_element_once")]

    def __str__(self) -> str:
        return self.path
