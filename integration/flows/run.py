"""
A run while it works: its steps, its lease, its lookups, what it keeps of the wire.

A flow gets a `Run` and says what it does: `with run.step("Send to DACS") as step`. Steps are committed as they
happen, so that the admin shows a run while it works. The run keeps its lease: one whose process died is found and
ended, and a process that comes back late finds that the run is no longer its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import structlog

from integration.choices import PayloadDirection, RunState, StepOutcome, TracingLevel
from integration.flows import applied_overlays, run_payloads
from integration.flows.applied_overlays import Facts
from integration.flows.contract import Fault
from integration.flows.overlays import Overlay
from integration.flows.step import Step
from integration.models import FlowRun, Payload, RunStep, RunTransition
from integration.operations import unmapped_codes, unmapped_elements
from lookups.queries import Table, UnknownLookup, table
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

# How long a run may be silent before it counts as abandoned; it speaks six times as often.
LEASE = dt.timedelta(seconds=30)

Clock = Callable[[], dt.datetime]


class Run:
    """A run at work. Made by `runner.start`; not shared between threads."""

    def __init__(self, row: FlowRun, *, clock: Clock) -> None:
        self.row = row
        self.clock = clock
        self.ended_because = ""
        self._sequence = row.steps.count()
        self._tables: dict[str, Table] = {}
        self._overlays: dict[str, Overlay | None] = {}
        self._lease_renewed_at: dt.datetime | None = None

    @property
    def traces_records(self) -> bool:
        """Whether each record gets its line, successes included."""
        return self.row.flow.tracing_level == TracingLevel.DEBUG

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Record a step: its row is there when it starts and complete when it ends, whatever way it ends."""
        self.heartbeat()
        self._sequence += 1
        started_at = self.clock()
        row = RunStep.objects.create(
            run=self.row, name=name, sequence=self._sequence, attempt=self.row.attempts, started_at=started_at
        )
        step = Step(self, row)
        try:
            yield step
        except BaseException as error:
            step.fail(
                Fault(type=FaultType.TECHNICAL, code=type(error).__name__, reason=str(error) or type(error).__name__)
            )
            raise
        finally:
            if row.outcome == StepOutcome.IN_PROGRESS:
                row.outcome = StepOutcome.SUCCEEDED
            elapsed = max((self.clock() - started_at).total_seconds(), 0.0)
            row.duration_seconds = Decimal(f"{elapsed:.3f}")
            row.save()
            logger.info("step", step=name, outcome=str(row.outcome), seconds=round(elapsed, 3), **row.counts)

    def heartbeat(self) -> bool:
        """
        Say that the run is being worked on; written at most every few seconds.

        Gives False, and `ended_because`, when it is no longer this process's: a person aborted it, or it was given
        up as abandoned. The flow then starts nothing more and tells its caller what it has.
        """
        now = self.clock()
        if self._lease_renewed_at is None or now - self._lease_renewed_at >= LEASE / 6:
            self._renew(now)
        return not self.ended_because

    def progress(self, *, done: int, total: int) -> bool:
        """Say how far the run is; gives what `heartbeat` gives."""
        self.row.progress_done, self.row.progress_total = done, total
        self._renew(self.clock(), progress_done=done, progress_total=total)
        return not self.ended_because

    def _renew(self, now: dt.datetime, **changes: Any) -> None:
        if self.ended_because:
            return
        renewed = FlowRun.objects.filter(pk=self.row.pk, state=RunState.IN_PROGRESS, attempts=self.row.attempts).update(
            lease_until=now + LEASE, **changes
        )
        if renewed:
            self._lease_renewed_at = now
            return
        ended = RunTransition.objects.filter(run=self.row).order_by("-id").first()
        self.ended_because = f"The run was ended by {ended.by}: {ended.reason}" if ended else "The run was ended."

    def table(self, name: str) -> Table:
        """
        Give a lookup, held still for the whole run, and note its version (`reliability.md` L2).

        :raises UnknownLookup: when there is none of this name.
        """
        if name not in self._tables:
            held = unmapped_codes.watched(table(name=name), clock=self.clock)
            self._tables[name] = held
            self.row.lookup_versions[held.name] = held.version
        return self._tables[name]

    def overlay_of(self, mapping: str, *, at: dt.datetime | None = None, step: Step | None = None) -> Overlay | None:
        """
        Give the overlay of a mapping, held still for the whole run, and note its version on the run and the step.

        :param at: as of when; now when it is not given.
        :raises OverlayFailed: when it does not fit this version of the product any more.
        """
        if mapping not in self._overlays:
            found = applied_overlays.in_effect(mapping, at=at or self.clock())
            self._overlays[mapping] = found
            if found is not None:
                self.row.overlay_versions[mapping] = found.version
                for name in found.lookups:
                    with contextlib.suppress(UnknownLookup):
                        # Its version is noted; that it is gone is told by the field that asks it.
                        self.table(name)
            if found is not None and step is not None:
                step.note(applied_overlays.note(found))
        return self._overlays[mapping]

    def overlay(
        self, mapping: str, *, message: Mapping[str, Any], base: Mapping[str, Any], step: Step
    ) -> Mapping[str, Any]:
        """
        Give what a base mapping made of a message, with the site's overlay; and note elements that nothing maps.

        :raises OverlayFailed: when the overlay cannot be applied to this message: a technical fault of it.
        """
        unmapped_elements.observe(mapping, message, at=self.clock())
        overlay = self.overlay_of(mapping, step=step)
        if overlay is None:
            return base
        return applied_overlays.whole(
            applied_overlays.apply(overlay, message=message, base=base, facts=Facts.of(self.row), table_of=self.table)
        )

    def keep(
        self,
        direction: PayloadDirection,
        content: bytes,
        *,
        label: str = "",
        step: RunStep | None = None,
        media_type: str = "application/json",
        for_debugging: bool = False,
    ) -> Payload:
        """
        Store what went over the wire, encrypted, for as long as the flow keeps payloads.

        `for_debugging`: only the tracing level Debug keeps it, for the flow's hours and not its days.
        """
        return run_payloads.keep(
            self.row,
            direction,
            content,
            label=label,
            step=step,
            media_type=media_type,
            for_debugging=for_debugging,
            at=self.clock(),
        )
