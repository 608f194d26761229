"""
Running flows on schedule (`integration.md` 6.4, 7): each due time is decided once, whatever becomes of it.

A row per due time is the decision (unique by schedule and time), so that two schedulers that ask at once fire once.
The overlap policy says what happens while an earlier run is unfinished, the missed policy what becomes of times at
which nothing could run.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import msgspec
import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from foundation.kept_texts import kept
from integration.choices import UNFINISHED_STATES, MissedPolicy, OverlapPolicy, Pattern, SlotOutcome
from integration.due_times import UnableToReadSchedule, next_time, read_cron, read_zone
from integration.flows import canonical, registry, runner
from integration.flows.contract import Fault, MessageInProgress, MessageKeyReused, MessageRefused
from integration.models import Flow, FlowRun, FlowSchedule, ScheduleSlot
from integration.operations import errors, messages, scheduled_runs, waking
from integration.operations.flows import FlowNotAvailable, packaged_flow
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

LATE_AFTER = dt.timedelta(seconds=60)
"""A due time that is decided later than this was missed: nothing could run then."""


_NOT_NOW = (
    FlowNotAvailable,
    MessageRefused,
    messages.FlowNotActive,
    scheduled_runs.NotScheduled,
    scheduled_runs.RunInProgress,
)


class UnableToRun(Exception):
    """The flow cannot be run now, and the text says why."""


class UnableToSaveSchedule(Exception):
    """The schedule cannot be saved as asked."""


def scheduled_flows() -> QuerySet[Flow]:
    """Give the flows that run on schedule, by name."""
    return Flow.objects.filter(pattern=Pattern.SCHEDULED).order_by("display_name")


def lateness(*, schedule: FlowSchedule, at: dt.datetime) -> dt.timedelta:
    """Give how long a due time has been waiting for its decision; nothing within a minute of it."""
    if not schedule.enabled or schedule.next_due_at is None:
        return dt.timedelta()
    late = at - schedule.next_due_at
    return late if late > LATE_AFTER else dt.timedelta()


def check_schedule(*, schedule: FlowSchedule, at: dt.datetime) -> dt.datetime:
    """
    Check a schedule, and give when it would be due next.

    :raises UnableToSaveSchedule: when its times cannot be read, or its flow is not a scheduled one.
    """
    if schedule.flow.pattern != Pattern.SCHEDULED:
        raise UnableToSaveSchedule(f"{schedule.flow} is not a scheduled flow.")
    if bool(schedule.cron) == (schedule.every_seconds is not None):
        raise UnableToSaveSchedule("Either every so many seconds, or a cron expression.")
    if not isinstance(schedule.parameters, dict):
        raise UnableToSaveSchedule("The parameters are an object of names and values.")
    try:
        read_zone(schedule.time_zone)
        if schedule.cron:
            read_cron(schedule.cron)
        return _next(schedule, after=at)
    except UnableToReadSchedule as error:
        raise UnableToSaveSchedule(str(error)) from None


def save_schedule(*, schedule: FlowSchedule, at: dt.datetime) -> FlowSchedule:
    """
    Save a schedule after checking it; what is due next is counted from now.

    :raises UnableToSaveSchedule: when its times cannot be read, or its flow is not a scheduled one.
    """
    following = check_schedule(schedule=schedule, at=at)
    schedule.next_due_at = following if schedule.enabled else None
    schedule.save()
    return schedule


def fire_due(*, at: dt.datetime) -> int:
    """Decide every time that has come, and let what was queued go on; give how many runs were started."""
    started = 0
    due = FlowSchedule.objects.filter(enabled=True, next_due_at__lte=at).values_list("pk", flat=True)
    for schedule_id in list(due):
        started += _decide(schedule_id, at)
    for slot_id in list(ScheduleSlot.objects.filter(outcome=SlotOutcome.QUEUED).values_list("pk", flat=True)):
        started += _start_queued(slot_id, at)
    return started


def run_now(*, identifier: str, by: Any, at: dt.datetime) -> FlowRun:
    """
    Run a scheduled flow by hand, and note it with its schedule.

    :raises UnknownFlow: when there is none of this code or name.
    :raises UnableToRun: when it is off, not a scheduled flow, or runs already.
    """
    try:
        with transaction.atomic():
            run = scheduled_runs.start_scheduled(identifier=identifier, by=by, by_hand=True, at=at)
            schedule = FlowSchedule.objects.filter(flow_id=run.flow_id).first()
            if schedule is not None:
                ScheduleSlot.objects.create(
                    schedule=schedule,
                    due_at=at,
                    decided_at=at,
                    outcome=SlotOutcome.FIRED,
                    run=run,
                    requested_by=by.get_username(),
                )
    except _NOT_NOW as error:
        raise UnableToRun(str(error)) from None
    return run


def _decide(schedule_id: int, at: dt.datetime) -> int:
    try:
        with transaction.atomic():
            schedule = FlowSchedule.objects.select_for_update(of=("self",)).select_related("flow").get(pk=schedule_id)
            due_at = schedule.next_due_at
            if not schedule.enabled or due_at is None or due_at > at:
                return 0
            # Of several times that passed unnoticed the latest stands for all.
            latest, passed = due_at, 0
            while (following := _next(schedule, after=latest)) <= at:
                latest, passed = following, passed + 1
                if schedule.every_seconds:
                    jump = (at - latest) // dt.timedelta(seconds=schedule.every_seconds)
                    latest, passed = latest + jump * dt.timedelta(seconds=schedule.every_seconds), passed + jump
            FlowSchedule.objects.filter(pk=schedule.pk).update(next_due_at=_next(schedule, after=latest))
            note = kept(f"{passed} earlier times passed while nothing could run") if passed else ""
            late = at - latest > LATE_AFTER
            if late and schedule.missed == MissedPolicy.SKIP:
                _slot(schedule, latest, at, SlotOutcome.MISSED, note=note or "Nothing could run then.")
                return 0
            return _start(schedule, latest, at, note)
    except IntegrityError:
        # The other scheduler decided this time.
        return 0


def _start(schedule: FlowSchedule, due_at: dt.datetime, at: dt.datetime, note: str) -> int:
    flow = schedule.flow
    if not flow.active:
        _slot(schedule, due_at, at, SlotOutcome.SKIPPED, note="The flow is not active.")
        return 0
    running = _unfinished(flow.pk)
    if running is not None and schedule.overlap != OverlapPolicy.ALLOW:
        waits = ScheduleSlot.objects.filter(schedule=schedule, outcome=SlotOutcome.QUEUED).exists()
        if schedule.overlap == OverlapPolicy.QUEUE_ONE and not waits:
            _slot(schedule, due_at, at, SlotOutcome.QUEUED, note=f"Run {running} is unfinished.")
        else:
            _slot(schedule, due_at, at, SlotOutcome.SKIPPED, note=f"Run {running} is unfinished.")
        return 0
    slot = _slot(schedule, due_at, at, SlotOutcome.FIRED, note=note)
    return _give_run(slot, schedule, at)


def _start_queued(slot_id: int, at: dt.datetime) -> int:
    with transaction.atomic():
        slot = (
            ScheduleSlot.objects.select_for_update(of=("self",))
            .select_related("schedule__flow")
            .filter(pk=slot_id, outcome=SlotOutcome.QUEUED)
            .first()
        )
        if slot is None or _unfinished(slot.schedule.flow_id) is not None:
            return 0
        if not slot.schedule.enabled or not slot.schedule.flow.active:
            slot.outcome, slot.note = SlotOutcome.SKIPPED, "It was switched off while the time waited."
            slot.save(update_fields=["outcome", "note"])
            return 0
        slot.outcome, slot.decided_at = SlotOutcome.FIRED, at
        return _give_run(slot, slot.schedule, at)


def _give_run(slot: ScheduleSlot, schedule: FlowSchedule, at: dt.datetime) -> int:
    try:
        slot.run = _receive(schedule.flow, dict(schedule.parameters), at=at)
    except UnableToRun as error:
        slot.outcome, slot.note = SlotOutcome.REFUSED, str(error)[:500]
        fault = Fault(type=FaultType.TECHNICAL, code="schedule_refused", reason=str(error)[:1000])
        errors.report(flow=schedule.flow, source=schedule.flow.identifier, fault=fault, at=at)
    slot.save()
    return int(slot.run is not None)


def _receive(flow: Flow, parameters: dict[str, Any], *, at: dt.datetime) -> FlowRun:
    try:
        packaged = packaged_flow(registry.find(flow.identifier))
        body = msgspec.json.encode(parameters)
        with transaction.atomic():
            accepted = packaged.accept(canonical.read(body))
            run = runner.receive(
                flow=flow,
                body=body,
                media_type="application/json",
                # Each run is a message of its own, however alike the parameters are.
                digest=canonical.digest({"parameters": parameters, "run": str(uuid.uuid4())}),
                identifiers=packaged.identifiers(accepted),
                requested_by_id=None,
                by=scheduled_runs.SCHEDULER,
                reason="due by its schedule",
                leased=False,
                at=at,
            )
            packaged.claim(accepted, run_id=run.pk, flow_id=flow.pk, again=False, at=at)
    except (FlowNotAvailable, MessageRefused, MessageInProgress, MessageKeyReused) as error:
        raise UnableToRun(str(error)) from None
    waking.wake_run(run_id=run.pk, flow=flow)
    return run


def _slot(
    schedule: FlowSchedule, due_at: dt.datetime, at: dt.datetime, outcome: SlotOutcome, *, note: str
) -> ScheduleSlot:
    logger.info("schedule_slot", flow=schedule.flow.name, due_at=due_at.isoformat(), outcome=str(outcome))
    return ScheduleSlot.objects.create(
        schedule=schedule, due_at=due_at, decided_at=at, outcome=outcome, note=note[:500]
    )


def _unfinished(flow_id: int) -> uuid.UUID | None:
    waiting = FlowRun.objects.filter(flow_id=flow_id, state__in=UNFINISHED_STATES).order_by("started_at")
    return waiting.values_list("pk", flat=True).first()


def _next(schedule: FlowSchedule, *, after: dt.datetime) -> dt.datetime:
    if schedule.every_seconds:
        return after + dt.timedelta(seconds=schedule.every_seconds)
    return next_time(cron=schedule.cron, zone=schedule.time_zone, after=after)
