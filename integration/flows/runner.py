"""
The only place that starts, steps, finishes and fails a run (`house.md` D2).

A flow gets a `Run` and says what it does: `with run.step("Send to DACS") as step`. Steps are committed as they
happen, so that the admin shows a run while it works. The runner keeps the lease: a run whose process died is found
and ended, and a process that comes back late finds that the run is no longer its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction
from django_fsm import can_proceed

from integration.choices import (
    AckType,
    PayloadDirection,
    RunKind,
    RunState,
    StepOutcome,
    TracingLevel,
)
from integration.flows.contract import Fault
from integration.flows.step import REASON_LENGTH, Step
from integration.models import Flow, FlowRun, Payload, RunIdentifier, RunStep, RunTransition
from integration.operations import errors, statistics
from lookups.queries import Table, table
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

# How long a run may be silent before it counts as abandoned; it speaks six times as often.
LEASE = dt.timedelta(seconds=30)
IDENTIFIERS_SHOWN = 3

Clock = Callable[[], dt.datetime]


class RunTakenAway(Exception):
    """The run is not, or no longer, waiting: another process took it, or a person ended it."""


class Run:
    """A run at work. Made by `execute`; not shared between threads."""

    def __init__(self, row: FlowRun, *, clock: Clock) -> None:
        self.row = row
        self.clock = clock
        self.ended_because = ""
        self._sequence = row.steps.count()
        self._tables: dict[str, Table] = {}
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
            held = table(name=name)
            self._tables[name] = held
            self.row.lookup_versions[held.name] = held.version
        return self._tables[name]

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
        return _keep(
            self.row,
            direction,
            content,
            label=label,
            step=step,
            media_type=media_type,
            for_debugging=for_debugging,
            at=self.clock(),
        )


def receive(
    *,
    flow: Flow,
    kind: RunKind = RunKind.MESSAGE,
    parent: FlowRun | None = None,
    body: bytes,
    media_type: str,
    digest: str,
    identifiers: Sequence[tuple[str, str]],
    requested_by_id: int | None,
    by: str,
    reason: str,
    correlation_id: str = "",
    leased: bool = True,
    at: dt.datetime,
) -> FlowRun:
    """
    Store a message as a run in RECEIVED, with its payload and business identifiers.

    The caller's transaction commits it before anything is acknowledged or sent. `leased`: this process goes on with
    it at once; otherwise it waits for a worker.
    """
    run_id = uuid.uuid4()
    row = FlowRun.objects.create(
        id=run_id,
        flow=flow,
        kind=kind,
        parent=parent,
        correlation_id=correlation_id or str(run_id),
        idempotency_key=(identifiers[0][1] if identifiers else "")[:255],
        body_digest=digest,
        requested_by_id=requested_by_id,
        identifiers_shown=_shown(identifiers),
        started_at=at,
        lease_until=at + LEASE if leased else None,
    )
    RunIdentifier.objects.bulk_create(
        [RunIdentifier(run=row, name=name, value=value) for name, value in dict.fromkeys(identifiers)]
    )
    RunTransition.objects.create(run=row, to_state=RunState.RECEIVED, at=at, by=by, reason=reason)
    _keep(row, PayloadDirection.REQUEST_IN, body, media_type=media_type, at=at)
    statistics.count_received(flow_id=flow.pk, run_id=run_id, at=at)
    return row


def start(row: FlowRun, *, clock: Clock) -> Run:
    """
    Take a received run; of two processes one gets it.

    :raises RunTakenAway: when it is no longer waiting.
    """
    at = clock()
    with transaction.atomic():
        taken = FlowRun.objects.filter(pk=row.pk, state=RunState.RECEIVED).update(
            state=RunState.IN_PROGRESS, attempts=row.attempts + 1, lease_until=at + LEASE
        )
        if not taken:
            raise RunTakenAway("The run is no longer waiting.")
        RunTransition.objects.create(
            run=row, from_state=RunState.RECEIVED, to_state=RunState.IN_PROGRESS, at=at, reason="taken to work"
        )
    fresh = FlowRun.objects.select_related("flow", "requested_by").get(pk=row.pk)
    return Run(fresh, clock=clock)


def finish(
    run: Run,
    *,
    status: int,
    response: bytes,
    ack_type: str = "",
    counts: Mapping[str, int] | None = None,
    fault: Fault | None = None,
) -> bool:
    """
    Store the answer and end the run: SUCCEEDED, or FAILED when there was a fault.

    Gives False when the run had been ended by somebody else meanwhile; its answer is stored all the same.
    """
    row, at = run.row, run.clock()
    with transaction.atomic():
        run.keep(PayloadDirection.RESPONSE_OUT, response)
        FlowRun.objects.filter(pk=row.pk).update(
            response_status=status, ack_type=ack_type, counts=dict(counts or {}), lookup_versions=row.lookup_versions
        )
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        if current.state != RunState.IN_PROGRESS or current.attempts != row.attempts:
            logger.warning("run_ended_meanwhile", state=current.state)
            return False
        if fault is None:
            current.succeed()
            reason = f"acknowledged {ack_type}" if ack_type else "done"
        else:
            current.fail()
            _set_fault(current, fault)
            reason = fault.reason
        _end(current, from_state=RunState.IN_PROGRESS, at=at, by="system", reason=reason)
    row.refresh_from_db()
    logger.info("run_finished", state=row.state, ack_type=ack_type)
    if fault is None and ack_type != AckType.FAILURE:
        errors.recovered(run=row, at=at)
    return True


def conclude(row: FlowRun, *, ack_type: str, counts: Mapping[str, int], fault: Fault | None, at: dt.datetime) -> bool:
    """
    End a run that several workers worked on, by its acknowledgement: SUCCEEDED, or FAILED when there was a fault.

    Gives False when somebody else had ended it; the acknowledgement is noted all the same.
    """
    with transaction.atomic():
        current = FlowRun.objects.select_for_update(of=("self",)).select_related("flow").get(pk=row.pk)
        current.ack_type, current.counts = ack_type, dict(counts)
        if current.state != RunState.IN_PROGRESS:
            current.save(update_fields=["ack_type", "counts"])
            return False
        if fault is None:
            current.succeed()
        else:
            current.fail()
            _set_fault(current, fault)
        reason = fault.reason if fault else f"acknowledged {ack_type}"
        _end(current, from_state=RunState.IN_PROGRESS, at=at, by="system", reason=reason)
    return True


def requeue(row: FlowRun, *, by: str, reason: str, at: dt.datetime) -> bool:
    """Put an ended run back to wait for a worker, as the caller's re-send asks; False when it has not ended."""
    with transaction.atomic():
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        before = current.state
        if not can_proceed(current.resume):
            return False
        current.resume()
        current.lease_until = None
        current.save()
        RunTransition.objects.create(
            run=row, from_state=before, to_state=current.state, at=at, by=by, reason=reason[:REASON_LENGTH]
        )
    return True


