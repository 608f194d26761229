"""
The admin's home and its lists with millions of rows behind them, against an empty database: queries and milliseconds.

A private PostgreSQL gets one row of every model, the pages are measured, and then its tables are filled by statements:
flow runs over a year, day blocks of 96 intervals over a month, IMDs with their transitions done, open To Dos, delivered
messages. The same pages are measured again. Milliseconds are those of the whole request inside the process.

    .venv/bin/python benchmarks/admin_at_scale.py [--runs 5000000] [--blocks 1050000] [--todos 2000]
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import _report
from benchmarks._report import Claim
from scripts.with_services import services


PAGES = {
    "home": "/admin/",
    "To Do list": "/admin/vee/todo/",
    "flow runs": "/admin/integration/flowrun/",
    "outbound messages": "/admin/outbound/outboundmessage/",
    "IMDs": "/admin/vee/initialmeasurement/",
}
# Bars: how many queries at most, and how much slower than empty at most.
MOST_QUERIES = {"home": 20}
MOST_SLOWER = {"home": 3.0, "To Do list": 3.0}


def main() -> None:
    """Read the arguments, start PostgreSQL, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--blocks", type=int, default=1_050_000, help="days of one component, 96 intervals each")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--todos", type=int, default=2_000, help="open To Dos, each of an IMD in work")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with services() as found:
        os.environ["DATABASE_URL"] = found["TIELINE_TEST_DATABASE_URL"]
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django

        django.setup()
        measure(options)


def measure(options: argparse.Namespace) -> None:
    """Measure the pages twice and report what changed."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from integration.operations import setup
    from tests.factories import days, rows

    call_command("migrate", verbosity=0)
    setup.setup(at=days.AT, username="admin", password=secrets.token_urlsafe(20))
    for model in rows.all_models():
        rows.fill(model, 1, start=rows.FIRST)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username="admin"))
    before = {name: _page(client, address, rounds=options.rounds) for name, address in PAGES.items()}
    began = time.perf_counter()
    fill(runs=options.runs, blocks=options.blocks, messages=options.messages, todos=options.todos)
    print(f"filled in {time.perf_counter() - began:,.0f} s", flush=True)
    after = {name: _page(client, address, rounds=options.rounds) for name, address in PAGES.items()}
    sizes = (
        f"{options.runs:,} runs, {options.blocks * 96:,} intervals, {options.messages:,} messages, "
        f"{options.todos:,} open To Dos"
    )
    for name in PAGES:
        (queries, empty), (queries_full, full) = before[name], after[name]
        _report.record(
            Claim(
                area="Admin at scale",
                what=f"{name}: time of the page with {sizes}, against one row of each",
                measured=statistics.median(full) / statistics.median(empty),
                at_most=MOST_SLOWER.get(name),
                detail=f"{_report.spread(empty)} ms and {_report.spread(full)} ms",
            )
        )
        _report.record(
            Claim(
                area="Admin at scale",
                what=f"{name}: queries of the page",
                measured=queries_full,
                unit="queries",
                at_most=MOST_QUERIES.get(name, queries),
                detail=f"{queries} when empty",
            )
        )


def _page(client: object, address: str, *, rounds: int) -> tuple[int, list[float]]:
    """Give how many queries a page takes, and its milliseconds in each round."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)  # type: ignore[attr-defined]  # warms up
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)  # type: ignore[attr-defined]
        queries = len(asked)  # the next request forgets them
    assert answer.status_code == 200, (address, answer.status_code)
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        client.get(address)  # type: ignore[attr-defined]
        taken.append((time.perf_counter() - began) * 1000)
    return queries, taken


def fill(*, runs: int, blocks: int, messages: int, todos: int) -> None:
    """Fill the tables from the row that each has; most is done, as it is in a database that has run for long."""
    from django.db import connection

    year = "now() - (n %% 31536000) * interval '1 second'"
    _clone(
        "integration_flowrun",
        runs,
        {
            "id": "gen_random_uuid()",
            "state": "'SUCCEEDED'",
            "started_at": year,
            "finished_at": year,
            "lease_until": "NULL",
        },
    )
    _clone(
        "outbound_outboundmessage",
        messages,
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
    )
    _blocks(blocks)
    _clone("vee_initialmeasurement", todos, {"external_id": "'i-' || n", "state": "'EXCEPTION'"})
    with connection.cursor() as cursor:
        columns = [column for column in _columns("vee_todo") if column not in ("id", "imd_id", "status")]
        named = ", ".join(f'"{column}"' for column in columns)
        copied = ", ".join(f't."{column}"' for column in columns)
        cursor.execute(
            f"INSERT INTO vee_todo (imd_id, status, {named}) SELECT i.id, 'OPEN', {copied} "
            "FROM vee_initialmeasurement i, (SELECT * FROM vee_todo LIMIT 1) t WHERE i.external_id LIKE 'i-%'"
        )
        cursor.execute("VACUUM ANALYZE")


def _blocks(count: int) -> None:
    """Insert days of 96 intervals, 28 of each component; no row of them is there to be copied."""
    import numpy as np
    from django.db import connection

    from vee.storage import postgres

    postgres.ensure_partitions(starts=np.array(["2024-02-01T00:00:00"], dtype="datetime64[us]"))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vee_measurementblock (measuring_component_id, start, seconds_per_interval, scale, "
            '"values", total, missing, multiplier, imd_id, version, updated_at) '
            "SELECT 100000 + n / 28, timestamptz '2024-02-01 00:00Z' + (n %% 28) * interval '1 day', 900, 6, "
            "(SELECT array_agg(v * 250000::bigint) FROM generate_series(1, 96) v), 1164000000, 0, 1, 1, 1, now() "
            "FROM generate_series(1, %s) n",
            [count],
        )
        assert cursor.rowcount == count


def _columns(table: str) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _clone(table: str, count: int, own: Mapping[str, str]) -> None:
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
            f'FROM (SELECT * FROM "{table}" LIMIT 1) t, generate_series(1, %s) n',
            [count],
        )
        assert cursor.rowcount == count, f"{table} has no row to copy"


if __name__ == "__main__":
    main()
