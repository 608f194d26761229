"""To Do types, exception types and retry policies as a document sets them (`docs/reference/configuration.md`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.contrib.auth.models import Group

from vee.codes import ImdKind
from vee.models import ToDoType, VeeExceptionType, VeeRetryPolicy
from vee.operations.configuration_entries import MAX_CODE, ExceptionTypeEntry, RetryPolicyEntry, ToDoTypeEntry
from vee.operations.configuration_sections import (
    Applied,
    all_or_nothing,
    put,
    read_named_entries,
    refuse,
    what_happened,
)
from vee.operations.todos import create_todo_types


def apply_todo_types(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply To Do types by code; the roles that they name have to exist.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/METER-SHOP/role`.
    """
    del by, at  # To Do types keep no history; the sections share one signature
    entries = read_named_entries(section, ToDoTypeEntry)
    _check_codes(entries)
    return all_or_nothing(lambda: _save_todo_types(entries), dry_run=dry_run)


def apply_exception_types(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply exception types by code; To Do types that they name are created when missing, roles have to exist.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/SPIKE/todo_role`.
    """
    entries = read_named_entries(section, ExceptionTypeEntry)
    _check_codes(entries)
    return all_or_nothing(lambda: _save_types(entries, by=by, at=at), dry_run=dry_run)


def apply_retry_policies(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply the criteria of automatic retry by kind of IMD.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/INITIAL_LOAD/max_attempts`.
    """
    entries = read_named_entries(section, RetryPolicyEntry)
    for kind in entries:
        if kind not in set(ImdKind):
            message = f"The kinds of IMD are {', '.join(ImdKind)}."
            refuse([{"pointer": f"/{kind}", "code": "unknown", "message": message}])
    return all_or_nothing(lambda: _save_policies(entries, by=by, at=at), dry_run=dry_run)


def _check_codes(codes: Iterable[str]) -> None:
    for code in codes:
        if not 0 < len(code) <= MAX_CODE:
            refuse([{"pointer": f"/{code}", "code": "invalid", "message": f"A code has 1 to {MAX_CODE} characters."}])


def _save_todo_types(entries: Mapping[str, ToDoTypeEntry]) -> list[Applied]:
    applied = []
    for code, entry in entries.items():
        given = _given(entry, ("description",))
        if entry.role is not msgspec.UNSET:
            given["role"] = _role(entry.role, f"/{code}/role")
        found = ToDoType.objects.select_related("role").filter(pk=code).first()
        changed = found is None or any(getattr(found, name) != value for name, value in given.items())
        if changed:
            ToDoType.objects.update_or_create(code=code, defaults=given)
        applied.append(Applied("todo_types", code, what_happened(created=found is None, changed=changed)))
    return applied


def _given(entry: msgspec.Struct, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(entry, name)) is not msgspec.UNSET}


def _save_types(entries: Mapping[str, ExceptionTypeEntry], *, by: Any, at: dt.datetime) -> list[Applied]:
    applied = []
    for code, entry in entries.items():
        given = _given(entry, ("description", "create_todo", "retry_when_related_completes"))
        if entry.todo_type is not msgspec.UNSET:
            create_todo_types([entry.todo_type] if entry.todo_type else [])
            given["todo_type"] = ToDoType.objects.get(pk=entry.todo_type) if entry.todo_type else None
        if entry.todo_role is not msgspec.UNSET:
            given["todo_role"] = _role(entry.todo_role, f"/{code}/todo_role")
        found = VeeExceptionType.objects.filter(pk=code).first()
        changed = put(found or VeeExceptionType(code=code), given, by=by, at=at)
        applied.append(Applied("exception_types", code, what_happened(created=found is None, changed=changed)))
    return applied


def _role(name: str | None, pointer: str) -> Group | None:
    role = Group.objects.filter(name=name).first() if name else None
    if name and role is None:
        refuse([{"pointer": pointer, "code": "unknown_role", "message": f"There is no role {name}."}])
    return role


def _save_policies(entries: Mapping[str, RetryPolicyEntry], *, by: Any, at: dt.datetime) -> list[Applied]:
    applied = []
    names = ("enabled", "retryable_exception_types", "frequency_hours", "max_attempts", "max_age_days")
    for kind, entry in entries.items():
        found = VeeRetryPolicy.objects.filter(pk=kind).first()
        changed = put(found or VeeRetryPolicy(kind=kind), _given(entry, names), by=by, at=at)
        applied.append(Applied("retry_policies", kind, what_happened(created=found is None, changed=changed)))
    return applied
