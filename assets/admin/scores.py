"""Control scores: the list that people filter, and the page that explains one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from assets import score_queries
from assets.models import ControlScore
from foundation.admin import EvidenceAdmin


ELIGIBLE = {True: "success", False: "default"}


class ReasonFilter(admin.SimpleListFilter):
    """By why a device is not eligible; the codes are those that there are."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in score_queries.reasons()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ControlScore]) -> QuerySet[ControlScore]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


@admin.register(ControlScore)
class ControlScoreAdmin(EvidenceAdmin):
    """Scores as the last X1-CALAS left them."""

    list_display = [
        *("device", "program", "score", "eligible_badge", "reason", "communication_status", "events"),
        *("last_event_at", "previous_score", "scored_at"),
    ]
    list_display_links = ["device"]
    list_select_related = ["program", "membership__device__head_end_system"]
    list_filter = ["eligible", ReasonFilter, "program", "communication_status"]
    search_fields = [
        "membership__device__nic_id__startswith",
        "membership__device__device__identifier__exact",
        "membership__subscription__usage_subscription__identifier__exact",
    ]
    search_help_text = _("The start of a nicId, a deviceId, or a programSubscriptionId.")
    ordering = ["pk"]

    @display(description=_("device"))
    def device(self, score: ControlScore) -> str:
        device = score.membership.device
        return f"{device.head_end_system.name}/{device.nic_id}"

    @display(description=_("eligible"), ordering="eligible", label=ELIGIBLE)
    def eligible_badge(self, score: ControlScore) -> tuple[bool, Any]:
        return score.eligible, _("Yes") if score.eligible else _("No")

    @display(description=_("events of the cycle"))
    def events(self, score: ControlScore) -> str:
        return f"{score.event_count} / {score.event_limit}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Explain a score."""
        found = score_queries.scores_for_display().filter(pk=int(object_id)).first() if object_id.isdecimal() else None
        if found is None:
            raise Http404
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        device = found.membership.device
        return TemplateResponse(
            request,
            "admin/assets/score.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "title": _("Score of %(head_end)s/%(nic)s")
                % {"head_end": device.head_end_system.name, "nic": device.nic_id},
                "score": found,
                "device": device,
                "explanation": score_queries.explanation_of(found),
                "may_try": request.user.has_perm("assets.view_scorecalculationversion"),
                "try_address": reverse("admin:assets_scorecalculation_try", args=[found.version.calculation_id]),
            },
        )


def score_links(device_id: int) -> Any:
    """Give a device's scores as links to their explanations, for the page of the device."""
    return (
        format_html_join(
            ", ",
            '<a href="{}">{}: {} ({})</a>',
            (
                (
                    reverse("admin:assets_controlscore_change", args=[score.pk]),
                    score.program.code,
                    score.score,
                    _("eligible") if score.eligible else score.reason,
                )
                for score in score_queries.scores_of(device_id)
            ),
        )
        or "–"
    )
