"""The page on which a person chooses the language of the admin and the time zone that it shows."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views import View
from unfold.widgets import UnfoldAdminSelectWidget

from foundation import preferences


def _languages() -> list[tuple[str, Any]]:
    return [("", _("As the browser asks")), *settings.LANGUAGES]


def _zones() -> list[tuple[str, Any]]:
    names = preferences.time_zones()
    regions = [
        (region, [(name, name) for name in rest])
        for region, rest in groupby(names[1:], key=lambda name: name.partition("/")[0])
    ]
    site = _("The site's (%(zone)s)") % {"zone": settings.TIME_ZONE}
    return [("", site), (names[0], names[0]), *regions]


class PreferencesForm(forms.Form):
    """Language and time zone."""

    language = forms.ChoiceField(
        required=False, choices=_languages, label=_("Language"), widget=UnfoldAdminSelectWidget
    )
    time_zone = forms.ChoiceField(
        required=False,
        choices=_zones,
        label=_("Time zone"),
        help_text=_("Times are shown and typed in it. Readings keep the zone of their service point."),
        widget=UnfoldAdminSelectWidget,
    )


@method_decorator(staff_member_required(login_url="admin:login"), name="dispatch")
class PreferencesPage(View):
    """Shows what was chosen, and keeps a new choice."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the choice."""
        row = preferences.preference_of(request.user)
        return self._page(request, PreferencesForm(initial={"language": row.language, "time_zone": row.time_zone}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the choice; the answer is in the new language."""
        form = PreferencesForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        preferences.keep(request, **form.cleaned_data)
        with translation.override(form.cleaned_data["language"] or translation.get_language_from_request(request)):
            # A text that is looked up later would be in the language of before.
            messages.success(request, str(_("Your preferences are kept.")))
        return HttpResponseRedirect(reverse("preferences"))

    def _page(self, request: HttpRequest, form: PreferencesForm, *, status: int = 200) -> HttpResponse:
        context = {
            **admin.site.each_context(request),
            "title": _("Preferences"),
            "explanation": _(
                "For your account alone. The API, files, messages and everything stored stay in English and UTC."
            ),
            "form": form,
            "button": _("Save"),
            "back": reverse("admin:index"),
        }
        return render(request, "admin/vee/form.html", context, status=status)
