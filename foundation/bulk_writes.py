"""Statements for many rows at once that the ORM would make slowly, or one by one; for every database we run on."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connections, models, router

from foundation.crypto import encrypt
from foundation.fields import EncryptedBinaryField, EncryptedTextField


# Fields that store a text as it is.
_TEXTS = (models.CharField, models.TextField)
# Values of these types say by themselves whether they are the same.
_PLAIN = (type(None), str, bool, int, float, Decimal, dt.date, dt.timedelta, uuid.UUID)


def update_each(
    model: type[models.Model],
    rows: Mapping[Any, Mapping[str, Any]],
    *,
    key: str = "",
    only: Mapping[str, Any] | None = None,
    matching: Sequence[str] = (),
    shared: Mapping[str, Any] | None = None,
) -> int:
    """
    Write to each row its own values of the same fields; give how many rows there were.

    One statement with the values as a table, where `bulk_update` makes a CASE of every field; what all rows get alike
    is given once. Nothing else is written, and nobody is told: no signal, no history.

    :param key: field that `rows` names the rows by; the primary key when it is not given.
    :param only: values that other fields of a row must have for it to be written, by field name.
    :param matching: fields of `rows` that are not written, and must have the value given for the row to be written.
    :param shared: values of further fields that all rows get.
    """
    if not rows:
        return 0
    with _updated(model, rows, key=key, only=only, matching=matching, shared=shared) as cursor:
        return int(cursor.rowcount)


def update_those(
    model: type[models.Model],
    rows: Mapping[Any, Mapping[str, Any]],
    *,
    only: Mapping[str, Any],
    shared: Mapping[str, Any] | None = None,
) -> set[Any]:
    """Do as `update_each`, and give the primary keys of the rows that were written."""
    if not rows:
        return set()
    with _updated(model, rows, only=only, shared=shared, tells=True) as cursor:
        return {key for (key,) in cursor.fetchall()}


@contextlib.contextmanager
def _updated(
    model: type[models.Model],
    rows: Mapping[Any, Mapping[str, Any]],
    *,
    key: str = "",
    only: Mapping[str, Any] | None,
    matching: Sequence[str] = (),
    shared: Mapping[str, Any] | None,
    tells: bool = False,
) -> Iterator[Any]:
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    options = model._meta
    fields = {field.name: field for field in options.concrete_fields}
    first = next(iter(rows.values()))
    written = [name for name in first if name not in matching]
    given = {name: first[name] for name in written if _alike(fields[name], (row[name] for row in rows.values()))}
    chosen = [fields[name] for name in written if name not in given] + [fields[name] for name in matching]
    given.update(shared or {})
    named = fields[key] if key else options.pk
    columns = _columns([named, *chosen], connection, first=1)
    pairs = list(zip([named, *chosen], columns, strict=True))
    compared = [pair for pair in pairs if pair[0] is named or pair[0].name in matching]
    assigned = [pair for pair in pairs if pair not in compared]
    alike = [fields[name] for name in given]
    assigned += zip(alike, _typed(["%s"] * len(alike), alike, connection), strict=True)
    assignments = ", ".join(f"{quote(str(field.column))} = {column}" for field, column in assigned)
    table = quote(options.db_table)
    conditions = [f"{table}.{quote(str(field.column))} = {column}" for field, column in compared]
    source, spread = _source(
        [named, *chosen],
        [[value, *(row[field.name] for field in chosen)] for value, row in rows.items()],
        connection,
    )
    values = [field.get_db_prep_save(given[field.name], connection) for field in alike] + spread
    for name, value in (only or {}).items():
        conditions.append(f"{table}.{quote(str(fields[name].column))} = %s")
        values.append(fields[name].get_db_prep_save(value, connection))
    statement = (
        f"UPDATE {table} SET {assignments} FROM {source} "  # noqa: S608  (our names)
        f"WHERE {' AND '.join(conditions)}"
    )
    if tells:
        # Without the table, which SQLite does not take here; no column of the values has a name of ours.
        statement += f" RETURNING {quote(str(options.pk.column))}"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        yield cursor


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
    with _inserted(model, shared=shared, names=names, rows=rows, also="ON CONFLICT DO NOTHING") as cursor:
        return int(cursor.rowcount)


def insert_each(
    model: type[models.Model],
    *,
    shared: Mapping[str, Any],
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    by: str,
) -> dict[Any, Any]:
    """
    Insert rows as `insert_new`, one that clashes being an error; give their primary keys by the value of a field.

    :param by: the field, by its name in the database.
    """
    if not rows:
        return {}
    named = connections[router.db_for_write(model)].ops.quote_name
    also = f"RETURNING {named(by)}, {named(str(model._meta.pk.column))}"
    with _inserted(model, shared=shared, names=names, rows=rows, also=also) as cursor:
        return dict(cursor.fetchall())


@contextlib.contextmanager
def _inserted(
    model: type[models.Model],
    *,
    shared: Mapping[str, Any],
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    also: str,
) -> Iterator[Any]:
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    fields = {field.name: field for field in model._meta.concrete_fields}
    common, chosen = [fields[name] for name in shared], [fields[name] for name in names]
    columns = ", ".join(quote(str(field.column)) for field in (*common, *chosen))
    sources = ", ".join([*_typed(["%s"] * len(common), common, connection), *_columns(chosen, connection, first=1)])
    source, spread = _source(chosen, rows, connection)
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) "  # noqa: S608  (our names)
        f"SELECT {sources} FROM {source} WHERE true {also}"
    )
    values = [field.get_db_prep_save(shared[field.name], connection) for field in common] + spread
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        yield cursor


def _alike(field: models.Field[Any, Any], values: Iterable[Any]) -> bool:
    """Whether all rows get the same value; not of what is encrypted, which must not look the same."""
    if isinstance(field, EncryptedBinaryField | EncryptedTextField):
        return False
    it = iter(values)
    first = next(it)
    return isinstance(first, _PLAIN) and all(
        value is first or (type(value) is type(first) and value == first) for value in it
    )


def _source(
    fields: Sequence[models.Field[Any, Any]], rows: Sequence[Sequence[Any]], connection: Any
) -> tuple[str, list[Any]]:
    """
    Give the rows as a table `v` with columns `column1`, `column2`, … and its parameters.

    On PostgreSQL a column is one parameter, where its values are single ones: thousands of them take longer to put
    into a statement than the statement itself.
    """
    types = [str(field.db_type(connection)) for field in fields]
    if connection.vendor == "postgresql" and not any(kind.endswith("]") or kind.startswith("json") for kind in types):
        arrays = ", ".join(f"(%s)::{kind}[]" for kind in types)
        names = ", ".join(f"column{place}" for place in range(1, len(fields) + 1))
        columns = zip(fields, zip(*rows, strict=True), strict=True)
        return f"unnest({arrays}) AS v({names})", [_array(field, column, connection) for field, column in columns]
    one = f"({', '.join(['%s'] * len(fields))})"
    values = [
        field.get_db_prep_save(value, connection) for row in rows for field, value in zip(fields, row, strict=True)
    ]
    return f"(VALUES {', '.join([one] * len(rows))}) AS v", values


def _array(field: models.Field[Any, Any], values: Sequence[Any], connection: Any) -> str | list[Any]:
    """Give an array of PostgreSQL: as its text where field and values are plain, which spares an object for each."""
    kinds = set(map(type, values))
    written: Iterable[str] | None = None
    if kinds <= {str, type(None)} and type(field) in _TEXTS:
        written = _quoted(values) if type(None) not in kinds else map(_quoted_or_null, values)
    elif kinds <= {int, type(None)} and isinstance(_meant(field), models.IntegerField):
        written = ["NULL" if value is None else str(value) for value in values]
    elif kinds <= {dt.datetime, type(None)} and type(field) is models.DateTimeField:
        # Distinct ones are few; the server knows no offset of sixteen hours and more.
        each = {value: None if value is None else value.tzinfo and value.astimezone(dt.UTC) for value in set(values)}
        if all(value is None or each[value] for value in each):
            texts = {value: f'"{at.isoformat()}"' if at else "NULL" for value, at in each.items()}
            written = map(texts.__getitem__, values)
    elif kinds <= {Decimal, type(None)} and type(field) is models.DecimalField:
        written = ["NULL" if value is None else str(value) for value in values]
    elif kinds <= {bytes, type(None)} and type(field) is EncryptedBinaryField:
        # What was encrypted is letters and digits, which bytes may be given as.
        written = ["NULL" if value is None else encrypt(value).decode("ascii") for value in values]
    if written is None:
        return [field.get_db_prep_save(value, connection) for value in values]
    return f"{{{','.join(written)}}}"


def _meant(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """Give the field whose values a column holds: of a foreign key, the key's."""
    return _meant(field.target_field) if isinstance(field, models.ForeignKey) else field


def _quoted(values: Sequence[str]) -> Iterable[str]:
    """Give texts as elements of an array; the common ones, in which nothing has to be escaped, at once."""
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        return map(_quoted_or_null, values)
    return (f'"{joined}"',)


def _quoted_or_null(value: str | None) -> str:
    if value is None:
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _columns(fields: Sequence[models.Field[Any, Any]], connection: Any, *, first: int) -> list[str]:
    return _typed([f"v.column{place}" for place in range(first, first + len(fields))], fields, connection)


def _typed(sources: Sequence[str], fields: Sequence[models.Field[Any, Any]], connection: Any) -> list[str]:
    if connection.vendor != "postgresql":
        return list(sources)
    # A column of values that are all NULL has no type of its own there.
    return [f"CAST({source} AS {field.db_type(connection)})" for source, field in zip(sources, fields, strict=True)]
