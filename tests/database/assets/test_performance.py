"""Load reductions from final measurements: the vectors of `integration.md` 9.3, and what changes them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets import models, performance_queries
from assets.choices import EventStatus, ParticipationStatus
from assets.operations import baseline_methods, performance
from tests.factories import usage as make_usage
from tests.factories import vee as make
from tests.factories.assets import ZONE, make_device, make_program, make_subscription
from tests.unit.assets.test_baselines import BEFORE, EVENT, OFFSETS
from vee.models import Holiday, MeasuringComponent


pytestmark = pytest.mark.django_db

PLACE = ZoneInfo(ZONE)
EVENT_DATE = dt.date(2023, 6, 16)
AT = dt.datetime(2023, 6, 18, tzinfo=dt.UTC)


def local(date: dt.date, hour: int) -> dt.datetime:
    return dt.datetime(date.year, date.month, date.day, hour, tzinfo=PLACE).astimezone(dt.UTC)


def hours(before: Any, event: Any) -> list[str | None]:
    """24 hourly kWh of a local day: the morning's three, the event's three, one kWh else."""
    day: list[str | None] = ["1"] * 24
    day[11:14] = [None if load is None else str(load) for load in before]
    day[15:18] = [None if load is None else str(load) for load in event]
    return day


def days_before(date: dt.date) -> list[dt.date]:
    return [day for back in range(1, 30) if (day := date - dt.timedelta(days=back)).weekday() < 5]


@pytest.fixture
def hourly() -> Any:
    return make.MeasuringComponentTypeFactory(seconds_per_interval=3600)


def meter_of(subscription: models.ProgramSubscription, kind: Any, **values: Any) -> MeasuringComponent:
    return make.MeasuringComponentFactory(
        type=kind, service_point=subscription.location.service_point, device=None, **values
    )


def measure(meter: MeasuringComponent, date: dt.date, values: list[str | None], **fields: Any) -> None:
    make_usage.measured(meter, values, at=AT, start=local(date, 0), seconds=3600, **fields)


def measure_vectors(meter: MeasuringComponent) -> None:
    for date, offset in zip(days_before(EVENT_DATE), OFFSETS, strict=False):
        shift = Decimal(offset)
        measure(meter, date, hours([Decimal(x) + shift for x in BEFORE], [Decimal(x) + shift for x in EVENT]))
    measure(meter, EVENT_DATE, hours(["2.9", "3.0", "3.3"], ["1.5", "1.4", "1.6"]))


def make_event(name: str = "EVT-1", date: dt.date = EVENT_DATE, **values: Any) -> models.ProgramEvent:
    return models.ProgramEvent.objects.create(
        external_identifier=name,
        starts_at=local(date, 15),
        ends_at=local(date, 18),
        created_at=AT,
        changed_at=AT,
        **values,
    )


def take_part(event: models.ProgramEvent, subscription: models.ProgramSubscription, **values: Any) -> None:
    for one in subscription.devices.all():
        models.Participation.objects.create(
            event=event,
            device=one.device,
            subscription=subscription,
            status=ParticipationStatus.REPORTED,
            outcome="D1SP",
            changed_at=AT - dt.timedelta(hours=1),
            **values,
        )


def program_with(**method: Any) -> models.Program:
    values = {"days_considered": 10, "days_selected": 10, "minimum_qualified": 5, **method}
    return make_program(baseline_method=models.BaselineMethod.objects.create(code="M", **values))


def only() -> models.EventPerformance:
    return models.EventPerformance.objects.get()


CAPPED = {"lowest_adjustment": Decimal("0.8"), "highest_adjustment": Decimal("1.2")}


@pytest.mark.parametrize(
    ("method", "unadjusted", "raw", "applied", "baseline", "reduction"),
    [
        (CAPPED, "3.0 3.2 3.4", "1.3939", "1.2", "3.60 3.84 4.08", "7.02"),
        (
            {**CAPPED, "days_selected": 5, "selection": "HIGHEST"},
            "3.2 3.4 3.6", "1.2778", "1.2", "3.84 4.08 4.32", "7.74",
        ),
        (
            {"days_considered": 5, "days_selected": 4, "selection": "HIGHEST", "adjustment": "ADDITIVE"},
            "3.05 3.25 3.45", "0.8167", "0.8167", "3.8667 4.0667 4.2667", "7.7001",
        ),
    ],
)  # fmt: skip
def test_the_three_vectors(hourly, method, unadjusted, raw, applied, baseline, reduction):
    subscription = make_subscription(program=program_with(**method))
    measure_vectors(meter_of(subscription, hourly))
    event = make_event()
    take_part(event, subscription)

    assert performance.calculate_due(at=AT) == {"CALCULATED": 1}

    row = only()
    assert [Decimal(load) for load in row.unadjusted] == [Decimal(load) for load in unadjusted.split()]
    assert [Decimal(load) for load in row.baseline] == [Decimal(load) for load in baseline.split()]
    assert (row.raw_adjustment, row.applied_adjustment) == (Decimal(raw), Decimal(applied))
    assert row.reduction_kwh == Decimal(reduction)
    assert (row.intervals, row.estimated_intervals, row.estimated_reduction_kwh) == (3, 0, 0)
    assert [one.drop for one in performance_queries.intervals_of(row)] == [
        Decimal(load) - Decimal(actual) for load, actual in zip(baseline.split(), ("1.5", "1.4", "1.6"), strict=True)
    ]
    assert performance.calculate_due(at=AT) == {}


def test_estimated_intervals_are_counted_apart(hourly):
    subscription = make_subscription(program=program_with(**CAPPED))
    meter = meter_of(subscription, hourly)
    measure_vectors(meter)
    conditions = [501000] * 24
    conditions[16] = 301100
    measure(meter, EVENT_DATE, hours(["2.9", "3.0", "3.3"], ["1.5", "1.4", "1.6"]), conditions=conditions)
    take_part(make_event(), subscription)

    performance.calculate_due(at=AT)

    assert only().reduction_kwh == Decimal("7.02")
    assert (only().estimated_intervals, only().estimated_reduction_kwh) == (1, Decimal("2.44"))


def test_devices_that_share_a_meter_share_its_reduction(hourly):
    subscription = make_subscription(program=program_with(**CAPPED), devices=2)
    measure_vectors(meter_of(subscription, hourly))
    event = make_event()
    take_part(event, subscription)

    performance.calculate_due(at=AT)

    assert {row.reduction_kwh for row in models.EventPerformance.objects.all()} == {Decimal("3.51")}
    totals = performance_queries.totals_of_event(event_id=event.pk)
    assert (totals.devices, totals.reduction_kwh) == (2, Decimal("7.02"))


def test_a_devices_own_component_comes_before_the_meter_of_its_place_and_export_never_counts(hourly):
    subscription = make_subscription(program=program_with(**CAPPED))
    device = subscription.devices.get().device.device
    point = subscription.location.service_point
    meter_of(subscription, hourly, identifier="A-METER")
    meter_of(subscription, hourly, identifier="A-EXPORT", characteristics={"direction": "export"})
    own = make.MeasuringComponentFactory(type=hourly, device=device, service_point=point, identifier="Z-OWN")
    take_part(make_event(), subscription)

    performance.calculate_due(at=AT)

    assert only().measuring_component == own
    assert (only().status, only().reason) == ("WAITING", "NOT_MEASURED")


@pytest.mark.django_db(transaction=True)
def test_late_measurements_are_taken_in_and_a_change_of_any_day_that_counts_too(hourly):
    subscription = make_subscription(program=program_with(**CAPPED))
    meter = meter_of(subscription, hourly)
    take_part(make_event(), subscription)
    assert performance.calculate_due(at=AT) == {"WAITING": 1}

    measure_vectors(meter)
    assert only().stale
    assert performance.calculate_due(at=AT) == {"CALCULATED": 1}
    assert not only().stale

    # The offset of the latest day rises from 0 to 1: each of ten days' loads by 0.1, below the cap of the factor.
    measure(meter, days_before(EVENT_DATE)[0], hours(["3.0", "3.2", "3.4"], ["4.0", "4.2", "4.4"]))
    assert performance.calculate_due(at=AT) == {"CALCULATED": 1}
    assert [Decimal(load) for load in only().unadjusted] == [Decimal("3.1"), Decimal("3.3"), Decimal("3.5")]


@pytest.mark.django_db(transaction=True)
def test_a_measurement_elsewhere_makes_nothing_stale_and_asks_little(hourly):
    subscription = make_subscription(program=program_with(**CAPPED))
    measure_vectors(meter_of(subscription, hourly))
    take_part(make_event(), subscription)
    performance.calculate_due(at=AT)
    other = meter_of(make_subscription(2, program=models.Program.objects.get()), hourly)

    measure(other, EVENT_DATE, ["1"] * 24)
    measure(MeasuringComponent.objects.exclude(pk=other.pk).get(), dt.date(2023, 6, 19), ["1"] * 24)

    assert not only().stale


def test_event_days_holidays_and_days_with_gaps_are_passed_over(hourly):
    subscription = make_subscription(program=program_with(days_considered=2, days_selected=2, minimum_qualified=1))
    meter = meter_of(subscription, hourly)
    point = subscription.location.service_point
    point.holiday_calendar = "US"
    point.save()
    first, second, third, fourth, fifth, *_ = days_before(EVENT_DATE)
    measure(meter, third, hours(BEFORE, ["3.0", None, "3.4"]))
    for date in (first, second, fourth, fifth):
        measure(meter, date, hours(BEFORE, EVENT))
    measure(meter, EVENT_DATE, hours(BEFORE, EVENT))
    take_part(make_event("EVT-0", first), subscription)
    take_part(make_event("EVT-CANCELED", fourth, status=EventStatus.CANCELED), subscription)
    Holiday.objects.create(calendar="US", date=second)
    event = make_event()
    take_part(event, subscription)

    performance.calculate_event(event_id=event.pk, at=AT)

    assert only().days == [fourth.isoformat(), fifth.isoformat()]


def test_without_method_component_or_window_the_reason_is_told(hourly):
    program = make_program()
    subscription = make_subscription(program=program)
    event = make_event()
    take_part(event, subscription)
    performance.calculate_due(at=AT)
    assert only().reason == "NO_METHOD"

    program.baseline_method = models.BaselineMethod.objects.create(code="M")
    program.save()
    performance.calculate_event(event_id=event.pk, at=AT, everything=True)
    assert only().reason == "NO_COMPONENT"

    meter_of(subscription, hourly)
    models.Participation.objects.update(reserved_from=local(EVENT_DATE, 15), reserved_to=local(EVENT_DATE, 15))
    performance.calculate_event(event_id=event.pk, at=AT, everything=True)
    assert only().reason == "NO_WINDOW"


def test_canceled_ones_and_events_to_come_have_no_performance(hourly):
    subscription = make_subscription(program=program_with())
    meter_of(subscription, hourly)
    event = make_event()
    take_part(event, subscription)
    assert performance.calculate_due(at=local(EVENT_DATE, 17)) == {}
    performance.calculate_due(at=AT)

    models.Participation.objects.update(status=ParticipationStatus.CANCELED, changed_at=AT + dt.timedelta(hours=1))
    performance.calculate_due(at=AT + dt.timedelta(hours=2))

    assert not models.EventPerformance.objects.exists()


def test_more_devices_take_no_more_queries(hourly):
    program = program_with(**CAPPED)
    event = make_event()
    queries = []
    for number in (1, 2):
        for offset in range(number * 3):
            subscription = make_subscription(number * 10 + offset, program=program)
            meter_of(subscription, hourly)
            take_part(event, subscription)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            performance.calculate_event(event_id=event.pk, at=AT)
        queries.append(len(captured))

    assert queries[0] == queries[1]


def test_the_shipped_methods_are_stored_once_and_a_change_of_a_site_stays():
    assert len(baseline_methods.install_defaults(at=AT)) == 4
    models.BaselineMethod.objects.filter(code="PJM-HIGH-4-OF-5").update(lookback_days=60)

    assert baseline_methods.install_defaults(at=AT) == []
    assert models.BaselineMethod.objects.get(code="PJM-HIGH-4-OF-5").lookback_days == 60
    for method in models.BaselineMethod.objects.all():
        method.full_clean()


def test_a_device_without_a_subscription_says_so():
    event = make_event()
    models.Participation.objects.create(event=event, device=make_device(7), changed_at=AT - dt.timedelta(hours=1))

    performance.calculate_due(at=AT)

    assert only().reason == "NO_SUBSCRIPTION"
