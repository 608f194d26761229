"""What rules found: evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin, SeenValuesFilter
from vee import exception_queries, search_queries
from vee.admin import rule_links
from vee.engine import registry
from vee.models import VeeException


RULE_COLUMN = 2


class TypesFilter(SeenValuesFilter):
    """The types that are set up, and those that were seen lately."""

    def known(self) -> list[str]:
        """Give the codes."""
        return exception_queries.exception_type_codes()


class RulesFilter(SeenValuesFilter):
    """The rules that groups hold, and those that were seen lately."""

    def known(self) -> list[str]:
        """Give the names."""
        return [name for name, _title in exception_queries.rules_in_use()]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Give what can be chosen, by the names that people know."""
        for choice in super().choices(changelist):
            name = choice["display"]
            yield {**choice, "display": registry.title_of(name) if isinstance(name, str) else name}


@admin.register(VeeException)
class VeeExceptionAdmin(EvidenceAdmin):
    """Exceptions by type and rule; a row opens the workbench of its IMD."""

    list_display = [
        "exception_type",
        "severity_badge",
        "component",
        "message",
        "observed",
        "limit",
        "open_badge",
        "created_at",
    ]
    list_display_links = ["exception_type"]
    list_filter = ["open", "severity", ("exception_type", TypesFilter), ("rule", RulesFilter)]
    list_select_related = ["imd"]
    search_fields = ["exception_type", "imd__component_identifier"]
    search_condition = staticmethod(search_queries.exceptions)
    search_help_text = _(
        "The start of a measuring component's identifier, a whole external id, or the type of open exceptions."
    )
    ordering = ["-id"]

    class Media:
        css = {"all": ["vee/workbench.css"]}

    @display(
        description=_("severity"),
        ordering="severity",
        label={"INFO": "info", "ISSUE": "warning", "TERMINATE": "danger"},
    )
    def severity_badge(self, found: VeeException) -> tuple[str, str]:
        return found.severity, found.get_severity_display()

    @display(description=_("status"), ordering="open", label={"open": "warning", "closed": "success"})
    def open_badge(self, found: VeeException) -> tuple[str, Any]:
        return ("open", _("Open")) if found.open else ("closed", _("Closed"))

    @display(description=_("measuring component"))
    def component(self, found: VeeException) -> Any:
        address = reverse("admin:vee_initialmeasurement_change", args=[found.imd_id])
        return format_html('<a class="workbench-link" href="{}">{}</a>', address, found.imd.component_identifier)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description=_("rule"), ordering="rule")
        def rule_name(found: VeeException) -> Any:
            title = registry.title_of(found.rule) or "–"
            address = rule_links.rule_address(request, found.rule_id_used)
            return format_html('<a class="workbench-link" href="{}">{}</a>', address, title) if address else title

        shown = super().get_list_display(request)
        return [*shown[:RULE_COLUMN], rule_name, *shown[RULE_COLUMN:]]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return HttpResponseRedirect(reverse("admin:vee_initialmeasurement_change", args=[found.imd_id]))
