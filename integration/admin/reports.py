"""Reports in the admin: their list, one report as page or file, and the schedules by which they are mailed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display

from foundation.admin import EvidenceInline, ModelAdmin
from integration.admin.report_forms import ReportForm, ReportScheduleForm
from integration.models import ReportDelivery, ReportSchedule
from integration.operations import report_schedules
from integration.reports import catalogue, drawing, files, parameters, texts
from integration.reports.contract import NUMERIC, Answer, Asked, Column, Kind, Report, Row


SHOWN_ROWS = 500
_OF_THE_PAGE = ("format", "sort")


class DeliveryInline(EvidenceInline):
    """The latest mails of a schedule and what became of them."""

    model = ReportDelivery
    fields = ["due_at", "outcome", "rows", "mail", "requested_by", "note"]
    readonly_fields = fields
    ordering = ["-due_at"]
    per_page = 20
    hide_title = True
    verbose_name_plural = _("deliveries")


@admin.register(ReportSchedule)
class ReportScheduleAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """When reports are mailed to whom; the pages of reports hang below the same address."""

    form = ReportScheduleForm
    list_display = [
        "name",
        "report_title",
        "frequency",
        "when",
        "file_format",
        "active",
        "next_due_at",
        "last",
        "problem",
    ]
    list_filter = ["active", "report", "frequency"]
    search_fields = ["name", "recipients"]
    ordering = ["name"]
    inlines = [DeliveryInline]
    actions_detail = ["send_now"]
    readonly_fields = ["next_due_at", "last_sent_at", "last_problem"]
    fieldsets = [
        (None, {"fields": ["name", ("report", "file_format"), "parameters", "recipients"]}),
        (
            _("When"),
            {"fields": ["frequency", ("weekday", "day_of_month"), ("local_time", "time_zone"), "active"]},
        ),
        (_("Mails"), {"fields": [("next_due_at", "last_sent_at"), "last_problem"]}),
    ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer the reports that the person may see."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take over the report and parameters that a report's page hands on."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        if "parameters" in given:
            try:
                given["parameters"] = json.loads(given["parameters"])
            except ValueError:
                del given["parameters"]
        return {"local_time": "06:00", "time_zone": timezone.get_current_timezone_name(), **given}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes where a report goes that they may not see themselves."""
        return bool(super().has_change_permission(request, obj)) and _may_see(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Likewise."""
        return bool(super().has_delete_permission(request, obj)) and _may_see(request, obj)

    def save_model(self, request: HttpRequest, obj: ReportSchedule, form: Any, change: bool) -> None:
        report_schedules.save_schedule(schedule=obj, at=timezone.now())

    @display(description=_("Report"), ordering="report")
    def report_title(self, row: ReportSchedule) -> Any:
        try:
            return catalogue.find(row.report).title
        except catalogue.UnknownReport:
            return row.report

    @display(description=_("When"))
    def when(self, row: ReportSchedule) -> str:
        return f"{row.local_time:%H:%M} {row.time_zone}"

    @display(description=_("Last sent"), ordering="last_sent_at")
    def last(self, row: ReportSchedule) -> Any:
        return row.last_sent_at

    @display(description=_("State"), ordering="last_problem", label={"good": "success", "bad": "danger"})
    def problem(self, row: ReportSchedule) -> tuple[str, Any]:
        return ("bad", row.last_problem[:80]) if row.last_problem else ("good", _("Good"))

    def has_send_now_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether the person may mail it, and see what is mailed."""
        if not request.user.has_perm("integration.send_report"):
            return False
        return _may_see(request, ReportSchedule.objects.filter(pk=object_id).first() if object_id else None)

    @action(description=_("Send now"), icon="send", permissions=["send_now"])
    def send_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        try:
            delivery = report_schedules.send_now(schedule_id=object_id, by=request.user, at=timezone.now())
        except report_schedules.UnableToSendReport as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            to = ", ".join(delivery.mail.to if delivery.mail else [])
            self.message_user(request, _("The mail to %(to)s is on its way.") % {"to": to}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_reportschedule_change", args=[object_id]))

    def get_urls(self) -> list[URLPattern]:
        """Add the list of reports and the page of each."""
        listed, one = self.admin_site.admin_view(self.reports_view), self.admin_site.admin_view(self.report_view)
        return [
            path("reports/", listed, name="integration_reports"),
            path("reports/<slug:name>/", one, name="integration_report"),
            *super().get_urls(),
        ]

    def reports_view(self, request: HttpRequest) -> HttpResponse:
        """List the reports that the person may see."""
        reports = catalogue.permitted(request.user)
        if not reports:
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Reports"),
            "content_title": _("Reports"),
            "reports": reports,
            "may_schedule": self.has_view_permission(request),
        }
        return TemplateResponse(request, "admin/integration/reports.html", context)

    def report_view(self, request: HttpRequest, name: str) -> HttpResponse | StreamingHttpResponse:
        """Show one report, or give it as a file."""
        try:
            report = catalogue.find(name)
        except catalogue.UnknownReport as error:
            raise Http404(str(error)) from None
        if not report.is_permitted(request.user):
            raise PermissionDenied
        zone = ZoneInfo(timezone.get_current_timezone_name())
        given: dict[str, Any] = {key: value for key, value in request.GET.items() if key not in _OF_THE_PAGE}
        errors: dict[str, str] = {}
        asked: Asked | None = None
        try:
            asked = parameters.read(report, given, zone=zone, at=timezone.now())
        except parameters.UnableToReadParameters as error:
            errors = error.errors
        answer = report.answer(asked) if asked is not None else None
        form = request.GET.get("format", "").upper()
        if asked is not None and answer is not None and form in files.MEDIA_TYPES:
            return _file(report, asked, answer, form)
        form_shown = ReportForm(report, request.GET)
        context = {
            **self.admin_site.each_context(request),
            "title": report.title,
            "content_title": report.title,
            "report": report,
            "form": form_shown,
            "errors": {_label(form_shown, name): reason for name, reason in errors.items()},
            **(_shown(request, report, asked, answer) if asked is not None and answer is not None else {}),
            "schedule_address": _schedule_address(report, given) if self.has_add_permission(request) else "",
        }
        return TemplateResponse(request, "admin/integration/report.html", context)


def _label(form: ReportForm, name: str) -> Any:
    return form.fields[name].label if name in form.fields else name


def _may_see(request: HttpRequest, schedule: ReportSchedule | None) -> bool:
    if schedule is None:
        return True
    try:
        return catalogue.find(schedule.report).is_permitted(request.user)
    except catalogue.UnknownReport:
        return True


def _file(report: Report, asked: Asked, answer: Answer, form: str) -> HttpResponse | StreamingHttpResponse:
    response: HttpResponse | StreamingHttpResponse
    if form == files.CSV:
        response = StreamingHttpResponse(files.csv_rows(answer, asked), content_type=files.MEDIA_TYPES[form])
    else:
        response = HttpResponse(files.xlsx(answer, asked), content_type=files.MEDIA_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{files.file_name(report, asked, form)}"'
    return response


def _shown(request: HttpRequest, report: Report, asked: Asked, answer: Answer) -> dict[str, Any]:
    key = request.GET.get("sort", "")
    rows = _sorted(answer.rows, key, answer.columns)
    return {
        "asked": asked,
        "columns": [
            {
                "title": files.heading(column) if column.unit else column.title,
                "number": column.kind in NUMERIC,
                "address": _address(request, sort=f"-{column.key}" if key == column.key else column.key),
                "order": {column.key: "ascending", f"-{column.key}": "descending"}.get(key, "none"),
            }
            for column in answer.columns
        ],
        "rows": [[_cell(row, column, asked) for column in answer.columns] for row in rows[:SHOWN_ROWS]],
        "totals": [
            _cell(answer.totals, column, asked, linked=False) if answer.totals and column.key in answer.totals else None
            for column in answer.columns
        ]
        if answer.totals and answer.rows
        else None,
        "row_count": len(rows),
        "more": len(rows) > SHOWN_ROWS,
        "chart": drawing.svg(answer.chart) if answer.chart and answer.rows else "",
        "chart_title": answer.chart.title if answer.chart else "",
        "legend": drawing.legend(answer.chart) if answer.chart else [],
        "csv_address": _address(request, format="csv"),
        "xlsx_address": _address(request, format="xlsx"),
    }


def _cell(row: Row, column: Column, asked: Asked, *, linked: bool = True) -> dict[str, Any]:
    value = row.get(column.key)
    address = column.link(row, asked) if linked and column.link is not None and value else None
    return {
        "text": texts.shown(value, column.kind, zone=asked.zone),
        "number": column.kind in NUMERIC,
        "time": column.kind in (Kind.DATE, Kind.INSTANT),
        "address": address or "",
    }


def _sorted(rows: Sequence[Row], key: str, columns: Sequence[Column]) -> Sequence[Row]:
    name = key.removeprefix("-")
    if name not in {column.key for column in columns}:
        return rows
    there = [row for row in rows if row.get(name) is not None]
    there.sort(key=lambda row: row[name], reverse=key.startswith("-"))
    return [*there, *(row for row in rows if row.get(name) is None)]


def _address(request: HttpRequest, **more: str) -> str:
    query = request.GET.copy()
    for name, value in more.items():
        query[name] = value
    return f"?{query.urlencode()}"


def _schedule_address(report: Report, given: dict[str, Any]) -> str:
    kept = {name: value for name, value in given.items() if value and name not in ("since", "until")}
    if kept.get("period") == "CUSTOM":
        kept["period"] = report.period
    query = urlencode({"report": report.name, "parameters": json.dumps(kept), "name": str(report.title)})
    return f"{reverse('admin:integration_reportschedule_add')}?{query}"
