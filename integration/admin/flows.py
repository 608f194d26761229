"""Flows: what is served, and the switches of a site."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from foundation.admin import ModelAdmin
from integration import queries
from integration.admin import confirmation
from integration.flows import registry
from integration.models import Flow
from integration.operations import flows


_ON = confirmation.Question(
    title=_("Activate this flow"), explanation=_("It accepts messages again."), button=_("Activate")
)
_OFF = confirmation.Question(
    title=_("Deactivate this flow"),
    explanation=_("It accepts nothing more: callers get 404. What runs is finished, and nothing is lost."),
    button=_("Deactivate"),
    danger=True,
)


@admin.register(Flow)
class FlowAdmin(ModelAdmin):
    """The list of packaged flows, and the page of one."""

    list_display = ["display_name", "identifier", "pattern_label", "direction", "state_badge"]
    list_filter = ["pattern", "active"]
    search_fields = ["display_name", "identifier", "name", "aliases"]
    ordering = ["display_name", "pk"]
    readonly_fields = [
        *("display_name", "identifier", "name", "aliases", "pattern", "direction"),
        *("availability", "active", "addresses", "idempotent"),
    ]
    fieldsets = [
        (None, {"fields": ["display_name", "identifier", "aliases", "direction", "pattern", "addresses"]}),
        (_("State"), {"fields": ["availability", "active", "idempotent"]}),
        (_("Tracking"), {"fields": ["tracing_level", "payload_retention_days"]}),
    ]
    actions_detail = ["activate", "deactivate"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Flows are packaged: nobody adds one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Flows are packaged: nobody deletes one."""
        return False

    @display(description=_("Pattern"), ordering="pattern")
    def pattern_label(self, flow: Flow) -> str:
        return flow.get_pattern_display()

    @display(description=_("Availability"))
    def availability(self, flow: Flow) -> Any:
        return _("Available") if queries.is_available(flow) else _("Not available in this version")

    @display(
        description=_("State"),
        ordering="active",
        label={"active": "success", "inactive": "warning", "unavailable": "default"},
    )
    def state_badge(self, flow: Flow) -> tuple[str, Any]:
        if not queries.is_available(flow):
            return "unavailable", _("Not available in this version")
        return ("active", _("Active")) if flow.active else ("inactive", _("Inactive"))

    @display(description=_("Served at"))
    def addresses(self, flow: Flow) -> str:
        try:
            declaration = registry.find(flow.identifier)
        except registry.UnknownFlow:
            return "–"
        lines = []
        for uri in declaration.uris:
            last = f"/{uri}" if uri else ""
            lines.append((f"POST /ic/api/integration/v1/flows/oracleutilities/{flow.identifier}/1.0{last}",))
            lines.append((f"POST /api/v1/flows/{flow.name}{last}",))
        return format_html_join("", "<code style='display:block'>{}</code>", lines)

    def has_activate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, active=True)

    def has_deactivate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, active=False)

    @action(description=_("Activate"), icon="play_arrow", permissions=["activate"])
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._switch(request, object_id, active=True)

    @action(description=_("Deactivate"), icon="pause", permissions=["deactivate"])
    def deactivate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._switch(request, object_id, active=False)

    def _may(self, request: HttpRequest, object_id: Any, *, active: bool) -> bool:
        if not request.user.has_perm("integration.activate_flow"):
            return False
        flow = Flow.objects.filter(pk=object_id).first()
        return flow is not None and flow.active != active and queries.is_available(flow)

    def _switch(self, request: HttpRequest, object_id: int, *, active: bool) -> HttpResponse:
        flow = Flow.objects.get(pk=object_id)
        form = confirmation.ReasonForm(request.POST or None)
        question = _ON if active else _OFF
        if request.method != "POST" or not form.is_valid():
            return confirmation.ask(self, request, record=flow, question=question, form=form)
        try:
            flows.set_active(
                identifier=flow.identifier,
                active=active,
                by=request.user.get_username(),
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            )
        except (flows.FlowAlreadyInState, flows.FlowNotAvailable) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            done = (
                _("The flow accepts messages.")
                if active
                else _("The flow accepts nothing more; what runs is finished.")
            )
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_flow_change", args=[object_id]))
