"""The page that asks before many files are put back into their queues, and the line per file with what became of it."""

from __future__ import annotations

from typing import Any

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

from integration.admin.bulk_page import BADGES, OUTCOMES
from integration.admin.confirmation import ReasonForm
from integration.models import TransferredFile
from integration.operations import file_requeue


def asked(
    model_admin: ModelAdmin[TransferredFile], request: HttpRequest, queryset: QuerySet[TransferredFile]
) -> HttpResponse | None:
    """Ask why; with an answer put the files back and show a line per file."""
    file_ids = list(queryset.values_list("pk", flat=True)[: file_requeue.MAX_FILES + 1])
    if len(file_ids) > file_requeue.MAX_FILES:
        text = _("Choose at most %(most)s files at once.") % {"most": file_requeue.MAX_FILES}
        model_admin.message_user(request, text, messages.ERROR)
        return None
    form = ReasonForm(request.POST if "confirmed" in request.POST else None)
    results = None
    if form.is_valid():
        results = _shown(
            file_requeue.requeue_many(
                file_ids=file_ids,
                by=request.user.get_username(),
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            )
        )
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Put these files back into their queues"),
        "form": form,
        "action": "requeue_selected",
        "checkbox": ACTION_CHECKBOX_NAME,
        "keys": file_ids,
        "chosen": ngettext(
            "%(rows)s file is chosen. It gets its old name back at its place, and the next run takes it again.",
            "%(rows)s files are chosen. Each gets its old name back at its place, and the next run takes it again.",
            len(file_ids),
        )
        % {"rows": len(file_ids)},
        "results": results,
        "summary": ngettext("%(done)s of %(rows)s file done", "%(done)s of %(rows)s files done", len(results or []))
        % {"done": sum(row["outcome"] == "done" for row in results or []), "rows": len(results or [])},
        "again": [row["key"] for row in results or [] if row["outcome"] in ("refused", "failed")],
        "back": reverse("admin:integration_transferredfile_changelist"),
        "opts": model_admin.opts,
    }
    return TemplateResponse(request, "admin/integration/bulk.html", context)


def _shown(results: list[file_requeue.FileResult]) -> list[dict[str, Any]]:
    """Give each result with what people know its file by, as it stands now."""
    files = TransferredFile.objects.select_related("flow").in_bulk([result.file_id for result in results])
    rows = []
    for result in results:
        file = files.get(result.file_id)
        rows.append(
            {
                "key": result.file_id,
                "address": reverse("admin:integration_transferredfile_change", args=[result.file_id]) if file else "",
                "name": file.name if file else str(result.file_id),
                "what": f"{file.flow}, {file.connection}" if file else "",
                "state": file.get_state_display() if file else "",
                "outcome": result.outcome,
                "outcome_text": OUTCOMES[result.outcome],
                "badge": BADGES[result.outcome],
                "message": result.message,
                "new_address": "",
            }
        )
    return rows
