"""Control in the admin: schedules of flows, statistics, and the design-time audit."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from foundation.admin import EvidenceAdmin, EvidenceInline, ModelAdmin
from foundation.words import in_words
from integration import audit
from integration.admin import confirmation
from integration.models import FlowSchedule, FlowStatistics, ScheduleSlot
from integration.operations import flow_schedules


AUDIT_SHOWN = 200


class FlowScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """When a flow runs, checked as saving checks it."""

    class Meta:
        model = FlowSchedule
        fields = ("flow", "enabled", "every_seconds", "cron", "time_zone", "overlap", "missed", "parameters")

    def clean(self) -> dict[str, Any]:
        """Refuse times that cannot be read."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                flow_schedules.check_schedule(schedule=FlowSchedule(**given), at=timezone.now())
            except flow_schedules.UnableToSaveSchedule as error:
                raise forms.ValidationError(in_words(error)) from None
        return given


class SlotInline(EvidenceInline):
    """The latest due times and what became of them."""

    model = ScheduleSlot
    fields = ["due_at", "outcome", "lateness", "run", "requested_by", "note"]
    readonly_fields = fields
    ordering = ["-due_at"]
    per_page = 50

    @display(description=_("Late"))
    def lateness(self, slot: ScheduleSlot) -> str:
        return f"{slot.lateness_seconds:.0f} s"


@admin.register(FlowSchedule)
class FlowScheduleAdmin(SimpleHistoryAdmin, ModelAdmin):
    """When scheduled flows run by themselves; *Run now* runs one by hand."""

    form = FlowScheduleForm
    list_display = ["flow", "enabled", "times", "overlap", "missed", "next_due_at", "late_badge"]
    list_select_related = ["flow"]
    ordering = ["flow__display_name", "pk"]
    inlines = [SlotInline]
    actions_detail = ["run_now"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer scheduled flows only."""
        if db_field.name == "flow":
            kwargs["queryset"] = flow_schedules.scheduled_flows()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: FlowSchedule, form: Any, change: bool) -> None:
        flow_schedules.save_schedule(schedule=obj, at=timezone.now())

    @display(description=_("Times"))
    def times(self, row: FlowSchedule) -> str:
        return f"{row.cron} ({row.time_zone})" if row.cron else _("every %(s)s s") % {"s": row.every_seconds}

    @display(description=_("Lateness"), label={"late": "danger", "on time": "success"})
    def late_badge(self, row: FlowSchedule) -> tuple[str, Any]:
        late = flow_schedules.lateness(schedule=row, at=timezone.now())
        if not late:
            return "on time", _("On time")
        return "late", _("%(minutes)s min late") % {"minutes": round(late.total_seconds() / 60)}

    def has_run_now_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("integration.run_schedule"))

    @action(description=_("Run now"), icon="play_arrow", permissions=["run_now"])
    def run_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        question = confirmation.Question(
            title=_("Run this flow now"), explanation=_("It runs once, beside its schedule."), button=_("Run now")
        )
        row = FlowSchedule.objects.select_related("flow").get(pk=object_id)
        form = confirmation.ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return confirmation.ask(self, request, record=row, question=question, form=form)
        try:
            run = flow_schedules.run_now(identifier=row.flow.identifier, by=request.user, at=timezone.now())
        except flow_schedules.UnableToRun as error:
            self.message_user(request, in_words(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:integration_flowschedule_change", args=[object_id]))
        self.message_user(request, _("The run waits for a worker."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_flowrun_change", args=[run.pk]))


class AuditForm(forms.Form):
    """What to look for."""

    since = forms.DateField(required=False, label=_("From"), widget=UnfoldAdminDateWidget())
    until = forms.DateField(required=False, label=_("To"), widget=UnfoldAdminDateWidget())
    by = forms.CharField(required=False, label=_("Account"), widget=UnfoldAdminTextInputWidget())
    component = forms.ChoiceField(required=False, label=_("Component"), widget=UnfoldAdminSelectWidget())
    action = forms.ChoiceField(
        required=False,
        label=_("Action"),
        choices=[("", "–"), ("CREATE", _("Created")), ("CHANGE", _("Changed")), ("DELETE", _("Deleted"))],
        widget=UnfoldAdminSelectWidget(),
    )
    search = forms.CharField(required=False, label=_("Name or reason"), widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        component = self.fields["component"]
        component.choices = [("", "–"), *audit.components()]  # type: ignore[attr-defined]

    def condition(self) -> dict[str, Any]:
        """Give what `audit.entries` takes."""
        given = dict(self.cleaned_data)
        since, until = given.pop("since"), given.pop("until")
        return {
            **given,
            "since": _midnight(since) if since else None,
            "until": _midnight(until) + dt.timedelta(days=1) if until else None,
        }


@admin.register(FlowStatistics)
class FlowStatisticsAdmin(EvidenceAdmin):
    """What flows did, day by day; the audit of the configuration hangs below the same address."""

    list_display = ["day", "flow", "version", "received", "succeeded", "failed", "aborted", "average"]
    list_select_related = ["flow"]
    list_filter = ["flow", "version", "day"]
    ordering = ["-day", "flow", "part"]

    @display(description=_("Average"))
    def average(self, row: FlowStatistics) -> str:
        return f"{row.duration_sum / row.measured:.2f} s" if row.measured else "–"

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the audit and its download."""
        page = self.admin_site.admin_view(self.audit_view)
        return [path("audit/", page, name="integration_audit"), *super().get_urls()]

    def audit_view(self, request: HttpRequest) -> HttpResponse:
        """Show who changed what of the configuration, or give it as CSV."""
        if not request.user.has_perm("integration.view_audit"):
            raise PermissionDenied
        form = AuditForm(request.GET)
        download = request.GET.get("format") == "csv"
        limit = audit.MAX_ROWS if download else AUDIT_SHOWN
        rows = audit.entries(**form.condition(), limit=limit) if form.is_valid() else []
        if download:
            response = HttpResponse(audit.as_csv(rows), content_type="text/csv; charset=utf-8")
            response["Content-Disposition"] = 'attachment; filename="audit.csv"'
            return response
        query = request.GET.copy()
        query["format"] = "csv"
        context = {
            **self.admin_site.each_context(request),
            "title": _("Changes of configuration"),
            "content_title": _("Changes of configuration"),
            "form": form,
            "rows": rows,
            "shown": AUDIT_SHOWN,
            "download": f"?{query.urlencode()}",
            "most": audit.MAX_ROWS,
        }
        return TemplateResponse(request, "admin/integration/audit.html", context)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=timezone.get_current_timezone())
