"""`manage.py demo`: a day's real work through the running product, and a table of what happened."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone
from rich.console import Console

from integration import demo
from integration.demo import background, sending, tally
from integration.demo.account import demo_token
from integration.demo.client import DoorClosed, Doors, SandboxDacs, SandboxDerms, SandboxDrop, mails_in_sandbox
from integration.demo.enrollments import (
    generate_collection_while_down,
    generate_collections,
    generate_enrollment_of_event,
)
from integration.demo.events import EventLife, LifeStep
from integration.demo.nem12 import INTERVALS, generate_file
from integration.demo.readings import ZONE, generate_day
from integration.demo.report import Report, print_report
from integration.processes import HOST, SANDBOX_PORTS
from outbound.queries import UnknownConnection, connection


MAX_METERS = 50_000
_MAIL_SECONDS = 10.0


class Command(BaseCommand):
    """Send a generated day through the outside doors of the product and compare what it found with the labels."""

    help = "Send a generated but realistic day through the running product and print what happened."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the options of the command line."""
        parser.add_argument("--meters", type=int, default=2_000, help="how many meters (default 2000)")
        parser.add_argument("--enrollments", type=int, default=300, help="how many enrollment records (default 300)")
        parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same day (default 7)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        meters, records = options["meters"], options["enrollments"]
        if not 20 <= meters <= MAX_METERS or not 0 <= records <= MAX_METERS:
            raise CommandError(f"--meters is a number from 20 to {MAX_METERS}, --enrollments one from 0.")
        port = int(os.environ.get("PORT", "").strip() or 8000)
        url = f"http://{HOST}:{port}"
        console = Console(width=None if self.stdout.isatty() else 120)
        try:
            with self._product(url=url, port=port, console=console):
                report = self._send_a_day(
                    url=url, meters=meters, records=records, seed=options["seed"], console=console
                )
        except (DoorClosed, sending.StillWorking, background.UnableToStart) as error:
            raise CommandError(str(error)) from error
        print_report(report, console=console)
        if not report.all_as_expected:
            raise CommandError("Not everything was treated as its label says: see the columns 'Missed'.")

    @contextlib.contextmanager
    def _product(self, *, url: str, port: int, console: Console) -> Iterator[None]:
        if background.is_live(url):
            console.print(f"The product answers at {url}.")
            yield
            return
        console.print(f"Nothing answers at {url}: starting the product in the background for this demo …")
        with background.running(url=url, port=port):
            yield
            console.print("Stopping the product again. `make run` starts it to stay.")

    def _send_a_day(self, *, url: str, meters: int, records: int, seed: int, console: Console) -> Report:
        at = timezone.now()
        run = _run_id(at)
        on = at.astimezone(ZONE).date() - timedelta(days=1)
        console.print(f"Run {run}: {on:%A, %-d %B %Y} of {meters:,} meters, seed {seed}.")
        days = generate_day(run=run, meters=meters, on=on, seed=seed)
        file = generate_file(run=run, meters=max(10, meters // 10), on=on, seed=seed)
        call_command("config", "apply", str(Path(demo.__file__).with_name("config.yaml")), stdout=io.StringIO())
        mailbox = f"http://{HOST}:{SANDBOX_PORTS['mail'] + 1}"
        mails_before = mails_in_sandbox(mailbox)
        with demo_token() as token:

            def open_doors() -> Doors:
                return Doors(url=url, token=token)

            doors = open_doors()
            started = time.monotonic()
            sent = [sending.register_meters(doors, days=days, file=file), sending.send_readings(open_doors, days=days)]
            file_id, uploaded = sending.upload_file(doors, file=file)
            sent.append(uploaded)
            results = self._enroll(open_doors, run=run, records=records, on=on, seed=seed, sent=sent, console=console)
            life = [] if results is None else self._live(doors, run=run, on=on, at=at, seed=seed, console=console)
            file_report = sending.wait_until_done(doors, run=run, file_id=file_id, say=console.print)
            seconds = time.monotonic() - started
        mails_after = self._mails_after(mailbox, before=mails_before, expected=results is not None)
        return Report(
            run=run,
            sent=sent,
            found=tally.compare(days, tally.outcomes(f"{run}-M")),
            states=tally.states(run),
            todos=tally.open_todos(run),
            file=file,
            file_report=file_report,
            enrollments=results,
            life=life,
            mails=None if mails_before is None or mails_after is None else mails_after - mails_before,
            intervals=sum(len(day.values) for day in days) + file.good_rows * INTERVALS,
            seconds=seconds,
            links=_links(url, run=run),
        )

    @staticmethod
    def _mails_after(mailbox: str, *, before: int | None, expected: bool) -> int | None:
        """Count the mails, after waiting a little for the first one; a second run's faults go into a digest."""
        deadline = time.monotonic() + _MAIL_SECONDS
        while expected and before is not None and mails_in_sandbox(mailbox) == before and time.monotonic() < deadline:
            time.sleep(0.5)
        return mails_in_sandbox(mailbox)

    def _enroll(
        self, open_doors: Any, *, run: str, records: int, on: Any, seed: int, sent: list[sending.Sent], console: Console
    ) -> sending.EnrollmentResults | None:
        if not records:
            return None
        try:
            target = connection("DACS")
        except UnknownConnection:
            console.print("There is no connection DACS: no enrollments are sent.")
            return None
        dacs = SandboxDacs(url=target.base_url)
        if not dacs.is_there():
            console.print("The connection DACS does not lead to the sandbox: no enrollments are sent.")
            return None
        if sending.name_recipients(open_doors()):
            console.print("Error mails had no recipient: the demo named one.")
        results, entry = sending.send_enrollments(
            open_doors,
            dacs=dacs,
            collections=generate_collections(run=run, records=records, on=on, seed=seed),
            while_down=generate_collection_while_down(run=run, on=on, seed=seed),
            read_timeout=float(target.read_timeout),
        )
        sent.append(entry)
        return results

    def _live(self, doors: Doors, *, run: str, on: Any, at: datetime, seed: int, console: Console) -> list[LifeStep]:
        """Send an event through its whole life; only where both peers are the sandbox's."""
        try:
            dacs, derms = (connection(name).base_url for name in ("DACS", "DERMS"))
        except UnknownConnection:
            console.print("There is no connection DERMS: no event is sent.")
            return []
        peer = SandboxDerms(url=derms)
        if not peer.is_there():
            console.print("The connection DERMS does not lead to the sandbox: no event is sent.")
            return []
        enrollment = generate_enrollment_of_event(run=run, on=on, seed=seed)
        life = EventLife(
            doors=doors,
            dacs=SandboxDacs(url=dacs),
            derms=peer,
            drop=_sandbox_drop(),
            run=run,
            at=at,
            enrollment=enrollment,
        )
        return list(life.live())


def _sandbox_drop() -> SandboxDrop | None:
    """Give the simulated file drop, when the connection DACS_SFTP leads to one."""
    try:
        target = connection("DACS_SFTP")
    except UnknownConnection:
        return None
    drop = SandboxDrop(host=target.host, port=target.port or 22, directory=target.directory)
    return drop if drop.is_there() else None


def _run_id(at: datetime) -> str:
    """Give five characters that no other run has: seconds since 2024, in base 36."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    number = int((at - datetime(2024, 1, 1, tzinfo=UTC)).total_seconds()) % 36**5
    name = ""
    for _ in range(5):
        number, digit = divmod(number, 36)
        name = digits[digit] + name
    return name


def _links(url: str, *, run: str) -> list[tuple[str, str]]:
    def link(view: str, **parameters: str) -> str:
        return f"{url}{reverse(view)}?{urlencode(parameters)}"

    return [
        ("To Dos", link("admin:vee_todo_changelist", q=run)),
        (
            "Initial measurements in exception",
            link("admin:vee_initialmeasurement_changelist", q=run, state="EXCEPTION"),
        ),
        ("Reading files", link("admin:vee_readingfile_changelist", q=run)),
        ("Enrollment runs", link("admin:integration_flowrun_changelist", q=f"{run}-ENR")),
        ("Event runs", link("admin:integration_flowrun_changelist", q=f"{run}-RSV")),
        ("Sandbox DACS", f"http://{HOST}:{SANDBOX_PORTS['dacs']}/_control/"),
        ("Sandbox mailbox", f"http://{HOST}:{SANDBOX_PORTS['mail'] + 1}/_control/"),
    ]
