"""What rules found: evidence."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin
from vee.models import VeeException


@admin.register(VeeException)
class VeeExceptionAdmin(EvidenceAdmin):
    """Exceptions by type and rule; a row opens the workbench of its IMD."""

    list_display = [
        "exception_type",
        "severity_badge",
        "rule",
        "component",
        "message",
        "observed",
        "limit",
        "open",
        "created_at",
    ]
    list_display_links = ["exception_type"]
    list_filter = ["open", "severity", "exception_type", "rule"]
    list_select_related = ["imd"]
    search_fields = ["exception_type", "message", "imd__component_identifier"]
    ordering = ["-id"]

    @display(
        description=_("severity"),
        ordering="severity",
        label={"INFO": "info", "ISSUE": "warning", "TERMINATE": "danger"},
    )
    def severity_badge(self, found: VeeException) -> tuple[str, str]:
        return found.severity, found.get_severity_display()

    @display(description=_("measuring component"))
    def component(self, found: VeeException) -> Any:
        address = reverse("admin:vee_initialmeasurement_change", args=[found.imd_id])
        return format_html('<a href="{}">{}</a>', address, found.imd.component_identifier)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return HttpResponseRedirect(reverse("admin:vee_initialmeasurement_change", args=[found.imd_id]))
