"""Work for people: To Dos opened by processing, claimed and assigned by people, completed by actions."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from foundation import audit
from vee.choices import OPEN_TODO_STATUSES, ToDoStatus
from vee.codes import Severity
from vee.models import ToDo, ToDoType, VeeExceptionType


DEFAULT_TYPE = "VEE-EXCEPTION"
DEFAULT_ROLE = "VEE analyst"
CLAIM_RIGHTS = ("vee.perform_vee", "vee.assign_todo", "vee.change_todo")


class UnableToChangeToDo(Exception):
    """The To Do cannot be claimed, released or assigned; the message says why."""


class ToDoNotPermitted(UnableToChangeToDo):
    """The person may not do this."""


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """An IMD that needs a person: its findings as (severity, exception type), and a sentence."""

    imd_id: int
    findings: Sequence[tuple[str, str]]
    summary: str
    todo_type: str | None = None
    """Set when an Exception Handler decides alone: its To Do type, or "" for that of its exception type."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeResult:
    """What became of one To Do of several: `error` is empty when it was changed."""

    todo_id: int
    error: str = ""


def default_type() -> ToDoType:
    """Give the To Do type that is used where no other is named, creating it and its role when missing."""
    found = ToDoType.objects.filter(pk=DEFAULT_TYPE).first()
    if found is not None:
        return found
    role, _ = Group.objects.get_or_create(name=DEFAULT_ROLE)
    created, _ = ToDoType.objects.get_or_create(
        code=DEFAULT_TYPE, defaults={"description": "An IMD that needs a decision", "role": role}
    )
    return created


def create_todo_types(codes: Iterable[str]) -> None:
    """Create the To Do types of these codes that are missing, for the role of the default type."""
    missing = set(codes) - set(ToDoType.objects.filter(pk__in=set(codes)).values_list("pk", flat=True))
    if missing:
        role = default_type().role
        ToDoType.objects.bulk_create(ToDoType(code=code, role=role) for code in sorted(missing))


def open_todos(*, needs: Sequence[Need], at: dt.datetime) -> int:
    """
    Open one To Do for each IMD that needs one and has none open.

    Type and role come from the exception type of the most severe finding for which To Dos are created, else from the
    default type (`vee.md` 3.7). An Exception Handler that ended the run decides alone. Without findings (an IMD in
    ERROR) the default applies.
    """
    if not needs:
        return 0
    fallback = default_type()
    types = {
        found.code: found
        for found in VeeExceptionType.objects.filter(
            pk__in={code for need in needs for _, code in need.findings}
        ).select_related("todo_type")
    }
    own = ToDoType.objects.in_bulk({need.todo_type for need in needs if need.todo_type})
    taken = set(
        ToDo.objects.filter(imd__any_of=[need.imd_id for need in needs], status__in=OPEN_TODO_STATUSES).values_list(
            "imd_id", flat=True
        )
    )
    rows = []
    for need in needs:
        if need.imd_id in taken:
            continue
        place = _type_and_role(need, types, own, fallback)
        if place is None:
            continue
        rows.append(
            ToDo(imd_id=need.imd_id, type_id=place[0], role_id=place[1], summary=need.summary[:500], created_at=at)
        )
    ToDo.objects.bulk_create(rows)
    return len(rows)


def _type_and_role(
    need: Need, types: dict[str, VeeExceptionType], own: dict[str, ToDoType], fallback: ToDoType
) -> tuple[str, int | None] | None:
    blocking = [
        code for wanted in (Severity.TERMINATE, Severity.ISSUE) for kind, code in need.findings if kind == wanted
    ]
    if not blocking:
        return fallback.pk, fallback.role_id
    if need.todo_type is not None:
        blocking = blocking[:1]  # the Exception Handler's own, the only Terminate
    wanting = [code for code in blocking if code not in types or types[code].create_todo]
    if not wanting:
        return None
    chosen = types.get(wanting[0])
    if need.todo_type in own:
        todo_type = own[need.todo_type]
        return todo_type.pk, todo_type.role_id or (chosen.todo_role_id if chosen else None) or fallback.role_id
    if chosen is None:
        return fallback.pk, fallback.role_id
    todo_type = chosen.todo_type or fallback
    return todo_type.pk, chosen.todo_role_id or todo_type.role_id


def complete_todos(*, imd_ids: Sequence[int], by: str, completion: str, at: dt.datetime) -> int:
    """Complete the open To Dos of these IMDs, naming the action and its reason."""
    return ToDo.objects.filter(imd__any_of=imd_ids, status__in=OPEN_TODO_STATUSES).update(
        status=ToDoStatus.COMPLETE, completed_at=at, completed_by=by[:150], completion=completion[:500]
    )


