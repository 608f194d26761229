"""The page that asks before something is done to many runs, and the line per run that says what became of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from integration.choices import ResubmitMode
from integration.models import FlowRun
from integration.operations import bulk


class BulkForm(forms.Form):
    """Why, and for a resubmission from where."""

    mode = forms.ChoiceField(
        label=_("Start"),
        choices=ResubmitMode.choices,
        initial=ResubmitMode.FAILED_STEP,
        widget=UnfoldAdminRadioSelectWidget(),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("It stays with each run."),
    )

    def __init__(self, *args: Any, action: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if action != "resubmit":
            del self.fields["mode"]


_TITLES = {
    "resubmit": _("Resubmit these runs"),
    "replay": _("Replay these runs"),
    "discard": _("Discard these runs"),
    "restore": _("Restore these runs"),
    "abort": _("Abort these runs"),
}


def asked(
    model_admin: ModelAdmin[FlowRun], request: HttpRequest, queryset: QuerySet[FlowRun], *, action: str
) -> HttpResponse | None:
    """Ask why; with an answer do it and show a line per run."""
    run_ids = list(queryset.values_list("pk", flat=True)[: bulk.MAX_ROWS + 1])
    if len(run_ids) > bulk.MAX_ROWS:
        text = _("Choose at most %(most)s runs at once.") % {"most": bulk.MAX_ROWS}
        model_admin.message_user(request, text, messages.ERROR)
        return None
    form = BulkForm(request.POST if "confirmed" in request.POST else None, action=action)
    results = None
    if form.is_valid():
        results = bulk.act(action=action, run_ids=run_ids, by=request.user, at=timezone.now(), **form.cleaned_data)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _TITLES[action],
        "form": form,
        "action": f"{action}_selected",
        "checkbox": ACTION_CHECKBOX_NAME,
        "run_ids": run_ids,
        "results": results,
        "done": sum(result.outcome == "done" for result in results or []),
        "opts": model_admin.model._meta,
    }
    return TemplateResponse(request, "admin/integration/bulk.html", context)
