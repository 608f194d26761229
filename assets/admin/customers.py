"""Who takes part and where: contacts and device locations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from assets.models import Contact, DeviceLocation, ProgramSubscription
from assets.operations import masters
from foundation.admin import EvidenceInline, ModelAdmin


class SubscriptionInline(EvidenceInline):
    """The subscriptions; each leads to the page with its line of time."""

    model = ProgramSubscription
    fields = ["subscription_link", "program", "location", "contact", "status_shown", "starts_at", "ends_at"]
    readonly_fields = ["subscription_link", "status_shown"]
    hide_title = True
    verbose_name_plural = _("subscriptions")

    def get_queryset(self, request: HttpRequest) -> Any:
        related = ("usage_subscription", "program", "location", "contact")
        return super().get_queryset(request).select_related(*related).order_by("-starts_at")

    @display(description=_("subscription"))
    def subscription_link(self, row: ProgramSubscription) -> str:
        address = reverse("admin:assets_programsubscription_change", args=[row.pk])
        return format_html('<a href="{}" class="text-primary-600">{}</a>', address, row.usage_subscription.identifier)

    @display(description=_("status"))
    def status_shown(self, row: ProgramSubscription) -> str:
        return str(row.get_status_display())


@admin.register(Contact)
class ContactAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Customers."""

    list_display = ["name", "cis_person_id", "identifier", "home_phone", "email"]
    list_display_links = ["name", "cis_person_id"]
    search_fields = ["name", "cis_person_id", "identifier", "email"]
    ordering = ["name", "pk"]
    fields = ["cis_person_id", "identifier", "name", "home_phone", "business_phone", "email"]
    inlines = [SubscriptionInline]

    # The person id can be mended: the DERMS refuses a customer whom it does not know by it.
    readonly_fields = ["identifier"]

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        masters.change_contact(
            contact=Contact.objects.get(pk=obj.pk),
            values={name: getattr(obj, name) for name in form.changed_data},
            by=request.user.get_username(),
            person=request.user,
            at=timezone.now(),
        )


@admin.register(DeviceLocation)
class DeviceLocationAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Service points as places for devices."""

    list_display = ["identifier", "service_point", "status", "division", "cis_service_point_id", "address1", "city"]
    list_filter = ["status", "division"]
    list_select_related = ["service_point"]
    search_fields = ["identifier", "service_point__identifier", "cis_service_point_id", "cis_premise_id", "address1"]
    ordering = ["identifier"]
    autocomplete_fields = ["service_point"]
    fieldsets = [
        (None, {"fields": ["service_point", "identifier", "status", "division"]}),
        (_("Customer information system"), {"fields": ["cis_premise_id", "cis_service_point_id"]}),
        (
            _("Address"),
            {
                "fields": [
                    *("address1", "address2", "address3", "address4"),
                    *("city", "county", "state", "country", "postal"),
                ]
            },
        ),
    ]
    inlines = [SubscriptionInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["service_point", "identifier"] if obj else ["identifier"]

    def save_model(self, request: HttpRequest, obj: DeviceLocation, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        masters.change_location(
            location=DeviceLocation.objects.get(pk=obj.pk),
            values={name: getattr(obj, name) for name in form.changed_data},
            by=request.user.get_username(),
            person=request.user,
            at=timezone.now(),
        )
