"""Incidents: one cause each, with how often it was seen and whom it was told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from foundation.admin import EvidenceAdmin, local_moment
from foundation.words import in_words
from integration.admin import confirmation
from integration.models import Incident
from integration.operations import errors


_CLOSE = confirmation.Question(
    title=_("Close this incident"),
    explanation=_("The next fault of this kind opens a new incident and is mailed at once, in a thread of its own."),
    button=_("Close incident"),
)


@admin.register(Incident)
class IncidentAdmin(EvidenceAdmin):
    """The list of incidents, and the page of one."""

    list_display = ["last_seen", "integration", "fault", "reason", "occurrences", "mailed_count", "open_badge"]
    list_select_related = ["flow"]
    list_filter = ["fault_type", "flow", ("closed_at", admin.EmptyFieldListFilter)]
    search_fields = ["source", "fault_code", "fault_reason"]
    ordering = ["-last_seen_at", "pk"]
    fieldsets = [
        (None, {"fields": ["integration", "fault_type", "fault_code", "fault_reason", "run"]}),
        (_("How often"), {"fields": ["occurrences", "opened_at", "last_seen_at"]}),
        (_("Mail"), {"fields": ["mailed_count", "last_mail_at", "mail_thread", "mail_trouble"]}),
        (_("Closed"), {"fields": ["closed_at", "closed_by", "closing_note"]}),
    ]
    readonly_fields = ["integration", "run"]
    actions_detail = ["close"]

    @display(description=_("Last seen"), ordering="last_seen_at")
    def last_seen(self, incident: Incident) -> str:
        return local_moment(incident.last_seen_at)

    @display(description=_("Integration"), ordering="source")
    def integration(self, incident: Incident) -> str:
        return incident.flow.display_name if incident.flow else incident.source

    @display(description=_("Fault"), ordering="fault_code")
    def fault(self, incident: Incident) -> str:
        return f"{incident.get_fault_type_display()} {incident.fault_code}"

    @display(description=_("Latest reason"))
    def reason(self, incident: Incident) -> str:
        return Truncator(in_words(incident.fault_reason)).chars(80)

    @display(description=_("State"), ordering="closed_at", label={"open": "danger", "closed": "default"})
    def open_badge(self, incident: Incident) -> tuple[str, Any]:
        return ("open", _("Open")) if incident.closed_at is None else ("closed", _("Closed"))

    @display(description=_("Latest run"))
    def run(self, incident: Incident) -> str:
        if incident.latest_run_id is None:
            return "–"
        address = reverse("admin:integration_flowrun_change", args=[incident.latest_run_id])
        return format_html('<a href="{}" class="text-primary-600">{}</a>', address, incident.latest_run_id)

    def has_close_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return (
            request.user.has_perm("integration.close_incident")
            and Incident.objects.filter(pk=object_id, closed_at__isnull=True).exists()
        )

    @action(description=_("Close incident"), icon="check_circle", permissions=["close"])
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        form = confirmation.ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            incident = Incident.objects.select_related("flow").get(pk=object_id)
            return confirmation.ask(self, request, record=incident, question=_CLOSE, form=form)
        try:
            errors.close(
                incident_id=object_id,
                by=request.user.get_username(),
                note=form.cleaned_data["reason"],
                at=timezone.now(),
            )
        except errors.IncidentAlreadyClosed as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, _("The incident was closed."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_incident_change", args=[object_id]))
