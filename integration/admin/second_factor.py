"""The page of the second factor: set an authenticator app up, then give a code of it after each login."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views import View
from unfold.widgets import UnfoldAdminTextInputWidget

from foundation import second_factor


class CodeForm(forms.Form):
    """A code of the app, or one on paper."""

    code = forms.CharField(
        max_length=40,
        label=_("Code"),
        widget=UnfoldAdminTextInputWidget({"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


@method_decorator(staff_member_required(login_url="admin:login"), name="dispatch")
class SecondFactorPage(View):
    """Asks an account without an app to set one up, and one with an app for a code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what is asked for."""
        return self._page(request, CodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Check the code; go on, or show the codes on paper once."""
        form = CodeForm(request.POST)
        if form.is_valid():
            code = form.cleaned_data["code"]
            if second_factor.has_app(request.user):
                if second_factor.verify(request, code):
                    return HttpResponseRedirect(_next(request))
            elif codes := second_factor.set_up(request, code):
                return self._page(request, None, codes=codes)
            form.add_error("code", _("This code is not right, or was used already. After a wrong one wait a moment."))
        return self._page(request, form, status=403)

    def _page(self, request: HttpRequest, form: CodeForm | None, *, status: int = 200, **more: Any) -> HttpResponse:
        context = {
            **admin.site.each_context(request),
            "title": _("Second factor"),
            "form": form,
            "next": _next(request),
            **more,
        }
        if form is not None and not second_factor.has_app(request.user):
            device = second_factor.app_to_set_up(request.user)
            context |= {"picture": second_factor.picture_of(device), "key": second_factor.key_of(device)}
        return render(request, "admin/second_factor.html", context, status=status)


def _next(request: HttpRequest) -> str:
    asked = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
        return asked
    return reverse("admin:index")
