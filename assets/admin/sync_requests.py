"""Sync requests in the admin: evidence with a time line and both snapshots; their only verbs are Retry and Cancel."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from assets import sync_queries
from assets.choices import SYNC_ENDED, SyncStatus
from assets.engine import sync_comparison
from assets.models import StatusChange, SyncChange, SyncRequest
from assets.operations import sync_actions
from foundation.admin import EvidenceAdmin, InstantRangeFilter


LABELS = {
    "PENDING": "warning",
    "DETERMINE": "info",
    "DISCARDED": "default",
    "SENDREQUEST": "info",
    "AWAITINGACK": "info",
    "SYNCHRONIZED": "success",
    "ERROR": "danger",
    "CANCELED": "default",
}
_BADGES = {"info": "info", "warning": "warn", "success": "good", "danger": "bad", "default": "neutral"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that a person can do with a sync request."""

    name: str
    label: Any
    variant: str
    explanation: Any
    statuses: frozenset[str]

    @property
    def permission(self) -> str:
        """The right that it takes."""
        return f"assets.{self.name}_syncrequest"


ACTIONS = {
    action.name: action
    for action in (
        Action(
            name="retry",
            label=_("Retry"),
            variant="primary",
            statuses=frozenset({SyncStatus.ERROR}),
            explanation=_(
                "The data as they are now are compared and sent by the next run of F1-SYNRQ. Where the DERMS may hold "
                "what was sent, another sync request goes on in its place."
            ),
        ),
        Action(
            name="cancel",
            label=_("Cancel"),
            variant="danger",
            statuses=frozenset(SyncStatus) - SYNC_ENDED,
            explanation=_("It is put aside for good. What was sent stays sent; the next change is told as usual."),
        ),
    )
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One value of both snapshots."""

    path: str
    before: str
    after: str
    differs: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the time line: a change of status, or a captured change."""

    at: Any
    what: str
    by: str
    text: str
    badge: str


@admin.register(SyncRequest)
class SyncRequestAdmin(EvidenceAdmin):
    """The list of sync requests, and the page of one."""

    list_display = ["sync_request_id", "subscription_name", "program", "status_badge", "why", "changes", "created_at"]
    list_filter = ["status", "fault", "subscription__program", ("created_at", InstantRangeFilter)]
    list_filter_submit = True
    search_fields = [
        *("sync_request_id__startswith", "subscription__usage_subscription__identifier__startswith"),
        *("message_id__startswith", "subscription__contact__cis_person_id__startswith"),
    ]
    search_help_text = _("The start of a sync request, subscription, CIS person id or message id.")
    ordering = ["-id"]
    actions = ["retry", "cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncRequest]:
        return sync_queries.requests()

    @display(description=_("Subscription"), ordering="subscription__usage_subscription__identifier")
    def subscription_name(self, row: SyncRequest) -> str:
        return row.subscription.usage_subscription.identifier

    @display(description=_("Program"), ordering="subscription__program__code")
    def program(self, row: SyncRequest) -> str:
        return row.subscription.program.code

    @display(description=_("Status"), ordering="status", label=LABELS)
    def status_badge(self, row: SyncRequest) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description=_("Changes"), ordering="change_count")
    def changes(self, row: Any) -> int:
        return int(row.change_count)

    @display(description=_("Why"), ordering="fault", empty_value="")
    def why(self, row: SyncRequest) -> str | None:
        return row.get_fault_display() if row.fault else None

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ACTIONS["retry"].permission)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ACTIONS["cancel"].permission)

    @admin.action(description=_("Retry"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._act_on_many(request, queryset, "retry")

    @admin.action(description=_("Cancel"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._act_on_many(request, queryset, "cancel")

    def _act_on_many(self, request: HttpRequest, queryset: QuerySet[Any], name: str) -> HttpResponse | None:
        if not request.POST.get("confirmed"):
            return self._confirmation(
                request,
                ACTIONS[name],
                rows=list(queryset),
                action_name=request.POST.get("action", name),
                selected=request.POST.getlist(ACTION_CHECKBOX_NAME),
                checkbox_name=ACTION_CHECKBOX_NAME,
            )
        done = sync_actions.act_on_many(
            action=name,
            sync_request_ids=[row.sync_request_id for row in queryset.order_by("pk")],
            by=request.user,
            reason=request.POST.get("reason", "")[:900],
            at=timezone.now(),
        )
        if done.count:
            said = ngettext("%(label)s: %(count)d sync request.", "%(label)s: %(count)d sync requests.", done.count)
            self.message_user(request, said % {"label": ACTIONS[name].label, "count": done.count})
        for refusal in done.refusals:
            self.message_user(request, refusal, messages.WARNING)
        return None

    def _confirmation(self, request: HttpRequest, action: Action, **more: Any) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": action.label,
            "action": action,
            **more,
        }
        return TemplateResponse(request, "admin/assets/sync_confirm.html", context)

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.act_view)
        return [path("<int:request_pk>/act/<str:name>/", act, name="assets_syncrequest_act"), *super().get_urls()]

    def act_view(self, request: HttpRequest, request_pk: int, name: str) -> HttpResponse:
        """Confirm one action on one sync request with a reason, and do it."""
        action = ACTIONS.get(name)
        if action is None:
            raise Http404
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        row = self._row(request, str(request_pk))
        reason = request.POST.get("reason", "")[:900]
        if request.method == "POST":
            try:
                done = sync_actions.ACTIONS[name](
                    sync_request_id=row.sync_request_id, by=request.user, reason=reason, at=timezone.now()
                )
            except sync_actions.UnableToAct as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                said = _("Sync request %(id)s is now: %(status)s.")
                self.message_user(request, said % {"id": done.sync_request_id, "status": done.get_status_display()})
                return HttpResponseRedirect(reverse("admin:assets_syncrequest_change", args=[done.pk]))
        back = reverse("admin:assets_syncrequest_change", args=[row.pk])
        return self._confirmation(request, action, rows=[row], reason=reason, next=back)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": row.sync_request_id,
            "is_fullwidth": "1",
            "row": row,
            "badge": _BADGES[LABELS[row.status]],
            "steps": _time_line(row),
            "lines": _lines(row),
            "acknowledgement": _pretty(row.acknowledgement) if row.acknowledgement else "",
            "actions": [
                action
                for action in ACTIONS.values()
                if row.status in action.statuses and request.user.has_perm(action.permission)
            ],
        }
        return TemplateResponse(request, "admin/assets/sync_request.html", context)

    def _row(self, request: HttpRequest, object_id: str) -> SyncRequest:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = sync_queries.requests().filter(pk=object_id).first() if object_id.isdecimal() else None
        if row is None:
            raise Http404
        return row


def _time_line(row: SyncRequest) -> list[Step]:
    """Give the changes of status in their order; what was captured stands below the beginning of its round."""
    moves, captured = sync_queries.status_changes_of(row), sync_queries.changes_of(row)
    rounds = [move for move in moves if move.to_status == SyncStatus.PENDING != move.from_status]
    gathered: dict[int, list[SyncChange]] = defaultdict(list)
    for change in captured:
        begun = [move for move in rounds if move.at <= change.at] or rounds[:1]
        gathered[begun[-1].pk if begun else 0].append(change)
    steps = [_captured(change) for change in gathered[0]]
    for move in moves:
        steps += [_moved(move), *(_captured(change) for change in gathered[move.pk])]
    return steps


def _moved(move: StatusChange) -> Step:
    status = SyncStatus(move.to_status)
    return Step(at=move.at, what=str(status.label), by=move.by, text=move.reason, badge=_BADGES[LABELS[status]])


def _captured(change: SyncChange) -> Step:
    return Step(at=change.at, what=str(change), by=change.by, text="", badge="")


def _lines(row: SyncRequest) -> list[Line]:
    before, after = sync_comparison.values(row.initial_snapshot), sync_comparison.values(row.final_snapshot)
    return [
        Line(
            path=path,
            before=_shown(before, path),
            after=_shown(after, path),
            differs=path not in before or path not in after or before[path] != after[path],
        )
        for path in sync_comparison.paths(row.initial_snapshot, row.final_snapshot)
    ]


def _shown(values: dict[str, Any], path: str) -> str:
    value = values.get(path)
    return "–" if value is None or value == "" else str(value)


def _pretty(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
