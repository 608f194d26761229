"""Outbound messages in the admin: evidence with a timeline; their only verbs are resend, send again and cancel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin, EvidenceInline
from outbound import masking, message_queries
from outbound.admin.message_forms import QUESTIONS, ReasonForm
from outbound.choices import (
    CANCELABLE_MESSAGES,
    RESENDABLE_MESSAGES,
    SENDABLE_AGAIN_MESSAGES,
    MessageAction,
    MessageStatus,
)
from outbound.models import DeliveryAttempt, MessageIntervention, OutboundMessage
from outbound.operations import message_actions


_STATUS_COLOURS = {
    "PENDING": "warning",
    "IN_PROGRESS": "info",
    "SENT": "info",
    "SUCCESS": "success",
    "FAIL": "danger",
    "CANCELED": "default",
}
_RIGHTS = {
    MessageAction.RESEND: "outbound.resend_outboundmessage",
    MessageAction.SEND_AGAIN: "outbound.resend_outboundmessage",
    MessageAction.CANCEL: "outbound.cancel_outboundmessage",
}
_ALLOWED = {
    MessageAction.RESEND: RESENDABLE_MESSAGES,
    MessageAction.SEND_AGAIN: SENDABLE_AGAIN_MESSAGES,
    MessageAction.CANCEL: CANCELABLE_MESSAGES,
}
_AGES = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1), "week": dt.timedelta(weeks=1)}


class AgeFilter(admin.SimpleListFilter):
    """How old a message is."""

    title = _("age")
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Give the ages to choose from."""
        return [("hour", _("Over an hour")), ("day", _("Over a day")), ("week", _("Over a week"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the messages that are older."""
        age = _AGES.get(self.value() or "")
        return queryset.filter(created_at__lt=timezone.now() - age) if age else queryset


class WaitingFilter(admin.SimpleListFilter):
    """What a message waits for."""

    title = _("waits")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Give what can be asked for."""
        return [("open", _("Not at its end")), ("held", _("Held back")), ("dead", _("Failed for good"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what was asked for."""
        if self.value() == "open":
            return queryset.filter(message_queries.UNFINISHED)
        if self.value() == "held":
            return queryset.filter(message_queries.UNFINISHED).exclude(hold_reason="")
        return queryset.filter(message_queries.DEAD_LETTER) if self.value() == "dead" else queryset


class AttemptInline(EvidenceInline):
    """The tries, in order."""

    model = DeliveryAttempt
    fields = [
        *("number", "retry", "outcome", "status", "target", "started_at", "duration_seconds"),
        *("error", "answer_excerpt"),
    ]
    readonly_fields = fields
    ordering = ["number"]
    hide_title = True
    verbose_name_plural = _("attempts")


class InterventionInline(EvidenceInline):
    """What people did with it."""

    model = MessageIntervention
    fields = ["action", "status_before", "retries_before", "at", "by", "reason"]
    readonly_fields = fields
    ordering = ["id"]
    hide_title = True
    verbose_name_plural = _("interventions")


@admin.register(OutboundMessage)
class OutboundMessageAdmin(EvidenceAdmin):
    """The queue, and the page of one message."""

    list_display = [
        *("message_id", "message_type", "external_system", "status_badge", "retries", "tries_made"),
        *("created_at", "next_attempt_at", "why"),
    ]
    list_select_related = ["message_type", "external_system"]
    list_filter = ["status", WaitingFilter, "message_type", "external_system", AgeFilter]
    search_fields = ["message_id__startswith", "key__startswith"]
    search_condition = staticmethod(message_queries.search_condition)
    search_help_text = _("The start of a message id or key.")
    ordering = ["-id"]
    actions = ["resend", "send_again", "cancel"]
    inlines = [AttemptInline, InterventionInline]
    change_form_outer_before_template = "admin/outbound/message.html"
    fieldsets = [
        (_("Where to"), {"fields": [("message_type", "external_system"), ("method", "path"), ("key", "media_type")]}),
        (_("When"), {"fields": [("created_at", "next_attempt_at"), ("sent_at", "settled_at"), "correlation_id"]}),
        (_("Retries"), {"fields": [("num_retries", "recoveries"), "fault_type"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboundMessage]:
        return message_queries.messages_for_display()

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.act_view)
        return [path("act/<str:action>/", act, name="outbound_outboundmessage_act"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        message = self.get_object(request, object_id or "")
        context = {} if message is None else self._page(request, message)
        return super().changeform_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbound.resend_outboundmessage")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbound.cancel_outboundmessage")

    @admin.action(description=_("Resend"), permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[OutboundMessage]) -> HttpResponse:
        """Ask for the reason, then send the selected messages now."""
        return self._ask(request, MessageAction.RESEND, list(queryset.values_list("pk", flat=True)))

    @admin.action(description=_("Send again"), permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboundMessage]) -> HttpResponse:
        """Ask for the reason, then send the selected delivered messages once more."""
        return self._ask(request, MessageAction.SEND_AGAIN, list(queryset.values_list("pk", flat=True)))

    @admin.action(description=_("Cancel"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[OutboundMessage]) -> HttpResponse:
        """Ask for the reason, then end the selected messages."""
        return self._ask(request, MessageAction.CANCEL, list(queryset.values_list("pk", flat=True)))

    def act_view(self, request: HttpRequest, action: str) -> HttpResponse:
        """Do something with the messages `ids`: the reason is asked for first."""
        if action not in MessageAction.values:
            raise Http404
        chosen = MessageAction(action)
        if not request.user.has_perm(_RIGHTS[chosen]):
            raise PermissionDenied
        given = request.POST if request.method == "POST" else request.GET
        message_pks = [int(text) for text in given.getlist("ids") if text.isascii() and text.isdigit()]
        form = ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(request, chosen, message_pks, form=form)
        outcome = message_actions.act_on_many(
            action=chosen,
            message_pks=message_pks,
            by=request.user,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
        )
        if outcome.done:
            self.message_user(request, QUESTIONS[chosen].done % {"count": outcome.done}, messages.SUCCESS)
        for refusal in outcome.refusals[:10]:
            self.message_user(request, refusal, messages.WARNING)
        if len(outcome.refusals) > 10:
            left = _("%(count)d more were left alone.") % {"count": len(outcome.refusals) - 10}
            self.message_user(request, left, messages.WARNING)
        if len(message_pks) == 1:
            return HttpResponseRedirect(reverse("admin:outbound_outboundmessage_change", args=message_pks))
        return HttpResponseRedirect(reverse("admin:outbound_outboundmessage_changelist"))

    def _ask(
        self,
        request: HttpRequest,
        action: MessageAction,
        message_pks: Sequence[int],
        *,
        form: ReasonForm | None = None,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": QUESTIONS[action].title,
            "question": QUESTIONS[action],
            "action": action,
            "message_pks": message_pks,
            "form": form or ReasonForm(),
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/outbound/message_confirm.html", context)

    def _page(self, request: HttpRequest, message: OutboundMessage) -> dict[str, Any]:
        allowed = [
            {"action": action, "label": action.label, "danger": action == MessageAction.CANCEL}
            for action in MessageAction
            if message.status in _ALLOWED[action] and request.user.has_perm(_RIGHTS[action])
        ]
        return {
            "allowed_actions": allowed,
            "dead_letter": message.status == MessageStatus.FAIL and message.next_attempt_at is None,
            "waits_because": message_queries.waits_because(message),
            "payload": masking.shown(bytes(message.payload), media_type=message.media_type),
        }

    @display(description=_("status"), ordering="status", label=_STATUS_COLOURS)
    def status_badge(self, message: OutboundMessage) -> tuple[str, str]:
        return message.status, message.get_status_display()

    @display(description=_("retries"), ordering="num_retries")
    def retries(self, message: OutboundMessage) -> str:
        return str(message.num_retries)

    @display(description=_("attempts"), ordering="tries")
    def tries_made(self, message: OutboundMessage) -> str:
        return str(vars(message)["tries"])

    @display(description=_("why"))
    def why(self, message: OutboundMessage) -> str:
        words = message_queries.waits_because(message) or message.last_error
        return words if len(words) <= 120 else f"{words[:119]}…"
