"""One step of a run, as a flow sees it while it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from integration.choices import StepOutcome
from integration.flows import run_payloads
from integration.flows.contract import Exchanged, Fault
from integration.models import RunStep


if TYPE_CHECKING:
    from integration.flows.run import Run


REASON_LENGTH = 1000


class Step:
    """A step while it runs: what it counts, what it notes, and what it keeps of the wire."""

    def __init__(self, run: Run, row: RunStep) -> None:
        self.row = row
        self._run = run

    def count(self, **counts: int) -> None:
        """Set counts that the step is told by."""
        self.row.counts = {**self.row.counts, **counts}

    def note(self, line: Mapping[str, Any]) -> None:
        """Add a line to the step's detail."""
        self.row.detail = [*self.row.detail, dict(line)]

    def warn(self, message: str) -> None:
        """Say that the step went through, but not for everything."""
        self.row.outcome = StepOutcome.WARNING
        self.row.message = message[:REASON_LENGTH]

    def fail(self, fault: Fault) -> None:
        """Say that the step failed, and why; the flow goes on to answer its caller."""
        self.row.outcome = StepOutcome.FAILED
        self.row.fault_type = str(fault.type)
        self.row.message = fault.reason[:REASON_LENGTH]

    def exchange(self, *, request: bytes, response: bytes | None, label: str, succeeded: bool, media_type: str) -> None:
        """Keep a request to the target and its answer, as far as the flow's tracing level asks for it."""
        self.exchanges(
            [Exchanged(request=request, response=response, label=label, succeeded=succeeded, media_type=media_type)]
        )

    def exchanges(self, exchanges: Sequence[Exchanged]) -> None:
        """Keep several requests and their answers in one statement."""
        run_payloads.keep_exchanges(self._run.row, exchanges, step=self.row, at=self._run.clock())