def claim(*, todo_id: int, by: Any, at: dt.datetime) -> ToDo:
    """
    Take an open To Do for oneself; the audit trail says so, as of `release` and `assign`.

    :raises ToDoNotPermitted: when the person may not work on To Dos.
    :raises UnableToChangeToDo: when somebody has it already, or it is complete.
    """
    _need_right(by, *CLAIM_RIGHTS)
    with transaction.atomic():
        todo = _lock(todo_id)
        if todo.status != ToDoStatus.OPEN or todo.assigned_to_id not in (None, by.pk):
            raise UnableToChangeToDo(_why_not(todo, by))
        return _hand_over(todo, to=by, by=by, action="CLAIM", at=at)


def release(*, todo_id: int, by: Any, at: dt.datetime) -> ToDo:
    """
    Give a To Do back; who may assign To Dos may take it from anybody.

    :raises ToDoNotPermitted: when the person may not work on To Dos.
    :raises UnableToChangeToDo: when it is not the person's, or not being worked on.
    """
    _need_right(by, *CLAIM_RIGHTS)
    with transaction.atomic():
        todo = _lock(todo_id)
        theirs = todo.assigned_to_id == by.pk or by.has_perm("vee.assign_todo")
        if todo.status not in OPEN_TODO_STATUSES or todo.assigned_to_id is None or not theirs:
            raise UnableToChangeToDo(_why_not(todo, by, claimed=False))
        return _hand_over(todo, to=None, by=by, action="RELEASE", at=at)


def assign(*, todo_id: int, to: Any, by: Any, at: dt.datetime) -> ToDo:
    """
    Give a To Do to a person.

    :raises ToDoNotPermitted: when the person may not assign To Dos.
    :raises UnableToChangeToDo: when it is complete, or `to` is nobody.
    """
    _need_right(by, "vee.assign_todo")
    if to is None:
        raise UnableToChangeToDo("Choose a person.")
    with transaction.atomic():
        todo = _lock(todo_id)
        if todo.status not in OPEN_TODO_STATUSES:
            raise UnableToChangeToDo(_why_not(todo, by))
        return _hand_over(todo, to=to, by=by, action="ASSIGN", at=at)


def change_many(
    *, change: Callable[..., ToDo], todo_ids: Sequence[int], by: Any, at: dt.datetime, **arguments: Any
) -> list[ChangeResult]:
    """Claim, release or assign several To Dos, each in its own transaction; a result per To Do, in order."""
    results = []
    for todo_id in todo_ids:
        try:
            change(todo_id=todo_id, by=by, at=at, **arguments)
        except UnableToChangeToDo as error:
            results.append(ChangeResult(todo_id, str(error)))
        else:
            results.append(ChangeResult(todo_id))
    return results


def people_to_assign_to() -> list[Any]:
    """Give the active people who may work on To Dos, by name."""
    people = get_user_model()._default_manager.with_perm(  # type: ignore[attr-defined]
        "vee.perform_vee", backend="django.contrib.auth.backends.ModelBackend", include_superusers=True
    )
    return list(people.filter(is_active=True, is_staff=True).order_by("username"))


def _hand_over(todo: ToDo, *, to: Any, by: Any, action: str, at: dt.datetime) -> ToDo:
    before = todo.assigned_to
    todo.assigned_to = to
    todo.status = ToDoStatus.OPEN if to is None else ToDoStatus.BEING_WORKED_ON
    todo.save(update_fields=["assigned_to", "status"])
    audit.note(
        component="vee.todo",
        record=todo.pk,
        name=todo.summary,
        action=action,
        at=at,
        by=by.get_username(),
        changes={"assigned_to": (before and before.get_username(), to and to.get_username())},
    )
    return todo


def _lock(todo_id: int) -> ToDo:
    found: ToDo | None = (
        ToDo.objects.select_for_update(of=("self",)).select_related("assigned_to").filter(pk=todo_id).first()
    )
    if found is None:
        raise UnableToChangeToDo(f"There is no To Do {todo_id}.")
    return found


def _need_right(by: Any, *rights: str) -> None:
    if not any(by.has_perm(right) for right in rights):
        raise ToDoNotPermitted("You have no right to do this with To Dos.")


def _why_not(todo: ToDo, by: Any, *, claimed: bool = True) -> str:
    if todo.status == ToDoStatus.COMPLETE:
        return "The To Do is already complete."
    if todo.assigned_to is None:
        return "Nobody has claimed the To Do."
    if claimed and todo.assigned_to_id == by.pk:
        return "The To Do is already yours."
    return f"The To Do is already claimed by {todo.assigned_to.get_username()}."
