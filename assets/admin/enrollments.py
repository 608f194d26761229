"""Enrollments and communications: evidence, whose verbs are Retry and Cancel."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from assets import queries, timeline
from assets.admin import asking, badges
from assets.choices import OPEN_ENROLLMENTS, RETRYABLE_ENROLLMENTS, EnrollmentStatus
from assets.models import Communication, DeviceSetup, Enrollment
from assets.operations import enrollments
from foundation.admin import EvidenceAdmin, EvidenceInline, InstantRangeFilter, local_moment


class DeviceSetupInline(EvidenceInline):
    """The devices on their way."""

    model = DeviceSetup
    fields = ["sequence", "device_link", "replaces", "status_shown", "communication", "message"]
    readonly_fields = ["device_link", "status_shown"]
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> Any:
        related = ("device__head_end_system", "replaces__head_end_system", "communication")
        return super().get_queryset(request).select_related(*related)

    @display(description=_("device"))
    def device_link(self, setup: DeviceSetup) -> str:
        address = reverse("admin:assets_controllabledevice_change", args=[setup.device_id])
        name = f"{setup.device.head_end_system.name}/{setup.device.nic_id}"
        return format_html('<a href="{}" class="text-primary-600">{}</a>', address, name)

    @display(description=_("status"))
    def status_shown(self, setup: DeviceSetup) -> str:
        return str(setup.get_status_display())


@admin.register(Enrollment)
class EnrollmentAdmin(EvidenceAdmin):
    """The list of enrollments and unenrollments, and the page of one."""

    list_display = ["received", "transaction_id", "kind", "status_badge", "customer", "program_code", "why"]
    list_display_links = ["received", "transaction_id"]
    list_filter = ["status", "kind", ("received_at", InstantRangeFilter)]
    list_filter_submit = True
    list_select_related = ["subscription__contact", "subscription__program"]
    search_fields = ["transaction_id", "identifier", "subscription__contact__cis_person_id"]
    ordering = ["-received_at", "-pk"]
    fieldsets = [
        (None, {"fields": ["identifier", "transaction_id", "kind", "task_type", "status", "subscription_link"]}),
        (_("What became of it"), {"fields": ["message", "message_number", "received_at", "completed_at"]}),
        (_("Request"), {"fields": ["request_text"]}),
    ]
    readonly_fields = ["subscription_link", "request_text"]
    inlines = [DeviceSetupInline]
    actions_detail = ["retry", "cancel"]
    actions = ["retry_selected"]
    change_form_outer_after_template = "admin/assets/timeline.html"

    @display(description=_("Received"), ordering="received_at")
    def received(self, row: Enrollment) -> str:
        return local_moment(row.received_at)

    @display(description=_("status"), ordering="status", label=badges.ENROLLMENT)
    def status_badge(self, row: Enrollment) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description=_("customer"))
    def customer(self, row: Enrollment) -> str:
        if row.subscription is not None:
            return str(row.subscription.contact)
        return str(row.request.get("customerInfo", {}).get("name") or "–")

    @display(description=_("program"))
    def program_code(self, row: Enrollment) -> str:
        return str(row.request.get("programInfo", {}).get("programCode") or "–")

    @display(description=_("why"))
    def why(self, row: Enrollment) -> str:
        return row.message if len(row.message) <= 80 else f"{row.message[:79]}…"

    @display(description=_("subscription"))
    def subscription_link(self, row: Enrollment) -> Any:
        if row.subscription_id is None:
            return "–"
        found = queries.subscription(subscription_id=row.subscription_id)
        address = reverse("admin:assets_programsubscription_change", args=[row.subscription_id])
        name = found.usage_subscription.identifier if found else row.subscription_id
        return format_html('<a href="{}" class="text-primary-600">{}</a>', address, name)

    @display(description=_("as it came"))
    def request_text(self, row: Enrollment) -> str:
        text = json.dumps(row.request, indent=2, ensure_ascii=False)
        return format_html('<pre class="whitespace-pre-wrap font-mono text-xs">{}</pre>', text)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        entries = timeline.of_enrollment(row) if row is not None else []
        context = {**(extra_context or {}), "entries": entries}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    # --- Verbs

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "assets.retry_enrollment", RETRYABLE_ENROLLMENTS)

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "assets.cancel_enrollment", OPEN_ENROLLMENTS)

    def has_retry_selected_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("assets.retry_enrollment"))

    @action(description=_("Retry"), icon="restart_alt", permissions=["retry"], url_path="retry")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a word, and try again what went wrong."""
        form = asking.RetryForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._retried(request, [int(object_id)], form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("admin:assets_enrollment_change", args=[object_id]))
        return self._ask(
            request,
            object_id,
            title=_("Retry this enrollment"),
            explanation=_(
                "A refused request is looked at again from its beginning. Devices that could not be reached are asked "
                "again; those that are set up stay so."
            ),
            form=form,
            button=_("Retry"),
        )

    @action(description=_("Cancel"), icon="block", permissions=["cancel"], url_path="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, and give the enrollment up."""
        form = asking.ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                enrollments.cancel(
                    enrollment_id=int(object_id),
                    by=request.user.get_username(),
                    reason=form.cleaned_data["reason"],
                    at=timezone.now(),
                )
            except enrollments.UnableToChangeEnrollment as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, _("The enrollment is canceled."), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:assets_enrollment_change", args=[object_id]))
        return self._ask(
            request,
            object_id,
            title=_("Cancel this enrollment"),
            explanation=_(
                "Its devices are not set up any more. A subscription that is not active yet is canceled with it; one "
                "that is active stays. Of an unenrollment for a day to come: the subscription goes on."
            ),
            form=form,
            button=_("Cancel the enrollment"),
        )

    @admin.action(description=_("Retry"), permissions=["retry_selected"])
    def retry_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._retried(request, list(queryset.order_by("pk").values_list("pk", flat=True)), "")

    def _retried(self, request: HttpRequest, keys: list[int], reason: str) -> None:
        done = 0
        for key in keys:
            try:
                row = enrollments.retry(
                    enrollment_id=key, by=request.user.get_username(), reason=reason, at=timezone.now()
                )
            except enrollments.UnableToChangeEnrollment as error:
                self.message_user(request, str(error), messages.WARNING)
                continue
            if row.status == EnrollmentStatus.VALIDATION_ERROR:
                self.message_user(request, f"{row.transaction_id}: {row.message}", messages.WARNING)
            else:
                done += 1
        if done:
            said = ngettext(
                "%(done)d enrollment is under way again.", "%(done)d enrollments are under way again.", done
            )
            self.message_user(request, said % {"done": done})

    def _ask(self, request: HttpRequest, object_id: str, **words: Any) -> HttpResponse:
        back = reverse("admin:assets_enrollment_change", args=[object_id])
        return asking.ask(self, request, back=back, **words)

    def _may(self, request: HttpRequest, object_id: Any, right: str, standing: Any) -> bool:
        if not request.user.has_perm(right):
            return False
        return Enrollment.objects.filter(pk=object_id, status__in=standing).exists()


@admin.register(Communication)
class CommunicationAdmin(EvidenceAdmin):
    """What was asked of devices, and what they said."""

    list_display = ["asked", "identifier", "type", "device", "status_badge", "result_badge", "answered_at"]
    list_display_links = ["asked", "identifier"]
    list_filter = ["status", "result", "type", ("created_at", InstantRangeFilter)]
    list_filter_submit = True
    list_select_related = ["type", "device__head_end_system"]
    search_fields = ["identifier", "device__nic_id", "message_id"]
    ordering = ["-created_at", "-pk"]
    fields = [
        *("identifier", "type", "activity_type", "device", "status", "result", "message"),
        *("created_at", "answered_at", "message_link"),
    ]
    readonly_fields = ["message_link"]

    @display(description=_("Asked"), ordering="created_at")
    def asked(self, row: Communication) -> str:
        return local_moment(row.created_at)

    @display(description=_("status"), ordering="status", label=badges.COMMUNICATION)
    def status_badge(self, row: Communication) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description=_("answer"), ordering="result", label=badges.RESULT)
    def result_badge(self, row: Communication) -> tuple[str, str]:
        return row.result, row.result or "–"

    @display(description=_("outbound message"))
    def message_link(self, row: Communication) -> Any:
        address = reverse("admin:outbound_outboundmessage_changelist")
        return format_html('<a href="{}?q={}" class="text-primary-600">{}</a>', address, row.message_id, row.message_id)
