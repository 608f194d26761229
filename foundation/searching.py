"""What people look for among millions of rows: each way to find it by an index of its own."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet


def found_by(first: QuerySet[Any], *others: QuerySet[Any]) -> Q:
    """
    Give the condition for rows that any of these queries of their model finds.

    Conditions joined by "or", above all across tables, would read every row.
    """
    keys = [rows.order_by().values("pk") for rows in (first, *others)]
    return Q(pk__in=keys[0].union(*keys[1:]))


def as_typed(text: str) -> list[str]:
    """Give a text as it was typed, in capitals and without any: each of them an index finds."""
    return sorted({text.strip(), text.strip().upper(), text.strip().lower()})


def begins(field: str, text: str) -> Q:
    """Give the condition for rows whose field begins with a text, as it was typed, in capitals or without any."""
    found = Q()
    for each in as_typed(text):
        found |= Q(**{f"{field}__startswith": each})
    return found
