"""Transition rows of many IMDs in one statement: what they share is sent once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from vee.storage.rows import bigints, insert_rows, new_ids, postgres_cursor


_COLUMNS = 'imd_id, from_state, to_state, at, "by", reason, log_id'
_ON_POSTGRES = f"""
    INSERT INTO vee_imdtransition ({_COLUMNS})
    SELECT i.imd, s.source, s.target, %(at)s, %(by)s, %(reason)s,
           CASE WHEN s.carries THEN (%(logs)s::bigint[])[i.log] END
      FROM unnest(%(imds)s::bigint[], %(text_of)s::bigint[]) WITH ORDINALITY AS i(imd, log, place)
     CROSS JOIN unnest(%(sources)s::text[], %(targets)s::text[], %(carries)s::boolean[])
           WITH ORDINALITY AS s(source, target, carries, place)
     ORDER BY i.place, s.place
"""  # noqa: S608  names are ours, values are bound
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
    logs = _write_logs(texts)
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            cursor.execute(
                _ON_POSTGRES,
                {
                    "at": at, "by": by, "reason": reason, "logs": bigints(logs), "imds": bigints(imd_ids),
                    "text_of": bigints(text_of), "sources": [source for source, _, _ in steps],
                    "targets": [target for _, target, _ in steps], "carries": [carries for *_, carries in steps],
                },
            )  # fmt: skip
        return
    log_of = [None, *logs]
    shared = (connection.ops.adapt_datetimefield_value(at), by, reason)
    with connection.cursor() as django_cursor:
        django_cursor.executemany(
            f"INSERT INTO vee_imdtransition ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)",  # noqa: S608
            [
                (imd_id, source, target, *shared, log_of[text] if carries else None)
                for imd_id, text in zip(imd_ids, text_of, strict=True)
                for source, target, carries in steps
            ],
        )


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
