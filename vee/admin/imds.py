"""Initial measurements: evidence with a workbench; its only verbs are Perform VEE, Force complete, Discard and edit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from foundation.admin import EvidenceAdmin, InstantRangeFilter
from vee import queries, search_queries
from vee.admin import manual, many, previews, workbench
from vee.admin.local_times import imd_name
from vee.models import InitialMeasurement
from vee.operations import actions, edits


OPERATIONS = {
    "perform-vee": actions.perform_vee,
    "force-complete": actions.force_complete,
    "discard": actions.discard,
}
STATE_LABELS = {
    "PENDING": "info",
    "ERROR": "danger",
    "VEE_READY": "info",
    "VEE": "info",
    "EXCEPTION": "warning",
    "FORCE_COMPLETE": "info",
    "COMPLETE": "success",
    "DISCARDED": "default",
}


class ActsOnImds(EvidenceAdmin):
    """List actions of pages whose rows stand for IMDs, with one confirmation page that asks for the reason."""

    actions = ["perform_vee", "force_complete", "discard"]

    def imd_ids(self, queryset: QuerySet[Any]) -> list[int]:
        """Give the IMDs that the chosen rows stand for."""
        raise NotImplementedError

    def has_perform_vee_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.perform_vee")

    def has_force_complete_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.force_complete_imd")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.discard_imd")

    @admin.action(description=_("Perform VEE"), permissions=["perform_vee"])
    def perform_vee(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm_many(request, queryset, "perform-vee")

    @admin.action(description=_("Force complete"), permissions=["force_complete"])
    def force_complete(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm_many(request, queryset, "force-complete")

    @admin.action(description=_("Discard"), permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm_many(request, queryset, "discard")

    def _confirm_many(self, request: HttpRequest, queryset: QuerySet[Any], name: str) -> HttpResponse | None:
        return many.act_on_imds(self, request, queryset, name=name, imd_ids=self.imd_ids(queryset))


@admin.register(InitialMeasurement)
class InitialMeasurementAdmin(ActsOnImds):
    """The list of IMDs and the workbench of one."""

    list_display = ["component_identifier", "start", "end", "kind", "state_badge", "edited", "external_id"]
    list_filter = ["state", "kind", "user_edited", ("start", InstantRangeFilter)]
    list_filter_submit = True
    search_fields = ["component_identifier", "external_id"]
    search_condition = staticmethod(search_queries.imds)
    search_help_text = _("The start of a measuring component's identifier, or a whole external id.")
    ordering = ["-id"]
    list_select_related: list[str] = []
    show_full_result_count = False

    def imd_ids(self, queryset: QuerySet[Any]) -> list[int]:
        return list(queryset.values_list("pk", flat=True))

    @display(description=_("edited"), ordering="user_edited", label=True)
    def edited(self, imd: InitialMeasurement) -> Any:
        return _("by a person") if imd.user_edited else None

    @display(description=_("state"), ordering="state", label=STATE_LABELS)
    def state_badge(self, imd: InitialMeasurement) -> tuple[str, str]:
        return imd.state, imd.get_state_display()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:imd_id>/edit/", wrap(self.edit_view), name="vee_initialmeasurement_edit"),
            path("<int:imd_id>/preview/", wrap(self.preview_view), name="vee_initialmeasurement_preview"),
            path("<int:imd_id>/repair/", wrap(self.repair_view), name="vee_initialmeasurement_repair"),
            path("<int:imd_id>/act/<str:name>/", wrap(self.act_view), name="vee_initialmeasurement_act"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        detail = self._detail(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": imd_name(detail.imd, workbench.zone_name(detail.component)),
            "is_fullwidth": "1",
            "next": request.get_full_path(),
            **workbench.context(request, detail),
        }
        return TemplateResponse(request, "admin/vee/imd.html", context)

    def act_view(self, request: HttpRequest, imd_id: int, name: str) -> HttpResponse:
        """Confirm one action on one IMD with a reason, and do it."""
        action = workbench.ACTIONS.get(name)
        if action is None:
            raise Http404
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        detail = self._detail(request, str(imd_id))
        back = workbench.next_address(request, reverse("admin:vee_initialmeasurement_change", args=[imd_id]))
        zone = workbench.zone_name(detail.component)
        reason = request.POST.get("reason", workbench.reason_given(request, detail))
        if request.method == "POST":
            try:
                imd = OPERATIONS[name](imd_id=imd_id, by=request.user, reason=reason, at=timezone.now())
            except actions.UnableToAct as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self._tell(request, action, imd, zone)
                return HttpResponseRedirect(workbench.next_address(request, back, name="done"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": action.label,
            "action": action,
            "imds": [detail.imd],
            "zone_name": zone,
            "reason": reason,
            "next": back,
            "done": workbench.next_address(request, back, name="done"),
        }
        return TemplateResponse(request, "admin/vee/confirm.html", context)

    def repair_view(self, request: HttpRequest, imd_id: int) -> HttpResponse:
        """Change component and period of an IMD in ERROR."""
        return manual.repair_view(self, request, imd_id)

    def edit_view(self, request: HttpRequest, imd_id: int) -> HttpResponse:
        """Save the grid's changed values with a reason, and perform VEE at once when asked to."""
        back = workbench.next_address(request, reverse("admin:vee_initialmeasurement_change", args=[imd_id]))
        if request.method != "POST":
            return HttpResponseRedirect(back)
        if not request.user.has_perm("vee.edit_imd"):
            raise PermissionDenied
        reason = request.POST.get("reason", "")
        at = timezone.now()
        try:
            values = workbench.typed_values(request.POST.dict())
            perform = "perform" in request.POST
            imd = edits.edit_and_perform(
                imd_id=imd_id, by=request.user, reason=reason, values=values, perform=perform, at=at
            )
        except edits.ValueNotUsable as error:
            self.message_user(request, workbench.counted_from_one(error), messages.ERROR)
            return HttpResponseRedirect(back)
        except (workbench.UnableToReadValue, actions.UnableToAct) as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(back)
        count = len(values)
        said = ngettext("%(count)d value changed.", "%(count)d values changed.", count) % {"count": count}
        self.message_user(request, said if count else _("No value was changed."))
        if perform:
            zone = workbench.zone_name(imd.measuring_component)
            self._tell(request, workbench.ACTIONS["perform-vee"], imd, zone)
            return HttpResponseRedirect(workbench.next_address(request, back, name="done"))
        return HttpResponseRedirect(back)

    def preview_view(self, request: HttpRequest, imd_id: int) -> HttpResponse:
        """Tell what Perform VEE would make of the grid's changed values; writes nothing."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("vee.perform_vee"):
            raise PermissionDenied
        return previews.answer(request, self._detail(request, str(imd_id)))

    def _detail(self, request: HttpRequest, object_id: str) -> queries.ImdDetail:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return queries.imd_detail(int(object_id))
        except (ValueError, InitialMeasurement.DoesNotExist):
            raise Http404 from None

    def _tell(self, request: HttpRequest, action: workbench.Action, imd: InitialMeasurement, zone: str) -> None:
        level = messages.SUCCESS if imd.state in ("COMPLETE", "DISCARDED") else messages.WARNING
        self.message_user(
            request,
            _("%(name)s · %(label)s: the state is now %(state)s.")
            % {"name": imd_name(imd, zone), "label": action.label, "state": imd.get_state_display()},
            level,
        )
