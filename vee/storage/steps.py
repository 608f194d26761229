"""Transition rows of many IMDs in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from django.db import connection

from vee.storage.columns import Column, insert_in_turns
from vee.storage.rows import insert_rows, new_ids, postgres_cursor


_LOGS_ON_POSTGRES = """
    INSERT INTO vee_runlog (details)
    SELECT text FROM unnest(%s::jsonb[]) WITH ORDINALITY AS t(text, place) ORDER BY place RETURNING id
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
    logs = np.array([0, *_write_logs(texts)], dtype=np.int64)
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
