"""Small worlds for reconciliation: each case of each question once, beside traps that must not be counted."""

from __future__ import annotations

import datetime as dt
from typing import Any

from assets import models as assets
from integration.models import (
    DeviceStatusCheck,
    EnrollmentRecord,
    EnrollmentSync,
    Event,
    Flow,
    FlowRun,
    Outcome,
    Reservation,
)
from tests.factories import assets as programs
from tests.factories import integration as factory


AT = factory.AT
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def run(flow: str = "event_outcome", *, at: dt.datetime = AT, **values: Any) -> FlowRun:
    return FlowRun.objects.create(
        flow=Flow.objects.get(name=flow), started_at=at, correlation_id="c", body_digest="0" * 64, **values
    )


def record(message_id: str, state: str, *, at: dt.datetime = AT - DAY) -> EnrollmentRecord:
    by = run("enrollment_request", at=at)
    return EnrollmentRecord.objects.create(
        flow=by.flow, message_id=message_id, digest="0" * 64, run=by, position=0, state=state, received_at=at
    )


def enrolled(message_id: str, subscription: assets.ProgramSubscription | None, **values: Any) -> assets.Enrollment:
    return assets.Enrollment.objects.create(
        transaction_id=message_id, subscription=subscription, request={}, digest="0" * 64, received_at=AT, **values
    )


def event(external_id: str = "EVT-1", *, instance: str = "NMS1", **values: Any) -> Event:
    times = {"starts_at": AT - 3 * DAY, "ends_at": AT - 3 * DAY + 3 * HOUR, "first_seen_at": AT, "changed_at": AT}
    return Event.objects.create(external_id=external_id, drms_instance_id=instance, **{**times, **values})


def reserve(
    row: Event,
    nic_id: str,
    state: str = "RESERVED",
    *,
    head_end: str = "ECOBEE",
    by: FlowRun | None = None,
    **values: Any,
) -> Reservation:
    by = by or FlowRun.objects.first() or run()
    return Reservation.objects.create(
        event=row, head_end_system=head_end, nic_id=nic_id, run=by, line=2, state=state, changed_at=AT, **values
    )


def report(
    row: Event,
    nic_id: str,
    outcome: str = "D1SP",
    *,
    head_end: str = "ECOBEE",
    by: FlowRun | None = None,
    **values: Any,
) -> Outcome:
    by = by or FlowRun.objects.first() or run()
    return Outcome.objects.create(
        event=row,
        head_end_system=head_end,
        nic_id=nic_id,
        run=by,
        line=2,
        code="1",
        outcome=outcome,
        changed_at=AT,
        **values,
    )


def sync(number: int, ack_state: str, *, at: dt.datetime = AT - 2 * DAY, **values: Any) -> EnrollmentSync:
    return EnrollmentSync.objects.create(
        sync_request_id=f"SYNC-{number}", subscription_id=f"US-{number}", received_at=at, ack_state=ack_state, **values
    )


def check(number: int, state: str, *, at: dt.datetime | None = AT - 2 * DAY, **values: Any) -> DeviceStatusCheck:
    return DeviceStatusCheck.objects.create(
        communication_id=f"COM-{number}",
        head_end_system="ECOBEE",
        nic_id=f"NIC-{number}",
        state=state,
        asked_at=at,
        **values,
    )


def a_day_of_everything() -> None:
    """Fill every view of every question, the DACS side on; needs the flows and what `factory.prepare` installs."""
    programs.switch_on()
    program = programs.make_program("SMART-COOL")
    active = programs.make_subscription(1, program=program)
    pending = programs.make_subscription(2, program=program, status="PENDING")
    for number, (state, subscription) in enumerate(
        [("SUCCESS", active), ("SUCCESS", pending), ("ERROR", None), ("FAILURE", None), ("IN_PROGRESS", None)], 1
    ):
        record(f"ENR-{number}", state)
        enrolled(f"ENR-{number}", subscription)
    record("ENR-9", "FAILURE")
    enrolled("ENR-9", programs.make_subscription(9, program=program))
    over = event()
    for number, state in enumerate(["RESERVED", "RESERVED", "RESERVED", "REFUSED", "FAILED", "SENDING"], 1):
        reserve(over, f"NIC-{number}", state)
    report(over, "NIC-1")
    report(over, "NIC-2", "D1IO", state="AGAIN")
    report(over, "NIC-4")
    report(over, "NIC-9")
    for number, state in enumerate(["NONE", "EXPECTED", "WAITING", "FAILED", "CANCELED", "DELIVERED"], 1):
        sync(number, state)
    for number, state in enumerate(["OPEN", "OVERDUE", "FAULT", "IN_PROGRESS"], 1):
        check(number, state)
    check(9, "ANSWERED", answer_state="FAILED", answered_at=AT - DAY - HOUR)
    for number, (status, fault) in enumerate(
        [("SENDREQUEST", ""), ("AWAITINGACK", ""), ("ERROR", "OVERDUE"), ("ERROR", "REFUSED")], 11
    ):
        asked = programs.make_subscription(number, program=program)
        assets.SyncRequest.objects.filter(subscription=asked).delete()
        assets.SyncRequest.objects.create(
            subscription=asked, status=status, fault=fault, created_at=AT, sent_at=AT - 2 * DAY
        )
