"""Which VEE group an IMD passes, and the groups as the engine wants them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from foundation.kept_texts import kept
from vee.codes import ROLE_OF_KIND, ComponentKind, ImdKind, Role, Severity
from vee.engine.calendar import local_date
from vee.engine.plan import GroupSpec, Plan, RuleSpec, build_plan, find_cycle
from vee.engine.registry import AVAILABLE
from vee.models import Factor, ToDoType, VeeGroup, VeeRule
from vee.operations.components import Component
from vee.operations.history_components import Factors
from vee.operations.preparation import DueImd


def load_groups() -> dict[str, GroupSpec]:
    """Read all VEE groups with their rules, in order of sequence."""
    rules: dict[int, list[RuleSpec]] = {}
    for rule in VeeRule.objects.order_by("group_id", "sequence", "pk"):
        rules.setdefault(rule.group_id, []).append(
            RuleSpec(
                id=rule.pk,
                sequence=rule.sequence,
                rule=rule.rule,
                severity=Severity(rule.severity),
                exception_type=rule.exception_type_id or "",
                start_date=rule.start_date,
                end_date=rule.end_date,
                parameters=rule.parameters,
                eligibility=rule.eligibility,
            )
        )
    return {
        group.code: GroupSpec(code=group.code, rules=tuple(rules.get(group.pk, ()))) for group in VeeGroup.objects.all()
    }


def cycle_with(*, code: str, rules: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[str, ...] | None:
    """Give the circle of groups that would arise if a group had these rules (name and parameters); None without one."""
    groups = load_groups()
    groups[code] = GroupSpec(
        code=code,
        rules=tuple(
            RuleSpec(
                id=0,
                sequence=index,
                rule=name,
                severity=Severity.ISSUE,
                exception_type="",
                start_date=None,
                end_date=None,
                parameters=dict(parameters),
            )
            for index, (name, parameters) in enumerate(rules)
        ),
    )
    return find_cycle(groups, Factors().all_groups())


def cycle_with_factor(*, code: str, targets: Sequence[str]) -> tuple[str, ...] | None:
    """Give the circle of groups that would arise if a factor led to these groups; None without one."""
    return find_cycle(load_groups(), {**Factors().all_groups(), code: list(targets)})


def named_by_rules(rules: Iterable[Any]) -> dict[str, set[str]]:
    """Give the factors, groups and To Do types that rules (with `rule` and `parameters`) name, by parameter."""
    named: dict[str, set[str]] = {parameter: set() for parameter in ("factor", "group", "todo_type")}
    for rule in rules:
        for parameter, names in named.items():
            value = (rule.parameters or {}).get(parameter)
            if isinstance(value, str) and value and parameter in _parameters_of(rule.rule):
                names.add(value)
    return named


def _parameters_of(rule: str) -> Sequence[str]:
    return AVAILABLE[rule].parameters.__struct_fields__ if rule in AVAILABLE else ()


def missing_factors(codes: Iterable[str]) -> list[str]:
    """Give those of these factors that do not exist."""
    wanted = set(codes)
    return sorted(wanted - set(Factor.objects.filter(code__in=wanted).values_list("code", flat=True)))


def unknown_names(*, rule: str, parameters: Mapping[str, Any]) -> list[str]:
    """Say which factor, VEE group or To Do type a rule's parameters name that does not exist."""
    messages = []
    for name, what, key, model in (
        ("factor", "factor", "code", Factor),
        ("group", kept("VEE group"), "code", VeeGroup),
        ("todo_type", kept("To Do type"), "pk", ToDoType),
    ):
        value = parameters.get(name)
        named = isinstance(value, str) and value and name in _parameters_of(rule)
        if named and not model._default_manager.filter(**{key: value}).exists():
            messages.append(f"There is no {what} {value}.")
    return messages


def select_group(
    *, kind: str, of_component: Mapping[Role, str | None], of_type: Mapping[Role, str | None]
) -> str | None:
    """
    Give the code of the group that an IMD of this kind passes, or None (`vee.md` 3.1).

    A group on the measuring component overrides the type's for its role; it does not add to it.
    """
    role = ROLE_OF_KIND[ImdKind(kind)]
    return of_component.get(role) or of_type.get(role)


class Plans:
    """The plans of one chunk of IMDs, each built once."""

    def __init__(self, groups: Mapping[str, GroupSpec] | None = None) -> None:
        """Plan by these groups, or by those that are configured."""
        self._groups = load_groups() if groups is None else groups
        self._factors = Factors()
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._known: dict[tuple[object, ...], Plan] = {}

    def plan_of(self, *, imd: DueImd, component: Component) -> Plan:
        """Give the plan that an IMD of a component passes."""
        key = (component.planned_by, imd.kind, imd.start) if component.planned_by else ()
        if key in self._known:
            return self._known[key]
        found = self._plan_of(imd, component)
        if key:
            self._known[key] = found
        return found

    def _plan_of(self, imd: DueImd, component: Component) -> Plan:
        return self.plan(
            group=select_group(kind=imd.kind, of_component=component.groups, of_type=component.groups_of_type),
            on=local_date(imd.start, component.time_zone),
            kind=ComponentKind(component.kind),
            characteristics=component.characteristics,
        )

    def plan(self, *, group: str | None, on: dt.date, kind: ComponentKind, characteristics: Mapping[str, str]) -> Plan:
        """Give the plan of a group for IMDs of such components that start on a local date."""
        factors = self._factors.groups(characteristics, on) if self._factors else {}
        key = (group, on, kind, tuple(sorted(factors.items())))
        if key not in self._plans:
            self._plans[key] = build_plan(groups=self._groups, group=group, on=on, kind=kind, factors=factors)
        return self._plans[key]
