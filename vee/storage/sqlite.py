"""Day blocks on SQLite: packed bytes and one upsert statement."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection

from vee.storage.blocks import Blocks, StoredBlock
from vee.storage.rows import decode_blob, encode_blob


COLUMNS = 'measuring_component_id, start, seconds_per_interval, scale, "values", conditions, flags, version, readings'
UPSERT = """
    INSERT INTO vee_measurementblock (measuring_component_id, start, seconds_per_interval, scale, "values",
           conditions, flags, readings, total, missing, multiplier, imd_id, version, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (measuring_component_id, start) DO UPDATE SET
           seconds_per_interval = excluded.seconds_per_interval, scale = excluded.scale,
           "values" = excluded."values", conditions = excluded.conditions, flags = excluded.flags,
           readings = excluded.readings, total = excluded.total, missing = excluded.missing,
           multiplier = excluded.multiplier, imd_id = excluded.imd_id, version = excluded.version,
           updated_at = excluded.updated_at
"""
HISTORY = """
    INSERT INTO vee_measurementblockhistory (measuring_component_id, start, seconds_per_interval, scale, "values",
           conditions, flags, readings, imd_id, version, replaced_at, replaced_by_imd_id)
    SELECT measuring_component_id, start, seconds_per_interval, scale, "values", conditions, flags, readings, imd_id,
           version, %s, %s
      FROM vee_measurementblock WHERE measuring_component_id = %s AND start = %s
"""


def _texts(starts: np.ndarray) -> list[str]:
    return [text.replace("T", " ") for text in np.datetime_as_string(starts.astype("datetime64[s]"))]


def _stored(rows: list[Any]) -> list[StoredBlock]:
    return [
        StoredBlock(
            row[0],
            int(dt.datetime.fromisoformat(f"{row[1]}+00:00").timestamp()),
            row[2],
            row[3],
            decode_blob(row[4], "int64"),  # type: ignore[arg-type]
            decode_blob(row[5], "int32"),
            decode_blob(row[6], "int16"),
            row[7],
            decode_blob(row[8], "int64"),
        )
        for row in rows
    ]


def load(*, component_ids: np.ndarray, starts: np.ndarray, lock: bool) -> list[StoredBlock]:
    """Read the blocks with these keys."""
    keys = json.dumps(list(zip(component_ids.tolist(), _texts(starts), strict=True)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM json_each(%s) k "  # noqa: S608  names are ours, values are bound
            "CROSS JOIN vee_measurementblock b ON b.measuring_component_id = k.value ->> 0 AND b.start = k.value ->> 1",
            [keys],
        )
        found = cursor.fetchall()
    return _stored(found)


SUM_DAYS = """
    WITH k AS MATERIALIZED (
           SELECT key, value ->> 0 AS component, value ->> 1 AS earliest, value ->> 2 AS start, value ->> 3 AS latest
             FROM json_each(%s))
    SELECT k.key, sum(b.total) FILTER (WHERE b.missing = 0 AND b.conditions IS NULL AND b.flags IS NULL),
           count(*) FILTER (WHERE b.missing = 0 AND b.conditions IS NULL AND b.flags IS NULL),
           min(b.start >= k.start AND b.seconds_per_interval = %s AND b.scale = %s
               AND substr(b.start, 11) = substr(k.start, 11)),
           json_group_array(strftime('%%s', b.start))
               FILTER (WHERE b.missing > 0 OR b.conditions IS NOT NULL OR b.flags IS NOT NULL)
      FROM k
     CROSS JOIN vee_measurementblock b ON b.measuring_component_id = k.component
           AND b.start > k.earliest AND b.start < k.latest
     GROUP BY k.key
"""


def sum_days(
    *, component_ids: np.ndarray, starts: np.ndarray, seconds: int, seconds_per_interval: int, scale: int
) -> list[Any]:
    """
    Give place, sum and number of the plain blocks, whether all are alike, and where the others start.

    Windows without any block are left out.
    """
    edges = [_texts(at) for at in (starts - 86_400, starts, starts + seconds)]
    windows = json.dumps(list(zip(component_ids.tolist(), *edges, strict=True)))
    with connection.cursor() as cursor:
        cursor.execute(SUM_DAYS, [windows, seconds_per_interval, scale])
        return [
            (place, total, plain, alike, [int(start) for start in json.loads(special)])
            for place, total, plain, alike, special in cursor.fetchall()
        ]


def load_range(*, component_ids: list[int], after: int, before: int) -> list[StoredBlock]:
    """Read the components' blocks whose start lies in the open interval (after, before), epoch seconds."""
    first, last = _texts(np.array([after, before]))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM vee_measurementblock "  # noqa: S608  names are ours, values are bound
            "WHERE measuring_component_id IN (SELECT value FROM json_each(%s)) AND start > %s AND start < %s "
            "ORDER BY measuring_component_id, start",
            [json.dumps(component_ids), first, last],
        )
        found = cursor.fetchall()
    return _stored(found)


def store(*, blocks: Blocks, replacing: bool, at: dt.datetime) -> None:
    """Upsert the blocks; what they replace is copied to the history first."""
    starts = _texts(blocks.starts)
    now = connection.ops.adapt_datetimefield_value(at)
    regular = ~(blocks.conditions != 501_000).any(axis=1)
    unflagged = ~(blocks.flags != 0).any(axis=1)
    components, imds = blocks.component_ids.tolist(), blocks.imd_ids.tolist()
    multipliers = {count: str(Decimal(count).scaleb(-6)) for count in set(blocks.multipliers.tolist())}
    with connection.cursor() as cursor:
        if replacing:
            old = np.flatnonzero(blocks.versions > 1).tolist()
            cursor.executemany(HISTORY, [(now, imds[row], components[row], starts[row]) for row in old])
        cursor.executemany(
            UPSERT,
            [
                (
                    component,
                    start,
                    blocks.seconds_per_interval,
                    blocks.scale,
                    encode_blob(blocks.values[row], "int64"),
                    None if regular[row] else encode_blob(blocks.conditions[row], "int32"),
                    None if unflagged[row] else encode_blob(blocks.flags[row], "int16"),
                    None if blocks.readings is None else encode_blob(blocks.readings[row], "int64"),
                    total,
                    missing,
                    multipliers[multiplier],
                    imd,
                    version,
                    now,
                )
                for row, (component, start, total, missing, multiplier, imd, version) in enumerate(
                    zip(
                        components,
                        starts,
                        blocks.totals.tolist(),
                        blocks.missing.tolist(),
                        blocks.multipliers.tolist(),
                        imds,
                        blocks.versions.tolist(),
                        strict=True,
                    )
                )
            ],
        )


def create_partitions(*, at: dt.datetime, months: int) -> list[dt.date]:
    """There are no partitions here."""
    return []


def retire_before(*, month: dt.date) -> int:
    """Delete the blocks of all months before this one, with what replaced blocks of them were; give how many blocks."""
    border = connection.ops.adapt_datetimefield_value(dt.datetime(month.year, month.month, 1, tzinfo=dt.UTC))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM vee_measurementblockhistory WHERE start < %s", [border])
        cursor.execute("DELETE FROM vee_measurementblock WHERE start < %s", [border])
        return int(cursor.rowcount)
