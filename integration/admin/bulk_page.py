"""The page that asks before something is done to many runs, and the line per run that says what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
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


OUTCOMES = {"done": _("done"), "refused": _("refused"), "unknown": _("unknown"), "failed": _("failed")}
BADGES = {"done": "good", "refused": "warn", "unknown": "warn", "failed": "bad"}

_WORTH_ANOTHER_TRY = ("refused", "failed")
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
    shown = [] if results is None else _shown(results)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _TITLES[action],
        "form": form,
        "action": f"{action}_selected",
        "checkbox": ACTION_CHECKBOX_NAME,
        "keys": run_ids,
        "chosen": ngettext(
            "%(rows)s run is chosen. It is decided by its state: nothing is done twice.",
            "%(rows)s runs are chosen. Each is decided by its state: nothing is done twice.",
            len(run_ids),
        )
        % {"rows": len(run_ids)},
        "results": None if results is None else shown,
        "summary": ngettext("%(done)s of %(rows)s run done", "%(done)s of %(rows)s runs done", len(shown))
        % {"done": sum(row["outcome"] == "done" for row in shown), "rows": len(shown)},
        "again": [row["key"] for row in shown if row["outcome"] in _WORTH_ANOTHER_TRY],
        "back": reverse("admin:integration_flowrun_changelist"),
        "opts": model_admin.model._meta,
    }
    return TemplateResponse(request, "admin/integration/bulk.html", context)


def _shown(results: Sequence[bulk.RowResult]) -> list[dict[str, Any]]:
    """Give each result with what people know its run by, as it stands now."""
    runs = FlowRun.objects.select_related("flow").in_bulk([result.run_id for result in results])
    rows = []
    for result in results:
        run = runs.get(result.run_id)
        rows.append(
            {
                "key": result.run_id,
                "address": _address(result.run_id) if run else "",
                "name": str(result.run_id),
                "what": f"{run.flow} {run.identifiers_shown}".strip() if run else "",
                "state": run.get_state_display() if run else "",
                "outcome": result.outcome,
                "outcome_text": OUTCOMES[result.outcome],
                "badge": BADGES[result.outcome],
                "message": result.message,
                "new_address": _address(result.new_run_id) if result.new_run_id else "",
            }
        )
    return rows


def _address(run_id: Any) -> str:
    return reverse("admin:integration_flowrun_change", args=[run_id])
