"""Register reads: evidence whose only verbs mark a read as unusable, or as usable again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from foundation.admin import EvidenceAdmin, EvidenceInline, InstantRangeFilter
from vee import search_queries
from vee.admin.words import condition_words
from vee.models import RegisterMark, RegisterMeasurement
from vee.operations import register_marks


class RegisterMarkInline(EvidenceInline):
    """Who marked the read, when and why."""

    model = RegisterMark
    fields = ["do_not_use", "by", "reason", "at"]
    readonly_fields = fields


@admin.register(RegisterMeasurement)
class RegisterMeasurementAdmin(EvidenceAdmin):
    """Final reads of registers with the consumption since the read before."""

    list_display = [
        "measuring_component", "read_at", "reading", "consumption", "condition_text", "multiplier", "user_edited",
        "usable",
    ]  # fmt: skip
    list_select_related = ["measuring_component"]
    list_filter = ["do_not_use", "user_edited", ("read_at", InstantRangeFilter)]
    list_filter_submit = True
    search_fields = ["measuring_component__identifier"]
    search_condition = staticmethod(search_queries.register_reads)
    search_help_text = _("The start of a measuring component's identifier.")
    ordering = ["-id"]
    inlines = [RegisterMarkInline]
    actions = ["mark_unusable", "mark_usable"]

    @display(description=_("condition"), ordering="condition")
    def condition_text(self, read: RegisterMeasurement) -> str:
        return condition_words(read.condition)

    @display(description=_("usable"), ordering="do_not_use", label={"yes": "success", "no": "warning"})
    def usable(self, read: RegisterMeasurement) -> tuple[str, Any]:
        return ("no", _("Do not use")) if read.do_not_use else ("yes", _("Usable"))

    def has_mark_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.mark_register_measurement")

    @admin.action(description=_("Mark as unusable"), permissions=["mark"])
    def mark_unusable(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm(request, queryset, do_not_use=True)

    @admin.action(description=_("Mark as usable"), permissions=["mark"])
    def mark_usable(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm(request, queryset, do_not_use=False)

    def _confirm(self, request: HttpRequest, queryset: QuerySet[Any], *, do_not_use: bool) -> HttpResponse | None:
        reads = list(queryset.select_related("measuring_component").order_by("measuring_component", "read_at"))
        if request.POST.get("confirmed"):
            results = register_marks.mark_many(
                measurement_ids=[read.pk for read in reads],
                do_not_use=do_not_use,
                by=request.user,
                reason=request.POST.get("reason", ""),
                at=timezone.now(),
            )
            done = sum(1 for error in results if not error)
            if done:
                self.message_user(
                    request, ngettext("%(done)d read marked.", "%(done)d reads marked.", done) % {"done": done}
                )
            for read, error in zip(reads, results, strict=True):
                if error:
                    self.message_user(request, f"{read}: {error}", messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("Mark as unusable") if do_not_use else _("Mark as usable"),
            "explanation": _("The reads stay, without consumption; the next ones are counted from the reads before.")
            if do_not_use
            else _("The reads count again, and the next ones are counted from them."),
            "action_name": request.POST["action"],
            "reads": reads,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/vee/mark_reads.html", context)
