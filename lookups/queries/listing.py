"""Finding lookups, and giving them as a configuration document holds them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from lookups.columns import read_columns
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
    """Give all lookups, written out, in the form of a configuration document's section `lookups`."""
    found = Lookup.objects.prefetch_related("aliases", "rows")
    return {lookup.name: _written_out(lookup) for lookup in sorted(found, key=lambda lookup: lookup.key)}


def _written_out(lookup: Lookup) -> dict[str, Any]:
    columns = read_columns(lookup.columns)
    return {
        "kind": lookup.kind,
        "description": lookup.description,
        "strict": lookup.strict,
        "aliases": [alias.name for alias in lookup.aliases.all()],
        "columns": [column.as_json() for column in columns],
        "rows": [{column.name: row.values.get(column.name, "") for column in columns} for row in lookup.rows.all()],
    }
