"""Many plain rows in, many arrays out, without an object per row."""

from __future__ import annotations

import datetime as dt
import functools
import struct
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

from vee.codes import NO_VALUE


_HEADER_BYTES = 20  # dimensions, has-null flag, element type, length, lower bound
_ONE_DIMENSION_NO_NULLS = struct.pack(">ii", 1, 0)


class _ArrayLoader(Loader):
    """Take a binary PostgreSQL array as it comes: arrays are decoded many at once."""

    format = Format.BINARY

    def load(self, data: Any) -> bytes:
        return bytes(data)


def decode_arrays(column: Sequence[bytes | None], dtype: str) -> list[np.ndarray | None]:
    """
    Decode binary PostgreSQL arrays of integers into numpy arrays; a NULL element becomes `NO_VALUE`.

    Those of one length without NULLs, which is nearly all, are decoded in one go and are rows of one matrix.
    """
    size = np.dtype(dtype).itemsize
    found: list[np.ndarray | None] = [None] * len(column)
    alike: dict[int, list[int]] = {}
    for place, raw in enumerate(column):
        if raw is None:
            continue
        if raw[:8] == _ONE_DIMENSION_NO_NULLS:
            alike.setdefault(len(raw), []).append(place)
        else:
            dimensions, _, _, count = struct.unpack_from(">iiii", raw) if len(raw) >= _HEADER_BYTES else (0, 0, 0, 0)
            numbers = _with_nulls(raw, count, size) if dimensions else np.empty(0, dtype=np.int64)
            found[place] = numbers.astype(dtype)
    for length, places in alike.items():
        count = (length - _HEADER_BYTES) // (4 + size)
        layout = np.dtype([("header", "V20"), ("cells", [("length", ">i4"), ("value", f">i{size}")], (count,))])
        joined = b"".join([column[place] or b"" for place in places])
        matrix = np.frombuffer(joined, dtype=layout)["cells"]["value"].astype(dtype)
        for place, row in zip(places, matrix, strict=True):
            found[place] = row
    return found


def _with_nulls(raw: bytes, count: int, size: int) -> np.ndarray:
    """Decode elements of which some are NULL: they have a length of -1 and no bytes, the others `size` of them."""
    numbers = np.full(count, NO_VALUE, dtype=np.int64)
    layout = np.dtype([("length", ">i4"), ("value", f">i{size}")])
    at = index = 0
    body = raw[_HEADER_BYTES:]
    null = b"\xff\xff\xff\xff"
    while index < count:
        if body[at : at + 4] == null:
            at, index = at + 4, index + 1
            continue
        # As many as there are until the next NULL, in one go.
        most = min(count - index, (len(body) - at) // layout.itemsize)
        part = np.frombuffer(body, dtype=layout, count=most, offset=at)
        wrong = np.flatnonzero(part["length"] != size)
        run = int(wrong[0]) if len(wrong) else most
        numbers[index : index + run] = part["value"][:run]
        at, index = at + run * layout.itemsize, index + run
    return numbers


_ARRAY_OIDS = (1016, 1007, 1005)  # of int8[], int4[], int2[]


def postgres_cursor() -> psycopg.Cursor[Any]:
    """Give a cursor on Django's connection that receives binary results; integer arrays are for `decode_arrays`."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.format = Format.BINARY
    for oid in _ARRAY_OIDS:
        cursor.adapters.register_loader(oid, _ArrayLoader)
    return cursor


def fetch_rows(queryset: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """
    Give the rows of a `values_list`: on PostgreSQL in binary, elsewhere with what is alike in many rows converted once.

    For columns of numbers, text, instants and decimals.
    """
    compiler = queryset.query.get_compiler(connection=connection)
    try:
        statement, parameters = compiler.as_sql()
    except EmptyResultSet:
        return []
    if connection.vendor != "postgresql":
        with connection.cursor() as django_cursor:
            django_cursor.execute(statement, parameters)
            return _converted(compiler, django_cursor.fetchall())
    with postgres_cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def _converted(compiler: Any, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Apply Django's converters to what the driver gave, once to each value of a column."""
    converters = compiler.get_converters([expression for expression, _, _ in compiler.select])
    if not (rows and converters):
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, (steps, expression) in converters.items():
        known = {}
        for raw in set(columns[place]):
            value = raw
            for step in steps:
                value = step(value, expression, connection)
            known[raw] = value
        columns[place] = [known[raw] for raw in columns[place]]
    return list(zip(*columns, strict=True))


def decode_blob(value: bytes | None, dtype: str) -> np.ndarray | None:
    """Decode the packed little-endian form that databases without arrays hold."""
    return None if value is None else np.frombuffer(value, dtype=np.dtype(dtype).newbyteorder("<")).astype(dtype)


def encode_blob(array: np.ndarray | None, dtype: str) -> bytes | None:
    """Pack an array for databases without arrays."""
    return None if array is None else array.astype(np.dtype(dtype).newbyteorder("<"), copy=False).tobytes()


def fetch_arrays(
    *, table: str, key: str, ids: Sequence[int], columns: Sequence[str], arrays: dict[str, str]
) -> dict[int, tuple[Any, ...]]:
    """
    Read `columns` of the rows whose `key` is one of `ids`; those named in `arrays` (column → dtype) as numpy arrays.

    Returns key → values in the order of `columns`. Decimals of databases without them come as they are stored.
    """
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in (key, *columns))
    select = f"SELECT {names} FROM {quote(table)} WHERE {quote(key)}"  # noqa: S608  names are ours, values are bound
    found: dict[int, tuple[Any, ...]] = {}
    if not ids:
        return found
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            cursor.execute(f"{select} = ANY(%s::bigint[])", [bigints(ids)])
            rows = cursor.fetchall()
        if not rows:
            return found
        keys, *parts = zip(*rows, strict=True)
        decoded = [
            part if name not in arrays else decode_arrays(part, arrays[name])
            for name, part in zip(columns, parts, strict=True)
        ]
        return dict(zip(keys, zip(*decoded, strict=True), strict=True))
    dtypes = [arrays.get(name) for name in columns]
    with connection.cursor() as django_cursor:
        for chunk in in_chunks(ids, 5_000):
            django_cursor.execute(f"{select} IN ({', '.join(['%s'] * len(chunk))})", list(chunk))
            for row in django_cursor.fetchall():
                found[row[0]] = tuple(
                    value if dtype is None else decode_blob(value, dtype)
                    for value, dtype in zip(row[1:], dtypes, strict=True)
                )
    return found


