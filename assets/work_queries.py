"""What of the DACS side needs a person now."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from assets.choices import OPEN_TODO_STATUSES
from assets.models import AssetToDo
from vee import todo_ages


def open_todos(*, age: str, at: dt.datetime) -> QuerySet[AssetToDo]:
    """Give the open program To Dos of an age, as `vee.todo_ages` names it."""
    return AssetToDo.objects.filter(todo_ages.of_age(age, at=at), status__in=OPEN_TODO_STATUSES)
