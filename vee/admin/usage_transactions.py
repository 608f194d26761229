"""Usage transactions: made once, and evidence from then on, whose only verbs are Calculate, Send and Discard."""

from __future__ import annotations

import dataclasses
import zoneinfo
from decimal import Decimal
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
from unfold.decorators import display

from foundation.admin import EvidenceAdmin, InstantRangeFilter
from vee import search_queries, usage_queries
from vee.admin import workbench
from vee.admin.local_times import instant_in_words
from vee.admin.words import condition_words
from vee.admin.workbench import Action
from vee.choices import USAGE_NOT_SENT
from vee.choices import UsageTransactionStatus as Status
from vee.models import UsageTransaction, UsageTransactionTotal
from vee.operations import usage
from vee.operations.actions import UnableToAct
from vee.usage_totals import without_trailing_zeros


LABELS = {
    "PENDING": "info",
    "CALCULATION_DEFERRED": "info",
    "CALCULATED": "info",
    "ISSUE_DETECTED": "warning",
    "SENT": "success",
    "SUBSEQUENT_CORRECTION": "danger",
    "DISCARDED": "default",
}
BADGES = {"info": "info", "warning": "warn", "success": "good", "danger": "bad", "default": "neutral"}
ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            name="calculate",
            label=_("Calculate"),
            permission="vee.calculate_usage",
            states=USAGE_NOT_SENT,
            variant="primary",
            explanation=_("The totals are worked out from the measurements as they stand, as a new version."),
        ),
        Action(
            name="send",
            label=_("Send"),
            permission="vee.send_usage",
            states=(Status.CALCULATED, Status.ISSUE_DETECTED),
            variant="primary",
            explanation=_(
                "The usage goes to its recipient. It cannot be taken back: what changes afterwards is a "
                "Subsequent Correction."
            ),
        ),
        Action(
            name="discard",
            label=_("Discard"),
            permission="vee.discard_usage",
            states=USAGE_NOT_SENT,
            variant="danger",
            explanation=_("The usage is put aside for good: its figures stay readable, but it is not sent."),
        ),
    )
}


@dataclasses.dataclass(frozen=True, slots=True)
class TotalRow:
    """A component's total as the page shows it, with the one at the time of the correction beside it."""

    component_id: int
    component: str
    kind: str
    uom: str
    total: str
    new_total: str
    expected: int
    missing: int
    estimated: int
    user_edited: int
    conditions: str


