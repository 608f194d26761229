"""Applying the section `lookups` of a configuration document (`api.md` 1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from foundation.configuration import CHANGED, CREATED, UNCHANGED, UnableToApplyConfiguration
from lookups.contents import NotText, Row, as_text
from lookups.differences import Difference
from lookups.kinds import KEY_AND_VALUE, Kind
from lookups.operations.configuration_whole import is_whole, read_whole
from lookups.operations.saving import SaveResult, UnableToSaveLookup, save_lookup
from lookups.properties import entry_named, name_of_property
from lookups.queries.listing import lookup_named
from lookups.queries.tables import UnknownLookup
from lookups.queries.versions import state_at
from lookups.refusals import refusal, steps_of
from lookups.states import State


NOTE = "Configuration document"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """What applying did, or would do, to one lookup."""

    name: str
    created: bool
    changed: bool
    version: int
    difference: Difference

    @property
    def outcome(self) -> str:
        """The word of `foundation.configuration`."""
        return CREATED if self.created else CHANGED if self.changed else UNCHANGED

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing that the document does not tell."""
        return ()


def apply_configuration(
    *,
    section: Mapping[str, Any],
    by: User | None,
    at: dt.datetime,
    note: str = NOTE,
    dry_run: bool = False,
) -> list[TableChange]:
    """
    Apply lookups by name: all of them, or none when one is refused.

    Property tables and tables of recipients take `name: value`, which is merged into the rows that are there (another
    name of a property counts as the property). Any lookup takes a list of rows by column name, which replaces its
    rows; one that is not known yet is made with the columns of its rows. Written out, with `rows` or `columns` as
    lists, a lookup takes everything that it has (`WHOLE_KEYS`).

    :param dry_run: give what would change, and store nothing.
    :returns: a change for each lookup named, in order; also for those that are already so.
    :raises UnableToSaveLookup: with pointers inside the section, such as `/OUTL-BRT-DACS_DRMS_Routing/rows/0/X`.
    """
    if not isinstance(section, Mapping):
        raise UnableToSaveLookup([refusal(code="invalid_type", message="The lookups are given as name: contents.")])
    changes: list[TableChange] = []
    errors: list[dict[str, str]] = []
    with transaction.atomic():
        for name, contents in section.items():
            if not isinstance(name, str):
                errors.append(
                    refusal(str(name), code="invalid_type", message=f"A lookup's name is a text, not {name!r}.")
                )
                continue
            try:
                result = _apply_table(name, contents, by=by, at=at, note=note, dry_run=dry_run)
            except UnableToSaveLookup as error:
                errors += [
                    refusal(name, *_inside(entry["pointer"], contents), code=entry["code"], message=entry["message"])
                    for entry in error.errors
                ]
            else:
                changes.append(
                    TableChange(
                        name=result.name,
                        created=result.created,
                        changed=result.changed,
                        version=result.version,
                        difference=result.difference,
                    )
                )
        if errors:
            raise UnableToSaveLookup(errors)
    return changes


def _inside(pointer: str, contents: object) -> list[str]:
    # A document gives the rows directly under the lookup's name, unless the lookup is written out.
    steps = steps_of(pointer)
    written_out = isinstance(contents, Mapping) and is_whole(contents)
    return steps[1:] if steps[:1] == ["rows"] and not written_out else steps


def _apply_table(
    name: str, contents: object, *, by: User | None, at: dt.datetime, note: str, dry_run: bool
) -> SaveResult:
    state = _state_of(name)
    if isinstance(contents, Mapping) and is_whole(contents):
        given = read_whole(contents)
        return save_lookup(name=name, **given, by=by, note=note, at=at, dry_run=dry_run)
    if isinstance(contents, Mapping):
        if state is None or state.kind not in KEY_AND_VALUE:
            raise UnableToSaveLookup(
                [
                    refusal(
                        code="invalid_type",
                        message=f"{name} takes a list of rows by column name; only property tables and tables of "
                        "recipients that exist take name: value.",
                    )
                ]
            )
        rows: Sequence[Mapping[str, object]] = merged(state, contents)
    elif isinstance(contents, list):
        rows = contents
    else:
        raise UnableToSaveLookup(
            [refusal(code="invalid_type", message=f"{name} takes a list of rows, or name: value for properties.")]
        )
    columns = _columns_for(state, rows)
    return save_lookup(name=name, columns=columns, rows=rows, by=by, note=note, at=at, dry_run=dry_run)


def apply_section(*, section: Any, by: Any, at: dt.datetime) -> list[TableChange]:
    """
    Apply lookups as a section of the configuration document.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    try:
        return apply_configuration(section=section, by=by, at=at)
    except UnableToSaveLookup as error:
        raise UnableToApplyConfiguration(error.errors) from None


def _state_of(name: str) -> State | None:
    try:
        lookup = lookup_named(name=name)
    except UnknownLookup:
        return None
    return state_at(lookup=lookup, number=lookup.version)


def _columns_for(state: State | None, rows: Sequence[Mapping[str, object]]) -> list[str] | None:
    if state is not None:
        return None
    names: dict[str, None] = {}
    for row in rows:
        if isinstance(row, Mapping):
            names.update(dict.fromkeys(row))
    return list(names)


def merged(state: State, given: Mapping[Any, Any]) -> list[Row]:
    """
    Give a property table's rows with the named values in them.

    A name that is another name of a property sets the property's own row; when only a row under another name
    exists, that row takes the canonical name.

    :raises UnableToSaveLookup: for names that are no text and values that are no scalar.
    """
    key, value = KEY_AND_VALUE[Kind(state.kind)]
    rows = [dict(row) for row in state.rows]
    errors: list[dict[str, str]] = []
    for name, raw in given.items():
        if not isinstance(name, str) or not name.strip():
            errors.append(
                refusal(str(name), code="invalid_type", message=f"A property's name is a text, not {name!r}.")
            )
            continue
        try:
            text = as_text(raw)
        except NotText as error:
            errors.append(refusal(name, code="invalid_type", message=f"The value of {name} is not kept: {error}."))
            continue
        _set(rows, state, name, key, value, text)
    if errors:
        raise UnableToSaveLookup(errors)
    return rows


def _set(rows: list[Row], state: State, name: str, key: str, value: str, text: str) -> None:
    known = entry_named(name, table=state.name)
    names = [name_of_property(spelling) for spelling in (known.names if known else (name,))]
    by_name = {name_of_property(row[key]): row for row in reversed(rows)}
    row = next((by_name[spelling] for spelling in names if spelling in by_name), None)
    if row is None:
        row = {column.name: "" for column in state.columns}
        row[key] = known.name if known else name
        if known and "description" in row:
            row["description"] = known.help
        rows.append(row)
    elif known:
        row[key] = known.name
    row[value] = text
