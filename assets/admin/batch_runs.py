"""Runs of batches, and the button that starts one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from assets import queries
from assets.batches import BATCHES
from assets.choices import BatchStatus
from assets.models import BatchRun
from foundation.admin import EvidenceAdmin
from foundation.dispatch import after_commit


# What is not named here stands as it is counted: reasons why devices are not eligible, and outcomes of sync requests.
_COUNTS = {
    "devices": _("Devices"),
    "rows": _("Rows"),
    "eligible": _("Eligible"),
    "not_calculated": _("Not calculated"),
    "exactly": _("Calculated exactly"),
    "removed": _("Removed"),
    "bytes": _("Bytes"),
    "placed": _("Placed at"),
    "overdue": _("Overdue"),
    "sent": _("Sent"),
    "discarded": _("Discarded"),
    "error": _("Error"),
}
_STATUSES = {BatchStatus.IN_PROGRESS: "info", BatchStatus.COMPLETE: "success", BatchStatus.ERROR: "danger"}


class RunForm(forms.Form):
    """Which batch to run."""

    batch_code = forms.ChoiceField(label=_("Batch"), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["batch_code"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101  (narrows the type)
        choice.choices = [(code, code) for code in BATCHES]


@admin.register(BatchRun)
class BatchRunAdmin(EvidenceAdmin):
    """What batches did, and when."""

    list_display = [
        *("batch_code", "batch_number", "rerun_number", "status_badge", "started_at", "ended_at"),
        *("counts_in_words", "file_name", "message", "by"),
    ]
    list_filter = ["batch_code", "status"]
    search_fields = ["file_name", "message"]
    ordering = ["-pk"]
    fields = [
        *("batch_code", "batch_number", "rerun_number", "status", "started_at", "heartbeat_at", "ended_at"),
        *("counts_in_words", "file_name", "digest", "message", "by"),
    ]
    readonly_fields = ["counts_in_words"]
    actions_list = ["run_now"]

    @display(description=_("status"), ordering="status", label=_STATUSES)
    def status_badge(self, run: BatchRun) -> tuple[str, Any]:
        return run.status, run.get_status_display()

    @display(description=_("counts"))
    def counts_in_words(self, run: BatchRun) -> str:
        said = [f"{_COUNTS.get(name, name)}: {count}" for name, count in run.counts.items() if name != "score_cents"]
        if "score_cents" in run.counts:
            said.append(f"{_('Sum of scores')}: {run.counts['score_cents'] / 100:.2f}")
        return ", ".join(said) or "–"

    def has_run_now_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("assets.run_batch")

    @action(description=_("Run now"), icon="play_arrow", permissions=["run_now"])
    def run_now(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:assets_batchrun_run"))

    def get_urls(self) -> list[URLPattern]:
        return [
            path("run/", self.admin_site.admin_view(self.run_view), name="assets_batchrun_run"),
            *super().get_urls(),
        ]

    def run_view(self, request: HttpRequest) -> HttpResponse:
        """Ask which batch, and leave it to a worker."""
        if not request.user.has_perm("assets.run_batch"):
            raise PermissionDenied
        form = RunForm(request.POST or None, initial={"batch_code": request.GET.get("batch", "")})
        if request.method == "POST" and form.is_valid():
            if not queries.is_on():
                form.add_error(None, _("The DACS side is switched off: set the property %s.") % queries.SWITCH)
            else:
                code = form.cleaned_data["batch_code"]
                after_commit("assets.tasks.run_batch", batch_code=code, by=request.user.get_username())
                self.message_user(request, _("%s was handed to a worker: its run appears in this list.") % code)
                return HttpResponseRedirect(reverse("admin:assets_batchrun_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("Run a batch"),
            "form": form,
            "back": reverse("admin:assets_batchrun_changelist"),
        }
        return TemplateResponse(request, "admin/assets/run_batch.html", context)
