"""Find gaps in final measurements now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from vee.operations import gap_finding


class Command(BaseCommand):
    """Look for gaps of components whose type wants that, and create an estimation for each."""

    help = "Look for gaps in final measurements and create an estimation, or a To Do, for each."

    def handle(self, *args: Any, **options: Any) -> None:
        summary = gap_finding.find_gaps(at=timezone.now())
        for label, number in (
            ("Components behind", summary.components),
            ("Estimations created", summary.estimations),
            ("Waiting for a person", summary.asked),
        ):
            self.stdout.write(f"{label:<22}{number:>14,}")
