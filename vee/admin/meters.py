"""Master data: service points, devices, measuring components and their types; a component's measurements as a chart."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display

from foundation.admin import ModelAdmin, TabularInline
from vee import codes, queries, search_queries
from vee.admin import component_rules, manual, measurement_export, measurement_weeks
from vee.admin.characteristics import CharacteristicsForm
from vee.admin.group_filters import ComponentsNaming, ComponentsPassing, ServicePointsPassing
from vee.admin.local_times import instant_in_words, time_in_words
from vee.admin.readings import legend, plain, quality
from vee.admin.words import condition_words
from vee.engine import calendar
from vee.models import Device, InstallEvent, MeasuringComponent, Outage, ServicePoint


class ServicePointForm(CharacteristicsForm):
    """A service point whose zone exists."""

    class Meta:
        model = ServicePoint
        fields = ["identifier", "time_zone", "holiday_calendar", "characteristics"]

    def clean_time_zone(self) -> str:
        name = self.cleaned_data["time_zone"]
        if name not in zoneinfo.available_timezones():
            raise ValidationError(_("This is not an IANA time zone; write for example America/New_York."))
        return str(name)


class OutageInline(TabularInline):
    """Periods without supply."""

    model = Outage
    fields = ["start", "end"]


@admin.register(ServicePoint)
class ServicePointAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Places where service is delivered."""

    form = ServicePointForm
    list_display = ["identifier", "time_zone", "created_at"]
    list_filter = ["time_zone", ServicePointsPassing]
    search_fields = ["identifier"]
    search_condition = staticmethod(search_queries.service_points)
    ordering = ["identifier"]
    inlines = [OutageInline]

    def save_model(self, request: HttpRequest, obj: ServicePoint, form: Any, change: bool) -> None:
        if not change:
            obj.standard_offset_seconds = calendar.standard_offset_seconds(obj.time_zone)
        super().save_model(request, obj, form, change)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Blocks are laid by the zone's standard time: it stays once the point exists.
        return ["identifier", "time_zone"] if obj else []


class InstallEventInline(TabularInline):
    """Where the device was, and when; periods in which it was off stand on an installation's own page."""

    model = InstallEvent
    fields = ["service_point", "installed_at", "removed_at", "multiplier"]
    autocomplete_fields = ["service_point"]
    ordering = ["installed_at"]
    show_change_link = True


