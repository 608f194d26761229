"""Records of the DACS side as a configuration document names them: any kind of them, by key, field by field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models as db
from django.db import transaction

from outbound.operations.configuration import Change, UnableToApplyConfiguration


Errors = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    How records of a model stand in a document: by the value of `key`, with these fields, others named by theirs.

    `check` gives what speaks against a record by field, beyond what its model says.
    """

    section: str
    model: type[db.Model]
    what: str
    key: str
    fields: tuple[str, ...]
    refers: Mapping[str, tuple[type[db.Model], str]] = field(default_factory=dict)
    check: Callable[[Any], Mapping[str, str]] = lambda row: {}


def apply_kind(
    kind: Kind,
    section: Any,
    *,
    by: Any,
    at: dt.datetime,
    dry_run: bool,
    more: Mapping[str, Callable[[Any, Mapping[str, Any], Errors], list[str]]] | None = None,
) -> list[Change]:
    """
    Create and change records of a kind; `more` takes further keys of an entry, once its row is saved.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    if not isinstance(section, Mapping):
        message = f"{kind.section} is a mapping of names to values."
        raise UnableToApplyConfiguration([error("", "invalid", message)])
    changes: list[Change] = []
    errors: Errors = []
    with transaction.atomic():
        for name, values in section.items():
            found: Errors = []
            change = _apply_one(kind, str(name), values, found, by=by, at=at, more=more or {})
            errors += [{**each, "pointer": f"/{name}{each['pointer']}"} for each in found]
            if change is not None:
                changes.append(change)
        if errors:
            raise UnableToApplyConfiguration(errors)
        transaction.set_rollback(dry_run)
    return changes


def _apply_one(
    kind: Kind, name: str, values: Any, errors: Errors, *, by: Any, at: dt.datetime, more: Mapping[str, Any]
) -> Change | None:
    if not isinstance(values, Mapping):
        errors.append(error("", "invalid", f"A {kind.what} is a mapping of fields to values."))
        return None
    row = kind.model._default_manager.filter(**{kind.key: name}).first()
    existed, row = row is not None, row or kind.model(**{kind.key: name})
    changed = take(kind.model, kind.fields, kind.refers, row, values, errors, also=tuple(more))
    errors += [error(f"/{field}", "invalid", text) for field, text in kind.check(row).items()]
    if not errors and (changed or not existed):
        save(row, errors, by=by, at=at)
    if not errors:
        changed += [part for each, take in more.items() if each in values for part in take(row, values, errors)]
    outcome = "created" if not existed else "changed" if changed else "unchanged"
    return Change(kind=kind.what, name=name, outcome=outcome, fields=tuple(changed))


def take(
    model: type[db.Model],
    fields: tuple[str, ...],
    refers: Mapping[str, tuple[type[db.Model], str]],
    row: Any,
    values: Mapping[str, Any],
    errors: Errors,
    *,
    also: tuple[str, ...] = (),
) -> list[str]:
    """Put given values on a row; give the names of those that differ, and add to `errors` what is wrong."""
    changed = []
    for name, value in values.items():
        if name in also:
            continue
        if name not in fields:
            known = ", ".join((*fields, *also))
            errors.append(error(f"/{name}", "unknown", f"unknown; known are {known}"))
            continue
        try:
            read = _referred(refers[name], value) if name in refers else _read(model._meta.get_field(name), value, row)
        except ValidationError as wrong:
            errors.append(error(f"/{name}", "invalid", " ".join(wrong.messages)))
            continue
        if getattr(row, name) != read if name not in refers else getattr(row, f"{name}_id") != (read and read.pk):
            setattr(row, name, read)
            changed.append(name)
    return changed


def _read(column: Any, value: Any, row: Any) -> Any:
    if isinstance(column, db.BooleanField) and not isinstance(value, bool):
        raise ValidationError("true or false is expected.")
    if isinstance(column, db.CharField) and not isinstance(value, str):
        raise ValidationError("A text is expected.")
    if isinstance(value, bool | float) and isinstance(column, db.DecimalField | db.IntegerField):
        value = str(value) if isinstance(value, float) else "true"
    return column.clean(value, row)


def _referred(place: tuple[type[db.Model], str], value: Any) -> Any:
    if value is None:
        return None
    model, key = place
    found = model._default_manager.filter(**{key: str(value)}).first()
    if found is None:
        raise ValidationError(f"There is no {model._meta.verbose_name} {str(value)[:60]}.")
    return found


def save(row: Any, errors: Errors, *, by: Any, at: dt.datetime) -> None:
    """Save a row under history when nothing speaks against it; otherwise add that to `errors`."""
    try:
        row.full_clean()
    except ValidationError as wrong:
        for name, messages in wrong.message_dict.items():
            pointer = "" if name == "__all__" else f"/{name}"
            errors.append(error(pointer, "invalid", " ".join(messages)))
        return
    row._history_user = by
    row._history_date = at
    row.save()


def document_of(kind: Kind) -> dict[str, dict[str, Any]]:
    """Give all records of a kind as a document names them, with all of their fields, in the order of their keys."""
    rows = sorted(kind.model._default_manager.select_related(*kind.refers), key=lambda row: getattr(row, kind.key))
    return {str(getattr(row, kind.key)): {name: _told(kind, row, name) for name in kind.fields} for row in rows}


def _told(kind: Kind, row: Any, name: str) -> Any:
    value = getattr(row, name)
    if name in kind.refers:
        return None if value is None else getattr(value, kind.refers[name][1])
    if isinstance(value, Decimal):
        plain = value.normalize()
        return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain
    return value


def error(pointer: str, code: str, message: str) -> dict[str, str]:
    """Give one thing that is wrong."""
    return {"pointer": pointer, "code": code, "message": message}
