"""What of the configuration of VEE is used where. No function here writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import F, Q

from vee.models import Factor, FactorValue, MeasuringComponent, MeasuringComponentType, VeeGroup, VeeRule


@dataclass(frozen=True, slots=True)
class Use:
    """One place that uses something: the row of a model of ours, by its name, and what it uses it for."""

    model: str
    pk: int
    name: str
    how: str


ROLES = {
    "initial_load_group": "initial loads",
    "manual_override_group": "manual data",
    "estimation_group": "estimations",
}
SINCE_EVER_FIRST = F("start_date").asc(nulls_first=True)
"""What has no first day is the earliest; databases differ in where they put it."""

# Components may be many: more than these are counted, not listed.
MOST_COMPONENTS = 20


def uses_of_group(group: VeeGroup) -> list[Use]:
    """Give what leads to a VEE group: rules of other groups, factors, component types and components."""
    return [
        *_uses_by_rules("execute_vee_group", "group", group.code),
        *(
            Use("factor", value.factor_id, value.factor.code, f"for the value {value.characteristic_value}")
            for value in FactorValue.objects.filter(vee_group=group).select_related("factor").order_by("pk")
        ),
        *(
            Use("measuringcomponenttype", kind.pk, kind.identifier, _roles(kind, group))
            for kind in MeasuringComponentType.objects.filter(any_role(group)).order_by("identifier")
        ),
        *(
            Use("measuringcomponent", one.pk, one.identifier, _roles(one, group))
            for one in MeasuringComponent.objects.filter(any_role(group)).order_by("identifier")[:MOST_COMPONENTS]
        ),
    ]


def version_of_rules(group_id: int) -> str:
    """Give a digest of all that a group's rules say: equal as long as nobody changed them."""
    rows = VeeRule.objects.filter(group=group_id).order_by("pk").values_list(
        "pk", "sequence", "rule", "description", "severity", "exception_type", "start_date", "end_date",
        "parameters", "eligibility",
    )  # fmt: skip
    return _digest(list(rows))


def version_of_factor(factor_id: int) -> str:
    """Give a digest of all values of a factor: equal as long as nobody changed them."""
    rows = FactorValue.objects.filter(factor=factor_id).order_by("pk").values_list(
        "pk", "characteristic_value", "start_date", "end_date", "vee_group", "measuring_component"
    )  # fmt: skip
    return _digest(list(rows))


def _digest(rows: object) -> str:
    return hashlib.blake2b(json.dumps(rows, default=str, sort_keys=True).encode(), digest_size=12).hexdigest()


def uses_of_factor(factor: Factor) -> list[Use]:
    """Give the rules that go by a factor."""
    return list(_uses_by_rules(None, "factor", factor.code))


def targets_of_factor(factor: Factor) -> list[Use]:
    """Give what a factor leads to: VEE groups and profile components, each once."""
    found: dict[tuple[str, int], Use] = {}
    values = FactorValue.objects.filter(factor=factor).select_related("vee_group", "measuring_component")
    for value in values.order_by("characteristic_value", "pk"):
        how = f"for the value {value.characteristic_value}"
        if value.vee_group is not None:
            found.setdefault(
                ("veegroup", value.vee_group.pk), Use("veegroup", value.vee_group.pk, value.vee_group.code, how)
            )
        if value.measuring_component is not None:
            one = value.measuring_component
            found.setdefault(("measuringcomponent", one.pk), Use("measuringcomponent", one.pk, one.identifier, how))
    return list(found.values())


def _uses_by_rules(rule: str | None, parameter: str, code: str) -> Iterator[Use]:
    rules = VeeRule.objects.filter(**{f"parameters__{parameter}": code}).select_related("group")
    if rule is not None:
        rules = rules.filter(rule=rule)
    for found in rules.order_by("group__code", "sequence"):
        yield Use("veegroup", found.group_id, found.group.code, f"rule {found.sequence} {found.rule}")


def any_role(group: VeeGroup) -> Q:
    """Give the condition that a type or component names a group for one of its roles."""
    condition = Q()
    for name in ROLES:
        condition |= Q(**{name: group})
    return condition


def _roles(row: MeasuringComponentType | MeasuringComponent, group: VeeGroup) -> str:
    return ", ".join(words for name, words in ROLES.items() if getattr(row, f"{name}_id") == group.pk)
