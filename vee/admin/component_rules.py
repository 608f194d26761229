"""The page that says which VEE group a measuring component's data would pass on a day, why, and what it would do."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from vee.admin import rule_decisions
from vee.admin.rule_decisions import Subject
from vee.codes import ComponentKind
from vee.models import MeasuringComponent
from vee.operations.components import Component, load_components
from vee.operations.groups import load_groups


def view(admin: Any, request: HttpRequest, component_id: int) -> HttpResponse:
    """Show, for each kind of data, the group with its reason and the rules of a day in their order, in words."""
    if not (admin.has_view_permission(request) and request.user.has_perm("vee.view_veegroup")):
        raise PermissionDenied
    row = MeasuringComponent.objects.select_related("type").filter(pk=component_id).first()
    if row is None:
        raise Http404
    component = load_components(component_ids=[component_id])[component_id]
    on = asked_day(request) or timezone.now().astimezone(zoneinfo.ZoneInfo(component.time_zone)).date()
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": _("Rules for %(name)s") % {"name": row},
        "object": row,
        "is_fullwidth": "1",
        "component": row,
        "on": on.isoformat(),
        "characteristics": sorted(component.characteristics.items()),
        "kinds": rule_decisions.kinds(subject_of(component, row), on=on, groups=load_groups()),
        "simulate": reverse("admin:vee_veegroup_simulate")
        + "?"
        + urlencode({"component": row.identifier, "on": on.isoformat()}),
        "back": reverse("admin:vee_measuringcomponent_change", args=[component_id]),
    }
    return TemplateResponse(request, "admin/vee/component_rules.html", context)


def asked_day(request: HttpRequest) -> dt.date | None:
    """Give the day that the address names (`on`); None when it names none that can be read."""
    try:
        return parse_date(request.GET.get("on", ""))
    except ValueError:
        return None


def subject_of(component: Component, row: MeasuringComponent) -> Subject:
    """Give what decides on a component's rules."""
    return Subject(
        type_name=str(row.type),
        kind=ComponentKind(component.kind),
        groups=component.groups,
        groups_of_type=component.groups_of_type,
        characteristics=component.characteristics,
        known={
            "component.uom": component.uom,
            "component.multiplier": component.multiplier,
            "component.seconds_per_interval": component.seconds_per_interval,
        },
    )
