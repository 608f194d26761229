"""`manage.py supervise`: the whole product on this machine, under one supervisor."""

from __future__ import annotations

import logging
import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections

from integration import processes, static_collection
from integration.environment import BASE_DIR, VAR_DIR
from integration.supervisor import AlreadyRunning, Supervisor, only_one


class Command(BaseCommand):
    """Prepare database and defaults, then run web, worker, beat and the simulated peers until Ctrl-C."""

    help = "Prepare the database, then run web, worker, beat and the simulated peers until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the options of the command line."""
        parser.add_argument("--no-sandbox", action="store_true", help="start without the simulated peers")
        parser.add_argument("--port", type=int, help="port of the web process (default: PORT, else 8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        port = options["port"] or self._port_from_environment()
        sandbox = not options["no_sandbox"]
        try:
            with only_one(VAR_DIR / "supervise.lock"):
                processes.refuse_taken_ports(port=port, sandbox=sandbox)
                self._prepare(sandbox=sandbox)
                self._supervise(port=port, sandbox=sandbox)
        except AlreadyRunning as error:
            raise CommandError(
                f"Tieline already runs on {VAR_DIR} (process {error}). "
                "Stop it first, or set TIELINE_VAR to another directory."
            ) from error
        except processes.PortTaken as error:
            raise CommandError(str(error)) from error

    @staticmethod
    def _port_from_environment() -> int:
        given = os.environ.get("PORT", "").strip() or "8000"
        if not given.isdigit() or not 0 < int(given) < 65536:
            raise CommandError(f"PORT is {given!r}; it must be a number from 1 to 65535.")
        return int(given)

    def _prepare(self, *, sandbox: bool) -> None:
        try:
            # What these steps log at INFO is for the log of a server, not for the person who watches this start.
            logging.disable(logging.INFO)
            self.stdout.write("Preparing the database ...")
            call_command("migrate", interactive=False, verbosity=0)
            self.stdout.write("Collecting static files ...")
            static_collection.collect()
            self.stdout.write("Applying the shipped defaults ...")
            call_command("setup", sandbox=sandbox, stdout=self.stdout)
        except OperationalError as error:
            name = settings.DATABASES["default"]["HOST"] or "the database"
            raise CommandError(f"The database cannot be used ({name}): {error}".strip()) from error
        finally:
            logging.disable(logging.NOTSET)
            connections.close_all()

    def _supervise(self, *, port: int, sandbox: bool) -> None:
        if os.geteuid() == 0:
            self.stdout.write("Running as root: fine for a trial, use an account of its own for anything else.")
        self.stdout.write("Starting web, worker, beat" + (" and the simulated peers ..." if sandbox else " ..."))
        supervisor = Supervisor(
            children=processes.product(port=port, sandbox=sandbox, broker_is_shared=bool(settings.REDIS_URL)),
            directory=BASE_DIR,
            is_ready=lambda: processes.is_ready(port),
            on_ready=lambda: self._announce(port=port, sandbox=sandbox),
        )
        supervisor.run()
        self.stdout.write("Stopped.")

    def _announce(self, *, port: int, sandbox: bool) -> None:
        lines = [
            "",
            f"Tieline is ready at http://{processes.HOST}:{port}/",
            f"  API          http://{processes.HOST}:{port}/api/docs/",
            f"  Health       http://{processes.HOST}:{port}/health/ready",
        ]
        if sandbox:
            ports = processes.SANDBOX_PORTS
            dacs, derms, mail, drop, objects = (ports[peer] for peer in ("dacs", "derms", "mail", "drop", "objects"))
            lines += [
                f"  Peer DACS    http://{processes.HOST}:{dacs}/_control/",
                f"  Peer DERMS   http://{processes.HOST}:{derms}/_control/",
                f"  Mailbox      http://{processes.HOST}:{mail + 1}/_control/",
                f"  File drop    http://{processes.HOST}:{drop + 1}/_control/",
                f"  Object store http://{processes.HOST}:{objects}/_control/",
            ]
        lines += ["  Stop with Ctrl-C.", ""]
        self.stdout.write("\n".join(lines))
