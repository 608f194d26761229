"""Reading files: upload, progress and the per-row report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from foundation.admin import EvidenceAdmin, EvidenceInline
from foundation.words import in_words
from vee import search_queries
from vee.models import ColumnProfile, DirectLoad, MeasuringComponentType, ReadingFile, ReadingFileError
from vee.operations import reading_files
from vee.readers import PLAIN_FORMATS


_NAMES = {
    "nem12": _("NEM12: intervals, Australia"),
    "nem13": _("NEM13: register reads, Australia"),
    "green_button": _("Green Button (ESPI, XML)"),
    "mscons": _("MSCONS (EDIFACT)"),
    "cmep": _("CMEP"),
    "csv": _("CSV, one interval in a row"),
}


def _formats() -> list[tuple[str, Any]]:
    """Give the formats that a file may have: the built-in ones, and the site's column profiles."""
    profiles = ColumnProfile.objects.order_by("code").values_list("code", "description")
    return [
        *((name, _NAMES.get(name, name)) for name in PLAIN_FORMATS),
        *(
            (f"csv:{code}", f"csv:{code} – {description}" if description else f"csv:{code}")
            for code, description in profiles
        ),
    ]


class UploadForm(forms.Form):
    """A file of readings and how to read it."""

    file = forms.FileField(label=_("File"), widget=UnfoldAdminFileFieldWidget)
    format = forms.ChoiceField(
        label=_("Format"),
        choices=_formats,
        initial="nem12",
        widget=UnfoldAdminSelectWidget,
    )
    auto_register = forms.BooleanField(
        label=_("Create unknown measuring components"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    component_type = forms.ModelChoiceField(
        label=_("On this type"),
        queryset=MeasuringComponentType.objects.order_by("identifier"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("auto_register") and not cleaned.get("component_type"):
            self.add_error("component_type", _("Choose the type on which unknown components are created."))
        return cleaned


class ReadingFileErrorInline(EvidenceInline):
    """The rows that were refused, first hundred."""

    model = ReadingFileError
    fields = ["line", "code", "message"]
    ordering = ["line"]
    per_page = 100


class DirectLoadInline(EvidenceInline):
    """Rows that became measurements without an IMD."""

    model = DirectLoad
    fields = ["at", "first_imd_id", "last_imd_id", "details"]
    ordering = ["pk"]
    per_page = 20


@admin.register(ReadingFile)
class ReadingFileAdmin(EvidenceAdmin):
    """What came, what became of it, and row by row what was wrong with it."""

    list_display = [
        "name",
        "format",
        "status_badge",
        "rows_read",
        "rows_accepted",
        "rows_rejected",
        "intervals",
        "imds",
        "created_at",
    ]
    list_filter = ["status", "format"]
    search_fields = ["name", "sha256"]
    search_condition = staticmethod(search_queries.reading_files)
    ordering = ["-created_at", "pk"]
    fields = [
        "name",
        "format",
        "status",
        "message",
        ("rows_read", "rows_accepted", "rows_rejected"),
        ("intervals", "imds"),
        ("size", "sha256"),
        ("auto_register", "component_type"),
        ("uploaded_by", "created_at", "finished_at"),
    ]
    inlines = [ReadingFileErrorInline, DirectLoadInline]
    actions_list = ["upload"]

    @display(
        description=_("status"),
        ordering="status",
        label={
            "RECEIVED": "info",
            "LOADING": "info",
            "LOADED": "success",
            "PARTIAL": "warning",
            "FAILED": "danger",
        },
    )
    def status_badge(self, file: ReadingFile) -> tuple[str, str]:
        return file.status, file.get_status_display()

    def has_upload_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vee.add_readingfile")

    @action(description=_("Upload a file"), icon="upload", permissions=["upload"], url_path="upload-file")
    def upload(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:vee_readingfile_upload_form"))

    def get_urls(self) -> list[URLPattern]:
        return [
            path("upload/", self.admin_site.admin_view(self.upload_view), name="vee_readingfile_upload_form"),
            *super().get_urls(),
        ]

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Take a file, store it, and leave the loading to a worker."""
        if not self.has_upload_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                file = reading_files.receive_file(
                    name=upload.name,
                    stream=upload,
                    format=form.cleaned_data["format"],
                    auto_register=form.cleaned_data["auto_register"],
                    component_type=getattr(form.cleaned_data["component_type"], "identifier", None),
                    by=request.user,
                    at=timezone.now(),
                )
            except reading_files.UnableToReceiveFile as error:
                form.add_error("file", in_words(error))
            else:
                self.message_user(request, _("%(name)s was received and is being loaded.") % {"name": file.name})
                return HttpResponseRedirect(reverse("admin:vee_readingfile_change", args=[file.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("Upload a reading file"),
            "form": form,
            "back": reverse_lazy("admin:vee_readingfile_changelist"),
        }
        return TemplateResponse(request, "admin/vee/upload.html", context)
