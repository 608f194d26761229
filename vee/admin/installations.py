"""Where devices were installed, and when they were off."""

from __future__ import annotations

from django.contrib import admin

from foundation.admin import ModelAdmin, TabularInline
from vee.models import InstallEvent, OffPeriod


class OffPeriodInline(TabularInline):
    """Periods in which the device was disconnected."""

    model = OffPeriod
    fields = ["start", "end"]
    ordering = ["start"]


@admin.register(InstallEvent)
class InstallEventAdmin(ModelAdmin):
    """A device at a service point from its installation to its removal."""

    list_display = ["device", "service_point", "installed_at", "removed_at", "multiplier"]
    list_select_related = ["device", "service_point"]
    autocomplete_fields = ["device", "service_point"]
    search_fields = ["device__identifier", "service_point__identifier"]
    ordering = ["-installed_at"]
    inlines = [OffPeriodInline]
