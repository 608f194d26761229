"""Shapes of the lookups' addresses: what comes in (msgspec) and what goes out (serializers, for the schema too)."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework import serializers

from lookups.differences import Difference
from lookups.kinds import Kind
from lookups.models import Lookup, LookupVersion
from lookups.queries import Found, Table


class LookupBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """
    Body of PUT: `rows` replace the rows; `columns` may be left out, then they stay.

    What GET answers may be sent back as it is: then `version` says which version was edited, and a lookup that was
    changed meanwhile is refused with 409.
    """

    rows: list[dict[str, Any]]
    columns: list[str] | None = None
    name: str | None = None
    aliases: list[str] | None = None
    version: int | None = None
    note: str = ""


class LookupInSerializer(serializers.Serializer[Any]):
    """The schema of `LookupBody`."""

    columns = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Column names in order; left out, they stay."
    )
    rows = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField(allow_blank=True, allow_null=True)),
        help_text="All rows in order, by column name. Numbers and booleans are kept as text.",
    )
    name = serializers.CharField(required=False, help_text="When given: a name of the lookup that is addressed.")
    aliases = serializers.ListField(child=serializers.CharField(), required=False)
    version = serializers.IntegerField(
        required=False, help_text="The version that was edited; 409 when the lookup is at another one by now."
    )
    note = serializers.CharField(required=False, allow_blank=True, help_text="Why; kept with the version.")


class LookupOutSerializer(serializers.Serializer[Any]):
    """A lookup in full."""

    name = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.DictField(child=serializers.CharField(allow_blank=True)))
    version = serializers.IntegerField()


class LookupSummarySerializer(serializers.Serializer[Any]):
    """A lookup in a list."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    description = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    columns = serializers.ListField(child=serializers.CharField())
    row_count = serializers.IntegerField()
    strict = serializers.BooleanField()
    version = serializers.IntegerField()
    changed_at = serializers.DateTimeField()
    changed_by = serializers.CharField()


class TranslationSerializer(serializers.Serializer[Any]):
    """What a lookup says about a value."""

    result = serializers.CharField(allow_null=True, allow_blank=True)
    found = serializers.ChoiceField(choices=[found.value for found in Found])
    version = serializers.IntegerField()


class LookupVersionSerializer(serializers.Serializer[Any]):
    """One version and what it changed."""

    version = serializers.IntegerField()
    at = serializers.DateTimeField()
    by = serializers.CharField(help_text="Account; empty for the product itself.")
    note = serializers.CharField()
    summary = serializers.CharField()
    difference = serializers.DictField(help_text="settings, columns, rows and reordered, against the version before.")


def lookup_document(table: Table, aliases: list[str]) -> dict[str, Any]:
    """Give a lookup in full."""
    names = [column.name for column in table.columns]
    return {
        "name": table.name,
        "aliases": aliases,
        "columns": names,
        "rows": [{name: row.get(name, "") for name in names} for row in table.rows],
        "version": table.version,
    }


def summary_document(lookup: Lookup) -> dict[str, Any]:
    """Give a lookup as it stands in a list."""
    return {
        "name": lookup.name,
        "kind": lookup.kind,
        "description": lookup.description,
        "aliases": [alias.name for alias in lookup.aliases.all()],
        "columns": [column["name"] for column in lookup.columns],
        "row_count": lookup.row_count,  # type: ignore[attr-defined]  # annotated by queries.lookup_list
        "strict": lookup.strict,
        "version": lookup.version,
        "changed_at": lookup.changed_at,
        "changed_by": lookup.changed_by,
    }


def version_document(version: LookupVersion, difference: Difference) -> dict[str, Any]:
    """Give one version and what it changed."""
    return {
        "version": version.number,
        "at": version.at,
        "by": version.by_name,
        "note": version.note,
        "summary": difference.summary,
        "difference": difference.as_json(),
    }
