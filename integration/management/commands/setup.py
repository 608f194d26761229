"""`manage.py setup`: roles, shipped defaults, schedules, the first account, and what TIELINE_CONFIG names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integration.operations.configuration import UnableToApplyConfiguration
from integration.operations.setup import SetupReport, setup
from integration.processes import SANDBOX_PORTS


class Command(BaseCommand):
    """Apply the shipped defaults; safe to run again, what a site has set stays."""

    help = "Apply the shipped defaults and TIELINE_CONFIG. Safe to run again: what a site has set stays."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the options of the command line."""
        parser.add_argument(
            "--sandbox",
            action="store_true",
            help="also connect to the simulated peers, where no such connection exists",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            report = setup(
                at=timezone.now(),
                username=os.environ.get("DJANGO_SUPERUSER_USERNAME", ""),
                password=os.environ.get("DJANGO_SUPERUSER_PASSWORD", ""),
                email=os.environ.get("DJANGO_SUPERUSER_EMAIL", ""),
                config=Path(settings.TIELINE_CONFIG) if settings.TIELINE_CONFIG else None,
                sandbox_ports=SANDBOX_PORTS if options["sandbox"] else None,
            )
        except UnableToApplyConfiguration as error:
            raise CommandError(f"TIELINE_CONFIG ({settings.TIELINE_CONFIG}) was refused. {error}") from error
        self._tell(report)

    def _tell(self, report: SetupReport) -> None:
        if report.configuration:
            self.stdout.write(f"Applied {settings.TIELINE_CONFIG}: {len(report.configuration)} entries.")
            for change in report.configuration:
                if getattr(change, "note", ""):
                    self.stdout.write(f"  {change}")
        if report.connections:
            self.stdout.write(f"Connected to the simulated peers: {', '.join(report.connections)}.")
        if report.account is not None:
            self.stdout.write(f"Created the superuser {report.account.username!r}.")
            if report.account.generated_password:
                self.stdout.write(
                    f"  Its password is {report.account.generated_password}  (shown this once; change it in the admin)"
                )
