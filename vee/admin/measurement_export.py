"""The page on which measurements of chosen components are exported: period and format, then the file."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from foundation.words import in_words
from vee.operations import exports


FORMATS = [("nem12", _("NEM12")), ("green_button", _("Green Button")), ("csv", _("CSV, one row per interval"))]


class ExportForm(forms.Form):
    """Which days, and in which format."""

    format_out = forms.ChoiceField(label=_("Format"), choices=FORMATS, widget=UnfoldAdminSelectWidget)
    first_day = forms.DateField(label=_("First day"), widget=UnfoldAdminSingleDateWidget)
    last_day = forms.DateField(
        label=_("Last day"),
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("Whole days, in the time zone of the first component."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day lies before the first."))
        return cleaned


def answer(page: Any, request: HttpRequest, queryset: Any) -> HttpResponseBase:
    """Show the form, or give the file that it asks for."""
    components = list(queryset.select_related("service_point", "device__service_point")[: exports.MAX_COMPONENTS + 1])
    form = ExportForm(request.POST if "confirmed" in request.POST else None)
    if form.is_valid() and components:
        zone = _zone(components[0])
        try:
            export = exports.export_measurements(
                identifiers=[component.identifier for component in components],
                start=dt.datetime.combine(form.cleaned_data["first_day"], dt.time(), zone),
                end=dt.datetime.combine(form.cleaned_data["last_day"] + dt.timedelta(days=1), dt.time(), zone),
                format=form.cleaned_data["format_out"],
                at=timezone.now(),
            )
        except exports.UnableToExport as error:
            form.add_error(None, in_words(error))
        else:
            headers = {"Content-Disposition": f'attachment; filename="{export.file_name}"'}
            return StreamingHttpResponse(export.pieces, content_type=export.media_type, headers=headers)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.model._meta,
        "title": _("Export measurements"),
        "form": form,
        "components": components,
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "media": page.media + form.media,
    }
    return TemplateResponse(request, "admin/vee/export.html", context)


def _zone(component: Any) -> zoneinfo.ZoneInfo:
    place = component.service_point or (component.device.service_point if component.device else None)
    return zoneinfo.ZoneInfo(place.time_zone if place else "UTC")