@admin.register(UsageTransaction)
class UsageTransactionAdmin(EvidenceAdmin):
    """Usage as calculated, sent and corrected."""

    list_display = ["identifier", "usage_subscription", "recipient", "start", "end", "status_badge", "stale", "sent_at"]
    list_select_related = ["usage_subscription"]
    list_filter = [
        "status",
        "usage_subscription__recipient",
        ("start", InstantRangeFilter),
        ("end", InstantRangeFilter),
    ]
    list_filter_submit = True
    search_fields = ["identifier", "usage_subscription__identifier", "usage_subscription__service_point__identifier"]
    search_condition = staticmethod(search_queries.usage_transactions)
    ordering = ["-id"]
    actions = ["calculate", "send", "discard"]
    fields = ["identifier", "usage_subscription", "start", "end", "calculate_after"]
    autocomplete_fields = ["usage_subscription"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("vee.add_usagetransaction")

    def save_model(self, request: HttpRequest, obj: UsageTransaction, form: Any, change: bool) -> None:
        usage.create(row=obj, by=request.user, at=timezone.now())

    @display(description=_("recipient"), ordering="usage_subscription__recipient")
    def recipient(self, row: UsageTransaction) -> str:
        return row.usage_subscription.recipient

    @display(description=_("status"), ordering="status", label=LABELS)
    def status_badge(self, row: UsageTransaction) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description=_("recalculation"), empty_value="")
    def stale(self, row: UsageTransaction) -> Any:
        return _("due: measurements changed") if row.stale_since is not None else None

    def has_calculate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.calculate_usage")

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.send_usage")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.discard_usage")

    @admin.action(description=_("Calculate"), permissions=["calculate"])
    def calculate(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm_many(request, queryset, "calculate")

    @admin.action(description=_("Send"), permissions=["send"])
    def send(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm_many(request, queryset, "send")

    @admin.action(description=_("Discard"), permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._confirm_many(request, queryset, "discard")

    def _confirm_many(self, request: HttpRequest, queryset: QuerySet[Any], name: str) -> HttpResponse | None:
        action = ACTIONS[name]
        if request.POST.get("confirmed"):
            results = usage.act_on_many(
                action=name,
                transaction_ids=list(queryset.order_by("pk").values_list("pk", flat=True)),
                by=request.user,
                reason=request.POST.get("reason", ""),
                at=timezone.now(),
            )
            done = sum(1 for result in results if not result.error)
            if done:
                self.message_user(request, _("%(label)s: %(done)d done.") % {"label": action.label, "done": done})
            for result in results:
                if result.error:
                    self.message_user(request, f"{result.identifier}: {result.error}", messages.WARNING)
            return None
        return self._confirmation(
            request,
            action,
            transactions=list(queryset.select_related("usage_subscription").order_by("pk")),
            action_name=request.POST.get("action", name),
            selected=request.POST.getlist(ACTION_CHECKBOX_NAME),
            checkbox_name=ACTION_CHECKBOX_NAME,
        )

    def _confirmation(self, request: HttpRequest, action: Action, **more: Any) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": action.label,
            "action": action,
            **more,
        }
        return TemplateResponse(request, "admin/vee/usage_confirm.html", context)

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.act_view)
        return [
            path("<int:transaction_id>/act/<str:name>/", act, name="vee_usagetransaction_act"),
            *super().get_urls(),
        ]

    def act_view(self, request: HttpRequest, transaction_id: int, name: str) -> HttpResponse:
        """Confirm one action on one usage transaction with a reason, and do it."""
        action = ACTIONS.get(name)
        if action is None:
            raise Http404
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        row = self._row(request, str(transaction_id))
        back = reverse("admin:vee_usagetransaction_change", args=[row.pk])
        reason = request.POST.get("reason", "")
        if request.method == "POST":
            try:
                usage.ACTIONS[name](transaction_id=row.pk, by=request.user, reason=reason, at=timezone.now())
            except UnableToAct as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self._tell(request, action, self._row(request, str(transaction_id)))
                return HttpResponseRedirect(back)
        return self._confirmation(request, action, transactions=[row], reason=reason, next=back)

    def _tell(self, request: HttpRequest, action: Action, row: UsageTransaction) -> None:
        level = messages.WARNING if row.status == Status.ISSUE_DETECTED else messages.SUCCESS
        said = _("%(label)s: the status is now %(status)s.") % {
            "label": action.label, "status": row.get_status_display(),
        }  # fmt: skip
        self.message_user(request, " ".join([str(said), *(issue["message"] for issue in row.issues)]), level)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        detail = usage_queries.usage_detail(transaction=row)
        point = row.usage_subscription.service_point
        zone = zoneinfo.ZoneInfo(point.time_zone)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": row.identifier,
            "is_fullwidth": "1",
            "row": row,
            "detail": detail,
            "badge": BADGES[LABELS[row.status]],
            "point": point,
            "local_start": instant_in_words(row.start, zone),
            "local_end": instant_in_words(row.end, zone),
            "totals": _total_rows(detail),
            "actions": [
                action
                for action in ACTIONS.values()
                if row.status in action.states and request.user.has_perm(action.permission)
            ],
            "imd_badges": [(imd, workbench.STATE_BADGES.get(imd.state, "neutral")) for imd in detail.imds],
        }
        return TemplateResponse(request, "admin/vee/usage_transaction.html", context)

    def _row(self, request: HttpRequest, object_id: str) -> UsageTransaction:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = usage_queries.transactions().filter(pk=object_id).first() if object_id.isdecimal() else None
        if row is None:
            raise Http404
        return row


def _total_rows(detail: usage_queries.UsageDetail) -> list[TotalRow]:
    """Give a row per component: as sent, or as calculated last, and as it was when it changed."""
    old = {one.measuring_component_id: one for one in detail.totals}
    new = {one.measuring_component_id: one for one in detail.new_totals}
    rows = []
    for component_id in [*old, *(key for key in new if key not in old)]:
        shown = old.get(component_id) or new[component_id]
        rows.append(
            TotalRow(
                component_id=component_id,
                component=shown.measuring_component.identifier,
                kind=shown.get_component_kind_display(),
                uom=shown.uom,
                total=_text(old.get(component_id)),
                new_total=_text(new.get(component_id)),
                expected=shown.expected,
                missing=shown.missing,
                estimated=shown.estimated,
                user_edited=shown.user_edited,
                conditions=", ".join(
                    f"{condition_words(int(code))}: {count}" for code, count in shown.conditions.items()
                ),
            )
        )
    return rows


def _text(one: UsageTransactionTotal | None) -> str:
    total: Decimal | None = one.total if one is not None else None
    return "–" if total is None else str(without_trailing_zeros(total))
