"""Pages beside a lookup's own: import, export, versions and going back to one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from foundation.words import in_words
from lookups import operations, queries
from lookups.columns import read_columns
from lookups.models import Lookup
from lookups.transfer import MAX_BYTES, write_csv


VERSIONS_A_PAGE = 20
SHOWN_CHANGES = 200
_SHOWN = {"shown": f":{SHOWN_CHANGES}", "rest": f"{SHOWN_CHANGES}:", "shown_count": SHOWN_CHANGES}


class UploadForm(forms.Form):
    """The file to look at."""

    file = forms.FileField(
        label=_("CSV file"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("UTF-8. First row: the lookup's name; second row: column names; then the rows."),
    )


class ApplyForm(forms.Form):
    """What the person saw in the report and now applies."""

    text = forms.CharField(strip=False, widget=forms.HiddenInput)
    expected_version = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(required=False, max_length=500, label=_("Why"), widget=UnfoldAdminTextInputWidget)


class RevertForm(forms.Form):
    """Going back needs a reason, which is kept with the new version."""

    expected_version = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(max_length=500, label=_("Why"), widget=UnfoldAdminTextInputWidget)


class LookupPages:
    """Mixin of LookupAdmin with the pages beside the form."""

    admin_site: Any
    has_view_permission: Any
    has_change_permission: Any
    has_add_permission: Any

    @action(description=_("Import CSV"), url_path="import", icon="upload", permissions=["import"])
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Import a file that names its lookup, which is made when it is not there yet."""
        return self._import(request, None)

    @action(description=_("Import CSV"), url_path="import", icon="upload", permissions=["import"])
    def import_into(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Import a file into this lookup."""
        return self._import(request, self._lookup(object_id))

    @action(description=_("Export CSV"), url_path="export", icon="download", permissions=["view"])
    def export_file(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the lookup as a file that can be imported again without a change."""
        return self._export(self._lookup(object_id), for_people=False)

    @action(description=_("Spreadsheet"), url_path="export-spreadsheet", icon="table", permissions=["view"])
    def export_for_people(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the lookup as a file for a spreadsheet: no cell is taken for a formula."""
        return self._export(self._lookup(object_id), for_people=True)

    @action(description=_("Versions"), url_path="versions", icon="history", permissions=["view"])
    def versions_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show who changed what, and go back to an earlier version."""
        lookup = self._lookup(object_id)
        if request.method == "POST" or "revert" in request.GET:
            return self._revert(request, lookup)
        newest = lookup.version if "before" not in request.GET else _number(request.GET["before"]) - 1
        versions = list(lookup.versions.filter(number__lte=newest).order_by("-number")[:VERSIONS_A_PAGE])
        context = {
            "title": _("Versions of %(name)s") % {"name": lookup.name},
            "lookup": lookup,
            "changes": queries.latest_differences(lookup=lookup, versions=versions),
            "may_revert": self.has_change_permission(request, lookup),
            "older": versions[-1].number if versions and versions[-1].number > 1 else None,
        }
        return self._page(request, "admin/lookups/versions.html", context)

    def has_import_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether the person may replace a lookup by a file."""
        return self.has_change_permission(request) and (object_id is not None or self.has_add_permission(request))

    def _import(self, request: HttpRequest, lookup: Lookup | None) -> HttpResponse:
        name = lookup.name if lookup else None
        context: dict[str, Any] = {"lookup": lookup, "upload": UploadForm()}
        context["title"] = _("Import %(name)s") % {"name": name} if name else _("Import a lookup")
        if request.method == "POST" and "apply" in request.POST:
            form = ApplyForm(request.POST)
            if form.is_valid():
                response = self._apply(request, form, name, context)
                if response is not None:
                    return response
        elif request.method == "POST":
            upload = UploadForm(request.POST, request.FILES)
            context["upload"] = upload
            if upload.is_valid():
                self._look(upload.cleaned_data["file"].read(MAX_BYTES + 1), name, context)
        return self._page(request, "admin/lookups/import.html", context)

    def _look(self, content: bytes, name: str | None, context: dict[str, Any]) -> None:
        report = operations.import_csv(content=content, name=name, dry_run=True, by=None, at=timezone.now())
        context["report"] = report
        if not report.problems:
            text = content.decode("utf-8-sig")
            context["apply"] = ApplyForm(initial={"text": _for_form(text), "expected_version": report.current_version})

    def _apply(
        self, request: HttpRequest, form: ApplyForm, name: str | None, context: dict[str, Any]
    ) -> HttpResponse | None:
        content = _from_form(form.cleaned_data["text"]).encode()
        try:
            report = operations.import_csv(
                content=content,
                name=name,
                expected_version=form.cleaned_data["expected_version"],
                dry_run=False,
                by=request.user,  # type: ignore[arg-type]  # the admin lets accounts in only
                note=form.cleaned_data["note"] or "Imported from CSV",
                at=timezone.now(),
            )
        except operations.LookupChangedMeanwhile as error:
            messages.error(request, f"{error} Below is the report against the lookup as it is now.")
            self._look(content, name, context)
            return None
        except operations.UnableToImport as error:
            context["report"] = error.report
            return None
        messages.success(request, f"{report.name} is at version {report.version}: {report.difference.summary}.")
        made = queries.lookup_named(name=report.name)
        return HttpResponseRedirect(reverse("admin:lookups_lookup_change", args=[made.pk]))

    def _export(self, lookup: Lookup, *, for_people: bool) -> HttpResponse:
        state = queries.table(name=lookup.name)
        text = write_csv(name=lookup.name, columns=read_columns(lookup.columns), rows=state.rows, for_people=for_people)
        # A spreadsheet takes a file without byte order mark for its own old encoding.
        response = HttpResponse(text.encode("utf-8-sig" if for_people else "utf-8"), content_type="text/csv")
        ending = "-spreadsheet" if for_people else ""
        filename = "".join(
            character if character.isascii() and (character.isalnum() or character in "-_.") else "_"
            for character in lookup.name
        )
        response["Content-Disposition"] = f'attachment; filename="{filename}{ending}.csv"'
        return response

    def _revert(self, request: HttpRequest, lookup: Lookup) -> HttpResponse:
        if not self.has_change_permission(request, lookup):
            raise PermissionDenied
        number = _number(request.GET.get("revert", ""))
        address = reverse("admin:lookups_lookup_versions_page", args=[lookup.pk])
        form = RevertForm(request.POST or None, initial={"expected_version": lookup.version})
        try:
            difference = queries.difference(name=lookup.name, before=lookup.version, after=number)
        except queries.UnknownVersion as error:
            raise Http404(str(error)) from None
        if request.method == "POST" and form.is_valid():
            try:
                result = operations.revert(
                    name=lookup.name,
                    to_version=number,
                    expected_version=form.cleaned_data["expected_version"],
                    by=request.user,  # type: ignore[arg-type]  # the admin lets accounts in only
                    note=form.cleaned_data["note"],
                    at=timezone.now(),
                )
            except operations.UnableToSaveLookup as error:
                form.add_error(None, in_words(error))
            else:
                messages.success(request, f"{lookup.name} is at version {result.version}, as version {number} was.")
                return HttpResponseRedirect(address)
        context = {
            "title": _("Back to version %(number)s of %(name)s") % {"number": number, "name": lookup.name},
            "lookup": lookup,
            "number": number,
            "difference": difference,
            "form": form,
            "address": address,
        }
        return self._page(request, "admin/lookups/revert.html", context)

    def _lookup(self, object_id: str) -> Lookup:
        lookup = Lookup.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        if lookup is None:
            raise Http404("There is no such lookup.")
        return lookup

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": Lookup._meta, **_SHOWN, **context}
        )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9) or int(text) < 1:
        raise Http404("There is no such version.")
    return int(text)


# A browser turns every line end of a form field into CR LF; the file's own are kept by writing them differently.
def _for_form(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


def _from_form(text: str) -> str:
    marks = {"\\\\": "\\", "\\r": "\r", "\\n": "\n"}
    parts: list[str] = []
    at = 0
    while at < len(text):
        mark = text[at : at + 2]
        parts.append(marks.get(mark, text[at]))
        at += 2 if mark in marks else 1
    return "".join(parts)
