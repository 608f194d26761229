"""What one IMD is held against on its page."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from decimal import Decimal

import pytest
from django.db import connection

from tests.factories import vee as make
from vee import comparison_queries, queries
from vee.comparison_queries import LikeDays
from vee.models import InitialMeasurement, MeasuringComponent
from vee.operations import processing


pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
UTC = zoneinfo.ZoneInfo("UTC")


def measured(
    component: MeasuringComponent,
    values: Sequence[str | None],
    start: dt.datetime,
    conditions: Sequence[int] | None = None,
) -> InitialMeasurement:
    imd = make.interval_imd(component, values, start=start, seconds=3600, conditions=conditions)
    processing.process_claimed(imd_ids=[imd.pk], at=make.AT)
    return InitialMeasurement.objects.get(pk=imd.pk)


def hourly(**fields: object) -> MeasuringComponent:
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(seconds_per_interval=3600), **fields)


def like_days(imd: InitialMeasurement, zone: zoneinfo.ZoneInfo = UTC) -> LikeDays | None:
    detail = queries.imd_detail(imd.pk)
    assert detail.component is not None
    return comparison_queries.like_days(
        component=detail.component, imd=imd, ends=[reading.end for reading in detail.post_vee], zone=zone
    )


class TestLikeDays:
    def test_the_band_is_of_the_same_weekdays_measured_before(self) -> None:
        one = hourly()
        measured(one, ["3"] * 24, make.DAY - 28 * DAY)
        measured(one, ["1"] * 24, make.DAY - 14 * DAY)
        measured(one, ["50"] * 24, make.DAY - 8 * DAY)  # another weekday
        measured(one, ["70"] * 24, make.DAY - 35 * DAY)  # too long ago
        imd = measured(one, ["2"] * 24, make.DAY)

        found = like_days(imd)

        assert found is not None
        assert (found.low, found.high) == ([Decimal(1)] * 24, [Decimal(3)] * 24)
        assert found.totals == [Decimal(24), Decimal(72)]

    def test_estimates_and_gaps_are_left_out(self) -> None:
        one = hourly()
        measured(one, [None, "1"], make.DAY - 7 * DAY)
        measured(one, ["2", "9"], make.DAY - 14 * DAY, conditions=[501000, 301000])
        imd = measured(one, ["2", "2", "2"], make.DAY)

        found = like_days(imd)

        assert found is not None
        assert (found.low, found.high) == ([Decimal(2), Decimal(1), None], [Decimal(2), Decimal(1), None])
        assert found.totals == []

    def test_the_clock_counts_and_not_the_sun(self) -> None:
        one = hourly()
        # The Sunday of the change is 2024-03-10: midnight lies at 05:00 UTC before it and at 04:00 after it.
        measured(one, [str(hour) for hour in range(24)], dt.datetime(2024, 3, 4, 5, tzinfo=dt.UTC))
        imd = measured(one, ["1"] * 24, dt.datetime(2024, 3, 11, 4, tzinfo=dt.UTC))

        found = like_days(imd, NEW_YORK)

        assert found is not None
        assert found.low == [Decimal(hour) for hour in range(24)]

    def test_there_is_none_without_history_or_intervals(self) -> None:
        assert like_days(measured(hourly(), ["1"], make.DAY)) is None
        register = make.MeasuringComponentFactory(type=make.register_type(dials=5))
        assert like_days(make.register_imd(register, "5", at=make.DAY)) is None


class TestBeside:
    def test_siblings_references_and_registers_are_added_up(self) -> None:
        device = make.DeviceFactory()
        one = hourly(identifier="A", device=device)
        sibling = hourly(identifier="B", device=device)
        check = hourly(identifier="C", consumption_reference=one)
        hourly(identifier="D", device=device)  # measured nothing
        register = make.MeasuringComponentFactory(identifier="E", device=device, type=make.register_type(dials=5))
        measured(sibling, ["1.5"] * 23 + [None], make.DAY)
        measured(check, ["2"] * 24, make.DAY, conditions=[501000] * 20 + [301000] * 4)
        for reading, days in (("100", 0), ("130", 2)):
            imd = make.register_imd(register, reading, at=make.DAY + days * DAY)
            processing.process_claimed(imd_ids=[imd.pk], at=make.AT)

        found = comparison_queries.beside(component=one, start=make.DAY, end=make.DAY + DAY)

        assert [(each.component.identifier, each.total, each.estimated) for each in found] == [
            ("B", Decimal("34.5"), 0), ("C", Decimal(48), 4), ("E", Decimal(30), 0),
        ]  # fmt: skip
        assert (found[2].start, found[2].end) == (make.DAY, make.DAY + 2 * DAY)

    def test_a_register_without_a_read_on_both_sides_is_left_out(self) -> None:
        device = make.DeviceFactory()
        one = hourly(device=device)
        register = make.MeasuringComponentFactory(device=device, type=make.register_type(dials=5))
        imd = make.register_imd(register, "100", at=make.DAY)
        processing.process_claimed(imd_ids=[imd.pk], at=make.AT)

        assert comparison_queries.beside(component=one, start=make.DAY, end=make.DAY + DAY) == []

    def test_however_many_there_are_three_queries_are_asked(self, django_assert_num_queries) -> None:
        device = make.DeviceFactory()
        one = hourly(device=device)
        for _ in range(5):
            measured(hourly(device=device), ["1"], make.DAY)
            make.MeasuringComponentFactory(device=device, type=make.register_type(dials=5))

        # On PostgreSQL blocks are read by a cursor of the driver, which Django does not count.
        with django_assert_num_queries(2 if connection.vendor == "postgresql" else 3):
            assert len(comparison_queries.beside(component=one, start=make.DAY, end=make.DAY + DAY)) == 5
