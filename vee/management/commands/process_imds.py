"""Process due IMDs now."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from vee.operations import processing


class Command(BaseCommand):
    """Run VEE over the IMDs that are due, and return when none is."""

    help = "Run VEE over the initial measurements that are due, and return when none is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=None, help="Process at most so many IMDs.")
        parser.add_argument("--chunk", type=int, default=processing.DEFAULT_CHUNK, help="IMDs per transaction.")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        summary = processing.process_due(at=timezone.now(), limit=options["limit"], chunk=options["chunk"])
        seconds = time.monotonic() - began
        for label, number in (
            ("IMDs processed", summary.imds),
            ("  complete", summary.completed),
            ("  in exception", summary.exceptions),
            ("  in error", summary.errors),
            ("Intervals finalized", summary.intervals),
        ):
            self.stdout.write(f"{label:<22}{number:>14,}")
        rate = summary.intervals / seconds if seconds else 0
        self.stdout.write(f"{'Time':<22}{seconds:>12.1f} s  ({rate:,.0f} intervals/s)")
