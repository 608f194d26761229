"""Program subscriptions, each with the line of time of all that happened to it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display

from assets import queries
from assets.admin import asking, badges
from assets.choices import OPEN_SUBSCRIPTIONS
from assets.models import ProgramSubscription
from assets.operations import replacements, subscriptions
from foundation.admin import ModelAdmin


@admin.register(ProgramSubscription)
class ProgramSubscriptionAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """The list of subscriptions, and the page of one. They come from enrollments, and end by unenrollments."""

    list_display = [
        "usage_subscription", "program", "contact", "place", "status_badge", "starts_at", "ends_at", "device_count",
    ]  # fmt: skip
    list_filter = ["status", "program", "location__division"]
    search_fields = [
        "usage_subscription__identifier",
        "contact__cis_person_id",
        "contact__name",
        "location__cis_service_point_id",
        "devices__device__nic_id",
    ]
    ordering = ["-created_at", "-pk"]
    fieldsets = [
        (None, {"fields": ["usage_subscription", "program", "contact", "location", "status", "starts_at", "ends_at"]}),
        (
            _("What may be changed"),
            {"fields": ["cis_account_id", "cis_service_agreement_id", "opted_out_until"]},
        ),
    ]
    readonly_fields = ["usage_subscription", "program", "contact", "location", "status", "starts_at", "ends_at"]
    actions_detail = ["unenroll"]
    change_form_outer_after_template = "admin/assets/subscription.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).select_related("usage_subscription", "program", "contact", "location")
        return queries.with_device_count(rows)

    @display(description=_("place"))
    def place(self, row: ProgramSubscription) -> str:
        return row.location.cis_service_point_id or row.location.identifier

    @display(description=_("status"), ordering="status", label=badges.SUBSCRIPTION)
    def status_badge(self, row: ProgramSubscription) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description=_("devices"), ordering="device_count")
    def device_count(self, row: Any) -> int:
        return int(row.device_count)

    def save_model(self, request: HttpRequest, obj: ProgramSubscription, form: Any, change: bool) -> None:
        subscriptions.change(
            subscription_id=obj.pk,
            values={name: getattr(obj, name) for name in form.changed_data},
            by=request.user.get_username(),
            person=request.user,
            at=timezone.now(),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page = queries.subscription_page(subscription_id=object_id) if object_id.isdecimal() else None
        context = {**(extra_context or {}), "page": page}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def has_unenroll_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("assets.change_programsubscription"):
            return False
        return ProgramSubscription.objects.filter(pk=object_id, status__in=OPEN_SUBSCRIPTIONS).exists()

    @action(description=_("Unenroll"), icon="person_remove", permissions=["unenroll"], url_path="unenroll")
    def unenroll(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, and what becomes of the devices; then end the customer's part."""
        subscription = queries.subscription(subscription_id=object_id)
        if subscription is None:
            raise Http404
        back = reverse("admin:assets_programsubscription_change", args=[object_id])
        form = asking.UnenrollForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            made = replacements.unenroll(
                subscription=subscription, by=request.user.get_username(), at=timezone.now(), **form.cleaned_data
            )
            if made.message:
                self.message_user(request, made.message, messages.ERROR)
            else:
                self.message_user(request, _("The customer is unenrolled; the DERMS is told."), messages.SUCCESS)
            return HttpResponseRedirect(back)
        return asking.ask(
            self,
            request,
            title=_("Unenroll %(name)s from %(program)s")
            % {"name": subscription.contact, "program": subscription.program},
            explanation=_(
                "The subscription ends now, its devices take no part in events any more, and enrollments that are "
                "still under way are canceled."
            ),
            form=form,
            button=_("Unenroll"),
            back=back,
        )
