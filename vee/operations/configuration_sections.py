"""What applying any section of a configuration document takes: entries read, refusals collected, all or nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction

from foundation.configuration import UnableToApplyConfiguration
from foundation.configuration_entries import read_entries, read_named_entries, refuse, repeated
from vee.models import VeeExceptionType


__all__ = [
    "Applied",
    "UnableToApplyConfiguration",
    "all_or_nothing",
    "delete",
    "exception_type",
    "plain",
    "put",
    "read_entries",
    "read_named_entries",
    "refuse",
    "repeated",
    "save",
    "what_happened",
]


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What became of one entry: `what` is CREATED, CHANGED or UNCHANGED; `notes` name what does not work yet."""

    section: str
    name: str
    what: str
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The word of `foundation.configuration`."""
        return self.what.lower()

    def __str__(self) -> str:
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        return f"{self.section} {self.name}: {self.what.lower()}{notes}"


def all_or_nothing(save: Callable[[], list[Applied]], *, dry_run: bool) -> list[Applied]:
    """Save in one transaction, which is rolled back for a dry run."""
    with transaction.atomic():
        applied = save()
        transaction.set_rollback(dry_run)
    return applied


def plain(value: Any) -> Any:
    """Give a parameter as JSON stores it without losing a digit."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else _float_or_text(value)
    return value


def _float_or_text(value: Decimal) -> float | str:
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def what_happened(*, created: bool, changed: bool) -> str:
    """Give the word for what became of an entry."""
    return "CREATED" if created else "CHANGED" if changed else "UNCHANGED"


def save(row: Any, *, by: Any, at: dt.datetime) -> None:
    """Save a row, naming in its history who changed it and when."""
    row._history_user = by
    row._history_date = at
    row.save()


def delete(row: Any, *, by: Any, at: dt.datetime) -> None:
    """Delete a row, naming in its history who did it and when."""
    row._history_user = by
    row._history_date = at
    row.delete()


def put(row: Any, values: Mapping[str, Any], *, by: Any, at: dt.datetime) -> bool:
    """Set values on a row and save it when it is new or one of them differs; tell whether it was saved."""
    if row.pk is not None and not row._state.adding and all(getattr(row, key) == values[key] for key in values):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    save(row, by=by, at=at)
    return True


def exception_type(code: str | None, *, at: dt.datetime) -> VeeExceptionType | None:
    """Give the exception type of a code, creating it when missing; None without a code."""
    if not code:
        return None
    found = VeeExceptionType.objects.filter(pk=code).first()
    if found is None:
        found = VeeExceptionType(code=code)
        save(found, by=None, at=at)
    return found
