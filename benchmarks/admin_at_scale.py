"""
The admin with millions of rows behind it, against one row of each kind and against a page of rows: queries and time.

A private PostgreSQL gets three databases: one row of every model; as many rows as a page shows; and millions, filled
by statements (`parts/admin_world.py`): flow runs of a year with their steps and payloads, IMDs with their day blocks of
96 intervals, To Dos, exceptions, messages, ledgers and files. Then the same pages are asked for in all three, taking
turns. Milliseconds are those of the whole request inside the process. The claim of messages that are due is
measured in the same way.

What a full page takes more than an empty one is mostly showing its rows; so home and the To Do list are held against
the database with one row, and every page against the one with a page of rows.

    .venv/bin/python benchmarks/admin_at_scale.py [--runs 5000000] [--blocks 1050000] [--only "To Dos"] [--explain 30]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import statistics
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from benchmarks import _report
from benchmarks._report import Claim
from benchmarks.parts.admin_pages import PAGES, SUPERUSER, Page
from scripts.with_services import services


AREA = "Admin at scale"
# What PostgreSQL brings of its own is for a machine of 1 GB.
SETTINGS = {"shared_buffers": "1GB"}
ONE, FEW, FULL = "one_row", "page_of_rows", "millions"
DATABASES = (ONE, FEW, FULL)
# More than any list shows on its first page.
PAGE_ROWS = 200
# Bar: how much slower than with one row of each at most.
MOST_SLOWER_THAN_ONE = {"home": 3.0, "To Dos": 3.0}
# Messages of a claim, as the worker takes them; and how much slower it may be beside a million that are delivered.
CLAIMED, CLAIM_SLOWER = 200, 2.0


def main() -> None:
    """Read the arguments, start PostgreSQL, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--blocks", type=int, default=1_050_000, help="days of one component, 96 intervals each")
    parser.add_argument("--messages", type=int, default=1_000_000, help="outbound messages that were delivered")
    parser.add_argument("--due", type=int, default=10_000, help="outbound messages that wait for their first try")
    parser.add_argument("--todos", type=int, default=200_000)
    parser.add_argument("--open-todos", type=int, default=20_000, help="of them, at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="pages whose name holds this")
    parser.add_argument("--explain", type=float, help="show the plans of queries that took so many milliseconds")
    parser.add_argument("--server", help="address of a PostgreSQL to fill, or that was filled before, and is left so")
    options = parser.parse_args()
    with contextlib.ExitStack() as running:
        server = options.server or running.enter_context(services(settings=SETTINGS))["TIELINE_TEST_DATABASE_URL"]
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{ONE}"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        make_databases(server, options)
        failed = measure(options)
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}")


def make_databases(server: str, options: argparse.Namespace) -> None:
    """Make the three databases; one that is there stays as it is."""
    with psycopg.connect(server, autocommit=True) as postgres:
        there = {name for (name,) in postgres.execute("SELECT datname FROM pg_database").fetchall()}
        if ONE not in there:
            postgres.execute(f"CREATE DATABASE {ONE}")
        import django

        django.setup()
        from django.db import connection

        if ONE not in there:
            with_one_row_of_each()
        from benchmarks.parts import admin_rows, admin_world

        few = admin_rows.Sizes(
            least=PAGE_ROWS, runs=PAGE_ROWS, blocks=PAGE_ROWS, messages=PAGE_ROWS, due=2 * CLAIMED,
            todos=PAGE_ROWS, open_todos=PAGE_ROWS // 2,
        )  # fmt: skip
        full = admin_rows.Sizes(
            least=PAGE_ROWS, runs=options.runs, blocks=options.blocks, messages=options.messages, due=options.due,
            todos=options.todos, open_todos=min(options.open_todos, options.todos),
        )  # fmt: skip
        for name, sizes in ((FEW, few), (FULL, full)):
            if name in there:
                continue
            connection.close()
            postgres.execute(f"CREATE DATABASE {name} TEMPLATE {ONE}")
            began = time.perf_counter()
            with using(name), admin_rows.filling():
                admin_world.fill(sizes)
            (size,) = postgres.execute("SELECT pg_size_pretty(pg_database_size(%s))", [name]).fetchone() or ("",)
            print(f"{name}: {sizes}, {size}, in {time.perf_counter() - began:,.0f} s", flush=True)


def with_one_row_of_each() -> None:
    """Migrate, set up, and make a row of every model and a person of every role."""
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from django.core.management.color import no_style
    from django.db import connection

    from integration.operations import setup
    from tests.factories import days, rows

    call_command("migrate", verbosity=0)
    setup.setup(at=days.AT, username=SUPERUSER, password=secrets.token_urlsafe(20))
    with connection.cursor() as cursor:
        # Rows whose key was given, as that of the audit's head, have moved no sequence.
        for statement in connection.ops.sequence_reset_sql(no_style(), rows.all_models()):
            cursor.execute(statement)
    for role in {page.role for page in PAGES} - {SUPERUSER}:
        person = User.objects.create_user(role, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
    for model in rows.all_models():
        rows.fill(model, 1, start=rows.FIRST)


@contextlib.contextmanager
def using(name: str) -> Iterator[None]:
    """Let the process work on another database of the same server."""
    from django.db import connection

    from vee.storage import partitions

    connection.close()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    partitions.forget_partitions()
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@dataclass(slots=True)
class Seen:
    """What a page took in one database."""

    queries: list[dict[str, str]] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.milliseconds)

    def __str__(self) -> str:
        return _report.spread(self.milliseconds)


