"""The lookups that the product ships with (`integration.md` 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from lookups.columns import Column
from lookups.contents import Row
from lookups.folding import Folding
from lookups.kinds import KEY_AND_VALUE, Kind
from lookups.names import PROPERTY_DESCRIPTION
from lookups.operations.saving import save_lookup
from lookups.properties import entries_of, name_of_property
from lookups.queries.listing import lookup_named
from lookups.queries.tables import UnknownLookup
from lookups.queries.versions import state_at


FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
NOTE = "Shipped with the product"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledDefaults:
    """What was missing and was added: names of lookups, and (lookup, row) of property tables."""

    lookups: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def shipped_tables() -> list[dict[str, Any]]:
    """Give the shipped lookups as their files hold them, in the order of the file names."""
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FIXTURES.glob("*.yaml"))]


def install_defaults(*, at: dt.datetime) -> InstalledDefaults:
    """
    Add the shipped lookups that are missing, and to property tables the shipped names that are missing.

    What a site has is never changed: neither its rows nor its lookups, and a property that stands under another of
    its names is there. Safe to run at every start.
    """
    added: list[str] = []
    rows: list[tuple[str, str]] = []
    with transaction.atomic():
        for shipped in shipped_tables():
            try:
                lookup = lookup_named(name=shipped["name"])
            except UnknownLookup:
                _create(shipped, at=at)
                added.append(shipped["name"])
                continue
            current = state_at(lookup=lookup, number=lookup.version)
            if current.kind not in KEY_AND_VALUE:
                continue
            missing = _missing_rows(
                lookup.name, current.kind, [column.name for column in current.columns], current.rows
            )
            if missing:
                save_lookup(name=lookup.name, rows=[*current.rows, *missing], by=None, note=NOTE, at=at)
                key = KEY_AND_VALUE[current.kind][0]
                rows += [(lookup.name, row[key]) for row in missing]
    return InstalledDefaults(lookups=tuple(added), rows=tuple(rows))


def _create(shipped: Mapping[str, Any], *, at: dt.datetime) -> None:
    kind = Kind(shipped["kind"])
    columns = [
        Column(
            name=column["name"],
            folding=Folding(column.get("folding", Folding.EXACT)),
            unique=column.get("unique", False),
            aliases=tuple(column.get("aliases", ())),
        )
        for column in shipped["columns"]
    ]
    names = [column.name for column in columns]
    if kind in KEY_AND_VALUE:
        rows: list[Row] = _missing_rows(shipped["name"], kind, names, ())
    else:
        rows = [dict(zip(names, row, strict=True)) for row in shipped["rows"]]
    save_lookup(
        name=shipped["name"],
        kind=kind,
        description=shipped["description"],
        strict=shipped.get("strict", False),
        aliases=shipped.get("aliases", []),
        columns=columns,
        rows=rows,
        shipped=True,
        by=None,
        note=NOTE,
        at=at,
    )


def _missing_rows(name: str, kind: Kind, columns: list[str], present: tuple[Row, ...]) -> list[Row]:
    key, value = KEY_AND_VALUE[kind]
    there = {name_of_property(row[key]) for row in present}
    missing: list[Row] = []
    for entry in entries_of(name):
        if any(name_of_property(spelling) in there for spelling in entry.names):
            continue
        row = dict.fromkeys(columns, "")
        row[key] = entry.name
        row[value] = entry.default
        if PROPERTY_DESCRIPTION in row:
            row[PROPERTY_DESCRIPTION] = entry.help
        missing.append(row)
    return missing
