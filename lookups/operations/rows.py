"""Saving the rows of a lookup: all of them, or one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.db import transaction

from lookups.columns import Column
from lookups.operations.saving import SaveResult, save_lookup
from lookups.queries.listing import lookup_named
from lookups.queries.versions import state_at
from lookups.states import State


class UnknownRow(LookupError):
    """The lookup has no row at this position."""

    def __init__(self, name: str, position: int) -> None:
        super().__init__(f"The lookup {name} has no row {position}.")
        self.name = name
        self.position = position


def replace_rows(
    *,
    name: str,
    columns: Sequence[str | Column] | None = None,
    rows: Sequence[Mapping[str, object]],
    expected_version: int | None = None,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> SaveResult:
    """
    Replace all rows of a lookup as a new version; a name that is not known yet makes a new lookup.

    :raises UnableToSaveLookup: when the lookup would break a rule; see `save_lookup`.
    """
    return save_lookup(
        name=name, columns=columns, rows=rows, expected_version=expected_version, by=by, note=note, at=at
    )


def add_row(
    *,
    name: str,
    values: Mapping[str, object],
    expected_version: int | None = None,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> SaveResult:
    """
    Add a row at the end.

    :raises UnknownLookup: when there is no such lookup.
    :raises UnableToSaveLookup: when the lookup would break a rule.
    """
    with transaction.atomic():
        number, before = _read(name)
        return save_lookup(
            name=name,
            rows=[*before.rows, values],
            expected_version=number if expected_version is None else expected_version,
            by=by,
            note=note,
            at=at,
        )


def change_row(
    *,
    name: str,
    position: int,
    values: Mapping[str, object],
    expected_version: int | None = None,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> SaveResult:
    """
    Change the named columns of the row at a position (from 1).

    :raises UnknownLookup: when there is no such lookup.
    :raises UnknownRow: when it has no such row.
    :raises UnableToSaveLookup: when the lookup would break a rule.
    """
    with transaction.atomic():
        number, before = _read(name)
        rows: list[Mapping[str, object]] = list(before.rows)
        _require(before, position)
        rows[position - 1] = {**before.rows[position - 1], **values}
        return save_lookup(
            name=name,
            rows=rows,
            expected_version=number if expected_version is None else expected_version,
            by=by,
            note=note,
            at=at,
        )


def remove_row(
    *,
    name: str,
    position: int,
    expected_version: int | None = None,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> SaveResult:
    """
    Remove the row at a position (from 1).

    :raises UnknownLookup: when there is no such lookup.
    :raises UnknownRow: when it has no such row.
    """
    with transaction.atomic():
        number, before = _read(name)
        _require(before, position)
        return save_lookup(
            name=name,
            rows=[row for index, row in enumerate(before.rows, start=1) if index != position],
            expected_version=number if expected_version is None else expected_version,
            by=by,
            note=note,
            at=at,
        )


def _read(name: str) -> tuple[int, State]:
    lookup = lookup_named(name=name)
    return lookup.version, state_at(lookup=lookup, number=lookup.version)


def _require(before: State, position: int) -> None:
    if not 1 <= position <= len(before.rows):
        raise UnknownRow(before.name, position)