def open_step(row: FlowRun, name: str, *, at: dt.datetime) -> RunStep:
    """Start a step that several workers share; `close_step` ends it."""
    last = RunStep.objects.filter(run=row).order_by("-sequence").values_list("sequence", flat=True).first() or 0
    return RunStep.objects.create(run=row, name=name, sequence=last + 1, attempt=row.attempts, started_at=at)


def close_step(
    row: FlowRun, name: str, *, counts: Mapping[str, Any], fault: Fault | None, warning: str, at: dt.datetime
) -> None:
    """End a shared step, if it is open."""
    step = RunStep.objects.filter(run=row, name=name, outcome=StepOutcome.IN_PROGRESS).order_by("-sequence").first()
    if step is None:
        return
    step.counts = dict(counts)
    step.outcome = StepOutcome.FAILED if fault else StepOutcome.WARNING if warning else StepOutcome.SUCCEEDED
    step.fault_type = str(fault.type) if fault else ""
    step.message = (fault.reason if fault else warning)[:REASON_LENGTH]
    step.duration_seconds = Decimal(f"{max((at - step.started_at).total_seconds(), 0.0):.3f}")
    step.save()


def fail(row: FlowRun, *, fault: Fault, at: dt.datetime) -> bool:
    """End a run that cannot go on; gives False when somebody else had ended it."""
    with transaction.atomic():
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        if current.state not in (RunState.RECEIVED, RunState.IN_PROGRESS):
            return False
        before = current.state
        current.fail()
        _set_fault(current, fault)
        _end(current, from_state=before, at=at, by="system", reason=fault.reason)
    return True


