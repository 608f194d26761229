"""Statements for the completeness of days: notes of what changed, and blocks without their arrays."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from django.db import connection

from vee.storage.blocks import instant
from vee.storage.rows import bigints, instant_text, postgres_cursor
from vee.storage.writer import Change


_NOTE = """
    INSERT INTO vee_daycompletenessdue (type_id, time_zone, first, last, noted_at)
    SELECT c.type_id, coalesce(s.time_zone, p.time_zone, 'UTC'), min(k.first), max(k.last), {at}
      FROM {keys}
      JOIN vee_measuringcomponent c ON c.id = k.component
      JOIN vee_measuringcomponenttype t ON t.id = c.type_id AND t.component_kind <> 'SCALAR'
      LEFT JOIN vee_servicepoint s ON s.id = c.service_point_id
      LEFT JOIN vee_device d ON d.id = c.device_id
      LEFT JOIN vee_servicepoint p ON p.id = d.service_point_id
     GROUP BY c.type_id, coalesce(s.time_zone, p.time_zone, 'UTC'), {days}
"""
_POSTGRES_NOTE = _NOTE.format(
    at="%(at)s",
    keys="""(SELECT u.component, to_timestamp(u.first) AS first, to_timestamp(u.last) AS last
               FROM unnest(%(components)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[])
                    AS u(component, first, last)) k""",
    # One that changed in January and one that changed in December are two notes, not a year.
    days="date_trunc('day', k.first, 'UTC'), date_trunc('day', k.last, 'UTC')",
)
_SQLITE_NOTE = _NOTE.format(
    at="%s",
    keys="(SELECT value ->> 0 AS component, value ->> 1 AS first, value ->> 2 AS last FROM json_each(%s)) k",
    days="date(k.first), date(k.last)",
)
# LATERAL keeps it at one look into the primary key for each component, as in vee.storage.postgres.
_POSTGRES_COVER = """
    SELECT b.measuring_component_id, extract(epoch FROM b.start)::bigint,
           b.missing = 0 AND b.conditions IS NULL AND b.seconds_per_interval = %(size)s
      FROM unnest(%(components)s::bigint[]) AS k(component)
     CROSS JOIN LATERAL (
           SELECT measuring_component_id, start, missing, conditions, seconds_per_interval
             FROM vee_measurementblock
            WHERE measuring_component_id = k.component AND start > %(after)s AND start < %(before)s
           OFFSET 0) b
"""
_SQLITE_COVER = """
    SELECT measuring_component_id, CAST(strftime('%%s', start) AS INTEGER),
           missing = 0 AND conditions IS NULL AND seconds_per_interval = %s
      FROM vee_measurementblock
     WHERE measuring_component_id IN (SELECT value FROM json_each(%s)) AND start > %s AND start < %s
"""


def note_changed_days(*, changes: Sequence[Change], at: dt.datetime) -> None:
    """Note for the completeness of days what changed of interval components, in the open transaction; one statement."""
    if not changes:
        return
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            cursor.execute(
                _POSTGRES_NOTE,
                {
                    "components": bigints([change.component_id for change in changes]),
                    "firsts": bigints([int(change.first.timestamp()) for change in changes]),
                    "lasts": bigints([int(change.last.timestamp()) for change in changes]),
                    "at": at,
                },
            )
        return
    keys = [[change.component_id, instant_text(change.first), instant_text(change.last)] for change in changes]
    with connection.cursor() as django_cursor:
        django_cursor.execute(_SQLITE_NOTE, [instant_text(at), json.dumps(keys)])


def covering_blocks(
    *, component_ids: Sequence[int], start: int, end: int, seconds_per_interval: int
) -> list[tuple[int, int, bool]]:
    """
    Give the blocks that reach into [start, end), epoch seconds: component, start, and whether they are plain.

    Plain means that every interval has a Regular value, so that nothing in the block has to be read to know it.
    """
    after, before = instant(start - 86_400), instant(end)
    if connection.vendor == "postgresql":
        with postgres_cursor() as cursor:
            cursor.execute(
                _POSTGRES_COVER,
                {
                    "components": bigints(component_ids),
                    "after": after,
                    "before": before,
                    "size": seconds_per_interval,
                },
            )
            return cursor.fetchall()
    with connection.cursor() as django_cursor:
        edges = [instant_text(after), instant_text(before)]
        django_cursor.execute(_SQLITE_COVER, [seconds_per_interval, json.dumps(list(component_ids)), *edges])
        return [(component, begin, bool(plain)) for component, begin, plain in django_cursor.fetchall()]