def measure(options: argparse.Namespace) -> list[str]:
    """Ask for the pages and for messages, and report; gives the names of pages that failed."""
    from benchmarks.parts import admin_pages

    named = {}
    for name in DATABASES[1:]:
        with using(name):
            named[name] = dict(admin_pages.found())
    # What is not there leads to an empty list, and to the page of the one row that there is.
    with using(ONE):
        named[ONE] = _of_the_one_row(named[FEW])
    failed = []
    for page in PAGES:
        if options.only and options.only not in page.name:
            continue
        seen = {name: Seen() for name in DATABASES}
        try:
            for turn in range(options.rounds):
                for name in DATABASES:
                    with using(name):
                        _ask(page, page.address.format(**named[name]), seen[name], first=turn == 0)
        except Exception as error:  # noqa: BLE001 - whatever it is: the others take long to be asked again
            traceback.print_exc()
            failed.append(page.name)
            _report.record(
                Claim(area=AREA, what=f"{page.name}: failures", measured=1, unit="of the page", at_most=0,
                      detail=f"{type(error).__name__}: {error}"[:300])
            )  # fmt: skip
            continue
        report(page, seen)
        if options.explain:
            _explain(page, seen[FULL], options.explain)
    if not options.only or options.only in "claim":
        claims(options)
    return failed


def _of_the_one_row(names: Mapping[str, Any]) -> dict[str, Any]:
    from integration.models import FlowRun
    from outbound.models import OutboundMessage
    from vee.models import InitialMeasurement, ToDo

    own = {"run": FlowRun, "todo": ToDo, "imd": InitialMeasurement, "message_key": OutboundMessage}
    return {**names, **{name: model.objects.all()[0].pk for name, model in own.items()}}


def _ask(page: Page, address: str, seen: Seen, *, first: bool) -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username=page.role))
    # A connection that was just made knows no table yet.
    client.get(address)
    if first:
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(address)
            seen.queries = list(asked.captured_queries)  # the next request forgets them
        assert answer.status_code == 200, (address, answer.status_code)
    began = time.perf_counter()
    client.get(address)
    seen.milliseconds.append((time.perf_counter() - began) * 1000)


def report(page: Page, seen: Mapping[str, Seen]) -> None:
    """Record what a page took."""
    one, few, full = (seen[name] for name in DATABASES)
    beside = f"full {full}, a page of rows {few}, one row {one} ms; load {os.getloadavg()[0]:.1f}"
    limit = next((most for name, most in MOST_SLOWER_THAN_ONE.items() if page.name.split(",")[0] == name), None)
    if limit is not None:
        _report.record(
            Claim(
                area=AREA, what=f"{page.name}: time against one row of each", measured=full.middle / one.middle,
                at_most=limit, detail=beside,
            )
        )  # fmt: skip
    _report.record(
        Claim(
            area=AREA, what=f"{page.name}: time against a page of rows", measured=full.middle / few.middle,
            at_most=page.slower, detail=beside,
        )
    )  # fmt: skip
    _report.record(
        Claim(
            area=AREA, what=f"{page.name}: queries", measured=len(full.queries), unit="queries",
            at_most=page.most_queries or len(few.queries),
            detail=f"{len(few.queries)} with a page of rows, {len(one.queries)} with one row",
        )
    )  # fmt: skip


def _explain(page: Page, seen: Seen, least: float) -> None:
    from django.db import connection

    for query in seen.queries:
        if float(query["time"]) * 1000 < least:
            continue
        print(f"--- {page.name}: {float(query['time']) * 1000:,.0f} ms\n{query['sql'][:3000]}")
        with using(FULL), connection.cursor() as cursor, contextlib.suppress(Exception):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query['sql']}")
            print("\n".join(line for (line,) in cursor.fetchall()))


def claims(options: argparse.Namespace) -> None:
    """Take messages that are due beside a million that are delivered, and beside hardly any."""
    from django.db import transaction
    from django.utils import timezone

    from outbound.operations.message_claims import reserve

    def claim(name: str) -> float:
        with using(name):
            taken = []
            for _ in range(3):  # of a new connection the first is slow
                with transaction.atomic():
                    began = time.perf_counter()
                    won = reserve(at=timezone.now(), limit=CLAIMED)
                    taken.append(time.perf_counter() - began)
                    transaction.set_rollback(True)
                assert len(won) == CLAIMED, (name, len(won))
            return min(taken)

    taken = _report.in_turns({name: lambda name=name: claim(name) for name in (FEW, FULL)}, rounds=options.rounds)  # type: ignore[misc]
    few, full = ([seconds * 1000 for seconds in taken[name]] for name in (FEW, FULL))
    _report.record(
        Claim(
            area=AREA,
            what=f"claim of {CLAIMED} messages, {options.due:,} due beside {options.messages:,} delivered, against "
            f"{2 * CLAIMED} due beside {PAGE_ROWS}",
            measured=statistics.median(full) / statistics.median(few),
            at_most=CLAIM_SLOWER,
            detail=f"{_report.spread(full)} and {_report.spread(few)} ms",
        )
    )


if __name__ == "__main__":
    main()
