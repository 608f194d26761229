"""Program events and who takes part in them: evidence of what the DERMS told."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from assets import performance_queries
from assets.choices import EventStatus, ParticipationOutcome, ParticipationStatus, PerformanceStatus
from assets.models import Participation, ProgramEvent
from foundation.admin import EvidenceAdmin, InstantRangeFilter


_EVENTS = {EventStatus.SCHEDULED: "info", EventStatus.CANCELED: "default"}
_PARTICIPATIONS = {
    ParticipationStatus.RESERVED: "info",
    ParticipationStatus.CANCELED: "default",
    ParticipationStatus.REPORTED: "success",
}


@admin.register(ProgramEvent)
class ProgramEventAdmin(EvidenceAdmin):
    """The list of events, and the page of one with its counts."""

    list_display = ["external_identifier", "category", "starts_at", "ends_at", "status_badge", "changed_at"]
    list_filter = ["status", "category", ("starts_at", InstantRangeFilter)]
    list_filter_submit = True
    search_fields = ["external_identifier"]
    ordering = ["-changed_at", "pk"]
    fieldsets = [
        (None, {"fields": ["external_identifier", "category", "starts_at", "ends_at", "status", "cancel_message"]}),
        (_("Participation"), {"fields": ["counts", "devices"]}),
        (_("Performance"), {"fields": ["load_reduction"]}),
        (_("Times"), {"fields": ["created_at", "changed_at"]}),
    ]
    readonly_fields = ["counts", "devices", "load_reduction"]

    @display(description=_("Status"), ordering="status", label=_EVENTS)
    def status_badge(self, event: ProgramEvent) -> tuple[str, Any]:
        return event.status, event.get_status_display()

    @display(description=_("Devices by status and outcome"))
    def counts(self, event: ProgramEvent) -> str:
        found = event.participations.aggregate(
            **{value: Count("pk", filter=Q(status=value)) for value in ParticipationStatus.values},
            **{value: Count("pk", filter=Q(outcome=value)) for value in ParticipationOutcome.values},
        )
        labels = {**dict(ParticipationStatus.choices), **dict(ParticipationOutcome.choices)}
        return ", ".join(f"{labels[name]}: {count}" for name, count in found.items() if count) or "–"

    @display(description=_("Load reduction"))
    def load_reduction(self, event: ProgramEvent) -> str:
        """Give what the event came to, and how much of it rests on estimated measurements."""
        totals = performance_queries.totals_of_event(event_id=event.pk)
        if not totals.devices:
            return "–"
        address = f"{reverse('admin:assets_eventperformance_changelist')}?q={quote(event.external_identifier)}"
        text = _("%(kwh)s kWh by %(calculated)d of %(devices)d devices; %(estimated)s kWh on estimated measurements")
        return format_html(
            '<a href="{}">{}</a>',
            address,
            text
            % {
                "kwh": totals.reduction_kwh,
                "calculated": totals.calculated,
                "devices": totals.devices,
                "estimated": totals.estimated_reduction_kwh,
            },
        )

    @display(description=_("Devices"))
    def devices(self, event: ProgramEvent) -> str:
        address = f"{reverse('admin:assets_participation_changelist')}?event__id__exact={event.pk}"
        return format_html('<a href="{}">{}</a>', address, _("Show the devices"))


class FigureFilter(admin.SimpleListFilter):
    """Devices by whether their reduction in the event was calculated."""

    title = _("figure")
    parameter_name = "figure"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("calculated", _("Calculated")), ("missing", _("Without a figure"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        calculated = Q(performance__status=PerformanceStatus.CALCULATED)
        conditions = {"calculated": calculated, "missing": ~calculated}
        wanted = conditions.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


@admin.register(Participation)
class ParticipationAdmin(EvidenceAdmin):
    """The list of devices in events, and the page of one."""

    list_display = ["device", "event", "status_badge", "outcome", "reserved_from", "reserved_to", "message"]
    list_select_related = ["event", "device", "subscription"]
    list_filter = [
        "status",
        "outcome",
        FigureFilter,
        "subscription__program",
        ("event__starts_at", InstantRangeFilter),
        ("reserved_from", InstantRangeFilter),
    ]
    list_filter_submit = True
    search_fields = ["device__nic_id__startswith", "event__external_identifier__exact"]
    search_help_text = _("The start of a nicId, or an eventId.")
    ordering = ["-pk"]
    fields = [
        *("event", "device", "subscription", "status", "outcome", "reserved_from", "reserved_to"),
        *("participated_from", "participated_to", "message", "changed_at"),
    ]

    @display(description=_("Status"), ordering="status", label=_PARTICIPATIONS)
    def status_badge(self, row: Participation) -> tuple[str, Any]:
        return row.status, row.get_status_display()
