"""What keeping any kind of master data takes: rows read once, lines applied to them, changes saved in bulk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar, cast

from django.db import models as db
from msgspec import UNSET
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from foundation.kept_texts import kept
from foundation.times import parse_instant
from vee import codes, models
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.events import SYSTEM, MasterData, announce_master_data
from vee.operations import master_data_records as records
from vee.readers.base import RowRefused
from vee.readers.numbers import read_number


PART = 500
_GROUP_FIELDS: dict[codes.Role, str] = {
    codes.Role.INITIAL_LOAD: "initial_load_group",
    codes.Role.MANUAL_OVERRIDE: "manual_override_group",
    codes.Role.ESTIMATION: "estimation_group",
}


class LineRefused(ValueError):
    """A line cannot be applied; `errors` are entries of a problem document."""

    def __init__(self, pointer: str, code: str, message: str) -> None:
        super().__init__(message)
        self.errors = [{"pointer": pointer, "code": code, "message": message}]


class Keeper:
    """
    Applies the lines of one kind to rows read once, and saves what changed at the end.

    Two lines of one identifier are applied in order.
    """

    model: ClassVar[type[db.Model]]
    history: ClassVar[bool] = True
    # Of what `master_data_changed` tells when this kind changes, and by which key; None: of nothing.
    told_as: ClassVar[MasterData | None] = None
    told_key: ClassVar[str] = "pk"

    def __init__(self, lines: Sequence[records.Line], at: dt.datetime) -> None:
        self.at = at
        self.rows: dict[Any, Any] = {}
        self.created: list[Any] = []
        self.changed: dict[int, Any] = {}
        self.fields: set[str] = set()
        self.load(lines)

    def load(self, lines: Sequence[records.Line]) -> None:
        """Read the rows that the lines name and those that they refer to."""
        self.rows = by_identifier(self.model, (self.key(line) for line in lines))

    def key(self, line: Any) -> Any:
        """Give what a line's record is known by."""
        return line.id

    def apply(self, line: records.Line) -> tuple[bool, bool]:
        """
        Apply one line and tell whether it created its record, and whether it changed it.

        :raises LineRefused: when it cannot be applied; nothing of it is kept.
        """
        key = self.key(line)
        row: Any = self.rows.get(key)
        created = row is None
        if created:
            for name in line.NEEDED:
                if getattr(line, name) is UNSET:
                    raise LineRefused(f"/{name}", "required", f"{name} is required for a new record")
            row = self.new(line)
        given = columns(self.model, self.values(line, row))
        values = {name: value for name, value in given.items() if getattr(row, name) != value}
        self.check(row, {**{name: getattr(row, name) for name in self.guarded}, **values}, created=created)
        for name, value in values.items():
            setattr(row, name, value)
        if created:
            self.rows[key] = row
            self.created.append(row)
        elif values and row.pk is not None:
            self.changed[row.pk] = row
        self.fields.update(name.removesuffix("_id") for name in values)
        return created, bool(values)

    # The fields that `check` judges.
    guarded: ClassVar[tuple[str, ...]] = ()

    def ordered(self, lines: Sequence[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
        """Give numbered lines in the order in which they are to be applied."""
        yield from lines

    def new(self, line: Any) -> Any:
        """Make a record with defaults."""
        return self.model(identifier=line.id)

    def values(self, line: Any, row: Any) -> dict[str, Any]:
        """Give the fields that a line sets."""
        raise NotImplementedError

    def check(self, row: Any, after: dict[str, Any], *, created: bool) -> None:
        """Refuse what the record may not become; `after` has the guarded fields as they would be."""

    def save(self, *, by: str = SYSTEM) -> None:
        """Write what was created and changed, and tell of it."""
        self._write()
        if self.told_as is not None:
            # On a new thing nothing hangs yet; a new row about an older thing changes that.
            rows = [*(self.created if self.told_key != "pk" else ()), *self.changed.values()]
            keys = sorted({getattr(row, self.told_key) for row in rows})
            announce_master_data(kind=self.told_as, keys=keys, fields=sorted(self.fields), by=by, at=self.at)

    def _write(self) -> None:
        fields = [field.name for field in self.model._meta.concrete_fields if not field.primary_key]
        changed = list(self.changed.values())
        if self.history:
            if self.created:
                bulk_create_with_history(self.created, self.model, batch_size=PART, default_date=self.at)
            if changed:
                bulk_update_with_history(changed, self.model, fields, batch_size=PART, default_date=self.at)
            return
        manager = self.model._default_manager
        manager.bulk_create(self.created, batch_size=PART)
        if changed:
            manager.bulk_update(changed, fields, batch_size=PART)


def by_identifier(model: type[db.Model], identifiers: Iterable[str], field: str = "identifier") -> dict[str, Any]:
    """Read rows by their business identifiers, in parts."""
    wanted = sorted(set(identifiers))
    found: dict[str, Any] = {}
    for begin in range(0, len(wanted), PART):
        rows = model._default_manager.filter(**{f"{field}__in": wanted[begin : begin + PART]})
        found.update((getattr(row, field), row) for row in rows)
    return found


def named(lines: Sequence[Any], name: str) -> list[str]:
    """Give the identifiers that lines name in a field."""
    return [value for line in lines if isinstance(value := getattr(line, name), str)]


def groups(lines: Sequence[Any]) -> dict[str, models.VeeGroup]:
    """Read the VEE groups that lines name."""
    wanted = {code for line in lines if line.vee_groups is not UNSET for code in line.vee_groups.values() if code}
    return by_identifier(models.VeeGroup, wanted, "code")


def group_fields(given: Any, known: dict[str, models.VeeGroup]) -> dict[str, Any]:
    """
    Give the group columns that a line sets.

    :raises LineRefused: when there is no such group.
    """
    if given is UNSET:
        return {}
    found: dict[str, Any] = {}
    for role, code in cast("dict[codes.Role, str | None]", given).items():
        if code is not None and code not in known:
            raise LineRefused(f"/vee_groups/{role.value}", "unknown_reference", f"there is no VEE group {code!a}")
        found[_GROUP_FIELDS[role]] = known[code] if code is not None else None
    return found


def refer(found: dict[str, Any], name: str, given: Any, known: dict[str, Any], what: str) -> None:
    """
    Put the row that a line refers to among the found values; nothing when the line leaves it out.

    :raises LineRefused: when there is no such row.
    """
    if given is UNSET:
        return
    if given is None:
        found[name] = None
        return
    if given not in known:
        raise unknown(name, what, given)
    found[name] = known[given]


def unknown(name: str, what: str, identifier: str) -> LineRefused:
    """Give the refusal of a reference to what does not exist."""
    return LineRefused(f"/{name}", "unknown_reference", kept(f"there is no {what} {identifier!a}"))


def columns(model: type[db.Model], values: dict[str, Any]) -> dict[str, Any]:
    """Give values by column, references as keys, so that comparing them reads no other row."""
    found = {}
    for name, value in values.items():
        relates = model._meta.get_field(name).is_relation
        found[f"{name}_id" if relates else name] = value.pk if isinstance(value, db.Model) else value
    return found


def characteristics(given: dict[str, Any]) -> dict[str, str]:
    """
    Give characteristics as they are stored: texts by name.

    :raises LineRefused: when a name is empty or too long, or a value is neither a text nor a number.
    """
    found = {}
    for name, value in given.items():
        pointer = f"/characteristics/{name}"
        if not 0 < len(name) <= records.MAX_CHARACTERISTIC_NAME:
            message = f"a name has 1 to {records.MAX_CHARACTERISTIC_NAME} characters"
            raise LineRefused("/characteristics", "invalid", message)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise LineRefused(pointer, "invalid", "a text or a number is expected")
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        if len(text) > records.MAX_CHARACTERISTIC_VALUE:
            message = f"a value has at most {records.MAX_CHARACTERISTIC_VALUE} characters"
            raise LineRefused(pointer, "too_long", message)
        found[name] = text
    return found


def quantity(value: Any, pointer: str) -> Decimal:
    """
    Read a JSON number or decimal string exactly, with at most six decimal places.

    :raises LineRefused: when it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise LineRefused(pointer, "not_a_number", "a number or a decimal string is expected")
    try:
        number = read_number(value) if isinstance(value, str) else Decimal(value)
        to_fixed(number, 6)
    except RowRefused as refused:
        raise LineRefused(pointer, refused.code, refused.message) from None
    except UnableToKeepExactly as error:
        raise LineRefused(pointer, "not_exact", str(error)) from None
    return number


def multiplier(value: Any) -> Decimal:
    """
    Read a multiplier exactly.

    :raises LineRefused: when it is none, or out of range.
    """
    number = quantity(value, "/multiplier")
    if not 0 < number < records.MAX_MULTIPLIER:
        raise LineRefused("/multiplier", "out_of_range", f"a multiplier lies between 0 and {records.MAX_MULTIPLIER}")
    return number


def instant(text: str, pointer: str) -> dt.datetime:
    """
    Read an instant with offset, from 1971 to 2200.

    :raises LineRefused: when it is none.
    """
    try:
        instant = parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise LineRefused(pointer, "invalid_time", str(error)) from None
    if not 1971 <= instant.year <= 2200:
        raise LineRefused(pointer, "invalid_time", f"{text!r} is not from 1971 to 2200")
    return instant
