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
