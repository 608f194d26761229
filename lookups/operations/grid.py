"""Saving what a person edited in the admin's grid: some rows and the columns' declarations, as one new version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from lookups.columns import Column
from lookups.operations.saving import SaveResult, UnableToSaveLookup, save_lookup
from lookups.queries.listing import lookup_named
from lookups.queries.versions import state_at
from lookups.refusals import refusal, steps_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEdit:
    """A column as it shall be; `was` is the name that it had (None for a new one), so that its values go along."""

    was: str | None
    column: Column


def save_grid(
    *,
    name: str,
    columns: Sequence[ColumnEdit],
    changed: Mapping[int, Mapping[str, str]],
    added: Sequence[Mapping[str, str]],
    removed: Collection[int] = (),
    description: str,
    strict: bool,
    aliases: Sequence[str],
    expected_version: int,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> SaveResult:
    """
    Save edits of some rows; rows that are not named stay. Rows are keyed by the names that columns had.

    :param changed: values by position (from 1).
    :param removed: positions.
    :raises UnableToSaveLookup: with pointers `/rows/<position>/<column>` (position from 1, in the version that was
        edited), `/added/<index>/<column>`, `/columns/<index>`, where a column goes by the name that it had.
    """
    with transaction.atomic():
        lookup = lookup_named(name=name)
        before = state_at(lookup=lookup, number=lookup.version)
        renamed = {edit.was: edit.column.name for edit in columns if edit.was is not None}
        rows: list[dict[str, str]] = []
        places: list[tuple[str, int]] = []
        for position, values in enumerate(before.rows, start=1):
            if position in removed:
                continue
            rows.append(_renamed({**values, **changed.get(position, {})}, renamed))
            places.append(("rows", position))
        for index, new in enumerate(added):
            rows.append(_renamed(new, renamed))
            places.append(("added", index))
        try:
            return save_lookup(
                name=name,
                columns=[edit.column for edit in columns],
                rows=rows,
                description=description,
                strict=strict,
                aliases=aliases,
                expected_version=expected_version,
                by=by,
                note=note,
                at=at,
            )
        except UnableToSaveLookup as error:
            was = {new: old for old, new in renamed.items()}
            error.errors = [_placed(entry, places, was) for entry in error.errors]
            raise


def _renamed(values: Mapping[str, str], renamed: Mapping[str, str]) -> dict[str, str]:
    return {renamed[name]: value for name, value in values.items() if name in renamed}


def _placed(entry: Mapping[str, str], places: Sequence[tuple[str, int]], was: Mapping[str, str]) -> dict[str, str]:
    steps = steps_of(entry["pointer"])
    if len(steps) < 2 or steps[0] != "rows":
        return dict(entry)
    kind, number = places[int(steps[1])]
    return refusal(
        kind,
        number,
        *(was.get(step, step) for step in steps[2:]),
        code=entry["code"],
        message=entry["message"],
    )