class _ArrayDumper(Dumper):
    """Encode a numpy array of integers as a binary PostgreSQL array; `NO_VALUE` becomes NULL."""

    format = Format.BINARY
    size: int
    element: int

    def dump(self, obj: np.ndarray) -> bytes:
        count = len(obj)
        missing = obj == NO_VALUE if self.size == 8 else None
        cells = np.empty(count, dtype=[("length", ">i4"), ("value", f">i{self.size}")])
        cells["length"] = self.size
        cells["value"] = obj
        if missing is None or not missing.any():
            return struct.pack(">iiiii", 1, 0, self.element, count, 1) + cells.tobytes()
        null = b"\xff\xff\xff\xff"
        parts = [null if gone else cell.tobytes() for gone, cell in zip(missing.tolist(), cells, strict=True)]
        return struct.pack(">iiiii", 1, 1, self.element, count, 1) + b"".join(parts)


class _Int64ArrayDumper(_ArrayDumper):
    oid, size, element = 1016, 8, 20


class _Int32ArrayDumper(_ArrayDumper):
    oid, size, element = 1007, 4, 23


class _Int16ArrayDumper(_ArrayDumper):
    oid, size, element = 1005, 2, 21


_DUMPERS = (_Int64ArrayDumper, _Int32ArrayDumper, _Int16ArrayDumper)


def insert_rows(*, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """
    Insert many rows at once: binary COPY on PostgreSQL, one prepared statement elsewhere.

    `columns` name their types as PostgreSQL does. Values are what the driver takes as it is: aware datetimes in UTC,
    text (also for JSON), numbers, None; and numpy arrays for columns of a `NumberArrayField`.

    :raises django.db.IntegrityError: when a row breaks a constraint.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in columns)
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            for dumper in _DUMPERS:
                cursor.adapters.register_dumper(np.ndarray, dumper)
            with cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN WITH (FORMAT binary)") as copy:
                copy.set_types(list(columns.values()))
                for row in rows:
                    copy.write_row(row)
        return
    insert_plain(
        table=table,
        columns=[*columns],
        rows=[[value if type(value) in _AS_THEY_ARE else plain(value) for value in row] for row in rows],
    )


def insert_plain(*, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of values that SQLite takes as they are, by one prepared statement."""
    quote = connection.ops.quote_name
    names, marks = ", ".join(map(quote, columns)), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})", rows)  # noqa: S608  names are ours


def new_ids(*, table: str, count: int) -> list[int]:
    """
    Give the ids of as many rows that are about to be inserted, in ascending order.

    On SQLite the open transaction is the only one that writes, so that what follows the last id is free.
    """
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            # The sequence is looked up once: OFFSET keeps the planner from doing it for each number.
            cursor.execute(
                "SELECT nextval(s.name) FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name OFFSET 0) s"
                " CROSS JOIN generate_series(1, %s)",
                [table, count],
            )
            return [row[0] for row in cursor.fetchall()]
    with connection.cursor() as django_cursor:
        django_cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = django_cursor.fetchone()
        latest = 0 if row is None else int(row[0])
        # Also where no row comes to be with them, nobody else may be given these ids.
        taken = "UPDATE sqlite_sequence SET seq = %s WHERE name = %s"
        if row is None:
            taken = "INSERT INTO sqlite_sequence (seq, name) VALUES (%s, %s)"
        django_cursor.execute(taken, [latest + count, table])
    return list(range(latest + 1, latest + count + 1))


def bigints(numbers: Sequence[int | None]) -> str:
    """Write whole numbers, None as NULL, as a `bigint[]` of PostgreSQL: one value that costs the driver nothing."""
    text = str(list(numbers))[1:-1]
    return "{" + (text.replace("None", "NULL") if "N" in text else text) + "}"


@functools.lru_cache(maxsize=4_096)
def instant_text(at: dt.datetime) -> str:
    """Give an aware instant as SQLite holds it: there are few in many rows."""
    return str(connection.ops.adapt_datetimefield_value(at))


_AS_THEY_ARE = frozenset({int, float, str, bytes, bool, type(None)})


def plain(value: Any) -> Any:
    """Give a value as SQLite takes it."""
    if isinstance(value, dt.datetime):
        return instant_text(value)
    if isinstance(value, np.ndarray):
        return encode_blob(value, str(value.dtype))
    if isinstance(value, uuid.UUID):
        return value.hex
    return str(value) if isinstance(value, Decimal) else value


def in_chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """Cut a sequence into chunks of at most `size`."""
    return (items[first : first + size] for first in range(0, len(items), size))
