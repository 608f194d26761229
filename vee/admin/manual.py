"""Two pages where people put data right: adding values for a component, and repairing an IMD in ERROR."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from foundation.words import in_words
from vee import queries
from vee.admin.local_times import LocalTimeField, imd_name, local_text
from vee.codes import ComponentKind
from vee.models import InitialMeasurement, MeasuringComponent
from vee.operations import manual, repairs
from vee.operations.actions import UnableToAct


def _reason() -> forms.CharField:
    return forms.CharField(label=_("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))


class PeriodForm(forms.Form):
    """A period of an interval component."""

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["start"] = LocalTimeField(zone=zone, label=_("From"))
        self.fields["end"] = LocalTimeField(zone=zone, label=_("To"))
        self.fields["reason"] = _reason()


class ReadingForm(forms.Form):
    """A reading of a register."""

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["read_at"] = LocalTimeField(zone=zone, label=_("Read at"))
        self.fields["reading"] = forms.DecimalField(
            label=_("Reading"), max_digits=24, decimal_places=9, widget=UnfoldAdminTextInputWidget
        )
        self.fields["reason"] = _reason()


class RepairForm(forms.Form):
    """What an IMD in ERROR is about."""

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["component_identifier"] = forms.CharField(
            label=_("Measuring component"), max_length=60, widget=UnfoldAdminTextInputWidget
        )
        self.fields["start"] = LocalTimeField(zone=zone, label=_("From"))
        self.fields["end"] = LocalTimeField(zone=zone, label=_("To"))
        self.fields["reason"] = _reason()
        self.fields["perform"] = forms.BooleanField(
            label=_("Perform VEE at once"), required=False, widget=UnfoldBooleanSwitchWidget
        )


def add_values_view(admin: Any, request: HttpRequest, component_id: int) -> HttpResponse:
    """Start manual data for a component; the values themselves are set in the workbench."""
    if not request.user.has_perm(manual.RIGHT):
        raise PermissionDenied
    component = (
        MeasuringComponent.objects.select_related("type", "service_point", "device__service_point")
        .filter(pk=component_id)
        .first()
    )
    if component is None:
        raise Http404
    scalar = component.type.component_kind == ComponentKind.SCALAR
    kind, operation = (ReadingForm, manual.add_reading) if scalar else (PeriodForm, manual.start_draft)
    form = kind(request.POST or None, zone=queries.time_zone_of(component))
    if request.method == "POST" and form.is_valid():
        try:
            imd = operation(component_id=component_id, by=request.user, at=timezone.now(), **form.cleaned_data)
        except UnableToAct as error:
            form.add_error(None, in_words(error))
        else:
            admin.message_user(request, _("Set the values, then release them by Perform VEE."))
            return HttpResponseRedirect(reverse("admin:vee_initialmeasurement_change", args=[imd.pk]))
    return _page(
        admin,
        request,
        title=_("Add values for %(name)s") % {"name": component},
        object=component,
        explanation=_("A reading of your own; it counts once VEE is performed on it.")
        if scalar
        else _("A draft with the final measurements of the period; what you change counts once VEE is performed."),
        form=form,
        button=_("Continue"),
        back=reverse("admin:vee_measuringcomponent_change", args=[component_id]),
    )


def repair_view(admin: Any, request: HttpRequest, imd_id: int) -> HttpResponse:
    """Change component and period of an IMD in ERROR."""
    if not request.user.has_perm("vee.edit_imd"):
        raise PermissionDenied
    imd = (
        InitialMeasurement.objects.select_related(
            "measuring_component__service_point", "measuring_component__device__service_point"
        )
        .filter(pk=imd_id)
        .first()
    )
    if imd is None:
        raise Http404
    zone = "UTC" if imd.measuring_component is None else queries.time_zone_of(imd.measuring_component)
    initial = {
        "component_identifier": imd.component_identifier,
        "start": local_text(imd.start, zone),
        "end": local_text(imd.end, zone),
        "perform": True,
    }
    back = reverse("admin:vee_initialmeasurement_change", args=[imd_id])
    form = RepairForm(request.POST or None, zone=zone, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            repaired = repairs.repair(imd_id=imd_id, by=request.user, at=timezone.now(), **form.cleaned_data)
        except repairs.RepairNotUsable as error:
            field = "component_identifier" if error.field == "measuring_component" else error.field
            form.add_error(field, in_words(error))
        except UnableToAct as error:
            form.add_error(None, in_words(error))
        else:
            admin.message_user(
                request, _("Repaired: the state is now %(state)s.") % {"state": repaired.get_state_display()}
            )
            return HttpResponseRedirect(back)
    return _page(
        admin,
        request,
        title=_("Repair %(name)s") % {"name": imd_name(imd, zone)},
        explanation=imd.error or _("The received values stay as they are."),
        form=form,
        button=_("Save"),
        back=back,
    )


def _page(admin: Any, request: HttpRequest, **shown: Any) -> HttpResponse:
    context = {**admin.admin_site.each_context(request), "opts": admin.model._meta, **shown}
    return TemplateResponse(request, "admin/vee/form.html", context)
