"""`manage.py run_batch CODE`: a batch of the DACS side by hand, here and now."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from assets import queries
from assets.batches import BATCHES
from assets.choices import BatchStatus
from assets.operations.batch_work import BatchInProgress


class Command(BaseCommand):
    """Run a batch of the DACS side in this process and say what it did."""

    help = f"Run a batch of the DACS side here and now: {', '.join(BATCHES)}."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the options of the command line."""
        parser.add_argument("code", choices=sorted(BATCHES), help="code of the batch")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        code = options["code"]
        if not queries.is_on():
            raise CommandError(f"The DACS side is switched off (property {queries.SWITCH}): no batch runs.")
        try:
            run = BATCHES[code](by=f"{_who()} (command line)", at=timezone.now())
        except BatchInProgress as error:
            raise CommandError(str(error)) from error
        if run is None:
            self.stdout.write(f"{code}: nothing to do.")
            return
        counts = ", ".join(f"{name} {number}" for name, number in run.counts.items())
        self.stdout.write(f"{run}: {run.get_status_display()}" + (f" ({counts})" if counts else ""))
        if run.status == BatchStatus.ERROR:
            raise CommandError(run.message)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
