"""Flows: what is served, and the switches of a site."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from foundation.admin import ModelAdmin
from integration import control_queries, queries
from integration.admin import confirmation
from integration.flows import registry
from integration.models import Flow
from integration.operations import drain, flows, pauses


_ON = confirmation.Question(
    title=_("Activate this flow"),
    explanation=_("It accepts messages again, and works on everything that was kept."),
    button=_("Activate"),
)
_OFF = confirmation.Question(
    title=_("Deactivate this flow"),
    explanation=_(
        "It accepts nothing more: callers get 404. What is at work is finished; what waits is kept and worked on when "
        "the flow is activated again."
    ),
    button=_("Deactivate"),
    danger=True,
)
_PAUSE = confirmation.Question(
    title=_("Pause this flow"),
    explanation=_(
        "What is at work is finished. A one-way or scheduled flow keeps what comes until it is resumed; a "
        "request/response flow answers 503."
    ),
    button=_("Pause"),
)
_RESUME = confirmation.Question(
    title=_("Resume this flow"),
    explanation=_("Its own pause ends. Pauses of all flows, or of a connection that it uses, stay."),
    button=_("Resume"),
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
        *("availability", "active", "addresses", "idempotent", "stands", "figures"),
    ]
    fieldsets = [
        (None, {"fields": ["display_name", "identifier", "aliases", "direction", "pattern", "addresses"]}),
        (_("State"), {"fields": ["availability", "stands", "active", "idempotent", "figures"]}),
        (_("Control"), {"fields": ["connections_used", "max_runtime_seconds"]}),
        (
            _("Tracking"),
            {"fields": ["tracing_level", "payload_retention_days", "debug_payload_hours", "run_retention_days"]},
        ),
    ]
    actions_detail = ["activate", "deactivate", "pause", "resume"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flow]:
        """Ask for the state of all flows at once."""
        return control_queries.with_states(super().get_queryset(request))

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
        label={
            "ACTIVE": "success",
            "PAUSED": "warning",
            "DRAINING": "warning",
            "INACTIVE": "warning",
            "unavailable": "default",
        },
    )
    def state_badge(self, flow: Flow) -> tuple[str, Any]:
        if not queries.is_available(flow):
            return "unavailable", _("Not available in this version")
        state = control_queries.state_of(flow)
        return str(state), state.label

    @display(description=_("Stands"))
    def stands(self, flow: Flow) -> str:
        condition = control_queries.condition_of(flow)
        text = _("%(state)s: %(working)s at work, %(waiting)s waiting") % {
            "state": condition.state.label,
            "working": condition.working,
            "waiting": condition.waiting,
        }
        return "; ".join([str(text), *(f"{pause}: {pause.reason} ({pause.paused_by})" for pause in condition.pauses)])

    @display(description=_("Since ever"))
    def figures(self, flow: Flow) -> Any:
        lines = [
            (
                _(
                    "%(version)s: %(received)s received, %(succeeded)s succeeded, %(failed)s failed, %(aborted)s "
                    "aborted; %(mean)s s on average (from %(shortest)s to %(longest)s, deviation %(deviation)s)"
                )
                % {
                    "version": found.version,
                    "received": found.received,
                    "succeeded": found.succeeded,
                    "failed": found.failed,
                    "aborted": found.aborted,
                    "mean": _seconds(found.mean),
                    "shortest": _seconds(found.shortest),
                    "longest": _seconds(found.longest),
                    "deviation": _seconds(found.deviation),
                },
            )
            for found in control_queries.statistics(flow=flow.name)
        ]
        return format_html_join("", "<span style='display:block'>{}</span>", lines) or "–"

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

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integration.pause_flow") and pauses.own_pause(flow_id=object_id) is None

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integration.pause_flow") and pauses.own_pause(flow_id=object_id) is not None

    @action(description=_("Pause"), icon="pause_circle", permissions=["pause"])
    def pause(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._asked(request, object_id, pause=True)

    @action(description=_("Resume"), icon="play_circle", permissions=["resume"])
    def resume(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._asked(request, object_id, pause=False)

    def _asked(self, request: HttpRequest, object_id: int, *, pause: bool) -> HttpResponse:
        flow = Flow.objects.get(pk=object_id)
        form = confirmation.ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return confirmation.ask(self, request, record=flow, question=_PAUSE if pause else _RESUME, form=form)
        operation = pauses.pause_flow if pause else pauses.resume_flow
        try:
            operation(
                flow_id=object_id,
                by=request.user.get_username(),
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            )
        except (pauses.UnableToPause, pauses.AlreadyResumed, pauses.UnknownPause) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            done = _("The flow is paused; what waits is kept.") if pause else _("The flow goes on.")
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_flow_change", args=[object_id]))

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
            (drain.activate if active else drain.deactivate)(
                identifier=flow.identifier,
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
                else _("The flow accepts nothing more; what runs is finished, what waits is kept.")
            )
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_flow_change", args=[object_id]))


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
