"""Many alike rows in by their columns: laid out by numpy in one go, without an object per row."""

from __future__ import annotations

import datetime as dt
import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from vee.storage.rows import encode_blob, insert_plain, instant_text, plain, postgres_cursor


COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
# Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
_EPOCH = 946_684_800_000_000
_UNIX = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_BYTES = {"int8": 8, "int4": 4, "int2": 2, "timestamptz": 8}
_ELEMENTS = {"int8[]": (8, 20)}


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of many rows: its type as PostgreSQL names it, and what stands in it.

    `values` is one value for all rows (text, a number, a truth, an aware datetime, a UUID or None); or, for each row, a
    text of a list, a number of an array (of a `timestamptz`: seconds since 1970, UTC, with at most six decimals), or an
    array of a matrix none of whose numbers is missing.
    """

    type: str
    values: Any

    @property
    def is_shared(self) -> bool:
        """Whether one value stands in all rows."""
        return not isinstance(self.values, np.ndarray | list)


def insert_columns(*, table: str, columns: Mapping[str, Column], count: int) -> None:
    """
    Insert so many rows at once: binary COPY on PostgreSQL, one prepared statement elsewhere.

    :raises django.db.IntegrityError: when a row breaks a constraint.
    """
    if not count:
        return
    if connection.vendor != "postgresql":
        insert_plain(table=table, columns=[*columns], rows=_rows(columns, count))
        return
    with connection.wrap_database_errors, postgres_cursor() as cursor, cursor.copy(_statement(table, columns)) as copy:
        copy.write(COPY_HEADER)
        for part, size in _of_one_length(columns, count):
            copy.write(_lay_out(list(part.values()), size))
        copy.write(COPY_TRAILER)


def insert_in_turns(*, table: str, kinds: Sequence[Mapping[str, Column]], count: int) -> None:
    """
    Insert so many rows of each kind, in turns: the first row of every kind, then the second of every kind, and so on.

    All kinds have the same columns, in the same order, and their texts are shared. What the database numbers by itself
    is numbered in this order. As with `insert_columns` it is a binary COPY on PostgreSQL.

    :raises django.db.IntegrityError: when a row breaks a constraint.
    """
    if not count or not kinds:
        return
    if connection.vendor != "postgresql":
        rows = [_rows(columns, count) for columns in kinds]
        insert_plain(table=table, columns=[*kinds[0]], rows=[row for turn in zip(*rows, strict=True) for row in turn])
        return
    parts = [
        np.frombuffer(_lay_out(list(columns.values()), count), dtype=np.uint8).reshape(count, -1) for columns in kinds
    ]
    with connection.wrap_database_errors, postgres_cursor() as cursor, cursor.copy(_statement(table, kinds[0])) as copy:
        copy.write(COPY_HEADER)
        copy.write(np.hstack(parts).tobytes())
        copy.write(COPY_TRAILER)


def _statement(table: str, columns: Mapping[str, Column]) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in columns)
    return f"COPY {quote(table)} ({names}) FROM STDIN WITH (FORMAT binary)"


def _rows(columns: Mapping[str, Column], count: int) -> list[tuple[Any, ...]]:
    return list(zip(*(_row_by_row(column, count) for column in columns.values()), strict=True))


def _row_by_row(column: Column, count: int) -> Sequence[Any]:
    """Give what stands in each row of a column, as SQLite takes it; what rows share is made once."""
    if column.is_shared:
        return [plain(column.values)] * count
    if column.type == "timestamptz":
        instants = np.unique(column.values).tolist()
        known = {each: instant_text(dt.datetime.fromtimestamp(each, tz=dt.UTC)) for each in instants}
        return [known[seconds] for seconds in column.values.tolist()]
    if not isinstance(column.values, np.ndarray):
        return list(column.values)
    if column.values.ndim == 1:
        return list(column.values.tolist())
    kind = str(column.values.dtype)
    return [encode_blob(row, kind) for row in column.values]


def _of_one_length(columns: Mapping[str, Column], count: int) -> list[tuple[dict[str, Column], int]]:
    """Give the rows in parts whose texts are of one length each, texts as bytes."""
    texts = {name: [text.encode() for text in column.values] for name, column in columns.items() if _is_text(column)}
    if not texts:
        return [(dict(columns), count)]
    lengths = np.array([[len(text) for text in column] for column in texts.values()], dtype=np.int64)
    kinds, kind_of = np.unique(lengths, axis=1, return_inverse=True)
    found = []
    for kind in range(kinds.shape[1]):
        rows = np.flatnonzero(kind_of.reshape(-1) == kind)
        part = {}
        for name, column in columns.items():
            if name in texts:
                part[name] = Column(column.type, [texts[name][row] for row in rows.tolist()])
            else:
                part[name] = column if column.is_shared else Column(column.type, column.values[rows])
        found.append((part, len(rows)))
    return found


def _is_text(column: Column) -> bool:
    return isinstance(column.values, list)


def _lay_out(columns: Sequence[Column], count: int) -> bytes:
    """Lay out rows as binary COPY wants them: the number of fields, and each field behind its length."""
    pieces = [_field(column) for column in columns]
    layout: list[Any] = [("fields", ">i2")]
    for place, (kind, _, _) in enumerate(pieces):
        layout.append((f"length{place}", ">i4"))
        if kind is not None:
            layout.append((f"value{place}", kind))
    rows = np.empty(count, dtype=np.dtype(layout))
    rows["fields"] = len(columns)
    for place, (kind, length, value) in enumerate(pieces):
        rows[f"length{place}"] = length
        if isinstance(value, np.ndarray) and value.ndim == 2:
            _fill_arrays(rows[f"value{place}"], value, columns[place].type)
        elif kind is not None:
            rows[f"value{place}"] = value
    return rows.tobytes()


def _field(column: Column) -> tuple[Any, int, Any]:
    """Give numpy's type of a field (None when there is nothing behind its length), its length, and what is in it."""
    values = column.values
    if values is None:
        return None, -1, None
    if isinstance(values, list):
        size = len(values[0])
        return (f"S{size}", size, np.array(values, dtype=f"S{size}")) if size else (None, 0, None)
    if isinstance(values, np.ndarray) and values.ndim == 2:
        size, _ = _ELEMENTS[column.type]
        slots = values.shape[1]
        cells = [("length", ">i4"), ("value", f">i{size}")]
        return [("header", ">i4", (5,)), ("cells", cells, (slots,))], 20 + slots * (4 + size), values
    if isinstance(values, np.ndarray):
        size = _BYTES[column.type]
        if column.type == "timestamptz":
            values = np.rint(values * 1e6).astype(np.int64) - _EPOCH
        return f">i{size}", size, values
    raw = _encoded(column.type, values)
    return (f"V{len(raw)}", len(raw), np.void(raw)) if raw else (None, 0, None)


def _fill_arrays(field: np.ndarray, matrix: np.ndarray, kind: str) -> None:
    size, element = _ELEMENTS[kind]
    field["header"] = (1, 0, element, matrix.shape[1], 1)
    field["cells"]["length"] = size
    field["cells"]["value"] = matrix


def _encoded(kind: str, value: Any) -> bytes:
    """Give one value in PostgreSQL's binary form."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, uuid.UUID):
        return value.bytes
    if isinstance(value, dt.datetime):
        return struct.pack(">q", (value - _UNIX) // _MICROSECOND - _EPOCH)
    if isinstance(value, bool):
        return struct.pack(">?", value)
    return int(value).to_bytes(_BYTES[kind], "big", signed=True)
