"""Baseline methods, and what devices saved in events."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from assets import performance_queries
from assets.choices import PerformanceStatus
from assets.engine.baselines import Note
from assets.models import BaselineMethod, EventPerformance
from assets.operations import performance
from foundation.admin import EvidenceAdmin, ModelAdmin


_STATUS = {"CALCULATED": "success", "WAITING": "info", "NONE": "warning"}
_NOTES = {
    Note.TOO_FEW_DAYS: _("Too few days to compare with."),
    Note.FEWER_DAYS_THAN_WANTED: _("Fewer days were found than the method considers."),
    Note.NOTHING_MEASURED_BEFORE: _("Measurements before the event are missing: the average was not adjusted."),
    Note.NOTHING_USED_BEFORE: _("Nothing was used before the event on other days: the average was not adjusted."),
}


@admin.register(BaselineMethod)
class BaselineMethodAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """How load reductions are measured; a program names its method."""

    list_display = ["code", "description", "days_selected", "days_considered", "selection", "adjustment"]
    search_fields = ["code", "description"]
    fieldsets = [
        (None, {"fields": ["code", "description"]}),
        (
            _("Days"),
            {
                "fields": [
                    ("days_considered", "days_selected"),
                    ("weekend_days_considered", "weekend_days_selected"),
                    ("selection", "day_type"),
                    ("lookback_days", "minimum_qualified"),
                    ("exclude_event_days", "exclude_holidays"),
                ]
            },
        ),
        (
            _("Adjustment"),
            {
                "fields": [
                    "adjustment",
                    ("window_hours", "gap_hours"),
                    ("lowest_adjustment", "highest_adjustment"),
                ]
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A code that programs and documents name stays."""
        return ["code"] if obj else []


@admin.register(EventPerformance)
class EventPerformanceAdmin(EvidenceAdmin):
    """What each device saved in its events; events can be calculated again."""

    list_display = [
        "event",
        "device",
        "program",
        "outcome",
        "status_badge",
        "reduction_kwh",
        "highest_drop_kw",
        "estimated",
        "calculated_at",
    ]
    list_filter = ["status", "reason", "participation__subscription__program", "method"]
    search_fields = ["participation__event__external_identifier__exact", "participation__device__nic_id__startswith"]
    search_help_text = _("An eventId, or the start of a nicId.")
    ordering = ["-participation"]
    actions = ["calculate_again"]
    change_form_after_template = "admin/assets/performance.html"
    fields = [
        ("event", "device"),
        ("program", "outcome"),
        ("status_badge", "reason"),
        ("reduction_kwh", "highest_drop_kw"),
        ("intervals", "estimated"),
        ("estimated_reduction_kwh", "estimated_baseline_intervals"),
        ("method", "measuring_component"),
        ("raw_adjustment", "applied_adjustment"),
        "days_used",
        "remarks",
        ("calculated_at", "stale"),
    ]
    readonly_fields = ["event", "device", "program", "outcome", "status_badge", "estimated", "days_used", "remarks"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventPerformance]:
        """Give the rows with all that the list shows."""
        return performance_queries.for_display()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the event's intervals below the figures."""
        found = self.get_object(request, object_id)
        more = _intervals_context(found) if found is not None else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})  # type: ignore[no-any-return]

    def has_calculate_permission(self, request: HttpRequest) -> bool:
        """Whether this user may have events calculated."""
        return request.user.has_perm("assets.calculate_performance")

    @admin.action(description=_("Calculate the events of these again"), permissions=["calculate"])
    def calculate_again(self, request: HttpRequest, queryset: QuerySet[EventPerformance]) -> None:
        """Calculate whole events, with the methods as they are now."""
        events = sorted(set(queryset.values_list("participation__event", flat=True)))
        devices = 0
        for event_id in events:
            devices += sum(performance.calculate_event(event_id=event_id, at=timezone.now(), everything=True).values())
        text = ngettext("%(count)d device calculated.", "%(count)d devices calculated.", devices)
        self.message_user(request, text % {"count": devices})

    @display(description=_("event"), ordering="participation__event")
    def event(self, row: EventPerformance) -> str:
        return row.participation.event.external_identifier

    @display(description=_("device"), ordering="participation__device__nic_id")
    def device(self, row: EventPerformance) -> str:
        device = row.participation.device
        return f"{device.head_end_system.name}/{device.nic_id}"

    @display(description=_("program"))
    def program(self, row: EventPerformance) -> str:
        subscription = row.participation.subscription
        return subscription.program.code if subscription else "–"

    @display(description=_("outcome"), ordering="participation__outcome")
    def outcome(self, row: EventPerformance) -> str:
        return row.participation.get_outcome_display() if row.participation.outcome else "–"

    @display(description=_("status"), ordering="status", label=_STATUS)
    def status_badge(self, row: EventPerformance) -> tuple[str, Any]:
        return row.status, row.get_status_display()

    @display(description=_("estimated intervals"))
    def estimated(self, row: EventPerformance) -> str:
        return f"{row.estimated_intervals} / {row.intervals}" if row.intervals else "–"

    @display(description=_("days averaged"))
    def days_used(self, row: EventPerformance) -> str:
        return ", ".join(row.days) or "–"

    @display(description=_("remarks"))
    def remarks(self, row: EventPerformance) -> str:
        return " ".join(str(_NOTES[Note(note)]) for note in row.notes) or "–"


def _intervals_context(row: EventPerformance) -> dict[str, Any]:
    subscription = row.participation.subscription
    zone = subscription.program.time_zone if subscription else "UTC"
    place = ZoneInfo(zone)
    intervals = performance_queries.intervals_of(row) if row.status != PerformanceStatus.WAITING else []
    columns = {
        name: [None if getattr(one, name) is None else float(getattr(one, name)) for one in intervals]
        for name in ("unadjusted", "baseline", "actual")
    }
    times = [int(one.begins_at.timestamp()) for one in intervals]
    if intervals:
        # The last step reaches to the end of its interval.
        times.append(int(intervals[-1].ends_at.timestamp()))
        columns = {name: [*values, values[-1]] for name, values in columns.items()}
    shown = [
        {
            # Without a zone, so that the template shows them as they are.
            "begins_at": one.begins_at.astimezone(place).replace(tzinfo=None),
            "ends_at": one.ends_at.astimezone(place).replace(tzinfo=None),
            **{name: getattr(one, name) for name in ("unadjusted", "baseline", "actual", "drop")},
        }
        for one in intervals
    ]
    shared = _("%(count)d devices of the event share this meter: each has an equal part of its reduction.")
    return {
        "intervals": shown,
        "zone": zone,
        "shared": shared % {"count": row.shared_by} if row.shared_by > 1 else "",
        "chart": {
            "zone": zone,
            "times": times,
            **columns,
            "labels": {
                "time": str(_("Time")),
                "unadjusted": str(_("Average of the days")),
                "baseline": str(_("Baseline")),
                "actual": str(_("Measured")),
            },
        },
    }
