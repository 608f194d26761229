"""Demand-response events and the devices reserved for them: evidence that people search."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin
from integration import file_queries, search_queries
from integration.admin import reconciliation
from integration.admin.badges import state_counts
from integration.choices import ReservationState
from integration.models import Event, Reservation


_STATES = {
    "RECEIVED": "info",
    "RESERVING": "info",
    "RESERVED": "success",
    "INCOMPLETE": "warning",
    "CANCELED": "default",
    "COMPLETED": "success",
}
_RESERVATIONS = {"SENDING": "info", "RESERVED": "success", "REFUSED": "warning", "FAILED": "danger"}


@admin.register(Event)
class EventAdmin(EvidenceAdmin):
    """The list of events, and the page of one with its counts."""

    list_display = [
        "external_id",
        "drms_instance_id",
        "event_type",
        "starts_at",
        "ends_at",
        "state_badge",
        "changed_at",
    ]
    list_filter = ["state", "event_type"]
    search_fields = ["external_id"]
    ordering = ["-changed_at", "pk"]
    fieldsets = [
        (None, {"fields": ["external_id", "drms_instance_id", "event_type", "event_status", "starts_at", "ends_at"]}),
        (_("Reservations"), {"fields": ["state", "counts", "devices"]}),
        (_("Times"), {"fields": ["first_seen_at", "changed_at"]}),
    ]
    readonly_fields = ["counts", "devices"]

    @display(description=_("State"), ordering="state", label=_STATES)
    def state_badge(self, event: Event) -> tuple[str, Any]:
        return event.state, event.get_state_display()

    @display(description=_("Devices by state"))
    def counts(self, event: Event) -> str:
        address = f"{reverse('admin:integration_reservation_changelist')}?event__id__exact={event.pk}"
        return state_counts(
            file_queries.reservation_counts(event), of=ReservationState, badges=_RESERVATIONS, address=address
        )

    @display(description=_("Devices"))
    def devices(self, event: Event) -> str:
        address = f"{reverse('admin:integration_reservation_changelist')}?event__id__exact={event.pk}"
        return format_html('<a href="{}">{}</a>', address, _("Show the devices"))


@admin.register(Reservation)
class ReservationAdmin(EvidenceAdmin):
    """The list of reserved devices, and the page of one."""

    list_display = ["nic_id", "head_end_system", "event", "state_badge", "message", "line", "changed_at"]
    list_filter = ["state", "head_end_system"]
    search_fields = ["nic_id__startswith", "event__external_id__exact"]
    search_condition = staticmethod(search_queries.reservations)
    search_help_text = _("The start of a nicId, or an eventId.")
    ordering = ["-pk"]
    fields = [
        *("event", "head_end_system", "nic_id", "starts_at", "ends_at", "state", "message"),
        *("run", "line", "changed_at"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        """Give the rows with their run and event."""
        return super().get_queryset(request).select_related("run", "event")  # type: ignore[no-any-return]

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that hold both sides of exchanges against each other."""
        return [*reconciliation.urls(self.admin_site), *super().get_urls()]

    @display(description=_("State"), ordering="state", label=_RESERVATIONS)
    def state_badge(self, row: Reservation) -> tuple[str, Any]:
        return row.state, row.get_state_display()
