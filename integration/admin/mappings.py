"""Mappings in the admin: what is packaged, what a site lays over it, and what comes in messages and goes nowhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin
from integration import mapping_queries
from integration.admin.overlay_pages import STATES, OverlayPages, badge_of, demand, mapping_named
from integration.flows import base_mappings
from integration.models import MappingOverlay
from integration.operations import mapping_overlays


@admin.register(MappingOverlay)
class MappingOverlayAdmin(OverlayPages, EvidenceAdmin):
    """The versions of overlays in a list; the pages of mappings, drafts and previews hang below the same address."""

    list_display = ["mapping_title", "version", "state_badge", "note", "effective_from", "effective_to", "created_by"]
    list_filter = ["mapping"]
    search_fields = ["mapping", "note", "fields__target", "fields__expression"]
    ordering = ["mapping", "-version"]

    @display(description=_("mapping"), ordering="mapping")
    def mapping_title(self, row: MappingOverlay) -> str:
        mapping = base_mappings.MAPPINGS.get(row.mapping)
        return mapping.title if mapping is not None else row.mapping

    @display(description=_("State"), label={str(state): badge for state, badge in STATES.items()})
    def state_badge(self, row: MappingOverlay) -> tuple[str, Any]:
        state = row.state_at(timezone.now())
        return str(state), state.label

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Go to the version's own page."""
        return HttpResponseRedirect(reverse("admin:integration_overlay", args=[object_id]))

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of mappings and of versions."""

        def page(address: str, view: Any, name: str) -> URLPattern:
            return path(address, self.admin_site.admin_view(view), name=f"integration_{name}")

        return [
            page("mappings/", self.mappings_view, "mappings"),
            page("mappings/<slug:name>/", self.mapping_view, "mapping"),
            page("mappings/<slug:name>/new/", self.new_view, "mapping_new"),
            page("versions/<int:overlay_id>/", self.overlay_view, "overlay"),
            page("versions/<int:overlay_id>/preview/", self.preview_view, "overlay_preview"),
            page("versions/<int:overlay_id>/activate/", self.activate_view, "overlay_activate"),
            page("versions/<int:overlay_id>/retire/", self.retire_view, "overlay_retire"),
            page("versions/<int:overlay_id>/discard/", self.discard_view, "overlay_discard"),
            *super().get_urls(),
        ]

    # --- Mappings

    def mappings_view(self, request: HttpRequest) -> HttpResponse:
        """List the packaged mappings with what stands about each."""
        demand(request, "view")
        context = {"title": _("Mappings"), "summaries": mapping_queries.summaries(at=timezone.now())}
        return self._page(request, "mappings.html", context)

    def mapping_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show a base mapping, with the overlay in effect, its versions, and unmapped elements."""
        demand(request, "view")
        mapping, at = mapping_named(name), timezone.now()
        active = mapping_queries.active(name, at=at)
        versions = list(mapping_queries.overlays_of(name))
        context = {
            "title": mapping.title,
            "mapping": mapping,
            "lines": mapping_queries.field_lines(mapping, active),
            "active": active,
            "versions": [(row, *badge_of(row), mapping_queries.misfits_of(row)) for row in versions],
            "unmapped": list(mapping_queries.unmapped_elements(name)),
            "may_change": request.user.has_perm("integration.change_mappingoverlay"),
        }
        return self._page(request, "mapping.html", context)

    def new_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Make the next version as a draft, or open the one there is; `use` names an element that it is to take up."""
        demand(request, "change")
        mapping = mapping_named(name)
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:integration_mapping", args=[name]))
        draft = mapping_overlays.new_draft(mapping=mapping.name, by=request.user, at=timezone.now())
        address = reverse("admin:integration_overlay", args=[draft.pk])
        used = mapping_queries.unmapped_elements(name).filter(path=request.POST.get("use", "")).first()
        return HttpResponseRedirect(f"{address}?use={used.pk}" if used else address)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(
            request,
            f"admin/integration/{template}",
            {**self.admin_site.each_context(request), "opts": self.model._meta, **context},
        )
