"""Completeness of days: small data, counted by hand."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from tests.factories import vee as make
from vee import models
from vee.codes import NO_VALUE, Condition
from vee.completeness_queries import completeness
from vee.engine.calendar import standard_offset_seconds
from vee.operations import completeness as work
from vee.operations import processing
from vee.storage import cut_into_days, write_blocks


pytestmark = pytest.mark.django_db
ZONE = "America/New_York"
# The day after the clocks went forward is over everywhere.
AT = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
FRIDAY, SATURDAY, SUNDAY, MONDAY = (dt.date(2026, 3, day) for day in (6, 7, 8, 9))
MIDNIGHT_OF_SATURDAY = dt.datetime(2026, 3, 7, 5, tzinfo=dt.UTC)
MISSING, ESTIMATED, REGULAR = int(Condition.MISSING), int(Condition.ESTIMATED_INTERPOLATED), int(Condition.REGULAR)


@pytest.fixture
def hourly() -> models.MeasuringComponentType:
    return make.MeasuringComponentTypeFactory(identifier="HOURLY", seconds_per_interval=3600)


def meter(name: str, kind: Any, *, route: str = "R1", installed: dt.datetime | None = None) -> Any:
    """A component at a place of New York, installed long ago unless told otherwise."""
    place = make.ServicePointFactory(
        identifier=f"SP-{name}",
        time_zone=ZONE,
        standard_offset_seconds=standard_offset_seconds(ZONE),
        characteristics={"measurement_cycle_route": route} if route else {},
    )
    device = make.DeviceFactory(identifier=f"DEV-{name}", service_point=place)
    models.InstallEvent.objects.create(
        device=device, service_point=place, installed_at=installed or dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    )
    return make.MeasuringComponentFactory(identifier=name, type=kind, device=device, service_point=place)


def measure(component: Any, hours: int, *, start: dt.datetime = MIDNIGHT_OF_SATURDAY, **special: int) -> None:
    """Write `hours` Regular hours from `start`; `h5=MISSING` says otherwise of the sixth."""
    conditions = np.full(hours, REGULAR, dtype=np.int32)
    values = np.full(hours, 1_000_000, dtype=np.int64)
    for hour, condition in special.items():
        conditions[int(hour[1:])] = condition
        if condition == MISSING:
            values[int(hour[1:])] = NO_VALUE
    pieces = cut_into_days(
        component_ids=np.array([component.pk]),
        imd_ids=np.array([1]),
        multipliers=np.array([1_000_000]),
        starts=np.array([int(start.timestamp())]),
        standard_offsets=np.array([component.service_point.standard_offset_seconds]),
        values=values[None, :],
        conditions=conditions[None, :],
        edited=None,
        scale=6,
        seconds_per_interval=3600,
        skip_identical=True,
        readings=None,
    )
    write_blocks(pieces=pieces, at=AT)


def figures(day: dt.date, route: str = "R1") -> tuple[int, int, int, int]:
    row = models.DayCompleteness.objects.filter(day=day, route=route).first()
    assert row, list(models.DayCompleteness.objects.values())
    return row.components, row.expected, row.received, row.estimated


def summarise() -> None:
    work.summarise_days(first=FRIDAY, last=MONDAY, at=AT)


def test_a_day_on_which_the_clock_goes_forward_has_23_hours(hourly: Any) -> None:
    measure(meter("A", hourly), 24 + 23 + 24)

    summarise()

    assert figures(SATURDAY) == (1, 24, 24, 0)
    assert figures(SUNDAY) == (1, 23, 23, 0)
    assert figures(MONDAY) == (1, 24, 24, 0)
    # Nothing came on Friday, but the meter was there.
    assert figures(FRIDAY) == (1, 24, 0, 0)


def test_an_estimate_and_a_gap_are_told_apart_and_laid_by_the_local_day(hourly: Any) -> None:
    # From Saturday's midnight: hour 23 is Saturday's last, hour 24 Sunday's first; Sunday ends with hour 46.
    measure(meter("A", hourly), 71, h23=ESTIMATED, h24=MISSING, h46=ESTIMATED, h47=MISSING, h50=ESTIMATED)
    measure(meter("B", hourly), 71)

    summarise()

    assert figures(SATURDAY) == (2, 48, 47, 1)
    assert figures(SUNDAY) == (2, 46, 44, 1)
    assert figures(MONDAY) == (2, 48, 46, 1)
    sums = completeness(first=SATURDAY, last=MONDAY, by=("route",))
    assert [(row["expected"], row["received"], row["estimated"], row["missing"]) for row in sums] == [(142, 137, 3, 2)]


def test_only_installed_and_connected_hours_are_expected(hourly: Any) -> None:
    # Installed on Saturday at 10:00; off on Sunday from 03:00 (clock) for two hours.
    fresh = meter("A", hourly, installed=MIDNIGHT_OF_SATURDAY + dt.timedelta(hours=10))
    off = dt.datetime(2026, 3, 8, 7, tzinfo=dt.UTC)
    models.OffPeriod.objects.create(
        install_event=fresh.device.install_events.get(), start=off, end=off + dt.timedelta(hours=2)
    )
    measure(fresh, 61, start=MIDNIGHT_OF_SATURDAY + dt.timedelta(hours=10))

    summarise()

    assert figures(SATURDAY) == (1, 14, 14, 0)
    assert figures(SUNDAY) == (1, 21, 21, 0)
    assert figures(FRIDAY, "") == (0, 0, 0, 0)
    assert completeness(first=FRIDAY, last=FRIDAY, by=("day",)) == []


def test_a_late_correction_is_noted_with_its_measurements_and_changes_its_day_only(hourly: Any) -> None:
    component = meter("A", hourly)
    measure(component, 71, h30=MISSING)
    summarise()
    before = dict(models.DayCompleteness.objects.values_list("day", "computed_at"))
    assert figures(SUNDAY) == (1, 23, 22, 0)

    make.interval_imd(component, ["1.5"], start=MIDNIGHT_OF_SATURDAY + dt.timedelta(hours=30), seconds=3600)
    processing.process_due(at=AT)
    note = models.DayCompletenessDue.objects.get()
    assert (note.first, note.last) == (MIDNIGHT_OF_SATURDAY + dt.timedelta(hours=31),) * 2
    later = AT + dt.timedelta(minutes=5)
    done = work.summarise_due(at=later)

    assert done.notes == 1
    assert figures(SUNDAY) == (1, 23, 23, 0)
    after = dict(models.DayCompleteness.objects.values_list("day", "computed_at"))
    assert after[SUNDAY] == later
    assert {day for day in before if after[day] != before[day]} == {SUNDAY}
    assert not models.DayCompletenessDue.objects.exists()


def test_a_day_without_any_reading_is_added_up_once_it_is_over(hourly: Any) -> None:
    meter("A", hourly)
    two_hours_before_midnight = dt.datetime(2026, 3, 10, 2, tzinfo=dt.UTC)

    work.summarise_due(at=two_hours_before_midnight)
    assert not models.DayCompleteness.objects.filter(day=MONDAY).exists()

    work.summarise_due(at=two_hours_before_midnight + dt.timedelta(hours=2))
    assert figures(MONDAY) == (1, 24, 0, 0)
    assert work.summarise_due(at=AT).days == 0


def test_a_place_that_changes_its_route_leaves_nothing_behind(hourly: Any) -> None:
    component = meter("A", hourly)
    summarise()
    point = component.service_point
    point.characteristics = {"measurement_cycle_route": "R2"}
    point.save()

    work.summarise_recent(at=AT)

    assert figures(SATURDAY, "R2") == (1, 24, 0, 0)
    assert not models.DayCompleteness.objects.filter(route="R1").exists()


def test_a_component_without_installation_counts_from_its_first_reading_on(hourly: Any) -> None:
    place = make.ServicePointFactory(time_zone=ZONE, standard_offset_seconds=standard_offset_seconds(ZONE))
    component = make.MeasuringComponentFactory(type=hourly, service_point=place)
    models.MeasuringComponent.objects.filter(pk=component.pk).update(
        created_at=MIDNIGHT_OF_SATURDAY + dt.timedelta(hours=12)
    )
    measure(component, 5, start=MIDNIGHT_OF_SATURDAY)

    summarise()

    assert figures(SATURDAY, "") == (1, 17, 5, 0)
    assert figures(FRIDAY, "") == (0, 0, 0, 0)


def test_what_is_plain_is_counted_without_reading_a_value(hourly: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise AssertionError("values were read")

    monkeypatch.setattr(work, "read_range", refuse)
    for name in "ABC":
        measure(meter(name, hourly), 72)

    summarise()

    assert figures(SUNDAY) == (3, 69, 69, 0)


def test_the_queries_do_not_grow_with_the_components(hourly: Any, django_assert_max_num_queries: Any) -> None:
    for name in "ABCDEFGH":
        measure(meter(name, hourly), 24, h3=MISSING)

    with django_assert_max_num_queries(16):
        work.summarise_days(first=SATURDAY, last=SATURDAY, at=AT)


def test_the_command_adds_up_what_it_is_told(hourly: Any) -> None:
    measure(meter("A", hourly), 71)
    said = StringIO()

    call_command("summarise_completeness", "--first", "2026-03-07", "--last", "2026-03-08", stdout=said)

    assert said.getvalue().split() == ["Days", "of", "types", "2"]
    assert figures(SUNDAY) == (1, 23, 23, 0)
