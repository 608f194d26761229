"""Pages that ask before something is done, and the forms that they ask with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from assets.choices import RemovalMethod
from assets.models import ControllableDevice, DeviceSpecification, HeadEndSystem


def _reason(*, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        max_length=254,
        required=required,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("It stays with the record."),
    )


class ReasonForm(forms.Form):
    """Why."""

    reason = _reason()


class RetryForm(forms.Form):
    """Why, if there is something to say."""

    reason = _reason(required=False)


class CompletionForm(forms.Form):
    """What was done."""

    completion = forms.CharField(
        label=_("What was done"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


class UnenrollForm(forms.Form):
    """Why, and what becomes of the devices."""

    reason = _reason()
    removal = forms.ChoiceField(
        label=_("Devices"),
        required=False,
        choices=[("", _("Customers keep theirs, the utility's leave the place")), *RemovalMethod.choices],
        widget=UnfoldAdminSelectWidget,
    )


class ReplaceForm(forms.Form):
    """The device that takes the place of another."""

    nic_id = forms.CharField(label=_("NIC id of the new device"), max_length=100, widget=UnfoldAdminTextInputWidget)
    head_end = forms.ModelChoiceField(
        label=_("Head-end system"), queryset=HeadEndSystem.objects.all(), widget=UnfoldAdminSelectWidget
    )
    specification = forms.ModelChoiceField(
        label=_("Specification"), queryset=DeviceSpecification.objects.all(), widget=UnfoldAdminSelectWidget
    )
    serial_number = forms.CharField(
        label=_("Serial number"), max_length=60, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, device: ControllableDevice, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["head_end"].initial = device.head_end_system_id
        self.fields["specification"].initial = device.specification_id


class AssignForm(forms.Form):
    """Who works on it."""

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"] = forms.ModelChoiceField(
            label=_("Person"), queryset=people, required=False, empty_label=_("Nobody"), widget=UnfoldAdminSelectWidget
        )


def ask(
    admin: Any, request: HttpRequest, *, title: Any, explanation: Any, form: forms.Form, button: Any, back: str
) -> HttpResponse:
    """Show the page."""
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": title,
        "explanation": explanation,
        "form": form,
        "button": button,
        "back": back,
    }
    return TemplateResponse(request, "admin/assets/ask.html", context)
