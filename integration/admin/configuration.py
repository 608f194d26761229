"""The configuration as a document: download it, upload one, see what it would change, apply it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from foundation.admin import EvidenceAdmin
from foundation.words import in_words
from integration import configuration_queries, configuration_yaml
from integration.choices import DocumentSource
from integration.configuration_differences import ABSENT, records_of
from integration.models import AppliedConfiguration
from integration.operations import configuration


FILE_NAME = "tieline-configuration.yaml"
MOST_FIELDS_SHOWN = 500
LONGEST_VALUE = 300
LATEST = 10


class UploadForm(forms.Form):
    """A document."""

    document = forms.FileField(
        label=_("Configuration document (YAML)"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("Nothing is changed yet: the next page shows what it would change."),
    )

    def text(self) -> str:
        """
        Give what the file holds.

        :raises UnableToApplyConfiguration: when it is no text, or too large.
        """
        upload: UploadedFile = self.cleaned_data["document"]
        raw = upload.read(configuration_yaml.MAX_BYTES + 1)
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise configuration.UnableToApplyConfiguration(
                errors=[{"pointer": "", "code": "malformed", "message": f"The file is not UTF-8: {error.reason}."}]
            ) from None


@admin.register(AppliedConfiguration)
class AppliedConfigurationAdmin(EvidenceAdmin):
    """What documents did; the pages of the document itself hang below the same address."""

    list_display = ["applied_at", "applied_by", "source", "count"]
    list_filter = ["source", "applied_at"]
    search_fields = ["applied_by", "digest"]
    ordering = ["-applied_at", "-pk"]
    fields = ["applied_at", "applied_by", "source", "count", "digest", "what"]
    readonly_fields = ["what"]

    @display(description=_("What changed"))
    def what(self, row: AppliedConfiguration) -> Any:
        lines: list[tuple[str]] = []
        for change in row.changes:
            said = "; ".join([f"{change['name']}: {change['outcome']}", *change["notes"]])
            lines.append((f"{change['section']} {said}",))
            for each in change["fields"]:
                for sign, side in (("-", "old"), ("+", "new")):
                    if side in each:
                        lines.append((f"  {sign} {each['path']}: {_short(each[side])}",))
        return format_html("<pre style='white-space: pre-wrap'>{}</pre>", format_html_join("\n", "{}", lines))

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the document."""
        wrap = self.admin_site.admin_view
        return [
            path("document/", wrap(self.document_view), name="integration_configuration"),
            path("document/export/", wrap(self.export_view), name="integration_configuration_export"),
            path("document/preview/", wrap(self.preview_view), name="integration_configuration_preview"),
            path("document/apply/", wrap(self.apply_view), name="integration_configuration_apply"),
            *super().get_urls(),
        ]

    def document_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the document holds, the way to download it, and the way to apply one."""
        _ask_for(request, "export_configuration", "apply_configuration")
        return self._page(request, "configuration.html", form=UploadForm(), **_overview(request))

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Give the configuration, or the sections that are asked for, as far as the account may see it."""
        _ask_for(request, "export_configuration")
        wanted = request.GET.getlist("section")
        try:
            text = configuration_queries.as_text(configuration_queries.export(sections=wanted, account=request.user))
        except configuration_queries.NotPermitted:
            raise PermissionDenied from None
        except (configuration_queries.UnknownSection, configuration_queries.UnableToExport) as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:integration_configuration"))
        response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
        return response

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Say what an uploaded document would change, field by field, or where it is refused."""
        _ask_for(request, "apply_configuration")
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:integration_configuration"))
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, "configuration.html", form=form, **_overview(request))
        try:
            text = form.text()
            found = configuration.compare(
                document=configuration.read_text(text), by=request.user, at=timezone.now(), source=DocumentSource.PAGE
            )
        except (configuration.UnableToApplyConfiguration, configuration.NotPermitted) as error:
            return self._refused(request, error)
        return self._preview(request, text, found)

    def apply_view(self, request: HttpRequest) -> HttpResponse:
        """Apply the document that was previewed, when it still does what the preview said."""
        _ask_for(request, "apply_configuration")
        back = HttpResponseRedirect(reverse("admin:integration_configuration"))
        try:
            text = base64.b64decode(request.POST.get("document", ""), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        if request.method != "POST" or not text:
            return back
        try:
            done = configuration.apply_document(
                document=configuration.read_text(text),
                by=request.user,
                at=timezone.now(),
                source=DocumentSource.PAGE,
                expected=request.POST.get("expected", "") or "-",
            )
        except configuration.ChangedMeanwhile as error:
            self.message_user(request, str(error), messages.WARNING)
            return self._preview(request, text, error.comparison)
        except (configuration.UnableToApplyConfiguration, configuration.NotPermitted) as error:
            return self._refused(request, error)
        count = len(done.differences)
        said = ngettext("%(count)d record changed.", "%(count)d records changed.", count)
        self.message_user(request, said % {"count": count})
        for change in done.changes:
            if change.notes:
                self.message_user(request, str(change), messages.WARNING)
        return back

    def _preview(self, request: HttpRequest, text: str, found: configuration.Comparison) -> HttpResponse:
        shown, left = [], MOST_FIELDS_SHOWN
        for change in found.differences:
            fields = [
                {"path": each.path, "old": _side(each.old), "new": _side(each.new)} for each in change.fields[:left]
            ]
            left -= len(fields)
            shown.append({"change": change, "fields": fields, "more": len(change.fields) - len(fields)})
        return self._page(
            request,
            "configuration_preview.html",
            changes=shown,
            unchanged=len(found.changes) - len(found.differences),
            only_here=[(name, ", ".join(records)) for name, records in found.only_here.items()],
            document=base64.b64encode(text.encode()).decode(),
            expected=found.digest(),
        )

    def _refused(self, request: HttpRequest, error: Exception) -> HttpResponse:
        errors = getattr(error, "errors", []) or [{"pointer": "", "message": in_words(error), "line": 0}]
        return self._page(request, "configuration_refused.html", status=400, errors=errors)

    def _page(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/integration/{template}",
            {
                **self.admin_site.each_context(request),
                "title": _("Configuration"),
                "opts": self.model._meta,
                "back": reverse("admin:integration_configuration"),
                **context,
            },
            status=status,
        )


def _ask_for(request: HttpRequest, *rights: str) -> None:
    if not any(request.user.has_perm(f"integration.{right}") for right in rights):
        raise PermissionDenied


def _overview(request: HttpRequest) -> dict[str, Any]:
    sections = configuration_queries.visible(account=request.user)
    return {
        "sections": [
            {"section": section, "count": len(records_of(section, section.document()))} for section in sections
        ],
        "may_export": request.user.has_perm("integration.export_configuration"),
        "may_apply": request.user.has_perm("integration.apply_configuration"),
        "may_see_applied": request.user.has_perm("integration.view_appliedconfiguration"),
        "latest": configuration_queries.applied()[:LATEST],
    }


def _side(value: Any) -> str | None:
    return None if value is ABSENT else _short(value)


def _short(value: Any) -> str:
    text = configuration_yaml.on_one_line(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
