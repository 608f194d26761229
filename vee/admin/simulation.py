"""The page that says which VEE group a component gets, or one of a type with certain characteristics would get."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from vee.admin import rule_decisions
from vee.admin.component_rules import subject_of
from vee.admin.rule_decisions import Subject
from vee.codes import ComponentKind, Role
from vee.models import MeasuringComponent, MeasuringComponentType
from vee.operations.components import load_components
from vee.operations.groups import load_groups


class SubjectForm(forms.Form):
    """A component, or a type with characteristics; and a day."""

    component = forms.CharField(
        label=_("Measuring component"),
        max_length=60,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its identifier. Empty: a component that is not there yet, of the type that you choose."),
    )
    type = forms.ModelChoiceField(
        label=_("Measuring component type"),
        queryset=MeasuringComponentType.objects.order_by("identifier"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    on = forms.DateField(label=_("For data that starts on"), required=False, widget=UnfoldAdminDateWidget)
    characteristics = forms.CharField(
        label=_("Characteristics"),
        max_length=2_000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One a line, such as rate = R1. With a component, these go before its own."),
    )

    def clean_characteristics(self) -> dict[str, str]:
        found = {}
        for line in self.cleaned_data["characteristics"].splitlines():
            name, equals, value = line.partition("=")
            if line.strip() and not (equals and name.strip()):
                raise forms.ValidationError(_("“%(line)s” is not name = value.") % {"line": line.strip()})
            if line.strip():
                found[name.strip()] = value.strip()
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("component"):
            row = MeasuringComponent.objects.select_related("type").filter(identifier=given["component"]).first()
            if row is None:
                self.add_error("component", _("There is no measuring component of this identifier."))
            given["row"] = row
        elif not given.get("type") and not self.errors:
            self.add_error("component", _("Name a measuring component or a type."))
        return given


def view(admin: Any, request: HttpRequest) -> HttpResponse:
    """Show group, reasons and rules for what the form names."""
    if not (request.user.has_perm("vee.view_veegroup") and request.user.has_perm("vee.view_measuringcomponent")):
        raise PermissionDenied
    form = SubjectForm(request.GET if {"component", "type"} & request.GET.keys() else None)
    context: dict[str, Any] = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": _("Which group does a component get?"),
        "form": form,
    }
    if form.is_bound and form.is_valid():
        subject, on = _asked(form.cleaned_data)
        row = form.cleaned_data.get("row")
        name = form.cleaned_data["type"] if row is None else row
        context |= {
            "title": _("Which group does %(name)s get?") % {"name": name},
            "object": name,
            "on": on,
            "characteristics": sorted(subject.characteristics.items()),
            "kinds": rule_decisions.kinds(subject, on=on, groups=load_groups()),
        }
    return TemplateResponse(request, "admin/vee/simulate.html", context)


def _asked(given: dict[str, Any]) -> tuple[Subject, dt.date]:
    row = given.get("row")
    if row is None:
        return _of_type(given["type"], given["characteristics"]), given["on"] or timezone.now().date()
    component = load_components(component_ids=[row.pk])[row.pk]
    subject = subject_of(component, row)
    today = timezone.now().astimezone(zoneinfo.ZoneInfo(component.time_zone)).date()
    changed = Subject(
        type_name=subject.type_name,
        kind=subject.kind,
        groups=subject.groups,
        groups_of_type=subject.groups_of_type,
        characteristics={**subject.characteristics, **given["characteristics"]},
        known=subject.known,
    )
    return changed, given["on"] or today


def _of_type(kind: MeasuringComponentType, characteristics: dict[str, str]) -> Subject:
    named = (
        (Role.INITIAL_LOAD, kind.initial_load_group),
        (Role.MANUAL_OVERRIDE, kind.manual_override_group),
        (Role.ESTIMATION, kind.estimation_group),
    )
    return Subject(
        type_name=str(kind),
        kind=ComponentKind(kind.component_kind),
        groups_of_type={role: group.code if group else None for role, group in named},
        characteristics=characteristics,
        known={"component.uom": kind.uom, "component.seconds_per_interval": kind.seconds_per_interval},
    )
