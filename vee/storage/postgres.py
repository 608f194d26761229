"""Day blocks on PostgreSQL: monthly partitions, binary COPY into a staging table, ON CONFLICT."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection

from vee.codes import NO_VALUE
from vee.storage.blocks import Blocks, StoredBlock, instant
from vee.storage.columns import COPY_HEADER, COPY_TRAILER
from vee.storage.partitions import create_partitions, ensure_partitions, retire_before
from vee.storage.rows import bigints, decode_arrays, postgres_cursor


__all__ = ["create_partitions", "load", "load_range", "retire_before", "store", "sum_days"]


# Seconds from the Unix epoch to PostgreSQL's, 2000-01-01.
_EPOCH = 946_684_800
_POSTGRES_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
# Digits of base 10,000 of a multiplier: three before the point, two behind it.
_DIGITS = 5
_NEGATIVE = 0x4000
_NUMERIC = np.dtype(
    [("digit_count", ">i2"), ("weight", ">i2"), ("sign", ">i2"), ("decimals", ">i2"), ("digits", ">i2", (_DIGITS,))]
)

STRAIGHT = """
    COPY vee_measurementblock (measuring_component_id, start, seconds_per_interval, scale, total, missing, multiplier,
           imd_id, version, updated_at, "values", conditions, flags, readings) FROM STDIN WITH (FORMAT binary)
"""

STAGING = """
    CREATE TEMPORARY TABLE IF NOT EXISTS vee_block_staging (
        component bigint, start timestamptz, spi integer, scale smallint, total bigint, missing integer,
        multiplier bigint, imd bigint, version integer, vals bigint[], conds integer[], flags smallint[],
        readings bigint[]
    ) ON COMMIT DELETE ROWS
"""
# A day that came after the last ANALYZE looks empty to the planner, which then compares every block of it with every
# key. LATERAL keeps each of these statements at one look into the primary key for each block.
HISTORY = """
    INSERT INTO vee_measurementblockhistory (measuring_component_id, start, seconds_per_interval, scale, "values",
           conditions, flags, readings, imd_id, version, replaced_at, replaced_by_imd_id)
    SELECT b.measuring_component_id, b.start, b.seconds_per_interval, b.scale, b."values", b.conditions, b.flags,
           b.readings, b.imd_id, b.version, %(at)s, s.imd
      FROM vee_block_staging s
     CROSS JOIN LATERAL (
           SELECT * FROM vee_measurementblock
            WHERE measuring_component_id = s.component AND start = s.start AND start BETWEEN %(first)s AND %(last)s
           OFFSET 0) b
"""
UPSERT = f"""
    INSERT INTO vee_measurementblock (measuring_component_id, start, seconds_per_interval, scale, "values",
           conditions, flags, readings, total, missing, multiplier, imd_id, version, updated_at)
    SELECT component, start, spi, scale,
           CASE WHEN missing > 0 THEN array_replace(vals, ({NO_VALUE})::bigint, NULL) ELSE vals END,
           conds, flags, array_replace(readings, ({NO_VALUE})::bigint, NULL), total, missing,
           multiplier::numeric / 1000000, imd, version, %(at)s
      FROM vee_block_staging ORDER BY component, start
    ON CONFLICT (measuring_component_id, start) DO UPDATE SET
           seconds_per_interval = EXCLUDED.seconds_per_interval, scale = EXCLUDED.scale,
           "values" = EXCLUDED."values", conditions = EXCLUDED.conditions, flags = EXCLUDED.flags,
           readings = EXCLUDED.readings, total = EXCLUDED.total, missing = EXCLUDED.missing,
           multiplier = EXCLUDED.multiplier, imd_id = EXCLUDED.imd_id, version = EXCLUDED.version,
           updated_at = EXCLUDED.updated_at
"""  # noqa: S608  the only thing put in is a number of ours
LOAD = """
    SELECT b.measuring_component_id, extract(epoch FROM b.start)::bigint, b.seconds_per_interval, b.scale, b."values",
           b.conditions, b.flags, b.version, b.readings
      FROM unnest(%(components)s::bigint[], %(starts)s::bigint[]) AS k(component, start)
     CROSS JOIN LATERAL (
           SELECT * FROM vee_measurementblock
            WHERE measuring_component_id = k.component AND start = to_timestamp(k.start)
                  AND start BETWEEN %(first)s AND %(last)s
           OFFSET 0 {lock}) b
