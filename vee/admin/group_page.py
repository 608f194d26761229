"""What the page of a VEE group shows above its form: the rules in order and in words, their time line, their users."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from vee import configuration_queries, where_used_queries
from vee.admin import rule_links, rule_parameters
from vee.admin.rule_words import ExceptionTypes, rule_words
from vee.admin.time_lines import Entry, Lane, drawing
from vee.configuration_queries import SINCE_EVER_FIRST
from vee.models import FactorValue, VeeGroup, VeeRule
from vee.operations.rule_order import wanted_order
from vee.periods import Period


def context(request: HttpRequest, group: VeeGroup, *, today: dt.date) -> dict[str, Any]:
    """Give the page's context; an order that was not saved yet is taken from the address (`order`)."""
    rules = list(group.rules.order_by("sequence", SINCE_EVER_FIRST, "pk"))
    places = _places(rules, today)
    asked = wanted_order(request.GET.get("order", ""), [place["sequence"] for place in places])
    unsaved = bool(asked) and asked != [place["sequence"] for place in places]
    if unsaved:
        places.sort(key=lambda place: asked.index(place["sequence"]))
    may_change = request.user.has_perm("vee.change_veegroup") and request.user.has_perm("vee.change_veerule")
    return {
        "places": places,
        "order": ",".join(str(place["sequence"]) for place in places),
        "order_unsaved": unsaved,
        "rules_seen": configuration_queries.version_of_rules(group.pk),
        "may_order": may_change and len(places) > 1,
        "may_try": request.user.has_perm("vee.add_ruletrial"),
        "order_address": reverse("admin:vee_veegroup_order", args=[group.pk]),
        "try_address": reverse("admin:vee_ruletrial_try", args=[group.pk]),
        "sentence_address": reverse("admin:vee_veegroup_sentence"),
        "declarations": rule_parameters.declarations() if may_change else None,
        "simulate_address": reverse("admin:vee_veegroup_simulate"),
        "time_line": drawing([*_rule_lanes(places), *_assignment_lanes(group)], today=today),
        "users": _users(request, group),
    }


def of_a_new_one() -> dict[str, Any]:
    """Give what the form of a group that is not stored yet says its rules with."""
    return {"declarations": rule_parameters.declarations(), "sentence_address": reverse("admin:vee_veegroup_sentence")}


def _places(rules: list[VeeRule], today: dt.date) -> list[dict[str, Any]]:
    types = ExceptionTypes()
    spread = where_used_queries.groups_with_rules({rule.rule for rule in rules})
    numbered = list(enumerate(rules))
    return [
        {"sequence": sequence, "versions": [_version(number, rule, types, spread, today) for number, rule in versions]}
        for sequence, versions in groupby(numbered, key=lambda pair: pair[1].sequence)
    ]


def _version(
    number: int, rule: VeeRule, types: ExceptionTypes, spread: Mapping[str, int], today: dt.date
) -> dict[str, Any]:
    period = Period(rule.start_date, rule.end_date)
    words = rule_words(
        rule=rule.rule,
        parameters=rule.parameters,
        severity=rule.severity,
        criteria=rule.eligibility,
        exception_type=rule.exception_type_id or "",
        types=types,
    )
    return {
        "rule": rule.rule,
        "groups": spread.get(rule.rule, 0),
        "groups_address": f"{reverse('admin:vee_veegroup_changelist')}?rule={rule.rule}",
        "words": words,
        "description": rule.description,
        "severity": rule.get_severity_display(),
        "period": period,
        "dated": rule.start_date is not None or rule.end_date is not None,
        "resting": not period.holds(today),
        "anchor": rule_links.anchor(rule.pk),
        "form": f"rules-{number}",
    }


def _rule_lanes(places: list[dict[str, Any]]) -> list[Lane]:
    return [
        Lane(
            f"{place['sequence']} {place['versions'][0]['words'].title}",
            [Entry(version["period"], str(version["words"])) for version in place["versions"]],
        )
        for place in places
    ]


def _assignment_lanes(group: VeeGroup) -> list[Lane]:
    """Give the values of factors that lead to the group in some period, with where else they lead."""
    leading = FactorValue.objects.filter(vee_group=group).values_list("factor", "characteristic_value")
    wanted = set(leading)
    rows = (
        FactorValue.objects.filter(factor__in={factor for factor, _value in wanted})
        .select_related("factor", "vee_group")
        .order_by("factor__code", "characteristic_value", SINCE_EVER_FIRST, "pk")
    )
    lanes = []
    for (code, value), values in groupby(
        (row for row in rows if (row.factor_id, row.characteristic_value) in wanted),
        key=lambda row: (row.factor.code, row.characteristic_value),
    ):
        entries = [
            Entry(
                Period(row.start_date, row.end_date),
                _("leads to %(group)s") % {"group": row.vee_group.code if row.vee_group else _("no group")},
                other=row.vee_group_id != group.pk,
            )
            for row in values
        ]
        lanes.append(Lane(_("%(factor)s = %(value)s") % {"factor": code, "value": value}, entries))
    return lanes


def _users(request: HttpRequest, group: VeeGroup) -> list[dict[str, Any]]:
    """Count what the group stands for, each number with the list of exactly those rows."""
    shown = (
        ("measuringcomponenttype", _("types that name it"), where_used_queries.types_naming, "vee_group"),
        (
            "measuringcomponent",
            _("components that name it themselves"),
            where_used_queries.components_naming,
            "own_vee_group",
        ),
        (
            "measuringcomponent",
            _("all components whose data passes it"),
            where_used_queries.components_passing,
            "vee_group",
        ),
        (
            "servicepoint",
            _("service points whose data passes it"),
            where_used_queries.service_points_passing,
            "vee_group",
        ),
    )
    return [
        {
            "count": rows(group).count(),
            "label": label,
            "address": f"{reverse(f'admin:vee_{model}_changelist')}?{parameter}={group.pk}",
        }
        for model, label, rows, parameter in shown
        if request.user.has_perm(f"vee.view_{model}")
    ]
