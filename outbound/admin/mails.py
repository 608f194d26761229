"""Mails in the admin: evidence with its attempts, a sandboxed view of the HTML, and *Resend*."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST
from unfold.decorators import display

from foundation.admin import EvidenceAdmin, EvidenceInline
from outbound import queries
from outbound.models import Mail, MailAttachment, MailAttempt
from outbound.operations import mail as mail_operations


_STATUS_COLOURS = {"PENDING": "warning", "SENT": "success", "FAIL": "danger"}
# What a mail brings along runs nothing and loads nothing.
_PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"


class AttemptInline(EvidenceInline):
    """The tries, in order."""

    model = MailAttempt
    fields = ["number", "outcome", "server", "started_at", "finished_at", "error"]
    readonly_fields = fields
    ordering = ["number"]
    hide_title = True
    verbose_name_plural = _("attempts")


class AttachmentInline(EvidenceInline):
    """The files that go with the mail, by name."""

    model = MailAttachment
    fields = ["name", "media_type"]
    readonly_fields = fields
    hide_title = True
    verbose_name_plural = _("attachments")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailAttachment]:
        """Leave the content where it is."""
        return super().get_queryset(request).defer("content")  # type: ignore[no-any-return]


@admin.register(Mail)
class MailAdmin(EvidenceAdmin):
    """What was sent to whom, and how that went."""

    list_display = ["subject", "recipients", "status_badge", "attempt_count", "created_at", "sent_at", "last_error"]
    list_filter = ["status", "template", "created_at"]
    search_fields = ["subject", "to", "thread", "message_id"]
    ordering = ["-id"]
    actions = ["resend"]
    inlines = [AttemptInline, AttachmentInline]
    change_form_outer_before_template = "admin/outbound/mail.html"
    fieldsets = [
        (_("Who and when"), {"fields": ["recipients", "sender", ("created_at", "sent_at"), "next_attempt_at"]}),
        (_("Identity"), {"fields": ["message_id", ("thread", "references"), ("template", "num_retries")]}),
    ]
    readonly_fields = ["recipients"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mail]:
        return queries.mails_for_display()

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview_view)
        resend = self.admin_site.admin_view(require_POST(self.resend_view))
        return [
            path("<int:mail_id>/html/", preview, name="outbound_mail_html"),
            path("<int:mail_id>/resend/", resend, name="outbound_mail_resend"),
            *super().get_urls(),
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        context = {"may_resend": self.has_resend_permission(request), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def resend_view(self, request: HttpRequest, mail_id: int) -> HttpResponse:
        """Send one mail again and come back to its page."""
        if not self.has_resend_permission(request):
            raise PermissionDenied
        self._resend(request, [mail_id])
        return HttpResponseRedirect(reverse("admin:outbound_mail_change", args=[mail_id]))

    def preview_view(self, request: HttpRequest, mail_id: int) -> HttpResponse:
        """Give the HTML of a mail as a document of its own that may run and load nothing."""
        if not self.has_view_permission(request):
            raise Http404
        try:
            html = queries.mail_html(mail_id=mail_id)
        except queries.UnknownMail as error:
            raise Http404(str(error)) from error
        response = HttpResponse(html, headers={"Content-Security-Policy": _PREVIEW_POLICY, "Cache-Control": "no-store"})
        return xframe_options_sameorigin(lambda _request: response)(request)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbound.resend_mail")

    @admin.action(description=_("Resend"), permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Mail]) -> None:
        """Send the selected mails again."""
        self._resend(request, list(queryset.values_list("pk", flat=True)))

    def _resend(self, request: HttpRequest, mail_ids: list[int]) -> None:
        outcome = mail_operations.resend_many(mail_ids=mail_ids, by=request.user, at=timezone.now())
        if outcome.queued:
            again = ngettext(
                "%(count)d mail will be sent again.", "%(count)d mails will be sent again.", outcome.queued
            )
            self.message_user(request, again % {"count": outcome.queued})
        if outcome.busy:
            busy = ngettext(
                "%(count)d mail is being sent right now and was left alone.",
                "%(count)d mails are being sent right now and were left alone.",
                outcome.busy,
            )
            self.message_user(request, busy % {"count": outcome.busy}, messages.WARNING)

    @display(description=_("status"), ordering="status", label=_STATUS_COLOURS)
    def status_badge(self, mail: Mail) -> tuple[str, str]:
        return mail.status, mail.get_status_display()

    @display(description=_("to"))
    def recipients(self, mail: Mail) -> str:
        return ", ".join(mail.to)

    @display(description=_("attempts"), ordering="tries")
    def attempt_count(self, mail: Mail) -> str:
        return str(vars(mail)["tries"])
