"""Small data whose figures were counted by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from integration import models
from integration.operations.flows import install_flows
from lookups.operations import install_defaults as install_lookups
from tests.factories import vee as make
from vee.models import DayCompleteness, VeeException


AT = dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC)


def at(day: int, hour: int = 12, minute: int = 0, second: int = 0) -> dt.datetime:
    """An instant of March 2026."""
    return dt.datetime(2026, 3, day, hour, minute, second, tzinfo=dt.UTC)


def completeness() -> Any:
    """Two days of two types and two routes: 96 or 92 intervals of a day, an estimate here and a gap there."""
    fast = make.MeasuringComponentTypeFactory(identifier="QUARTERS")
    slow = make.MeasuringComponentTypeFactory(identifier="HOURS", seconds_per_interval=3600)
    for day, kind, route, components, expected, received, estimated in (
        (7, fast, "R1", 10, 960, 950, 6),
        (7, fast, "=R2", 5, 480, 480, 0),
        (7, slow, "", 2, 48, 24, 0),
        (8, fast, "R1", 10, 920, 920, 0),
        (8, fast, "=R2", 0, 0, 0, 0),
    ):
        DayCompleteness.objects.create(
            day=dt.date(2026, 3, day),
            type=kind,
            route=route,
            components=components,
            expected=expected,
            received=received,
            estimated=estimated,
            computed_at=AT,
        )
    return fast


def exceptions() -> None:
    """
    Of rule high_low_check three in week 10 (closed after 1 and 3 hours, one open) and one in week 11; one of another.

    Week 11 begins on Monday, 9 March; in New York four hours later than in UTC.
    """
    imd = make.interval_imd(make.MeasuringComponentFactory(), ["1"])
    for rule, raised, closed in (
        ("high_low_check", at(3), at(3, 13)),
        ("high_low_check", at(4), at(4, 15)),
        ("high_low_check", at(9, 3), None),
        ("high_low_check", at(9, 5), None),
        ("spike_check", at(5), at(5, 12, 30)),
    ):
        VeeException.objects.create(
            imd=imd,
            severity="ISSUE",
            exception_type="TOO-HIGH",
            rule=rule,
            message="found",
            open=closed is None,
            created_at=raised,
            closed_at=closed,
        )


def acknowledgements() -> None:
    """Syncs of 9 March, answered after 10, 20, 30 s and 2 h, and one that waits; a check after a day and an hour."""
    install_lookups(at=AT)
    install_flows(at=AT)
    for number, seconds in enumerate((10, 20, 30, 7_200, None), start=1):
        models.EnrollmentSync.objects.create(
            sync_request_id=f"S{number}",
            received_at=at(9, 10),
            ack_settled_at=None if seconds is None else at(9, 10) + dt.timedelta(seconds=seconds),
        )
    models.DeviceStatusCheck.objects.create(
        communication_id="C1", asked_at=at(9, 9), answered_at=at(10, 10), state="ANSWERED"
    )


def events() -> models.Event:
    """One event: three devices reserved, one refused; outcomes of three, of which two took part."""
    install_flows(at=AT)
    event = models.Event.objects.create(
        drms_instance_id="D", external_id="EV-1", starts_at=at(9, 20), ends_at=at(9, 22), first_seen_at=at(9),
        changed_at=at(9),
    )  # fmt: skip
    run = models.FlowRun.objects.create(
        flow=models.Flow.objects.get(name="event_outcome"), started_at=at(9), state="SUCCEEDED"
    )
    for number, state in enumerate(("RESERVED", "RESERVED", "RESERVED", "REFUSED"), start=1):
        models.Reservation.objects.create(
            event=event, head_end_system="H", nic_id=f"N{number}", run=run, line=number, state=state, changed_at=at(9)
        )
    for number, outcome in enumerate(("D1SP", "D1SP", "D1IO"), start=1):
        models.Outcome.objects.create(
            event=event, head_end_system="H", nic_id=f"N{number}", run=run, line=number, code="x", outcome=outcome,
            changed_at=at(9),
        )  # fmt: skip
    return event
