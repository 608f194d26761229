"""Counting rows no further than a person needs, and many kinds of them in one query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _


COUNTED = 10_000
"""Whoever has more than so many of something to do needs no exact number of it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of rows; with `more`, there are more than it says."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return _("more than %(number)s") % {"number": f"{self.number:,}"} if self.more else f"{self.number:,}"

    def __bool__(self) -> bool:
        return self.number > 0

    @classmethod
    def of(cls, number: int, *, at_most: int = COUNTED) -> Counted:
        """Give a number, or that there are more than `at_most`."""
        return cls(at_most, more=True) if number > at_most else cls(number)


def counts(kinds: Mapping[str, QuerySet[Any]], *, at_most: int = COUNTED) -> dict[str, Counted]:
    """
    Count the rows of each kind, all in one query, and none further than `at_most`.

    However many rows there are, the work is bounded where an index leads to those that are asked for.
    """
    selected: list[str] = []
    parameters: list[Any] = []
    names: list[str] = []
    found = dict.fromkeys(kinds, Counted(0))
    for name, rows in kinds.items():
        try:
            sql, values = rows.order_by().values("pk")[: at_most + 1].query.sql_with_params()
        except EmptyResultSet:
            continue
        selected.append(f"(SELECT COUNT(*) FROM ({sql}) counted)")  # noqa: S608 - the ORM made it, values are parameters
        parameters += values
        names.append(name)
    if names:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(selected)}", parameters)
            row = cursor.fetchone()
        found.update((name, Counted.of(number, at_most=at_most)) for name, number in zip(names, row, strict=True))
    return found


def counts_by_value(rows: QuerySet[Any], field: str, *, at_most: int) -> dict[Any, int] | None:
    """
    Count rows by the value of a field of theirs, in one pass; None when there are more than `at_most`.

    :param field: a field of the rows' own table.
    """
    found = {value: number for (value,), number in first_by_values(rows.order_by(), field, at_most=at_most).items()}
    return found if sum(found.values()) <= at_most else None


def first_by_values(rows: QuerySet[Any], *names: str, at_most: int) -> dict[tuple[Any, ...], int]:
    """
    Count the first `at_most` rows, and one more when there are more, by what they hold; the database does, in one pass.

    :param names: fields of the rows' own table, or annotations of theirs.
    """
    try:
        sql, values = rows.values(*names)[: at_most + 1].query.sql_with_params()
    except EmptyResultSet:
        return {}
    columns = ", ".join(map(connection.ops.quote_name, names))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns}, COUNT(*) FROM ({sql}) counted GROUP BY {columns}",  # noqa: S608 - as above
            values,
        )
        return {tuple(row[:-1]): row[-1] for row in cursor.fetchall()}
