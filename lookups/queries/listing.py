"""Finding lookups, and giving them as a configuration document holds them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from lookups.kinds import KEY_AND_VALUE, Kind
from lookups.models import Lookup
from lookups.names import name_key
from lookups.queries import tables


def lookup_named(*, name: str) -> Lookup:
    """
    Give the lookup of this name or alias, without regard to case.

    :raises UnknownLookup: when there is none.
    """
    key = name_key(name)
    lookup = Lookup.objects.filter(Q(key=key) | Q(aliases__key=key)).order_by("pk").first()
    if lookup is None:
        raise tables.UnknownLookup(name)
    return lookup


def lookup_list(*, search: str = "") -> QuerySet[Lookup]:
    """Give all lookups by name with `row_count`, or those whose name, alias or description holds the text."""
    found = Lookup.objects.annotate(row_count=Count("rows", distinct=True)).prefetch_related("aliases")
    if search:
        found = found.filter(
            Q(name__icontains=search) | Q(description__icontains=search) | Q(aliases__name__icontains=search)
        ).distinct()
    return found.order_by("key")


def configuration_section() -> dict[str, Any]:
    """Give all lookups in the form of a configuration document's section `lookups` (`api.md` 1)."""
    section: dict[str, Any] = {}
    for name in Lookup.objects.order_by("key").values_list("name", flat=True):
        table = tables.table(name=name)
        if table.kind in KEY_AND_VALUE:
            key, value = KEY_AND_VALUE[Kind(table.kind)]
            section[table.name] = {row[key]: row[value] for row in table.rows}
        else:
            section[table.name] = [
                {column.name: row.get(column.name, "") for column in table.columns} for row in table.rows
            ]
    return section
