"""One UPDATE for many rows that each get values of their own."""

from __future__ import annotations

from collections.abc import Mapping
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
    columns = [f"v.column{place}" for place in range(2, len(chosen) + 2)]
    if connection.vendor == "postgresql":
        # A column of values that are all NULL has no type of its own there.
        columns = [
            f"CAST({column} AS {field.db_type(connection)})" for column, field in zip(columns, chosen, strict=True)
        ]
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
