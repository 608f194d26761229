"""Add up the completeness of days now."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from vee.operations import completeness


class Command(BaseCommand):
    """Add up days for the report of data completeness, such as those from before it was there."""

    help = "Add up how complete the interval measurements of days are, for the report of data completeness."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the first and the last day; without them, what is due."""
        parser.add_argument("--first", type=dt.date.fromisoformat, help="first local day, YYYY-MM-DD")
        parser.add_argument("--last", type=dt.date.fromisoformat, help="last local day; the first one when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        first, last = options["first"], options["last"]
        if first is None:
            if last is not None:
                raise CommandError("--last needs --first.")
            done = completeness.summarise_due(at=timezone.now())
        else:
            done = completeness.summarise_days(first=first, last=last or first, at=timezone.now())
        self.stdout.write(f"{'Days of types':<22}{done.days:>14,}")
