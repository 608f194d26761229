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


APPS = ("foundation", "lookups", "outbound", "vee", "assets", "integration", "auth", "django_celery_beat")


def all_models() -> list[type[models.Model]]:
    """Give the models with tables of their own, each after those that it needs."""
    left = [
        model
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed and not model._meta.proxy
    ]
    ordered: list[type[models.Model]] = []
    while left:
        ready = [model for model in left if not (_needed(model) & set(left)) - {model}]
        if not ready:
            raise AssertionError(f"These need each other: {left}")
        ordered += ready
        left = [model for model in left if model not in ready]
    return ordered


def fill(model: type[models.Model], count: int, *, start: int) -> None:
    """Save so many rows of a model; the n-th points at the n-th of what it belongs to."""
    targets = {
        field: list(field.related_model._default_manager.order_by("pk").values_list("pk", flat=True))
        for field in model._meta.concrete_fields
        if field.is_relation
    }
    for number in range(start, start + count):
        row = model()
        for field in model._meta.concrete_fields:
            if field.primary_key and isinstance(field, models.AutoField):
                continue
            if field.is_relation:
                keys = targets[field]
                if keys:
                    setattr(row, field.attname, keys[number % len(keys)])
                continue
            setattr(row, field.attname, _value(field, number))
        model._base_manager.bulk_create([row])


def _needed(model: type[models.Model]) -> set[Any]:
    return {
        field.related_model
        for field in model._meta.concrete_fields
        if field.is_relation and not (field.null and field.related_model is model)
    }


_MADE: tuple[tuple[Any, Callable[[Any, int], Any]], ...] = (
    (models.UUIDField, lambda field, number: uuid.UUID(int=number + 1)),
    (models.BooleanField, lambda field, number: field.get_default() if field.has_default() else False),
    (models.DateTimeField, lambda field, number: days.AT + dt.timedelta(days=number)),
    (models.DateField, lambda field, number: (days.AT + dt.timedelta(days=number)).date()),
    (models.TimeField, lambda field, number: dt.time(1)),
    (models.DurationField, lambda field, number: dt.timedelta(hours=1)),
    (models.JSONField, lambda field, number: field.get_default() if field.has_default() else {}),
    (models.DecimalField, lambda field, number: Decimal(1)),
    (models.IntegerField, lambda field, number: number + 1),
    (models.FloatField, lambda field, number: float(number + 1)),
    (models.BinaryField, lambda field, number: b"{}"),
    (models.FileField, lambda field, number: ""),
    (models.CharField, lambda field, number: f"{field.name[:20]}{number}"[-field.max_length :]),
    (models.TextField, lambda field, number: f"{field.name}{number}"),
)


def _value(field: Any, number: int) -> Any:
    if field.choices:
        values = [value for value, _ in field.flatchoices]
        return values[number % len(values)] if field.unique else values[0]
    for kind, make in _MADE:
        if isinstance(field, kind):
            return make(field, number)
    return field.get_default()
