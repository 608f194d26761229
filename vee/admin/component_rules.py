"""The page that says which VEE group a measuring component's data would pass on a day, why, and what it would do."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from vee.choices import ImdKind
from vee.codes import ROLE_OF_KIND, ComponentKind
from vee.codes import ImdKind as Kind
from vee.engine import eligibility, registry
from vee.engine.plan import GroupSpec, Plan, Step
from vee.models import MeasuringComponent
from vee.operations.groups import Plans, load_groups, select_group
from vee.operations.preparation import Component, load_components


def view(admin: Any, request: HttpRequest, component_id: int) -> HttpResponse:
    """Show, for each kind of data, the group with its reason and the rules of a day in their order, in words."""
    if not (admin.has_view_permission(request) and request.user.has_perm("vee.view_veegroup")):
        raise PermissionDenied
    row = MeasuringComponent.objects.select_related("type").filter(pk=component_id).first()
    if row is None:
        raise Http404
    component = load_components(component_ids=[component_id])[component_id]
    on = _asked_day(request) or timezone.now().astimezone(zoneinfo.ZoneInfo(component.time_zone)).date()
    groups = load_groups()
    plans = Plans(groups)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": _("Rules for %(name)s") % {"name": row},
        "is_fullwidth": "1",
        "component": row,
        "on": on.isoformat(),
        "characteristics": sorted(component.characteristics.items()),
        "kinds": [_kind(kind, component, row, on, groups, plans) for kind in ImdKind],
        "back": reverse("admin:vee_measuringcomponent_change", args=[component_id]),
    }
    return TemplateResponse(request, "admin/vee/component_rules.html", context)


def _asked_day(request: HttpRequest) -> dt.date | None:
    try:
        return parse_date(request.GET.get("on", ""))
    except ValueError:
        return None


def _kind(
    kind: ImdKind,
    component: Component,
    row: MeasuringComponent,
    on: dt.date,
    groups: dict[str, GroupSpec],
    plans: Plans,
) -> dict[str, Any]:
    group = select_group(kind=kind, of_component=component.groups, of_type=component.groups_of_type)
    plan = plans.plan(group=group, on=on, kind=ComponentKind(component.kind), characteristics=component.characteristics)
    why: Any
    if component.groups.get(ROLE_OF_KIND[Kind(kind)]):
        why = _("set on the measuring component, which goes before its type")
    elif group:
        why = _("set on the type %(type)s; the measuring component names none of its own") % {"type": row.type}
    else:
        why = _("neither the measuring component nor the type %(type)s names one: no rule runs") % {"type": row.type}
    return {
        "label": kind.label,
        "group": group,
        "why": why,
        "steps": _steps(plan),
        "resting": [] if group is None or group not in groups else _resting(groups[group], on),
    }


def _steps(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "sequence": step.sequence,
            "path": step.group_path,
            "rule": step.rule,
            "said": _said(step),
            "remarks": [text for text in (step.skip, step.problem.message if step.problem else "") if text],
            "bad": step.problem is not None,
        }
        for step in plan.steps
    ]


def _said(step: Step) -> str:
    if step.rule not in registry.AVAILABLE:
        return step.rule
    try:
        said = [registry.sentence(step.rule, json.loads(step.parameters or "{}"), step.severity)]
        said += [eligibility.sentence(eligibility.read(gate.criteria)) for gate in step.gates]
    except registry.UnableToReadParameters:
        return step.rule  # what is wrong with it stands beside it
    return " ".join(part for part in said if part)


def _resting(group: GroupSpec, on: dt.date) -> Sequence[dict[str, Any]]:
    """Give the rules of the group that are not in force on the day, with their periods."""
    return [
        {"sequence": rule.sequence, "rule": rule.rule, "start": rule.start_date, "end": rule.end_date}
        for rule in group.ordered()
        if not rule.in_force(on)
    ]
