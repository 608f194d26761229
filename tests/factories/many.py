"""Many rows of a model, with statistics of them: for tests that ask PostgreSQL's planner what it would do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.db.models import Model

from tests.factories import rows


def one_of_each(*models: type[Model]) -> None:
    """Make a row of each of these models, and of all that they need."""
    for model in _with_needed(models):
        if not model._base_manager.exists():
            rows.fill(model, 1, start=rows.FIRST)


def of_each(*models: type[Model], count: int) -> None:
    """Make so many rows of each of these models and of all that they need, and let PostgreSQL count them."""
    for model in _with_needed(models):
        rows.fill(model, count, start=rows.FIRST)
        analyze(model)


def copies(model: type[Model], count: int, values: Callable[[int], dict[str, Any]]) -> None:
    """Make copies of the model's first row that differ by `values` of their number, and let PostgreSQL count them."""
    first = model._base_manager.order_by("pk").first()
    assert first is not None
    made = []
    for number in range(count):
        row = copy.copy(first)
        row._state = copy.copy(first._state)
        row.pk = None
        row._state.adding = True
        for name, value in values(number).items():
            setattr(row, name, value)
        made.append(row)
    model._base_manager.bulk_create(made, batch_size=500)
    analyze(model)


def analyze(*models: type[Model]) -> None:
    """Let PostgreSQL's planner know what tables hold; of one that it knows nothing about it makes something up."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f'ANALYZE "{model._meta.db_table}"')


def _with_needed(models: Iterable[type[Model]]) -> list[type[Model]]:
    """Give models and what they need, each after what it needs."""
    wanted = set(models)
    for model in reversed(rows.all_models()):
        if model in wanted:
            wanted |= rows.needed(model)
    return [model for model in rows.all_models() if model in wanted]
