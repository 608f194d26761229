"""Usage subscriptions: who is billed on a service point's measurements."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import ModelAdmin
from vee import search_queries
from vee.models import UsageSubscription


@admin.register(UsageSubscription)
class UsageSubscriptionAdmin(ModelAdmin):
    """Who is billed on a service point's measurements, and how usage is sent there."""

    list_display = [
        "identifier", "service_point", "recipient", "defer_until_complete", "send_automatically", "transactions",
    ]  # fmt: skip
    list_filter = ["recipient", "defer_until_complete", "send_automatically"]
    list_select_related = ["service_point"]
    autocomplete_fields = ["service_point"]
    search_fields = ["identifier", "service_point__identifier"]
    search_condition = staticmethod(search_queries.usage_subscriptions)
    ordering = ["identifier"]
    fields = ["identifier", "service_point", "recipient", "defer_until_complete", "send_automatically"]

    @display(description=_("usage transactions"))
    def transactions(self, subscription: UsageSubscription) -> str:
        address = reverse("admin:vee_usagetransaction_changelist")
        return format_html('<a href="{}?usage_subscription__id__exact={}">{}</a>', address, subscription.pk, _("show"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # The figures of its transactions are of this service point.
        return ["identifier", "service_point"] if obj is not None and obj.transactions.exists() else []