"""
SUM_DAYS = """
    SELECT k.place - 1, b.total, b.plain, b.alike, b.special
      FROM unnest(%(components)s::bigint[], %(starts)s::bigint[]) WITH ORDINALITY AS k(component, start, place)
     CROSS JOIN LATERAL (
           SELECT sum(total) FILTER (WHERE missing = 0 AND conditions IS NULL AND flags IS NULL)::text AS total,
                  count(*) FILTER (WHERE missing = 0 AND conditions IS NULL AND flags IS NULL) AS plain,
                  bool_and(start >= to_timestamp(k.start) AND seconds_per_interval = %(spi)s AND scale = %(scale)s
                           AND date_part('epoch', start)::bigint %% 86400 = k.start %% 86400) AS alike,
                  array_agg(start) FILTER (WHERE missing > 0 OR conditions IS NOT NULL OR flags IS NOT NULL) AS special
             FROM vee_measurementblock
            WHERE measuring_component_id = k.component AND start > to_timestamp(k.start - 86400)
                  AND start < to_timestamp(k.start + %(seconds)s) AND start > %(first)s AND start < %(last)s) b
     WHERE b.alike IS NOT NULL
"""


def sum_days(
    *, component_ids: np.ndarray, starts: np.ndarray, seconds: int, seconds_per_interval: int, scale: int
) -> list[Any]:
    """
    Give place, sum and number of the plain blocks, whether all are alike, and where the others start.

    Windows without any block are left out.
    """
    with postgres_cursor() as cursor:
        cursor.execute(
            SUM_DAYS,
            {
                "components": bigints(component_ids.tolist()), "starts": bigints(starts.tolist()), "seconds": seconds,
                "spi": seconds_per_interval, "scale": scale, "first": instant(starts.min() - 86_400),
                "last": instant(starts.max() + seconds),
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    return [
        (place, total, plain, alike, [int(start.timestamp()) for start in special or ()])
        for place, total, plain, alike, special in rows
    ]


def load(*, component_ids: np.ndarray, starts: np.ndarray, lock: bool) -> list[StoredBlock]:
    """Read the blocks with these keys, locking them when they are about to be replaced."""
    parameters = {
        "components": bigints(component_ids.tolist()),
        "starts": bigints(starts.tolist()),
        "first": instant(starts.min()),
        "last": instant(starts.max()),
    }
    with postgres_cursor() as cursor:
        cursor.execute(LOAD.format(lock="FOR UPDATE" if lock else ""), parameters)
        return _blocks(cursor.fetchall())


def load_range(*, component_ids: list[int], after: int, before: int) -> list[StoredBlock]:
    """Read the components' blocks whose start lies in the open interval (after, before), epoch seconds."""
    with postgres_cursor() as cursor:
        cursor.execute(
            """
            SELECT measuring_component_id, extract(epoch FROM start)::bigint, seconds_per_interval, scale, "values",
                   conditions, flags, version, readings
              FROM vee_measurementblock
             WHERE measuring_component_id = ANY(%s::bigint[]) AND start > %s AND start < %s
             ORDER BY measuring_component_id, start
            """,
            [bigints(component_ids), instant(after), instant(before)],
        )
        return _blocks(cursor.fetchall())


def _blocks(rows: Sequence[tuple[Any, ...]]) -> list[StoredBlock]:
    if not rows:
        return []
    components, starts, sizes, scales, values, conditions, flags, versions, readings = zip(*rows, strict=True)
    arrays = (
        decode_arrays(values, "int64"),
        decode_arrays(conditions, "int32"),
        decode_arrays(flags, "int16"),
        decode_arrays(readings, "int64"),
    )
    return [
        StoredBlock(component, start, size, scale, vals, conds, flgs, version, reads)  # type: ignore[arg-type]
        for component, start, size, scale, version, vals, conds, flgs, reads in zip(
            components, starts, sizes, scales, versions, *arrays, strict=True
        )
    ]


def store(*, blocks: Blocks, replacing: bool, at: dt.datetime) -> None:
    """
    Write the blocks; what they replace is copied to the history first.

    New ones go straight into their table, as their components are locked and nobody else writes them. Those that
    replace others, and those with something missing, whose lengths differ, take the way by the staging table.
    """
    ensure_partitions(starts=blocks.starts, at=at)
    whole = ~(blocks.values == NO_VALUE).any(axis=1)
    if blocks.readings is not None:
        whole &= ~(blocks.readings == NO_VALUE).any(axis=1)
    straight = whole & (blocks.versions == 1)
    with connection.wrap_database_errors, postgres_cursor() as cursor:
        if straight.any():
            _copy(cursor, STRAIGHT, blocks if straight.all() else blocks.take(np.flatnonzero(straight)), at=at)
        if not straight.all():
            _upsert(cursor, blocks.take(np.flatnonzero(~straight)), replacing=replacing, at=at)


