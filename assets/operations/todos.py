"""What people do with the To Dos of the DACS side: take them, give them back, complete them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from assets.choices import OPEN_TODO_STATUSES, ToDoStatus
from assets.models import AssetToDo


class UnableToChangeToDo(Exception):
    """The To Do does not stand where this can be done; the text tells a person."""


def assign(*, todo_id: int, to: Any) -> AssetToDo:
    """
    Give a To Do to a person (None: to nobody), who works on it from now on.

    :raises UnableToChangeToDo: when it is complete.
    """
    with transaction.atomic():
        todo = _open(todo_id)
        todo.assigned_to = to
        todo.status = ToDoStatus.OPEN if to is None else ToDoStatus.BEING_WORKED_ON
        todo.save(update_fields=["assigned_to", "status"])
    return todo


def complete(*, todo_id: int, by: str, completion: str, at: dt.datetime) -> AssetToDo:
    """
    Complete a To Do, saying what was done; what it is about stays as it is.

    :raises UnableToChangeToDo: when it is complete, or nothing is said.
    """
    if not completion.strip():
        raise UnableToChangeToDo("Say what was done.")
    with transaction.atomic():
        todo = _open(todo_id)
        todo.status, todo.completed_at, todo.completed_by = ToDoStatus.COMPLETE, at, by
        todo.completion = completion[:500]
        todo.save(update_fields=["status", "completed_at", "completed_by", "completion"])
    return todo


def _open(todo_id: int) -> AssetToDo:
    todo = AssetToDo.objects.select_for_update(of=("self",)).filter(pk=todo_id).first()
    if todo is None:
        raise UnableToChangeToDo(f"There is no To Do {todo_id}.")
    if todo.status not in OPEN_TODO_STATUSES:
        raise UnableToChangeToDo(f"{todo.summary}: it was completed by {todo.completed_by} already.")
    return todo
