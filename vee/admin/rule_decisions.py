"""Why a component gets a VEE group, and which rules would run: every candidate with what held and what did not."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from vee.admin.rule_words import rule_words
from vee.admin.words import in_words
from vee.choices import ImdKind
from vee.codes import ROLE_OF_KIND, ComponentKind, Role
from vee.codes import ImdKind as Kind
from vee.configuration_queries import SINCE_EVER_FIRST
from vee.engine import eligibility, registry
from vee.engine.parameters import UnableToReadParameters
from vee.engine.plan import MATRIX_RULE, Gate, GroupSpec, Plan, Step
from vee.models import FactorValue
from vee.operations.groups import Plans, select_group
from vee.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A measuring component, or one that could be: what decides on its rules besides the reading."""

    type_name: str
    kind: ComponentKind
    groups_of_type: Mapping[Role, str | None]
    groups: Mapping[Role, str | None] = field(default_factory=dict)
    characteristics: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    """What criteria may ask of the component itself: `component.uom` and the like."""


def kinds(subject: Subject, *, on: dt.date, groups: Mapping[str, GroupSpec]) -> list[dict[str, Any]]:
    """Give for each kind of data its group with the reasons, and the rules of the day in their order, in words."""
    plans = Plans(groups)
    factors = _FactorRows()
    return [_kind(kind, subject, on, groups, plans, factors) for kind in ImdKind]


class _FactorRows:
    """The values of factors, read once and only when a rule goes by one."""

    def __init__(self) -> None:
        self._rows: list[FactorValue] | None = None

    def of(self, factor: str) -> list[FactorValue]:
        if self._rows is None:
            self._rows = list(
                FactorValue.objects.select_related("factor", "vee_group").order_by(
                    "characteristic_value", SINCE_EVER_FIRST, "pk"
                )
            )
        return [row for row in self._rows if row.factor.code == factor]


def _kind(
    kind: ImdKind,
    subject: Subject,
    on: dt.date,
    groups: Mapping[str, GroupSpec],
    plans: Plans,
    factors: _FactorRows,
) -> dict[str, Any]:
    role = ROLE_OF_KIND[Kind(kind)]
    own, of_type = subject.groups.get(role), subject.groups_of_type.get(role)
    group = select_group(kind=kind, of_component=subject.groups, of_type=subject.groups_of_type)
    plan = plans.plan(group=group, on=on, kind=subject.kind, characteristics=subject.characteristics)
    why: Any
    if own:
        why = _("set on the measuring component, which goes before its type")
    elif group:
        why = _("set on the type %(type)s; the measuring component names none of its own") % {"type": subject.type_name}
    else:
        why = _("neither the measuring component nor the type %(type)s names one: no rule runs") % {
            "type": subject.type_name
        }
    return {
        "label": kind.label,
        "group": group,
        "why": why,
        "candidates": [
            _candidate(_("the measuring component's own"), own, chosen=bool(own)),
            _candidate(
                _("that of the type %(type)s") % {"type": subject.type_name},
                of_type,
                chosen=bool(of_type) and not own,
                passed_over=bool(own and of_type),
            ),
        ],
        "factors": [] if group is None else _factors(plan, group, subject, on, groups, factors),
        "steps": _steps(plan, subject, on, kind),
        "resting": [] if group is None or group not in groups else _resting(groups[group], on),
    }


def _candidate(what: str, group: str | None, *, chosen: bool, passed_over: bool = False) -> dict[str, Any]:
    if chosen:
        reason = _("named here: it counts")
    else:
        reason = _("named, and passed over: the component's own goes before it") if passed_over else _("names none")
    return {"what": what, "group": group, "chosen": chosen, "reason": reason}


def _factors(
    plan: Plan,
    group: str,
    subject: Subject,
    on: dt.date,
    groups: Mapping[str, GroupSpec],
    factors: _FactorRows,
) -> list[dict[str, Any]]:
    """Give each factor that a rule of the day goes by, with all its values and why each counts or not."""
    reached = {group, *(code for step in plan.steps for code in step.path)}
    named = {
        str(rule.parameters.get("factor")): None
        for code in sorted(reached & groups.keys())
        for rule in groups[code].ordered()
        if rule.rule == MATRIX_RULE and rule.in_force(on)
    }
    return [{"factor": code, "values": _values(factors.of(code), subject, on)} for code in named]


