"""Many plain rows in, many arrays out, without an object per row."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from psycopg.adapt import Loader
from psycopg.pq import Format

from vee.models.fields import NO_VALUE


_HEADER_BYTES = 20  # dimensions, has-null flag, element type, length, lower bound


class _ArrayLoader(Loader):
    """Decode a binary PostgreSQL array of integers into a numpy array; a NULL element becomes `NO_VALUE`."""

    format = Format.BINARY
    dtype: str
    size: int

    def load(self, data: Any) -> np.ndarray:
        raw = bytes(data)
        dimensions, has_null = struct.unpack_from(">ii", raw)
        if dimensions == 0:
            return np.empty(0, dtype=self.dtype)
        if not has_null:
            layout = np.dtype([("length", ">i4"), ("value", f">i{self.size}")])
            return np.frombuffer(raw, dtype=layout, offset=_HEADER_BYTES)["value"].astype(self.dtype)
        (count,) = struct.unpack_from(">i", raw, 12)
        numbers = np.full(count, NO_VALUE, dtype=np.int64)
        at = _HEADER_BYTES
        for index in range(count):
            (length,) = struct.unpack_from(">i", raw, at)
            at += 4
            if length >= 0:
                numbers[index] = int.from_bytes(raw[at : at + length], "big", signed=True)
                at += length
        return numbers.astype(self.dtype)


class _Int64ArrayLoader(_ArrayLoader):
    dtype, size = "int64", 8


class _Int32ArrayLoader(_ArrayLoader):
    dtype, size = "int32", 4


class _Int16ArrayLoader(_ArrayLoader):
    dtype, size = "int16", 2


_LOADERS = {"int8[]": _Int64ArrayLoader, "int4[]": _Int32ArrayLoader, "int2[]": _Int16ArrayLoader}
_OIDS = {"int8[]": 1016, "int4[]": 1007, "int2[]": 1005}


def postgres_cursor() -> psycopg.Cursor[Any]:
    """Give a cursor on Django's connection that receives binary results and turns integer arrays into numpy's."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.format = Format.BINARY
    for name, loader in _LOADERS.items():
        cursor.adapters.register_loader(_OIDS[name], loader)
    return cursor


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
            cursor.execute(f"{select} = ANY(%s)", [list(ids)])
            for row in cursor:
                found[row[0]] = row[1:]
        return found
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


def insert_rows(*, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """
    Insert many rows at once: COPY on PostgreSQL, one prepared statement elsewhere.

    Values are what the driver takes as it is: aware datetimes in UTC, text (also for JSON), numbers, None.
    """
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in columns)
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        with (
            psycopg.Cursor(connection.connection) as cursor,
            cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join(["%s"] * len(columns))
    adapt = connection.ops.adapt_datetimefield_value
    plain = [[adapt(value) if hasattr(value, "tzinfo") else value for value in row] for row in rows]
    if plain:
        with connection.cursor() as django_cursor:
            django_cursor.executemany(
                f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})",  # noqa: S608  names are ours
                plain,
            )


def in_chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """Cut a sequence into chunks of at most `size`."""
    return (items[first : first + size] for first in range(0, len(items), size))
