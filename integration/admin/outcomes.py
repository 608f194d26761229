"""What became of devices in their events, and which events were cancelled: evidence that people search."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from assets import performance_queries
from foundation.admin import EvidenceAdmin
from integration import search_queries
from integration.admin.late_answers import over_limit
from integration.models import Cancellation, Outcome


_OUTCOMES = {"POSTED": "success", "REFUSED": "warning", "AGAIN": "info"}
_CANCELLATIONS = {"IN_PROGRESS": "info", "SUCCESS": "success", "ERROR": "warning", "FAILURE": "danger"}


@admin.register(Outcome)
class OutcomeAdmin(EvidenceAdmin):
    """The list of outcomes, and the page of one."""

    list_display = ["nic_id", "head_end_system", "event", "code", "outcome", "state_badge", "line", "changed_at"]
    list_select_related = ["event"]
    list_filter = ["state", "outcome", "head_end_system"]
    search_fields = ["nic_id__startswith", "event__external_id__exact"]
    search_condition = staticmethod(search_queries.outcomes)
    search_help_text = _("The start of a nicId, or an eventId.")
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["event", "head_end_system", "nic_id", "code", "outcome", "state", "answer"]}),
        (_("Participation"), {"fields": ["participated_from", "participated_to", "load_reduction"]}),
        (_("Error message"), {"fields": ["message", "message_cut"]}),
        (_("Where it came from"), {"fields": ["run_link", "line", "changed_at"]}),
    ]
    readonly_fields = ["run_link", "load_reduction"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outcome]:
        """Give the rows with their event, for the page of one too."""
        return super().get_queryset(request).select_related("event")  # type: ignore[no-any-return]

    @display(description=_("State"), ordering="state", label=_OUTCOMES)
    def state_badge(self, row: Outcome) -> tuple[str, Any]:
        return row.state, row.get_state_display()

    @display(description=_("Run"))
    def run_link(self, row: Outcome) -> str:
        return _run_link(row.run_id)

    @display(description=_("Load reduction"))
    def load_reduction(self, row: Outcome) -> str:
        """Give what the device saved, where the DACS side knows it."""
        found = performance_queries.of_device(
            event=row.event.external_id, head_end_system=row.head_end_system, nic_id=row.nic_id
        )
        if found is None:
            return "–"
        address = reverse("admin:assets_eventperformance_change", args=[found.pk])
        text = found.get_status_display() if found.reduction_kwh is None else f"{found.reduction_kwh} kWh"
        return format_html('<a href="{}" class="text-primary-600">{}</a>', address, text)


@admin.register(Cancellation)
class CancellationAdmin(EvidenceAdmin):
    """The list of cancellations, and the page of one."""

    list_display = ["event_id", "message_id", "drms_instance_id", "state_badge", "answer_value", "claimed_at"]
    list_filter = ["state", "drms_instance_id", over_limit(sent="claimed_at", answered="settled_at")]
    search_fields = ["event_id__startswith", "message_id__startswith"]
    search_help_text = _("The start of an eventId or a messageId.")
    ordering = ["-claimed_at", "pk"]
    fields = [
        *("event_id", "drms_instance_id", "message_id", "state", "stands", "answer_value"),
        *("run_link", "claimed_at", "settled_at"),
    ]
    readonly_fields = ["run_link"]

    @display(description=_("State"), ordering="state", label=_CANCELLATIONS)
    def state_badge(self, row: Cancellation) -> tuple[str, Any]:
        return row.state, row.get_state_display()

    @display(description=_("Run"))
    def run_link(self, row: Cancellation) -> str:
        return _run_link(row.run_id)


def _run_link(run_id: Any) -> str:
    address = reverse("admin:integration_flowrun_change", args=[run_id])
    return format_html('<a href="{}" class="text-primary-600">{}</a>', address, run_id)
