"""Statements for many rows at once that the ORM would make slowly, or one by one; for every database we run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models, router


def update_each(model: type[models.Model], rows: Mapping[int, Mapping[str, Any]]) -> int:
    """
    Write to each row, by its primary key, its own values of the same fields; give how many rows there were.

    One statement with the values as a table, where `bulk_update` makes a CASE of every field. Nothing else is written,
    and nobody is told: no signal, no history.
    """
    if not rows:
        return 0
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    options = model._meta
    fields = {field.name: field for field in options.concrete_fields}
    chosen = [fields[name] for name in next(iter(rows.values()))]
    columns = _columns(chosen, connection, first=2)
    assignments = ", ".join(
        f"{quote(str(field.column))} = {column}" for field, column in zip(chosen, columns, strict=True)
    )
    one = f"({', '.join(['%s'] * (len(chosen) + 1))})"
    table, key = quote(options.db_table), quote(str(options.pk.column))
    statement = (
        f"UPDATE {table} SET {assignments} FROM (VALUES {', '.join([one] * len(rows))}) AS v "  # noqa: S608  (our names)
        f"WHERE {table}.{key} = v.column1"
    )
    values: list[Any] = []
    for pk, row in rows.items():
        values.append(pk)
        values += [field.get_db_prep_save(row[field.name], connection) for field in chosen]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def insert_new(
    model: type[models.Model],
    *,
    shared: Mapping[str, Any],
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> int:
    """
    Insert the rows that clash with no other row, and leave those alone that do; give how many were inserted.

    :param shared: values that all rows have, by field name.
    :param names: fields that each row has a value of its own for, in the order of `rows`.
    """
    if not rows:
        return 0
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    fields = {field.name: field for field in model._meta.concrete_fields}
    common, chosen = [fields[name] for name in shared], [fields[name] for name in names]
    columns = ", ".join(quote(str(field.column)) for field in (*common, *chosen))
    sources = ", ".join([*_typed(["%s"] * len(common), common, connection), *_columns(chosen, connection, first=1)])
    one = f"({', '.join(['%s'] * len(chosen))})"
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) "  # noqa: S608  (our names)
        f"SELECT {sources} FROM (VALUES {', '.join([one] * len(rows))}) AS v WHERE true ON CONFLICT DO NOTHING"
    )
    values = [field.get_db_prep_save(shared[field.name], connection) for field in common]
    for row in rows:
        values += [field.get_db_prep_save(value, connection) for field, value in zip(chosen, row, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _columns(fields: Sequence[models.Field[Any, Any]], connection: Any, *, first: int) -> list[str]:
    return _typed([f"v.column{place}" for place in range(first, first + len(fields))], fields, connection)


def _typed(sources: Sequence[str], fields: Sequence[models.Field[Any, Any]], connection: Any) -> list[str]:
    if connection.vendor != "postgresql":
        return list(sources)
    # A column of values that are all NULL has no type of its own there.
    return [f"CAST({source} AS {field.db_type(connection)})" for source, field in zip(sources, fields, strict=True)]