def abort(row: FlowRun, *, reason: str, at: dt.datetime) -> bool:
    """End a run that is at work because it may not go on; gives False when somebody else had ended it."""
    with transaction.atomic():
        current = FlowRun.objects.select_for_update().get(pk=row.pk)
        if current.state != RunState.IN_PROGRESS:
            return False
        current.abort()
        _end(current, from_state=RunState.IN_PROGRESS, at=at, by="system", reason=reason)
    return True


def keep_exchange(
    row: FlowRun,
    *,
    request: bytes,
    response: bytes | None,
    label: str,
    succeeded: bool,
    media_type: str = "application/json",
    step: RunStep | None = None,
    at: dt.datetime,
) -> None:
    """Keep a call of a worker that shares a run, as far as the flow's tracing level asks for it."""
    level = row.flow.tracing_level
    if succeeded and level == TracingLevel.PRODUCTION:
        return
    debugging = succeeded and level == TracingLevel.DEBUG
    _keep(row, PayloadDirection.REQUEST_OUT, request, label=label, step=step, for_debugging=debugging, at=at)
    if response is not None:
        _keep(
            row,
            PayloadDirection.RESPONSE_IN,
            response,
            label=label,
            step=step,
            media_type=media_type,
            for_debugging=debugging,
            at=at,
        )


def keep_response(row: FlowRun, content: bytes, *, label: str = "", at: dt.datetime) -> None:
    """Store what the caller was answered, or told later."""
    _keep(row, PayloadDirection.RESPONSE_OUT, content, label=label, at=at)


@contextlib.contextmanager
def bound(row: FlowRun) -> Iterator[None]:
    """Put the run's ids into every log line of the work inside."""
    with structlog.contextvars.bound_contextvars(
        correlation_id=row.correlation_id, run_id=str(row.pk), flow=row.flow.name
    ):
        yield


def _end(row: FlowRun, *, from_state: str, at: dt.datetime, by: str, reason: str) -> None:
    row.finished_at = at
    row.lease_until = None
    row.save()
    statistics.count_ended(run=row, at=at)
    RunTransition.objects.create(
        run=row, from_state=from_state, to_state=row.state, at=at, by=by, reason=reason[:REASON_LENGTH]
    )


def _set_fault(row: FlowRun, fault: Fault) -> None:
    row.fault_type = str(fault.type)
    row.fault_code = fault.code[:60]
    row.fault_reason = fault.reason[:REASON_LENGTH]


def _keep(
    row: FlowRun,
    direction: PayloadDirection,
    content: bytes,
    *,
    label: str = "",
    step: RunStep | None = None,
    media_type: str = "application/json",
    for_debugging: bool = False,
    at: dt.datetime,
) -> Payload:
    flow = row.flow
    kept = dt.timedelta(days=flow.payload_retention_days)
    if for_debugging:
        kept = min(kept, dt.timedelta(hours=flow.debug_payload_hours))
    return Payload.objects.create(
        run=row,
        step=step,
        direction=direction,
        label=label[:150],
        media_type=media_type[:100],
        size=len(content),
        content=content,
        created_at=at,
        retained_until=at + kept,
    )


def _shown(identifiers: Sequence[tuple[str, str]]) -> str:
    unique = list(dict.fromkeys(value for _, value in identifiers))
    more = f" +{len(unique) - IDENTIFIERS_SHOWN}" if len(unique) > IDENTIFIERS_SHOWN else ""
    return (", ".join(unique[:IDENTIFIERS_SHOWN]) + more)[:400]