@admin.register(Device)
class DeviceAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Meters and other devices."""

    form = CharacteristicsForm
    list_display = ["identifier", "service_point", "incoming_data_shift"]
    list_select_related = ["service_point"]
    list_filter = ["incoming_data_shift"]
    autocomplete_fields = ["service_point"]
    search_fields = ["identifier", "service_point__identifier"]
    search_condition = staticmethod(search_queries.devices)
    ordering = ["identifier"]
    inlines = [InstallEventInline]


class ReadingsFilter(admin.SimpleListFilter):
    """Components whose readings stay away."""

    title = _("readings")
    parameter_name = "readings"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("stale", _("Away for longer than expected"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(progress__stale_since__isnull=False) if self.value() == "stale" else queryset


@admin.register(MeasuringComponent)
class MeasuringComponentAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Channels and registers, each with its final measurements."""

    form = CharacteristicsForm
    list_display = ["identifier", "type", "device", "service_point", "times", "measurements_link"]
    list_select_related = ["type", "device", "service_point"]
    list_filter = ["type", ReadingsFilter, ComponentsPassing, ComponentsNaming]
    autocomplete_fields = ["type", "device", "service_point", "consumption_reference"]
    readonly_fields = ["latest_contiguous", "most_recent_actual"]
    actions_detail = ["add_values", "show_rules"]
    search_fields = ["identifier", "device__identifier", "service_point__identifier"]
    search_condition = staticmethod(search_queries.placed_components)
    search_help_text = _("The start of the identifier of a component, of its device, or of its service point.")
    ordering = ["identifier"]
    actions = ["export_measurements"]

    class Media:
        css = {"all": ["vee/workbench.css"]}

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.view_measurementblock")

    @admin.action(description=_("Export measurements"), permissions=["export"])
    def export_measurements(self, request: HttpRequest, queryset: Any) -> HttpResponseBase:
        """Ask for period and format, then give the file."""
        return measurement_export.answer(self, request, queryset)

    def has_add_values_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vee.edit_imd")

    @action(description=_("Add values"), icon="edit_note", permissions=["add_values"], url_path="add-values-of")
    def add_values(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:vee_measuringcomponent_manual", args=[object_id]))

    def has_show_rules_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vee.view_veegroup")

    @action(description=_("Rules that apply"), icon="rule", permissions=["show_rules"], url_path="rules-that-apply-to")
    def show_rules(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:vee_measuringcomponent_rules", args=[object_id]))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_fields(request, obj))
        return fields if obj else [name for name in fields if name not in self.readonly_fields]

    @display(description=_("complete up to"))
    def latest_contiguous(self, component: MeasuringComponent) -> Any:
        progress = queries.progress_of(component)
        return _utc_text(progress.latest_contiguous_at if progress else None)

    @display(description=_("last actual measurement"))
    def most_recent_actual(self, component: MeasuringComponent) -> Any:
        progress = queries.progress_of(component)
        return _utc_text(progress.most_recent_actual_at if progress else None)

    @display(description=_("multiplier"), ordering="multiplier")
    def times(self, component: MeasuringComponent) -> str:
        return plain(component.multiplier)

    @display(description=_("measurements"))
    def measurements_link(self, component: MeasuringComponent) -> Any:
        address = reverse("admin:vee_measuringcomponent_measurements", args=[component.pk])
        return format_html('<a class="workbench-link" href="{}">{}</a>', address, _("Chart"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:component_id>/measurements/",
                wrap(self.measurements_view),
                name="vee_measuringcomponent_measurements",
            ),
            path("<int:component_id>/rules/", wrap(self.rules_view), name="vee_measuringcomponent_rules"),
            path(
                "<int:component_id>/add-values/",
                wrap(self.add_values_view),
                name="vee_measuringcomponent_manual",
            ),
            *super().get_urls(),
        ]

    def add_values_view(self, request: HttpRequest, component_id: int) -> HttpResponse:
        """Start manual data for the component."""
        return manual.add_values_view(self, request, component_id)

    def rules_view(self, request: HttpRequest, component_id: int) -> HttpResponse:
        """Say which VEE group the component's data would pass on a day, and why."""
        return component_rules.view(self, request, component_id)

    def measurements_view(self, request: HttpRequest, component_id: int) -> HttpResponse:
        """Show a week of final measurements that ends with the newest, or the week that the reader pages to."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        component = (
            MeasuringComponent.objects.select_related("type", "service_point", "device__service_point")
            .filter(pk=component_id)
            .first()
        )
        if component is None:
            raise Http404
        end = _asked_end(request) or queries.latest_measurement_end(component=component)
        point = component.service_point or (component.device.service_point if component.device else None)
        zone = zoneinfo.ZoneInfo(point.time_zone if point else "UTC")
        rows = []
        if end is not None:
            start = end - dt.timedelta(days=7)
            found = list(queries.measurements(component=component, start=start, end=end))
            rows = measurement_weeks.whole(found, component=component, start=start, end=end)
        chart = _chart(rows, component, zone)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("Measurements of %(name)s") % {"name": component},
            "is_fullwidth": "1",
            "component": component,
            "object": component,
            "zone_name": zone.key,
            "rows": sum(1 for row in rows if row.value is not None),
            "end": instant_in_words(end, zone) if end else "",
            "start": instant_in_words(end - dt.timedelta(days=7), zone) if end else "",
            "earlier": (end - dt.timedelta(days=7)).isoformat() if end else "",
            "later": (end + dt.timedelta(days=7)).isoformat() if end else "",
            "estimated": sum(1 for row in rows if codes.Band.MISSING.high < row.condition < codes.Band.REGULAR.low),
            "missing": sum(1 for row in rows if row.value is None),
            "total": plain(sum((row.value for row in rows if row.value is not None), Decimal(0))),
            "chart": chart,
            "legend": legend(chart["qualities"]),
        }
        return TemplateResponse(request, "admin/vee/measurements.html", context)


def _utc_text(at: dt.datetime | None) -> str:
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _asked_end(request: HttpRequest) -> dt.datetime | None:
    text = request.GET.get("end", "").replace(" ", "+")
    try:
        end = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return end if end.tzinfo else None


def _chart(rows: list[Any], component: MeasuringComponent, zone: zoneinfo.ZoneInfo) -> dict[str, Any]:
    values = [None if row.value is None else float(row.value) for row in rows]
    return {
        "ends": [int(row.end.timestamp()) for row in rows],
        "labels": [time_in_words(row.end, zone) for row in rows],
        "pre": [None] * len(rows),
        "post": values,
        "low": [None] * len(rows),
        "high": [None] * len(rows),
        "conditions": [condition_words(row.condition) for row in rows],
        "qualities": [
            quality(condition=row.condition, edited=row.user_edited, missing=row.value is None) for row in rows
        ],
        "decimals": min(component.type.scale, 3),
        "flags": [],
        "seconds_per_interval": component.type.seconds_per_interval or 86_400,
        "uom": component.type.uom,
        "time_zone": zone.key,
    }
