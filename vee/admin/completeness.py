"""Sums of days: what the report of data completeness adds up."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin
from vee.models import DayCompleteness


@admin.register(DayCompleteness)
class DayCompletenessAdmin(EvidenceAdmin):
    """Expected, received and estimated intervals by day, type and route."""

    list_display = ["day", "type", "route", "components", "expected", "received", "estimated", "missing", "computed_at"]
    list_filter = ["type__identifier", "day"]
    list_select_related = ["type"]
    search_fields = ["route"]
    ordering = ["-day", "type", "route"]

    @display(description=_("missing"))
    def missing(self, row: DayCompleteness) -> str:
        return f"{row.expected - row.received - row.estimated:,}"
