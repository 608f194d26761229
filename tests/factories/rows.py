"""Rows of any model, made of what its fields say: for tests that ask about their number and not about their sense."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models

from tests.factories import days
from vee.models.fields import NumberArrayField


APPS = ("foundation", "lookups", "outbound", "vee", "assets", "integration", "auth")


# Rows are numbered from here on, clear of what a test has made itself.
FIRST = 1000
# What constraints ask for beyond the kinds of the fields.
OWN: dict[str, dict[str, Any]] = {
    "integration.FlowSchedule": {"every_seconds": None},
    "integration.ReportSchedule": {"day_of_month": 1},
    "vee.ImdTransition": {"from_state": "PENDING", "to_state": "VEE_READY"},
    "vee.MeasuringComponentType": {"scale": 3},
    "vee.ValueDerivation": {"scale": 3},
}
# Partitioned by month, and in no list; one row for each of a few kinds.
LEFT_OUT = ("vee.MeasurementBlock", "vee.VeeRetryPolicy")


def all_models() -> list[type[models.Model]]:
    """Give the models with tables of their own, each after those that it needs."""
    left = [
        model
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed and not model._meta.proxy and model._meta.label not in LEFT_OUT
    ]
    ordered: list[type[models.Model]] = []
    while left:
        ready = [model for model in left if not (needed(model) & set(left)) - {model}]
        if not ready:
            raise AssertionError(f"These need each other: {left}")
        ordered += ready
        left = [model for model in left if model not in ready]
    return ordered


def fill(model: type[models.Model], count: int, *, start: int) -> None:
    """Save so many rows of a model; the n-th points at the n-th of what it belongs to."""
    targets = {field: _targets(model, field) for field in model._meta.concrete_fields if field.is_relation}
    own = OWN.get(model._meta.label, {})
    made = []
    for number in range(start, start + count):
        values: dict[str, Any] = {}
        for place, field in enumerate(model._meta.concrete_fields):
            if field.name in own:
                values[field.attname] = own[field.name]
            elif field.is_relation:
                keys = targets[field]
                if keys:
                    place_of_target = number - start if field.unique else number - FIRST
                    values[field.attname] = keys[place_of_target % len(keys)]
            elif not isinstance(field, models.AutoField):
                values[field.attname] = _value(field, number, place)
        made.append(model(**values))
    # In bulk: a state that only its transitions may change is given at the start.
    model._base_manager.bulk_create(made)


def _targets(model: type[models.Model], field: Any) -> list[Any]:
    """Give what a field can point at; where each may be pointed at once, what nothing points at yet."""
    found = field.related_model._default_manager.order_by("pk")
    if field.unique:
        found = found.exclude(pk__in=model._base_manager.values(field.attname))
    return list(found.values_list("pk", flat=True))


def needed(model: type[models.Model]) -> set[Any]:
    """Give the models that rows of this one point at."""
    return {
        field.related_model
        for field in model._meta.concrete_fields
        if field.is_relation and not (field.null and field.related_model is model)
    }


_MADE: tuple[tuple[Any, Callable[[Any, int, int], Any]], ...] = (
    (NumberArrayField, lambda field, number, place: [1] * 96),
    (models.UUIDField, lambda field, number, place: uuid.UUID(int=number + 1)),
    (models.BooleanField, lambda field, number, place: field.get_default() if field.has_default() else False),
    (models.DateTimeField, lambda field, number, place: days.AT + dt.timedelta(days=number, minutes=place)),
    (models.DateField, lambda field, number, place: (days.AT + dt.timedelta(days=number + place)).date()),
    (models.TimeField, lambda field, number, place: dt.time(1)),
    (models.DurationField, lambda field, number, place: dt.timedelta(hours=1)),
    (models.JSONField, lambda field, number, place: None if field.null else field.get_default() or {}),
    (models.DecimalField, lambda field, number, place: Decimal(number % 9) + 1),
    (models.IntegerField, lambda field, number, place: number + 1),
    (models.FloatField, lambda field, number, place: float(number + 1)),
    (models.BinaryField, lambda field, number, place: b"{}"),
    (models.FileField, lambda field, number, place: ""),
    (models.CharField, lambda field, number, place: f"{field.name[:20]}{number}"[-field.max_length :]),
    (models.TextField, lambda field, number, place: f"{field.name}{number}"),
)


def _value(field: Any, number: int, place: int) -> Any:
    if field.name == "time_zone":
        return "UTC"
    if field.choices:
        values = [value for value, _ in field.flatchoices]
        return values[number % len(values)] if field.unique else values[0]
    for kind, make in _MADE:
        if isinstance(field, kind):
            return make(field, number, place)
    return field.get_default()
