"""Controllable devices: how they are reached, where they take part, what was asked of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display

from assets import queries
from assets.admin import asking, badges
from assets.admin.scores import score_links
from assets.models import ControllableDevice
from assets.operations import communications, masters, replacements, status_checks
from assets.service_forms import FormRefused
from foundation.admin import ModelAdmin
from foundation.words import in_words


@admin.register(ControllableDevice)
class ControllableDeviceAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """The list of devices, and the page of one."""

    list_display = [
        "nic_id", "head_end_system", "device", "specification", "place", "reach_badge", "reach_checked_at", "ownership",
    ]  # fmt: skip
    list_filter = ["reach", "head_end_system", "specification", "head_end_registration", "ownership"]
    search_fields = ["nic_id", "device__identifier", "serial_number", "device__service_point__identifier"]
    ordering = ["nic_id", "pk"]
    autocomplete_fields = ["device"]
    fieldsets = [
        (None, {"fields": ["device", "head_end_system", "nic_id", "specification"]}),
        (_("What stands on it"), {"fields": ["serial_number", "badge_number", "ownership", "installation_method"]}),
        (_("Head-end system"), {"fields": ["head_end_registration", "reach", "reach_checked_at"]}),
        (_("Scores"), {"fields": ["scores"]}),
    ]
    actions_detail = ["check_status", "replace_device"]
    change_form_outer_after_template = "admin/assets/device.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        related = ("device__service_point", "head_end_system", "specification")
        return super().get_queryset(request).select_related(*related)

    @display(description=_("place"))
    def place(self, device: ControllableDevice) -> str:
        point = device.device.service_point
        return point.identifier if point else "–"

    @display(description=_("reach"), ordering="reach", label=badges.REACH)
    def reach_badge(self, device: ControllableDevice) -> tuple[str, str]:
        return device.reach, device.get_reach_display()

    @display(description=_("scores by program"))
    def scores(self, device: ControllableDevice) -> Any:
        return score_links(device.pk) if device.pk else "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # What the DERMS knows it by does not change: another NIC id is another device, put in its place by Replace.
        known = ["device", "head_end_system", "nic_id"] if obj else []
        return [*known, "reach", "reach_checked_at", "scores"]

    def save_model(self, request: HttpRequest, obj: ControllableDevice, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        masters.change_device(
            device=ControllableDevice.objects.select_related("device").get(pk=obj.pk),
            values={name: getattr(obj, name) for name in form.changed_data},
            by=request.user.get_username(),
            person=request.user,
            at=timezone.now(),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page = queries.device_page(device_id=object_id) if object_id.isdecimal() else None
        context = {**(extra_context or {}), "page": page}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    # --- Verbs

    def has_check_status_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("assets.add_communication"))

    def has_replace_device_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perms(["assets.change_controllabledevice", "assets.change_programsubscription"]))

    @action(
        description=_("Check status now"), icon="network_check", permissions=["check_status"], url_path="check-status"
    )
    def check_status(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what will happen, then ask the head-end system."""
        back = reverse("admin:assets_controllabledevice_change", args=[object_id])
        if request.method != "POST":
            return asking.ask(
                self,
                request,
                title=_("Check the status now"),
                explanation=_(
                    "The head-end system is asked whether the device can be reached. The answer shows on its page; a "
                    "set-up that failed is tried again by Retry on its enrollment."
                ),
                form=forms.Form(),
                button=_("Check status"),
                back=back,
            )
        try:
            row = status_checks.check_now(device_id=int(object_id), by=request.user.get_username(), at=timezone.now())
        except communications.UnableToAsk as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            said = _("Status check %(key)s was asked for; its answer shows below.") % {"key": row.identifier}
            self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(back)

    @action(description=_("Replace"), icon="swap_horiz", permissions=["replace_device"], url_path="replace")
    def replace_device(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the new device, and put it in the place of this one once it is set up."""
        device = self.get_object(request, object_id)
        if device is None:
            raise PermissionDenied
        back = reverse("admin:assets_controllabledevice_change", args=[object_id])
        form = asking.ReplaceForm(request.POST or None, device=device)
        if request.method == "POST" and form.is_valid():
            try:
                made = replacements.replace(
                    device=device, by=request.user.get_username(), at=timezone.now(), **form.cleaned_data
                )
            except (replacements.UnableToReplace, FormRefused) as error:
                form.add_error(None, in_words(error))
            else:
                for text in replacements.refusals_of(made):
                    self.message_user(request, text, messages.ERROR)
                if not replacements.refusals_of(made):
                    said = _("The new device is being set up; until it is, this one takes part.")
                    self.message_user(request, said, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:assets_enrollment_change", args=[made[0].pk]))
        return asking.ask(
            self,
            request,
            title=_("Replace device %(name)s") % {"name": device},
            explanation=_(
                "The new device is set up like any other, in every subscription of this one. Once it can be reached, "
                "this one is removed, and the DERMS is told of both."
            ),
            form=form,
            button=_("Replace"),
            back=back,
        )
