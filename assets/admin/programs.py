"""Programs and the kinds of things around them: the configuration of the DACS side."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from assets.choices import SubscriptionStatus
from assets.models import (
    ActivityType,
    CommunicationType,
    DeviceSpecification,
    HeadEndSystem,
    ProcessingMethod,
    Program,
    ServiceTaskType,
)
from foundation.admin import ModelAdmin, TabularInline


class ProgramForm(forms.ModelForm):  # type: ignore[type-arg]
    """A program whose zone exists."""

    def clean_time_zone(self) -> str:
        name = self.cleaned_data["time_zone"]
        if name not in zoneinfo.available_timezones():
            raise ValidationError(_("This is not an IANA time zone; write for example America/Los_Angeles."))
        return str(name)


@admin.register(Program)
class ProgramAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """What customers enroll in."""

    form = ProgramForm
    list_display = ["code", "description", "open_for_enrollment", "starts_on", "ends_on", "cycle", "active"]
    list_filter = ["open_for_enrollment", "cycle", "needs_status_check"]
    search_fields = ["code", "identifier", "description"]
    ordering = ["code"]
    fieldsets = [
        (None, {"fields": ["code", "identifier", "description", "subscription_type", "usage_recipient"]}),
        (_("Enrollment"), {"fields": ["open_for_enrollment", "starts_on", "ends_on", "needs_status_check"]}),
        (_("Events"), {"fields": ["time_zone", "cycle", "event_limit", "event_limit_per_year", "reference_kw"]}),
        (_("Scores and performance"), {"fields": ["score_calculation", "baseline_method"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        active = Count("subscriptions", filter=Q(subscriptions__status=SubscriptionStatus.ACTIVE))
        return super().get_queryset(request).annotate(active_count=active)  # type: ignore[no-any-return]

    @display(description=_("active subscriptions"), ordering="active_count")
    def active(self, program: Any) -> int:
        return int(program.active_count)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Messages and score files name it.
        return ["code", "identifier"] if obj else ["identifier"]


class ProcessingMethodInline(TabularInline):
    """How the head-end system does what."""

    model = ProcessingMethod
    fields = ["role", "communication_type", "message_type"]


@admin.register(HeadEndSystem)
class HeadEndSystemAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Through whom devices are reached."""

    list_display = ["name", "description", "external_system", "methods"]
    list_select_related = ["external_system"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    fields = ["name", "description", "external_system"]
    inlines = [ProcessingMethodInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("processing_methods")  # type: ignore[no-any-return]

    @display(description=_("processing methods"))
    def methods(self, head_end: HeadEndSystem) -> str:
        return ", ".join(str(one) for one in head_end.processing_methods.all()) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Devices are known by it and their NIC id.
        return ["name"] if obj is not None and obj.devices.exists() else []


@admin.register(DeviceSpecification)
class DeviceSpecificationAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Makes and models."""

    list_display = ["code", "description", "device_type", "rated_kw"]
    list_filter = ["device_type"]
    search_fields = ["code", "description", "device_type"]
    ordering = ["code"]


class KindAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """What the pages of the types have in common."""

    list_display = ["code", "description", "business_object"]
    search_fields = ["code", "description", "business_object"]
    ordering = ["code"]


@admin.register(ActivityType)
class ActivityTypeAdmin(KindAdmin):
    """Kinds of activities."""


@admin.register(CommunicationType)
class CommunicationTypeAdmin(KindAdmin):
    """Kinds of communications."""


@admin.register(ServiceTaskType)
class ServiceTaskTypeAdmin(KindAdmin):
    """Kinds of service tasks."""
