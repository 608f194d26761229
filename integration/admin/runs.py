"""Flow runs: evidence with a timeline; their only verbs are replay, resubmit, abort, discard and restore."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from foundation.admin import EvidenceAdmin, InstantRangeFilter, local_moment
from foundation.words import in_words
from integration import audit_trail, queries
from integration.admin import badges, bulk_page, confirmation, payload_pages, run_list, run_progress
from integration.admin.confirmation import Question, ReasonForm
from integration.admin.run_list import WindowFilter
from integration.admin.run_page import run_page
from integration.choices import Pattern, RunState
from integration.models import FlowRun
from integration.operations import runs
from integration.spoken import length_of_time


QUESTIONS = {
    "replay": Question(
        title=_("Replay this run"),
        explanation=_(
            "The stored message goes to the target once more, as a new run. Its reply is discarded: the caller is not "
            "told. The target knows the records by their messageId and takes none of them twice."
        ),
        button=_("Replay"),
    ),
    "resubmit": Question(
        title=_("Resubmit this run"),
        explanation=_("The message goes to work again."),
        button=_("Resubmit"),
    ),
    "abort": Question(
        title=_("Abort this run"),
        explanation=_(
            "Nothing more is sent. What was sent stays sent, and the caller gets the answers that there are."
        ),
        button=_("Abort"),
        danger=True,
    ),
    "discard": Question(
        title=_("Discard this run"),
        explanation=_("The run leaves the list of failures. It can be restored."),
        button=_("Discard"),
        danger=True,
    ),
    "restore": Question(
        title=_("Restore this run"),
        explanation=_("The run comes back to the state that it was discarded from."),
        button=_("Restore"),
    ),
}
STATES = {
    "replay": (RunState.SUCCEEDED, RunState.FAILED, RunState.ABORTED),
    "resubmit": (RunState.FAILED,),
    "abort": (RunState.RECEIVED, RunState.IN_PROGRESS),
    "discard": (RunState.FAILED, RunState.ABORTED),
    "restore": (RunState.DISCARDED,),
}


@admin.register(FlowRun)
class FlowRunAdmin(EvidenceAdmin):
    """The list of runs, and the page of one."""

    list_display = ["started", "flow", "identifiers", "state_badge", "ack", "fault", "duration", "kind"]
    list_select_related = ["flow"]
    list_filter = ["flow", "state", "ack_type", "fault_type", "kind", WindowFilter, ("started_at", InstantRangeFilter)]
    list_filter_submit = True
    list_before_template = "admin/integration/run_list.html"
    search_fields = ["identifiers__value"]
    search_help_text = _("The start of a messageId or another business identifier, or the id of a run.")
    ordering = ["-started_at", "id"]
    date_hierarchy = None
    change_form_outer_after_template = "admin/integration/run.html"
    actions = ["resubmit_selected", "replay_selected", "discard_selected", "restore_selected", "abort_selected"]
    actions_detail = ["replay", "resubmit", "abort", "discard", "restore"]

    # --- List

    @display(description=_("Started"), ordering="started_at")
    def started(self, run: FlowRun) -> str:
        return local_moment(run.started_at)

    @display(description=_("State"), ordering="state", label=badges.RUN_STATES)
    def state_badge(self, run: FlowRun) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description=_("Answer"), ordering="ack_type", label=badges.RESPONSE_CODES)
    def ack(self, run: FlowRun) -> str:
        return run.ack_type

    @display(description=_("Business identifiers"))
    def identifiers(self, run: FlowRun) -> str:
        return run.identifiers_shown

    @display(description=_("Fault"))
    def fault(self, run: FlowRun) -> str | None:
        if not run.fault_type:
            return None
        reason = Truncator(in_words(run.fault_reason)).chars(60)
        return f"{run.get_fault_type_display()}: {reason}"

    @display(description=_("Duration"))
    def duration(self, run: FlowRun) -> str | None:
        seconds = run.duration_seconds
        return None if seconds is None else length_of_time(seconds)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[FlowRun], search_term: str
    ) -> tuple[QuerySet[FlowRun], bool]:
        """Search by business identifier without joining the identifiers to every row."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(queries.search_condition(search_term)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with windows of time and the number of runs in each state above it."""
        answer: HttpResponse = super().changelist_view(request, extra_context)
        if isinstance(answer, TemplateResponse) and answer.context_data and "cl" in answer.context_data:
            answer.context_data |= run_list.context(request, answer.context_data["cl"])
        return answer

    # --- Page

    def get_fieldsets(self, request: HttpRequest, obj: FlowRun | None = None) -> list[Any]:
        """Give none: the page below the bar shows everything."""
        return []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a run: what happened, step by step, and what went over the wire."""
        may_unmask = request.user.has_perm("integration.view_payload_unmasked")
        unmasked = may_unmask and request.GET.get("unmasked") == "1"
        page = run_page(
            object_id,
            unmasked=unmasked,
            may_unmask=may_unmask,
            may_see_payloads=request.user.has_perm(payload_pages.VIEW),
            may_view=lambda model: _may_view(request, model),
        )
        if unmasked and page is not None:
            audit_trail.payloads_shown(run_id=object_id, by=request.user, at=timezone.now())
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "page": page, "title": _("Flow run")}
        )

    def get_urls(self) -> list[URLPattern]:
        """Add what a run's page asks for: its payloads side by side, one of them as a file, its progress."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:run_id>/payloads/", wrap(self.payloads_view), name="integration_flowrun_payloads"),
            path(
                "<uuid:run_id>/payloads/<int:payload_id>/", wrap(self.payload_view), name="integration_flowrun_payload"
            ),
            path("<uuid:run_id>/progress/", wrap(self.progress_view), name="integration_flowrun_progress"),
            *super().get_urls(),
        ]

    def payloads_view(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """Show two payloads of the run and what differs."""
        return payload_pages.compare(self, request, run_id)

    def payload_view(self, request: HttpRequest, run_id: uuid.UUID, payload_id: int) -> HttpResponse:
        """Give a payload as a file."""
        return payload_pages.download(request, run_id, payload_id)

    def progress_view(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """Give how far the run is."""
        return run_progress.answer(request, run_id)

    # --- Verbs

    def has_replay_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "replay", "integration.replay_flowrun")

    def has_resubmit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "resubmit", "integration.resubmit_flowrun")

    def has_abort_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "abort", "integration.abort_flowrun")

    def has_discard_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "discard", "integration.discard_flowrun")

    def has_restore_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "restore", "integration.discard_flowrun")

    @action(description=_("Replay"), icon="replay", permissions=["replay"])
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirmed(request, object_id, "replay", runs.replay)

    @action(description=_("Resubmit"), icon="restart_alt", permissions=["resubmit"])
    def resubmit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirmed(request, object_id, "resubmit", runs.resubmit)

    @action(description=_("Abort"), icon="block", permissions=["abort"])
    def abort(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirmed(request, object_id, "abort", runs.abort)

    @action(description=_("Discard"), icon="delete_sweep", permissions=["discard"])
    def discard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirmed(request, object_id, "discard", runs.discard)

    @action(description=_("Restore"), icon="restore_from_trash", permissions=["restore"])
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirmed(request, object_id, "restore", runs.restore)

    @admin.action(description=_("Resubmit"), permissions=["resubmit_many"])
    def resubmit_selected(self, request: HttpRequest, queryset: QuerySet[FlowRun]) -> HttpResponse | None:
        return bulk_page.asked(self, request, queryset, action="resubmit")

    @admin.action(description=_("Replay"), permissions=["replay_many"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[FlowRun]) -> HttpResponse | None:
        return bulk_page.asked(self, request, queryset, action="replay")

    @admin.action(description=_("Discard"), permissions=["discard_many"])
    def discard_selected(self, request: HttpRequest, queryset: QuerySet[FlowRun]) -> HttpResponse | None:
        return bulk_page.asked(self, request, queryset, action="discard")

    @admin.action(description=_("Restore"), permissions=["discard_many"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet[FlowRun]) -> HttpResponse | None:
        return bulk_page.asked(self, request, queryset, action="restore")

    @admin.action(description=_("Abort"), permissions=["abort_many"])
    def abort_selected(self, request: HttpRequest, queryset: QuerySet[FlowRun]) -> HttpResponse | None:
        return bulk_page.asked(self, request, queryset, action="abort")

    def has_resubmit_many_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("integration.resubmit_flowrun"))

    def has_replay_many_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("integration.replay_flowrun"))

    def has_discard_many_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("integration.discard_flowrun"))

    def has_abort_many_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("integration.abort_flowrun"))

    def _may(self, request: HttpRequest, object_id: Any, name: str, right: str) -> bool:
        if not request.user.has_perm(right):
            return False
        run = self._asked_about(request, object_id)
        if run is None or run.state not in STATES[name]:
            return False
        if name == "replay":
            return run.flow.pattern == Pattern.SYNC and run.flow.idempotent
        return name != "resubmit" or run.flow.pattern != Pattern.SYNC

    def _asked_about(self, request: HttpRequest, object_id: Any) -> FlowRun | None:
        # Five verbs ask about the same run: it is read once per request.
        kept: dict[str, FlowRun | None] = request.__dict__.setdefault("_asked_about_runs", {})
        key = str(object_id)
        if key not in kept:
            kept[key] = FlowRun.objects.select_related("flow").filter(pk=_uuid(key)).first()
        return kept[key]

    def _confirmed(
        self, request: HttpRequest, object_id: str, name: str, operation: Callable[..., FlowRun]
    ) -> HttpResponse:
        form = ReasonForm(request.POST or None)
        run = self._asked_about(request, object_id)
        if request.method != "POST" or not form.is_valid():
            return confirmation.ask(self, request, record=run, question=QUESTIONS[name], form=form)
        try:
            done = operation(
                run_id=_uuid(object_id), by=request.user, reason=form.cleaned_data["reason"], at=timezone.now()
            )
        except runs.UnableToAct as error:
            self.message_user(request, str(error), messages.ERROR)
            shown = object_id
        else:
            self.message_user(request, _DONE[name], messages.SUCCESS)
            shown = str(done.pk)
        return HttpResponseRedirect(reverse("admin:integration_flowrun_change", args=[shown]))


_DONE = {
    "replay": _("The message waits for a worker; this is the new run."),
    "resubmit": _("The message waits for a worker."),
    "abort": _("The run was aborted."),
    "discard": _("The run was discarded. It can be restored."),
    "restore": _("The run was restored."),
}


def _may_view(request: HttpRequest, model: type[Any]) -> bool:
    return bool(request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"))


def _uuid(text: str) -> uuid.UUID | None:
    # The admin quotes "_" in addresses; anything that is no id finds nothing.
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
