"""Scores of a chunk into their table: binary COPY and ON CONFLICT on PostgreSQL, one upsert statement on SQLite."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from assets.engine.scores import Scores
from assets.operations.score_inputs import NEVER, REACH, Inputs
from assets.score_queries import FIELDS
from vee.storage.rows import postgres_cursor


_POWERS = ("specification_kw", "reference_kw")
_FLAGS = ("active", "opted_out", "reserved")
_COLUMNS = [
    "membership_id", "program_id", "version_id", "batch_run_id", "score", "eligible", "reason", "scored_at",
    "changed_at", "communication_status", "last_event_at", *FIELDS,
]  # fmt: skip
_TAKEN_OVER = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("membership_id", "changed_at"))
_ON_CONFLICT = f"""
    ON CONFLICT (membership_id) DO UPDATE SET {_TAKEN_OVER},
           previous_score = CASE WHEN assets_controlscore.score <> excluded.score
                                 THEN assets_controlscore.score ELSE assets_controlscore.previous_score END,
           changed_at = CASE WHEN assets_controlscore.score <> excluded.score
                             THEN excluded.changed_at ELSE assets_controlscore.changed_at END
"""
_SQLITE = f"""
    INSERT INTO assets_controlscore ({", ".join(_COLUMNS)}) VALUES ({", ".join(["%s"] * len(_COLUMNS))}) {_ON_CONFLICT}
"""  # noqa: S608  names are ours, values are bound
_STAGED = ["membership", "cents", "eligible", "reason", "reach", *FIELDS]
_STAGING = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS assets_score_staging (
        {", ".join(f"{name} bigint" for name in _STAGED)}, last_event timestamptz
    ) ON COMMIT DELETE ROWS
"""
_SELECTED = ", ".join(
    f"{name}::numeric / 1000" if name in _POWERS else f"{name} <> 0" if name in _FLAGS else name for name in FIELDS
)
_POSTGRES = f"""
    INSERT INTO assets_controlscore ({", ".join(_COLUMNS)})
    SELECT membership, %(program)s, %(version)s, %(run)s, cents::numeric / 100, eligible <> 0,
           (%(reasons)s::text[])[reason + 1], %(at)s, %(at)s, (%(reach)s::text[])[reach + 1],
           NULLIF(last_event, '-infinity'), {_SELECTED}
      FROM assets_score_staging ORDER BY membership {_ON_CONFLICT}
"""  # noqa: S608  names are ours, values are bound

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
# Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
_EPOCH = 946_684_800_000_000
_UNIX_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Scores with what they came from, of one program and one version."""

    program_id: int
    version_id: int
    batch_run_id: int
    reason_codes: tuple[str, ...]
    inputs: Inputs
    scores: Scores
    at: dt.datetime


def write(chunk: Chunk) -> None:
    """Write the scores of a chunk; where a score changes, the one before and the moment of the change are kept."""
    (_write_postgres if connection.vendor == "postgresql" else _write_sqlite)(chunk)


def _write_postgres(chunk: Chunk) -> None:
    inputs, scores = chunk.inputs, chunk.scores
    # The lowest number is -infinity in PostgreSQL.
    last_events = np.where(inputs.last_events == NEVER, NEVER, inputs.last_events - _EPOCH)
    staged = [
        inputs.memberships,
        scores.cents,
        scores.eligible.astype(np.int64),
        scores.reasons.astype(np.int64),
        inputs.reach,
        *(inputs.columns[name] for name in FIELDS.values()),
        last_events,
    ]
    with postgres_cursor() as cursor:
        cursor.execute(_STAGING)
        with cursor.copy("COPY assets_score_staging FROM STDIN WITH (FORMAT binary)") as copy:
            copy.write(_COPY_HEADER + _copy_rows(staged) + _COPY_TRAILER)
        cursor.execute(
            _POSTGRES,
            {
                "program": chunk.program_id,
                "version": chunk.version_id,
                "run": chunk.batch_run_id,
                "reasons": list(chunk.reason_codes),
                "reach": [str(reach) for reach in REACH],
                "at": chunk.at,
            },
        )
        cursor.execute("DELETE FROM assets_score_staging")


def _copy_rows(columns: list[NDArray[np.int64]]) -> bytes:
    """Lay out rows of eight-byte columns as binary COPY wants them."""
    layout: list[Any] = [("fields", ">i2")]
    for index in range(len(columns)):
        layout += [(f"length{index}", ">i4"), (f"value{index}", ">i8")]
    rows = np.empty(len(columns[0]), dtype=np.dtype(layout))
    rows["fields"] = len(columns)
    for index, column in enumerate(columns):
        rows[f"length{index}"] = 8
        rows[f"value{index}"] = column
    return rows.tobytes()


def _write_sqlite(chunk: Chunk) -> None:
    inputs, scores = chunk.inputs, chunk.scores
    at = connection.ops.adapt_datetimefield_value(chunk.at)
    size = len(inputs.memberships)
    columns: list[Any] = [
        inputs.memberships.tolist(),
        [chunk.program_id] * size,
        [chunk.version_id] * size,
        [chunk.batch_run_id] * size,
        [f"{cents / 100:.2f}" for cents in scores.cents.tolist()],
        scores.eligible.tolist(),
        [chunk.reason_codes[index] for index in scores.reasons.tolist()],
        [at] * size,
        [at] * size,
        [str(REACH[index]) for index in inputs.reach.tolist()],
        [_moment(value) for value in inputs.last_events.tolist()],
        *(_plain(name, inputs.columns[of]) for name, of in FIELDS.items()),
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_SQLITE, list(zip(*columns, strict=True)))


def _plain(name: str, column: NDArray[np.int64]) -> list[Any]:
    if name in _POWERS:
        return [f"{value / 1000:.3f}" for value in column.tolist()]
    return (column != 0).tolist() if name in _FLAGS else column.tolist()


def _moment(microseconds: int) -> str | None:
    if microseconds == NEVER:
        return None
    moment = _UNIX_EPOCH + dt.timedelta(microseconds=microseconds)
    return str(connection.ops.adapt_datetimefield_value(moment))
