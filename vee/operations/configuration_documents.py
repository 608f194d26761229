"""
What is configured of VEE, in the shape in which a configuration document names it.

Every field of a record is named, so that applying it elsewhere leaves none to chance. Within a list that is replaced as
a whole (rules, values of factors, derivations) an entry leaves out what is empty.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from foundation.configuration import exact, ordered
from vee.models import (
    Factor,
    FactorValue,
    Holiday,
    MeasuringComponentType,
    ToDoType,
    ValueDerivation,
    VeeExceptionType,
    VeeGroup,
    VeeRetryPolicy,
    VeeRule,
)
from vee.operations.configuration import GROUP_FIELDS, TYPE_FIELDS


TODO_TYPE_KEYS = ("description", "role")
EXCEPTION_TYPE_KEYS = ("description", "todo_type", "todo_role", "create_todo", "retry_when_related_completes")
RETRY_POLICY_KEYS = ("enabled", "retryable_exception_types", "frequency_hours", "max_attempts", "max_age_days")
GROUP_KEYS = ("code", "description", "rules")
FACTOR_KEYS = ("code", "description", "characteristic", "values")
TYPE_KEYS = ("id", *TYPE_FIELDS, "vee_groups", "derivations")
_CRITERION_KEYS = ("source", "comparison", "value", "if_true", "if_false", "if_insufficient")


def todo_types_document() -> dict[str, Any]:
    """Give the To Do types by code."""
    rows = ToDoType.objects.select_related("role")
    return {
        row.code: {"description": row.description, "role": row.role.name if row.role else None}
        for row in sorted(rows, key=lambda row: row.code)
    }


def exception_types_document() -> dict[str, Any]:
    """Give the exception types by code."""
    rows = VeeExceptionType.objects.select_related("todo_role")
    return {
        row.code: {
            "description": row.description,
            "todo_type": row.todo_type_id,
            "todo_role": row.todo_role.name if row.todo_role else None,
            "create_todo": row.create_todo,
            "retry_when_related_completes": row.retry_when_related_completes,
        }
        for row in sorted(rows, key=lambda row: row.code)
    }


def retry_policies_document() -> dict[str, Any]:
    """Give the retry policies by kind of IMD; a kind without one has the defaults."""
    rows = sorted(VeeRetryPolicy.objects.all(), key=lambda row: row.kind)
    return {row.kind: {key: getattr(row, key) for key in RETRY_POLICY_KEYS} for row in rows}


def holidays_document() -> dict[str, Any]:
    """Give the holidays by calendar and date."""
    calendars: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(Holiday.objects.all(), key=lambda row: (row.calendar, row.date)):
        calendars.setdefault(row.calendar, []).append({"date": row.date, "name": row.name})
    return calendars


def groups_document() -> list[dict[str, Any]]:
    """Give the VEE groups by code, their rules in order."""
    rows = VeeGroup.objects.prefetch_related("rules")
    return [
        {
            "code": row.code,
            "description": row.description,
            "rules": [_rule(rule) for rule in sorted(row.rules.all(), key=_place)],
        }
        for row in sorted(rows, key=lambda row: row.code)
    ]


def factors_document() -> list[dict[str, Any]]:
    """Give the factors by code, with their values."""
    rows = Factor.objects.prefetch_related("values__vee_group", "values__measuring_component")
    return [
        {
            "code": row.code,
            "description": row.description,
            "characteristic": row.characteristic,
            "values": [_value(value) for value in sorted(row.values.all(), key=_value_place)],
        }
        for row in sorted(rows, key=lambda row: row.code)
    ]


def component_types_document() -> list[dict[str, Any]]:
    """Give the measuring component types by id, with their groups and derivations."""
    rows = MeasuringComponentType.objects.select_related(*GROUP_FIELDS.values()).prefetch_related("derivations")
    return [
        {
            "id": row.identifier,
            **{name: _plain(getattr(row, name)) for name in TYPE_FIELDS},
            "vee_groups": {str(role): _code(getattr(row, name)) for role, name in GROUP_FIELDS.items()},
            "derivations": [
                _derivation(each) for each in sorted(row.derivations.all(), key=lambda each: (each.sequence, each.name))
            ],
        }
        for row in sorted(rows, key=lambda row: row.identifier)
    ]


def _place(rule: VeeRule) -> tuple[Any, ...]:
    return rule.sequence, rule.start_date is not None, rule.start_date or 0


def _value_place(value: FactorValue) -> tuple[Any, ...]:
    return value.characteristic_value, value.start_date is not None, value.start_date or 0


def _rule(rule: VeeRule) -> dict[str, Any]:
    return {
        "sequence": rule.sequence,
        "rule": rule.rule,
        "severity": rule.severity,
        **_filled(
            description=rule.description,
            exception_type=rule.exception_type_id,
            start_date=rule.start_date,
            end_date=rule.end_date,
            parameters=ordered(rule.parameters),
            eligibility=[_criterion(each) for each in rule.eligibility],
        ),
    }


def _criterion(criterion: dict[str, Any]) -> dict[str, Any]:
    known = {key: criterion[key] for key in _CRITERION_KEYS if key in criterion}
    return {**known, **ordered({key: value for key, value in criterion.items() if key not in known})}


def _value(value: FactorValue) -> dict[str, Any]:
    component = value.measuring_component
    return {
        "value": value.characteristic_value,
        **_filled(
            start_date=value.start_date,
            end_date=value.end_date,
            vee_group=_code(value.vee_group),
            measuring_component=component.identifier if component else None,
        ),
    }


def _derivation(row: ValueDerivation) -> dict[str, Any]:
    return {
        "name": row.name,
        "sequence": row.sequence,
        "method": row.method,
        "uom": row.uom,
        "scale": row.scale,
        **_filled(parameters=ordered(row.parameters)),
    }


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _code(group: VeeGroup | None) -> str | None:
    return group.code if group else None


def _plain(value: Any) -> Any:
    return exact(value) if isinstance(value, Decimal) else value
