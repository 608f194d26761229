"""How far components' measurements reach, written for many of them in one statement."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

from django.db import connection

from vee.storage.blocks import instant
from vee.storage.rows import bigints, postgres_cursor


_INTO = (
    "INSERT INTO vee_measuringcomponentprogress (measuring_component_id, latest_contiguous_at, most_recent_actual_at)"
)
_SELECT = """
    SELECT component, to_timestamp(contiguous), to_timestamp(actual)
      FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS k(component, contiguous, actual)
"""
_REPLACE = """
    ON CONFLICT (measuring_component_id) DO UPDATE SET latest_contiguous_at = EXCLUDED.latest_contiguous_at,
           most_recent_actual_at = EXCLUDED.most_recent_actual_at
"""


_READ = """
    SELECT c.id, t.component_kind, t.seconds_per_interval, {contiguous}, {actual}
      FROM vee_measuringcomponent c
      JOIN vee_measuringcomponenttype t ON t.id = c.type_id
      LEFT JOIN vee_measuringcomponentprogress p ON p.measuring_component_id = c.id
     WHERE c.id {wanted}
"""
_READ_ON_POSTGRES = _READ.format(
    contiguous="extract(epoch FROM p.latest_contiguous_at)::bigint",
    actual="extract(epoch FROM p.most_recent_actual_at)::bigint",
    wanted="= ANY(%s::bigint[])",
)
_READ_ON_SQLITE = _READ.format(
    contiguous="unixepoch(p.latest_contiguous_at)",
    actual="unixepoch(p.most_recent_actual_at)",
    wanted="IN (SELECT value FROM json_each(%s))",
)


def read_progress(component_ids: Sequence[int]) -> list[tuple[int, str, int | None, int | None, int | None]]:
    """
    Give components with kind, seconds per interval, and the labels that `upsert_progress` sets, in epoch seconds.

    The caller holds the locks of the components (`vee.locks`), so that nobody moves them on meanwhile.
    """
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            cursor.execute(_READ_ON_POSTGRES, [bigints(component_ids)])
            return cursor.fetchall()
    with connection.cursor() as django_cursor:
        django_cursor.execute(_READ_ON_SQLITE, [json.dumps(list(component_ids))])
        return django_cursor.fetchall()


def upsert_progress(rows: Sequence[tuple[int, int | None, int | None]]) -> None:
    """
    Set, by component, the label up to which nothing is missing and that of the latest actual measurement.

    Both in epoch seconds, None where there is none.
    """
    if not rows:
        return
    components, contiguous, actual = zip(*rows, strict=True)
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            cursor.execute(
                f"{_INTO} {_SELECT} {_REPLACE}",
                [bigints(components), bigints(contiguous), bigints(actual)],
            )
        return
    adapt = functools.cache(_text)
    with connection.cursor() as django_cursor:
        django_cursor.executemany(
            f"{_INTO} VALUES (%s, %s, %s) {_REPLACE}",
            [(component, adapt(first), adapt(second)) for component, first, second in rows],
        )


def _text(seconds: int | None) -> str | None:
    return None if seconds is None else connection.ops.adapt_datetimefield_value(instant(seconds))
