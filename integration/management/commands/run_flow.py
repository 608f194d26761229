"""`manage.py run_flow IDENTIFIER`: a scheduled flow by hand, here and now."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integration.choices import RunState
from integration.flows.registry import UnknownFlow
from integration.models import FlowRun
from integration.operations import messages, scheduled_runs
from integration.operations.flows import FlowNotAvailable


class Command(BaseCommand):
    """Run a scheduled flow in this process and say what became of it."""

    help = "Run a scheduled flow here and now, by its code or short name, and print its steps."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the options of the command line."""
        parser.add_argument("identifier", help="code or short name of the flow, e.g. device_score")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            run = scheduled_runs.run_here(
                identifier=options["identifier"], by=f"{_who()} (command line)", clock=timezone.now
            )
        except (
            UnknownFlow,
            FlowNotAvailable,
            messages.FlowNotActive,
            scheduled_runs.NotScheduled,
            scheduled_runs.RunInProgress,
            scheduled_runs.FlowHeld,
        ) as error:
            raise CommandError(str(error)) from error
        self._tell(run)
        if run.state != RunState.SUCCEEDED:
            raise CommandError(f"Run {run.pk} ended {run.state}: {run.fault_reason or run.ack_type}")

    def _tell(self, run: FlowRun) -> None:
        self.stdout.write(f"Run {run.pk} of {run.flow}: {run.state} {run.ack_type}")
        for step in run.steps.order_by("sequence"):
            counts = ", ".join(f"{name} {value}" for name, value in step.counts.items())
            self.stdout.write(f"  {step.sequence}. {step.name}: {step.outcome}" + (f" ({counts})" if counts else ""))
            if step.message:
                self.stdout.write(f"     {step.message}")
            for line in step.detail:
                self.stdout.write(f"     {line.get('file', line.get('line', ''))}: {line.get('text', '')}")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
