"""Usage subscriptions and what was sent to them."""

from __future__ import annotations

from django.contrib import admin

from foundation.admin import EvidenceAdmin, ModelAdmin
from vee.models import UsageSubscription, UsageTransaction


@admin.register(UsageSubscription)
class UsageSubscriptionAdmin(ModelAdmin):
    """Who is billed on a service point's measurements."""

    list_display = ["identifier", "service_point", "recipient", "created_at"]
    list_select_related = ["service_point"]
    autocomplete_fields = ["service_point"]
    search_fields = ["identifier", "service_point__identifier", "recipient"]
    ordering = ["identifier"]


@admin.register(UsageTransaction)
class UsageTransactionAdmin(EvidenceAdmin):
    """Usage as calculated and sent: evidence."""

    list_display = ["identifier", "usage_subscription", "start", "end", "status"]
    list_select_related = ["usage_subscription"]
    list_filter = ["status"]
    search_fields = ["identifier", "usage_subscription__identifier"]
    ordering = ["-id"]