def _upsert(cursor: Any, blocks: Blocks, *, replacing: bool, at: dt.datetime) -> None:
    cursor.execute(STAGING)
    _copy(cursor, "COPY vee_block_staging FROM STDIN WITH (FORMAT binary)", blocks)
    if replacing:
        times = {"at": at, "first": instant(blocks.starts.min()), "last": instant(blocks.starts.max())}
        cursor.execute(HISTORY, times)
    cursor.execute(UPSERT, {"at": at})
    cursor.execute("DELETE FROM vee_block_staging")


def _copy(cursor: Any, statement: str, blocks: Blocks, *, at: dt.datetime | None = None) -> None:
    """Copy rows as the staging table has them; with `at` as the table of the blocks has them."""
    regular = ~(blocks.conditions != 501_000).any(axis=1)
    unflagged = ~(blocks.flags != 0).any(axis=1)
    with cursor.copy(statement) as copy:
        copy.write(COPY_HEADER)
        for with_conditions in (False, True):
            for with_flags in (False, True):
                rows = np.flatnonzero((regular != with_conditions) & (unflagged != with_flags))
                if len(rows):
                    part = blocks if len(rows) == len(blocks) else blocks.take(rows)
                    copy.write(_copy_rows(part, with_conditions=with_conditions, with_flags=with_flags, at=at))
        copy.write(COPY_TRAILER)


def _array_fields(name: str, *, slots: int, size: int) -> list[Any]:
    return [
        (f"{name}_length", ">i4"),
        (f"{name}_header", ">i4", (5,)),
        (name, [("length", ">i4"), ("value", f">i{size}")], (slots,)),
    ]


def _copy_rows(blocks: Blocks, *, with_conditions: bool, with_flags: bool, at: dt.datetime | None) -> bytes:
    """Lay out rows as binary COPY wants them: all have the same length, so numpy writes them in one go."""
    slots = blocks.values.shape[1]
    scalars: list[tuple[str, Any, Any]] = [
        ("component", ">i8", blocks.component_ids),
        ("start", ">i8", (blocks.starts - _EPOCH) * 1_000_000),
        ("spi", ">i4", blocks.seconds_per_interval),
        ("scale", ">i2", blocks.scale),
        ("total", ">i8", blocks.totals),
        ("missing", ">i4", blocks.missing),
        ("multiplier", ">i8", blocks.multipliers),
        ("imd", ">i8", blocks.imd_ids),
        ("version", ">i4", blocks.versions),
    ]
    if at is not None:
        scalars[6] = ("multiplier", _NUMERIC, _numerics(blocks.multipliers))
        scalars.append(("updated_at", ">i8", (at - _POSTGRES_EPOCH) // _MICROSECOND))
    arrays: list[tuple[str, int, int, np.ndarray | None]] = [
        ("values", 8, 20, blocks.values),
        ("conditions", 4, 23, blocks.conditions if with_conditions else None),
        ("flags", 2, 21, blocks.flags if with_flags else None),
        ("readings", 8, 20, blocks.readings),
    ]
    layout: list[Any] = [("fields", ">i2")]
    for name, kind, _ in scalars:
        layout += [(f"{name}_length", ">i4"), (name, kind)]
    for name, size, _, array in arrays:
        layout += [(f"{name}_length", ">i4")] if array is None else _array_fields(name, slots=slots, size=size)
    rows = np.empty(len(blocks), dtype=np.dtype(layout))
    rows["fields"] = len(scalars) + len(arrays)
    for name, kind, column in scalars:
        rows[f"{name}_length"] = np.dtype(kind).itemsize
        rows[name] = column
    for name, size, oid, array in arrays:
        if array is None:
            rows[f"{name}_length"] = -1
            continue
        rows[f"{name}_length"] = 20 + slots * (4 + size)
        rows[f"{name}_header"] = (1, 0, oid, slots, 1)
        rows[name]["length"] = size
        rows[name]["value"] = array
    return rows.tobytes()


def _numerics(millionths: np.ndarray) -> np.ndarray:
    """Give counts of 10^-6 in PostgreSQL's binary form of a numeric, all with as many digits of base 10,000."""
    found = np.empty(len(millionths), dtype=_NUMERIC)
    found["digit_count"], found["weight"], found["decimals"] = _DIGITS, _DIGITS - 3, 6
    found["sign"] = np.where(millionths < 0, _NEGATIVE, 0)
    rest = np.abs(millionths) * 100
    for place in reversed(range(_DIGITS)):
        rest, found["digits"][:, place] = np.divmod(rest, 10_000)
    return found