def _values(rows: Sequence[FactorValue], subject: Subject, on: dt.date) -> list[dict[str, Any]]:
    def fits(row: FactorValue) -> bool:
        has = subject.characteristics.get(row.factor.characteristic)
        return (
            has is not None and str(has) == row.characteristic_value and Period(row.start_date, row.end_date).holds(on)
        )

    fitting = [row for row in rows if fits(row)]
    counts = max(fitting, key=lambda row: row.start_date or dt.date.min, default=None)
    shown = []
    for row in rows:
        name, has = row.factor.characteristic, subject.characteristics.get(row.factor.characteristic)
        if has is None:
            reason = _("%(name)s is not known") % {"name": name}
        elif str(has) != row.characteristic_value:
            reason = _("%(name)s is %(value)s") % {"name": name, "value": has}
        elif not Period(row.start_date, row.end_date).holds(on):
            reason = _("not in force on this day")
        elif row is counts:
            reason = _("holds: it counts")
        else:
            reason = _("holds, and one that began later counts")
        shown.append(
            {
                "condition": f"{name} = {row.characteristic_value}",
                "period": Period(row.start_date, row.end_date),
                "group": row.vee_group.code if row.vee_group else None,
                "chosen": row is counts,
                "reason": reason,
            }
        )
    return shown


def _steps(plan: Plan, subject: Subject, on: dt.date, kind: ImdKind) -> list[dict[str, Any]]:
    return [
        {
            "sequence": step.sequence,
            "path": step.group_path,
            "rule": step.rule,
            "title": registry.title_of(step.rule),
            "rule_id": step.rule_id,
            "said": _said(step),
            "remarks": [text for text in (step.skip, step.problem.message if step.problem else "") if text],
            "bad": step.problem is not None,
            "gates": [_gate(gate, subject, on, kind) for gate in step.gates],
        }
        for step in plan.steps
    ]


def _said(step: Step) -> str:
    words = rule_words(rule=step.rule, parameters=json.loads(step.parameters or "{}"), severity=step.severity)
    # What is wrong with a rule stands beside it already.
    return registry.title_of(step.rule) if words.problem else words.said


def _gate(gate: Gate, subject: Subject, on: dt.date, kind: ImdKind) -> dict[str, Any]:
    """Follow criteria as far as they can be decided without a reading."""
    asked = []
    try:
        criteria = eligibility.read(gate.criteria)
    except UnableToReadParameters:
        return {"said": "", "outcome": "", "asked": []}  # the step itself says what is wrong
    outcome = "depends"
    for criterion in criteria:
        answered, value = _value(criterion.source, subject, on, kind)
        question = in_words(eligibility.question(criterion))
        if not answered:
            asked.append({"question": question, "value": _("only a reading can tell")})
            break
        shown = _("it is not known") if value is None else _("it is %(value)s") % {"value": value}
        asked.append({"question": question, "value": shown})
        follows = eligibility.outcome(criterion, value)
        if follows != eligibility.Next.CHECK_NEXT:
            outcome = "runs" if follows == eligibility.Next.APPLY_RULE else "dropped"
            break
    else:
        outcome = "dropped"
    return {"said": in_words(eligibility.sentence(criteria)), "outcome": outcome, "asked": asked}


def _value(source: str, subject: Subject, on: dt.date, kind: ImdKind) -> tuple[bool, Any]:
    if source.startswith(eligibility.CHARACTERISTIC):
        return True, subject.characteristics.get(source.removeprefix(eligibility.CHARACTERISTIC))
    known = {**subject.known, "imd.kind": str(kind.value), "imd.start_date": on.isoformat()}
    return source in known, known.get(source)


def _resting(group: GroupSpec, on: dt.date) -> Sequence[dict[str, Any]]:
    """Give the rules of the group that are not in force on the day, with their periods."""
    return [
        {
            "sequence": rule.sequence,
            "rule": rule.rule,
            "title": registry.title_of(rule.rule),
            "start": rule.start_date,
            "end": rule.end_date,
        }
        for rule in group.ordered()
        if not rule.in_force(on)
    ]
