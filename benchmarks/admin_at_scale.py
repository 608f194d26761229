"""
The admin's home and its lists with millions of rows behind them, against an empty database: queries and milliseconds.

A private PostgreSQL gets one row of every model and the pages are measured; then as many rows as a page shows; then its
tables are filled by statements: flow runs over a year, IMDs whose transitions are done with their day blocks of 96
intervals, open To Dos, delivered messages. The same pages are measured each time. Milliseconds are those of the whole
request inside the process, those of its queries beside them; what a full page takes more than an empty one is mostly
showing its rows.

    .venv/bin/python benchmarks/admin_at_scale.py [--runs 5000000] [--blocks 1050000] [--todos 2000] [--slowest]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import secrets
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import _report
from benchmarks._report import Claim
from scripts.with_services import services


PAGES = {
    "home": "/admin/",
    "home, refreshed": "/admin/home/",
    "set-up help": "/admin/set-up/",
    "To Do list": "/admin/vee/todo/",
    "flow runs": "/admin/integration/flowrun/",
    "outbound messages": "/admin/outbound/outboundmessage/",
    "IMDs": "/admin/vee/initialmeasurement/",
}
FEBRUARY = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
INTERVALS = 96
# More than any list shows on its first page.
PAGE_ROWS = 200
# Bars: how many queries at most, and how much slower than empty at most.
MOST_QUERIES = {"home": 19, "home, refreshed": 19}
MOST_SLOWER = {"home": 3.0, "home, refreshed": 3.0, "To Do list": 3.0}
# One in so many runs has failed and waits for a person, one in so many components is silent.
FAILED_RUNS, SILENT_COMPONENTS = 500, 50


def main() -> None:
    """Read the arguments, start PostgreSQL, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--blocks", type=int, default=1_050_000, help="days of one component, 96 intervals each")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--todos", type=int, default=2_000, help="open To Dos, each of an IMD in work")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slowest", action="store_true", help="also print the slowest query of each page")
    options = parser.parse_args()
    with services() as found:
        os.environ["DATABASE_URL"] = found["TIELINE_TEST_DATABASE_URL"]
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django

        django.setup()
        measure(options)


