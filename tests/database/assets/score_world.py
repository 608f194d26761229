"""Devices with a past, made for scores."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from assets.choices import DeviceReach, ParticipationOutcome, ParticipationStatus
from assets.models import ControllableDevice, Participation, Program, ProgramEvent, SubscriptionDevice
from assets.operations import score_calculations
from tests.factories.assets import make_program, make_specification, make_subscription, switch_on


AT = dt.datetime(2023, 6, 15, 18, 0, tzinfo=dt.UTC)
"""11:00 on the 15th of a month of 30 days, in the program's zone."""
SUCCESS = ParticipationOutcome.SUCCESSFUL


def make_world() -> Program:
    """The DACS side switched on, with the shipped calculation and a program."""
    switch_on(at=AT)
    score_calculations.install_default(at=AT)
    return make_program()


def make_member(
    number: int, program: Program, *, kw: str = "3.5", checked_hours_ago: float | None = 1, **values: Any
) -> SubscriptionDevice:
    """A device in an active subscription that began long ago; online, unless told otherwise."""
    reach = values.pop("reach", DeviceReach.UNKNOWN if checked_hours_ago is None else DeviceReach.ONLINE)
    subscription = make_subscription(number, program=program, at=AT - dt.timedelta(days=900), **values)
    membership: SubscriptionDevice = subscription.devices.select_related("device").get()
    ControllableDevice.objects.filter(pk=membership.device_id).update(
        reach=reach,
        reach_checked_at=None if checked_hours_ago is None else AT - dt.timedelta(hours=checked_hours_ago),
        specification=make_specification(f"SPEC-{kw}", kw),
    )
    return membership


def took_part(
    membership: SubscriptionDevice, *, days_ago: float, outcome: str = SUCCESS, hours: float = 2
) -> Participation:
    """A part in an event of its own; an outcome that is empty leaves it reserved."""
    start = AT - dt.timedelta(days=days_ago)
    event = ProgramEvent.objects.create(
        external_identifier=f"EVT-{ProgramEvent.objects.count() + 1}",
        category="X1EC",
        starts_at=start,
        ends_at=start + dt.timedelta(hours=hours),
        created_at=AT,
        changed_at=AT,
    )
    return Participation.objects.create(
        event=event,
        device_id=membership.device_id,
        subscription_id=membership.subscription_id,
        reserved_from=event.starts_at,
        reserved_to=event.ends_at,
        status=ParticipationStatus.REPORTED if outcome else ParticipationStatus.RESERVED,
        outcome=outcome,
        participated_from=start if outcome else None,
        changed_at=AT,
    )


def make_vectors(program: Program) -> list[SubscriptionDevice]:
    """Two of the devices of `integration.md` 9.2: the one at its second event, and the one at its limit."""
    second = make_member(1, program)
    took_part(second, days_ago=9)
    for number in range(10):
        took_part(second, days_ago=40 + number)
    took_part(second, days_ago=60, outcome=ParticipationOutcome.OPTED_OUT)
    limit = make_member(2, program)
    for days in (2, 4, 6, 8):
        took_part(limit, days_ago=days)
    for number in range(7):
        took_part(limit, days_ago=40 + number)
    took_part(limit, days_ago=60, outcome=ParticipationOutcome.NOT_DELIVERED)
    took_part(limit, days_ago=61, outcome=ParticipationOutcome.CANCELED)
    return [second, limit]


SCORES = [Decimal("33.43"), Decimal("0.00")]
