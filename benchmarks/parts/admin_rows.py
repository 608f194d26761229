"""
Millions of rows as years of work leave them, written by statements inside PostgreSQL.

A table is filled with copies of the row that it has, in which some columns are expressions of `n`, the number of the
copy. Keys follow from `n`, so that rows refer to each other without being looked up. Indexes and unique constraints
that are not the primary key are taken away while a large table is filled, and built as they were afterwards.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.db import connection


# Keys of what is made here, clear of what there is.
KEYS = 10_000_000
# From so many rows on, building an index anew is faster than keeping it.
LARGE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """
    How many rows the large tables get; the others follow.

    :ivar least: no table gets fewer.
    :ivar blocks: days of one component, 96 intervals each, with the IMD that each came by.
    :ivar due: outbound messages that wait for their first try, beside those that were delivered.
    :ivar open_todos: of the To Dos; each of an IMD of its own.
    """

    least: int
    runs: int
    blocks: int
    messages: int
    due: int
    todos: int
    open_todos: int

    def __str__(self) -> str:
        return (
            f"{self.runs:,} runs, {self.blocks:,} IMDs with {self.blocks * 96:,} intervals, "
            f"{self.messages + self.due:,} messages, {self.todos:,} To Dos ({self.open_todos:,} open)"
        )

    def part(self, whole: int, of: int) -> int:
        """Give one in so many, and `least` at least."""
        return max(whole // of, self.least)


@dataclass(frozen=True, slots=True)
class Rows:
    """Copies of the first row of a table: `own` gives SQL for the columns that are not copied, with `n` from 0."""

    table: str
    count: int
    own: Mapping[str, str] = field(default_factory=dict)


def key(number: str = "n") -> str:
    """Give the key of a row with a number as key."""
    return f"({KEYS} + {number})"


def unique_id(what: str, number: str = "n") -> str:
    """Give a UUID that follows from a number, and lies as anywhere as a random one."""
    return f"md5('{what}' || ({number}))::uuid"


def one_of(values: list[object] | list[int] | list[str], number: str = "n") -> str:
    """Give one of some values, each as often as the others."""
    written = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values)
    return f"(ARRAY[{written}])[1 + (({number}) % {len(values)})::int]"


def evenly(count: int, *, days: int = 365, number: str = "n") -> str:
    """Give an instant so that rows lie evenly over the days before now, the last row latest."""
    return f"now() - ({count} - ({number})) * interval '{days * 86_400 / max(count, 1):.6f} seconds'"


@contextlib.contextmanager
def filling() -> Iterator[None]:
    """Set PostgreSQL up for filling, and let it learn at the end what it holds."""
    with connection.cursor() as cursor:
        for setting in ("autovacuum = off", "max_wal_size = '4GB'", "checkpoint_timeout = '30min'"):
            cursor.execute(f"ALTER SYSTEM SET {setting}")
        cursor.execute("SELECT pg_reload_conf()")
        # Copies refer to what is there: nothing is looked up for each of millions, and no trigger asks about one.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        yield
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def insert(rows: Rows) -> None:
    """Write the rows of one table."""
    if not rows.count:
        return
    named, sources = [], []
    for column in _columns(rows.table):
        if column != "id" or column in rows.own:
            named.append(f'"{column}"')
            sources.append(rows.own.get(column, f't."{column}"'))
    unknown = rows.own.keys() - set(_columns(rows.table))
    assert not unknown, f"{rows.table} has no {unknown}"
    with connection.cursor() as cursor:
        began = time.perf_counter()
        taken_away = _without_indexes(rows.table) if rows.count >= LARGE else []
        cursor.execute(
            f'INSERT INTO "{rows.table}" ({", ".join(named)}) SELECT {", ".join(sources)} '
            f'FROM (SELECT * FROM "{rows.table}" LIMIT 1) t, generate_series(0, {rows.count - 1}) n'
        )
        assert cursor.rowcount == rows.count, f"{rows.table} has no row to copy"
        for statement in taken_away:
            cursor.execute(statement)
    if rows.count >= LARGE:
        print(f"  {rows.count:>10,} {rows.table} in {time.perf_counter() - began:,.0f} s", flush=True)


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _without_indexes(table: str) -> list[str]:
    """Take indexes and unique constraints away; gives the statements that build them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype = 'u'",
            [f'"{table}"'],
        )
        build = []
        for name, definition in cursor.fetchall():
            cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
            build.append(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}')
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid = %s::regclass AND NOT indisprimary",
            [f'"{table}"'],
        )
        for name, definition in cursor.fetchall():
            cursor.execute(f"DROP INDEX {name}")
            build.append(definition)
    return build
