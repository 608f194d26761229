"""Transition rows of many IMDs in one statement."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

import numpy as np
from django.db import connection

from vee.storage.columns import Column, insert_in_turns
from vee.storage.rows import insert_rows, instant_text, new_ids, postgres_cursor


_LOGS_ON_POSTGRES = """
    INSERT INTO vee_runlog (details)
    SELECT text FROM unnest(%s::jsonb[]) WITH ORDINALITY AS t(text, place) ORDER BY place RETURNING id
"""


# One statement for all rows, which leaves nothing to be made for any of them. The ids say in which order they count.
_STEPS_ON_SQLITE = """
    WITH imd AS MATERIALIZED (
           SELECT key AS place, value ->> 0 AS id, nullif(value ->> 1, 0) AS log FROM json_each(%s)),
         step (place, source, target, carries) AS (
           SELECT key, value ->> 0, value ->> 1, value ->> 2 FROM json_each(%s))
    INSERT INTO vee_imdtransition (id, imd_id, from_state, to_state, at, "by", reason, log_id)
    SELECT %s + imd.place * %s + step.place, imd.id, step.source, step.target, %s, %s, %s,
           CASE WHEN step.carries THEN imd.log END
      FROM imd CROSS JOIN step
"""


def write_steps(
    *,
    imd_ids: Sequence[int],
    steps: Sequence[tuple[str, str, bool]],
    texts: Sequence[str],
    text_of: Sequence[int],
    at: dt.datetime,
    by: str,
    reason: str,
) -> None:
    """
    Insert one transition row per IMD and step, in that order.

    A step is from where, to where, and whether it carries the IMD's log; this is `texts[text_of - 1]`, JSON text that
    is kept once for all IMDs that share it, and none where `text_of` is 0.
    """
    if not imd_ids:
        return
    logs = np.array([0, *_write_logs(texts)], dtype=np.int64)
    if connection.vendor != "postgresql":
        log_of = logs[np.array(text_of, dtype=np.int64)].tolist()
        first = new_ids(table="vee_imdtransition", count=len(imd_ids) * len(steps))[0]
        rows, path = json.dumps(list(zip(imd_ids, log_of, strict=True))), json.dumps(steps)
        with connection.cursor() as cursor:
            cursor.execute(_STEPS_ON_SQLITE, [rows, path, first, len(steps), instant_text(at), by, reason])
        return
    ids, told = np.array(imd_ids, dtype=np.int64), np.array(text_of, dtype=np.int64)
    for with_log in (True, False):
        chosen = np.flatnonzero((told > 0) == with_log)
        log_of = Column("int8", logs[told[chosen]])
        nothing = Column("int8", None)
        imds = Column("int8", ids[chosen])
        kinds = [
            {
                "imd_id": imds, "from_state": Column("varchar", source), "to_state": Column("varchar", target),
                "at": Column("timestamptz", at), "by": Column("varchar", by), "reason": Column("varchar", reason),
                "log_id": log_of if with_log and carries else nothing,
            }
            for source, target, carries in steps
        ]  # fmt: skip
        insert_in_turns(table="vee_imdtransition", kinds=kinds, count=len(chosen))


def _write_logs(texts: Sequence[str]) -> list[int]:
    if not texts:
        return []
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            cursor.execute(_LOGS_ON_POSTGRES, [list(texts)])
            return [row[0] for row in cursor.fetchall()]
    ids = new_ids(table="vee_runlog", count=len(texts))
    insert_rows(table="vee_runlog", columns={"id": "int8", "details": "jsonb"}, rows=list(zip(ids, texts, strict=True)))
    return ids
