"""One step of a run, as a flow sees it while it works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from integration.choices import PayloadDirection, StepOutcome, TracingLevel
from integration.flows.contract import Fault
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
        level = self._run.row.flow.tracing_level
        if succeeded and level == TracingLevel.PRODUCTION:
            return
        debugging = succeeded and level == TracingLevel.DEBUG
        self._run.keep(PayloadDirection.REQUEST_OUT, request, label=label, step=self.row, for_debugging=debugging)
        if response is not None:
            self._run.keep(
                PayloadDirection.RESPONSE_IN,
                response,
                label=label,
                step=self.row,
                media_type=media_type,
                for_debugging=debugging,
            )