def measure(options: argparse.Namespace) -> None:
    """Measure the pages three times and report what changed."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.core.management.color import no_style
    from django.db import connection
    from django.test import Client

    from integration.operations import setup
    from tests.factories import days, rows

    call_command("migrate", verbosity=0)
    setup.setup(at=days.AT, username="admin", password=secrets.token_urlsafe(20))
    with connection.cursor() as cursor:
        # Rows whose key was given, as that of the audit's head, have moved no sequence.
        for statement in connection.ops.sequence_reset_sql(no_style(), rows.all_models()):
            cursor.execute(statement)
    for model in rows.all_models():
        rows.fill(model, 1, start=rows.FIRST)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username="admin"))
    few = Sizes(runs=PAGE_ROWS, blocks=PAGE_ROWS, messages=PAGE_ROWS, todos=PAGE_ROWS)
    many = Sizes(runs=options.runs, blocks=options.blocks, messages=options.messages, todos=options.todos)
    seen = [_pages(client, rounds=options.rounds)]
    for first, sizes in ((1, few), (PAGE_ROWS + 1, many)):
        began = time.perf_counter()
        fill(sizes, first=first)
        print(f"filled with {sizes} in {time.perf_counter() - began:,.0f} s", flush=True)
        seen.append(_pages(client, rounds=options.rounds))
    for name in PAGES:
        _report_page(name, str(many), *(each[name] for each in seen))
        if options.slowest:
            print(f"      {seen[-1][name].slowest}")


def _report_page(name: str, sizes: str, empty: Page, few: Page, full: Page) -> None:
    middle = {page: statistics.median(page.milliseconds) for page in (empty, few, full)}
    _report.record(
        Claim(
            area="Admin at scale",
            what=f"{name}: time of the page with {sizes}, against one row of each",
            measured=middle[full] / middle[empty],
            at_most=MOST_SLOWER.get(name),
            detail=f"{full}; one row {empty}; {PAGE_ROWS} rows {few}, of which it is "
            f"{_report.number(middle[full] / middle[few])} x; load {os.getloadavg()[0]:.1f}",
        )
    )
    _report.record(
        Claim(
            area="Admin at scale",
            what=f"{name}: queries of the page",
            measured=full.queries,
            unit="queries",
            at_most=MOST_QUERIES.get(name, empty.queries),
            detail=f"{empty.queries} with one row, {few.queries} with {PAGE_ROWS}",
        )
    )


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows the tables get; a block is a day of 96 intervals, with the IMD that it came by."""

    runs: int
    blocks: int
    messages: int
    todos: int

    def __str__(self) -> str:
        return (
            f"{self.runs:,} runs, {self.blocks:,} IMDs with {self.blocks * INTERVALS:,} intervals, "
            f"{self.messages:,} messages, {self.todos:,} open To Dos"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What a page took: queries, milliseconds of each round, milliseconds of its queries, and the slowest of them."""

    queries: int
    milliseconds: list[float]
    in_queries: float
    slowest: str

    def __str__(self) -> str:
        return f"{_report.spread(self.milliseconds)} ms (queries {_report.number(self.in_queries)} ms)"


def _pages(client: Any, *, rounds: int) -> dict[str, Page]:
    return {name: _page(client, address, rounds=rounds) for name, address in PAGES.items()}


def _page(client: Any, address: str, *, rounds: int) -> Page:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)  # warms up
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
        found = list(asked.captured_queries)  # the next request forgets them
    assert answer.status_code == 200, (address, answer.status_code)
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        client.get(address)
        taken.append((time.perf_counter() - began) * 1000)
    slowest = max(found, key=lambda query: float(query["time"]))
    return Page(
        queries=len(found),
        milliseconds=taken,
        in_queries=sum(float(query["time"]) for query in found) * 1000,
        slowest=f"{slowest['time']} s: {slowest['sql'][:1000]}",
    )


def fill(sizes: Sizes, *, first: int) -> None:
    """Fill the tables from the row that each has; most is done, as it is in a database that has run for long."""
    from django.db import connection

    with connection.cursor() as cursor:
        # Copies of rows that are there refer to what is there: nothing is looked up for each of millions.
        cursor.execute("SET session_replication_role = replica")
    year = "now() - (n %% 31536000) * interval '1 second'"
    _clone(
        "integration_flowrun",
        sizes.runs,
        {
            "id": "gen_random_uuid()",
            "state": f"CASE WHEN n %% {FAILED_RUNS} = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END",
            "started_at": year,
            "finished_at": year,
            "lease_until": "NULL",
        },
        first=first,
    )
    _clone(
        "outbound_outboundmessage",
        sizes.messages,
        {
            "message_id": "'m-' || n",
            "status": "'SUCCESS'",
            "next_attempt_at": "NULL",
            "created_at": year,
            "settled_at": year,
            "told": "true",
            "lease_token": "NULL",
            "lease_until": "NULL",
        },
        first=first,
    )
    _blocks(sizes.blocks, first=first)
    done = {"state": "'COMPLETE'", "created_at": year, "state_changed_at": year}
    _clone("vee_initialmeasurement", sizes.blocks, {"external_id": "'d-' || n", **done}, first=first)
    held = {"external_id": "'i-' || n", "state": "'EXCEPTION'"}
    _clone("vee_initialmeasurement", sizes.todos, held, first=first)
    own = {"imd_id": "i.id", "status": "'OPEN'"}
    columns = [column for column in _columns("vee_todo") if column != "id"]
    named = ", ".join(f'"{column}"' for column in columns)
    sources = ", ".join(own.get(column, f't."{column}"') for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO vee_todo ({named}) SELECT {sources} FROM (SELECT * FROM vee_todo LIMIT 1) t, "
            "generate_series(%s, %s) n JOIN vee_initialmeasurement i ON i.external_id = 'i-' || n",
            [first, first + sizes.todos - 1],
        )
        assert cursor.rowcount == sizes.todos
        # A component has 28 blocks; normalization keeps a row of each.
        cursor.execute(
            "INSERT INTO vee_measuringcomponentprogress (measuring_component_id, most_recent_actual_at, stale_since) "
            "SELECT 100000 + n, now(), CASE WHEN n %% %s = 0 THEN now() END FROM generate_series(%s, %s) n "
            "ON CONFLICT DO NOTHING",
            [SILENT_COMPONENTS, first // 28, (first + sizes.blocks) // 28],
        )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def _blocks(count: int, *, first: int) -> None:
    """Insert days of 96 intervals, 28 of each component; no row of them is there to be copied."""
    import numpy as np
    from django.db import connection
    from django.utils import timezone

    from vee.storage import partitions

    partitions.ensure_partitions(starts=np.array([int(FEBRUARY.timestamp())]), at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vee_measurementblock (measuring_component_id, start, seconds_per_interval, scale, "
            '"values", total, missing, multiplier, imd_id, version, updated_at) '
            "SELECT 100000 + n / 28, %s + (n %% 28) * interval '1 day', 86400 / %s, 6, "
            "(SELECT array_agg(v * 250000::bigint) FROM generate_series(1, %s) v), 1164000000, 0, 1, 1, 1, now() "
            "FROM generate_series(%s, %s) n",
            [FEBRUARY, INTERVALS, INTERVALS, first, first + count - 1],
        )
        assert cursor.rowcount == count


def _columns(table: str) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _clone(table: str, count: int, own: Mapping[str, str], *, first: int) -> None:
    """Insert copies of the first row of a table, with expressions of `n` for some columns."""
    from django.db import connection

    if not count:
        return
    columns = [column for column in _columns(table) if column != "id" or column in own]
    named = ", ".join(f'"{column}"' for column in columns)
    sources = ", ".join(own.get(column, f't."{column}"') for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({named}) SELECT {sources} '
            f'FROM (SELECT * FROM "{table}" LIMIT 1) t, generate_series(%s, %s) n',
            [first, first + count - 1],
        )
        assert cursor.rowcount == count, f"{table} has no row to copy"


if __name__ == "__main__":
    main()
