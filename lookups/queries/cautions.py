"""What is allowed in a lookup but deserves a look: aliases, values that cannot be read, unknown names (C-03)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lookups.contents import Row
from lookups.kinds import KEY_AND_VALUE, Kind
from lookups.models import Lookup
from lookups.properties import Property, entry_named, name_of_property
from lookups.property_types import NotOfItsType, read_value
from lookups.queries import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupWarning:
    """
    One warning: `code` is ALIAS_ROW, CANONICAL_WINS, UNREADABLE_VALUE or UNKNOWN_NAME.

    `row` counts from 1.
    """

    table: str
    row: int
    code: str
    message: str


def warnings(*, table: str | None = None) -> list[LookupWarning]:
    """
    Give the warnings of one lookup, or of all.

    :raises UnknownLookup: when there is no such lookup.
    """
    names = (
        [table]
        if table is not None
        else list(Lookup.objects.filter(kind__in=[kind.value for kind in KEY_AND_VALUE]).values_list("name", flat=True))
    )
    found: list[LookupWarning] = []
    for name in names:
        current = tables.table(name=name)
        found += warnings_of(table=current.name, kind=current.kind, rows=current.rows)
    return found


def warnings_of(*, table: str, kind: Kind, rows: Sequence[Row]) -> list[LookupWarning]:
    """Give the warnings of rows that are, or would be, those of a lookup."""
    if kind not in KEY_AND_VALUE:
        return []
    key, value = KEY_AND_VALUE[kind]
    present = {name_of_property(row.get(key, "")) for row in rows}
    found: list[LookupWarning] = []
    for position, row in enumerate(rows, start=1):
        name = row.get(key, "")
        known = entry_named(name, table=table)
        if known is None:
            found.append(
                LookupWarning(
                    table=table,
                    row=position,
                    code="UNKNOWN_NAME",
                    message=f"{name} is not a name that the product reads; it is kept as it is.",
                )
            )
            continue
        if name_of_property(name) != name_of_property(known.name):
            found.append(_alias_warning(table, position, name, known.name, present))
        if isinstance(known, Property):
            try:
                read_value(row.get(value, ""), known.type, unit=known.unit)
            except NotOfItsType as error:
                found.append(
                    LookupWarning(
                        table=table,
                        row=position,
                        code="UNREADABLE_VALUE",
                        message=f"{name} is {row.get(value, '')!r}: {error}.",
                    )
                )
    return found


def _alias_warning(table: str, position: int, name: str, canonical: str, present: set[str]) -> LookupWarning:
    if name_of_property(canonical) in present:
        return LookupWarning(
            table=table,
            row=position,
            code="CANONICAL_WINS",
            message=f"{name} is another name of {canonical}, which has a row of its own: that row counts, "
            "this one does not.",
        )
    return LookupWarning(
        table=table,
        row=position,
        code="ALIAS_ROW",
        message=f"{name} is another name of {canonical}: it works, but the name to use is {canonical}.",
    )
