"""Files of the prefix queues: evidence with a history; the one verb puts back what was not sent."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from foundation.admin import EvidenceAdmin, EvidenceInline, local_moment
from foundation.words import in_words
from integration import queries, search_queries
from integration.admin import badges, bulk_requeue, confirmation
from integration.choices import FileState
from integration.models import TransferredFile, TransferredFileEvent
from integration.operations import file_requeue


_REQUEUE = confirmation.Question(
    title=_("Put this file back into its queue"),
    explanation=_("The file gets its old name back at its place, and the next run of the flow takes it again."),
    button=_("Requeue"),
)


class EventInline(EvidenceInline):
    """What happened to the file."""

    model = TransferredFileEvent
    fields = ["at", "before", "after", "by", "reason", "run"]
    readonly_fields = fields
    ordering = ["pk"]
    verbose_name_plural = _("history")
    hide_title = True

    @display(description=_("From"))
    def before(self, event: TransferredFileEvent) -> str:
        """The state before."""
        return str(event.from_label)

    @display(description=_("To"))
    def after(self, event: TransferredFileEvent) -> str:
        """The state after."""
        return event.get_to_state_display()


@admin.register(TransferredFile)
class TransferredFileAdmin(EvidenceAdmin):
    """The list of files, and the page of one."""

    list_display = [
        "name",
        "flow",
        "connection",
        "state_badge",
        "size",
        "attempts",
        "shown_reason",
        "changed",
        "history_link",
    ]
    list_select_related = ["flow"]
    list_filter = ["flow", "state", "connection"]
    search_fields = ["name", "message_id"]
    search_condition = staticmethod(search_queries.transferred_files)
    search_help_text = _("The start of a file's name, or its message id.")
    ordering = ["-changed_at", "-pk"]
    fieldsets = [
        (None, {"fields": ["name", "renamed_to", "flow", "state", "reason", "latest_run"]}),
        (_("Where"), {"fields": ["connection", "place"]}),
        (_("Content"), {"fields": ["size", "etag", "sha256", "modified_at"]}),
        (_("Sending"), {"fields": ["message_id", "round", "attempts", "records_done", "first_seen_at", "changed_at"]}),
    ]
    readonly_fields = ["latest_run"]
    inlines = [EventInline]
    actions = ["requeue_selected"]
    actions_detail = ["requeue"]

    @display(description=_("State"), ordering="state", label=badges.FILE_STATES)
    def state_badge(self, file: TransferredFile) -> tuple[str, str]:
        return file.state, file.get_state_display()

    @display(description=_("Latest reason"))
    def shown_reason(self, file: TransferredFile) -> str:
        return Truncator(in_words(file.reason)).chars(80)

    @display(description=_("Changed"), ordering="changed_at")
    def changed(self, file: TransferredFile) -> str:
        return local_moment(file.changed_at)

    @display(description=_("Latest run"))
    def latest_run(self, file: TransferredFile) -> str:
        if file.run_id is None:
            return "–"
        address = reverse("admin:integration_flowrun_change", args=[file.run_id])
        return format_html('<a href="{}" class="text-primary-600">{}</a>', address, file.run_id)

    def has_requeue_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return (
            request.user.has_perm("integration.requeue_transferredfile")
            and TransferredFile.objects.filter(pk=object_id, state=FileState.ERROR).exists()
        )

    def has_requeue_many_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("integration.requeue_transferredfile"))

    @admin.action(description=_("Requeue"), permissions=["requeue_many"])
    def requeue_selected(self, request: HttpRequest, queryset: QuerySet[TransferredFile]) -> HttpResponse | None:
        return bulk_requeue.asked(self, request, queryset)

    @display(description=_("History"))
    def history_link(self, file: TransferredFile) -> str:
        address = reverse("admin:integration_transferredfile_change", args=[file.pk])
        return format_html('<a href="{}#events-group" class="text-primary-600">{}</a>', address, _("History"))

    @action(description=_("Requeue"), icon="replay", permissions=["requeue"])
    def requeue(self, request: HttpRequest, object_id: int) -> HttpResponse:
        form = confirmation.ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            file = queries.transferred_file(object_id)
            return confirmation.ask(self, request, record=file, question=_REQUEUE, form=form)
        try:
            file_requeue.requeue(
                file_id=object_id, by=request.user.get_username(), reason=form.cleaned_data["reason"], at=timezone.now()
            )
        except file_requeue.UnableToRequeue as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, _("The file is back in its queue; the next run takes it."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_transferredfile_change", args=[object_id]))
