"""Estimation and replacement rules against real history, through the whole of processing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import vee as make
from vee import queries
from vee.models import (
    Holiday,
    ImdPostVee,
    InitialMeasurement,
    MeasurementBlock,
    MeasuringComponent,
    ServicePoint,
    VeeException,
)
from vee.operations import edits, processing


pytestmark = pytest.mark.django_db
ONE_DAY = dt.timedelta(days=1)
DAY = make.DAY
AVERAGE = {
    "rule": "interval_averaging_estimation",
    "parameters": {"comparison_search": ["NEIGHBOUR_DAY"], "days_to_average": 3},
}


def component(*rules: dict[str, Any], **of_type: Any) -> MeasuringComponent:
    group = make.vee_group(f"G{MeasuringComponent.objects.count()}", *rules) if rules else None
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group, **of_type))


def process() -> processing.ProcessingSummary:
    return processing.process_due(at=make.AT)


def state(imd: InitialMeasurement) -> str:
    return InitialMeasurement.objects.get(pk=imd.pk).state


def rows(one: MeasuringComponent, start: dt.datetime = DAY) -> list[queries.Measurement]:
    return list(queries.measurements(component=one, start=start, end=start + ONE_DAY))


def values(one: MeasuringComponent, start: dt.datetime = DAY) -> list[Decimal | None]:
    return [row.value for row in rows(one, start)]


def edited_measurement(one: MeasuringComponent, interval: int, value: str) -> None:
    """Make a day of ones of which a person has set one interval."""
    manual = make.interval_imd(one, ["1"] * 96, kind="MANUAL")
    edits.edit_values(
        imd_id=manual.pk, by=make.analyst(), reason="read on site", values={interval: Decimal(value)}, at=make.AT
    )
    make.release(manual)
    assert rows(one)[interval].user_edited


class TestAveraging:
    def test_days_of_one_chunk_are_history_for_the_days_after_them(self) -> None:
        one = component(AVERAGE)
        for number in range(3):
            make.interval_imd(one, [str(number + 1)] * 96, start=DAY + number * ONE_DAY)
        gap = make.interval_imd(one, ["9"] * 40 + [None] * 20 + ["9"] * 36, start=DAY + 3 * ONE_DAY)

        process()

        assert state(gap) == "COMPLETE"
        assert values(one, DAY + 3 * ONE_DAY) == [Decimal(9)] * 40 + [Decimal(2)] * 20 + [Decimal(9)] * 36
        assert rows(one, DAY + 3 * ONE_DAY)[40].condition == 301200

    def test_what_was_estimated_is_no_history(self) -> None:
        one = component(AVERAGE)
        make.interval_imd(one, ["1"] * 96)
        for number in (1, 2):
            make.interval_imd(one, [None] * 96, start=DAY + number * ONE_DAY)

        process()

        assert values(one, DAY + 2 * ONE_DAY) == [Decimal(1)] * 96

    def test_too_little_history_holds_the_imd(self) -> None:
        one = component(AVERAGE)
        imd = make.interval_imd(one, ["1"] * 90 + [None] * 6)

        process()

        assert state(imd) == "EXCEPTION"
        found = VeeException.objects.get(imd=imd)
        assert (found.exception_type, found.observed, found.first_interval) == ("INSUFFICIENT-HISTORY", "6", 90)

    def test_holidays_of_the_service_point_are_compared_with_holidays(self) -> None:
        one = component({"rule": "interval_averaging_estimation", "parameters": {"comparison_search": ["HOLIDAY"]}})
        ServicePoint.objects.update(holiday_calendar="US")
        for number in (1, 5):
            Holiday.objects.create(calendar="US", date=(DAY + number * ONE_DAY).date(), name="day off")
        for number in range(5):
            make.interval_imd(one, [str(number)] * 96, start=DAY + number * ONE_DAY)
        make.interval_imd(one, [None] * 96, start=DAY + 5 * ONE_DAY)

        process()

        assert values(one, DAY + 5 * ONE_DAY) == [Decimal(1)] * 96

    def test_an_hour_that_the_clock_repeats_is_estimated_from_the_hour_of_its_name(self) -> None:
        one = component(
            {"rule": "interval_averaging_estimation", "parameters": {"comparison_search": ["SAME_WEEKDAY"]}},
            seconds_per_interval=3600,
        )
        one.service_point.time_zone = "America/New_York"
        one.service_point.standard_offset_seconds = -5 * 3600
        one.service_point.save()
        sunday = dt.datetime(2024, 10, 27, 4, tzinfo=dt.UTC)
        make.interval_imd(one, [str(hour) for hour in range(24)], start=sunday, seconds=3600)
        make.interval_imd(one, [None] * 25, start=sunday + 7 * ONE_DAY, seconds=3600)

        process()

        found = queries.measurements(component=one, start=sunday + 7 * ONE_DAY, end=sunday + 8 * ONE_DAY + ONE_DAY / 24)
        assert [row.value for row in found] == [Decimal(hour) for hour in (0, 1, 1, *range(2, 24))]


class TestReplacement:
    def test_gt_83_what_a_person_set_is_not_replaced(self) -> None:
        one = component({"rule": "interval_replacement_rule"})
        edited_measurement(one, 5, "7")
        again = make.interval_imd(one, ["2"] * 96)

        process()

        assert state(again) == "EXCEPTION"
        found = VeeException.objects.get(imd=again)
        assert (found.exception_type, found.first_interval, found.count) == ("REPLACEMENT-REJECTED", 5, 1)
        assert values(one)[4:7] == [Decimal(1), Decimal(7), Decimal(1)]

    def test_gt_83_a_system_read_is_replaced(self) -> None:
        one = component({"rule": "interval_replacement_rule"})
        make.interval_imd(one, ["1"] * 96)
        process()
        again = make.interval_imd(one, ["2"] * 96)

        process()

        assert state(again) == "COMPLETE"
        assert values(one) == [Decimal(2)] * 96

    @pytest.mark.parametrize("skip_identical", [True, False])
    def test_what_is_kept_stays_a_persons(self, skip_identical: bool) -> None:
        one = component(
            {"rule": "interval_replacement_rule", "parameters": {"on_reject": "KEEP_EXISTING"}},
            skip_identical=skip_identical,
        )
        edited_measurement(one, 5, "7")
        again = make.interval_imd(one, ["2"] * 96)

        process()

        assert state(again) == "COMPLETE"
        assert [(row.value, row.user_edited) for row in rows(one)[4:7]] == [
            (Decimal(2), False), (Decimal(7), True), (Decimal(2), False),
        ]  # fmt: skip
        assert ImdPostVee.objects.get(pk=again.pk).rules[5] > 0
        assert VeeException.objects.get(imd=again).severity == "INFO"

    def test_readings_of_one_chunk_for_the_same_day_see_each_other(self) -> None:
        one = component({"rule": "interval_replacement_rule", "parameters": {"rejection_mode": "REJECT_ALWAYS"}})
        first, second = make.interval_imd(one, ["1"] * 96), make.interval_imd(one, ["2"] * 96)

        process()

        assert (state(first), state(second)) == ("COMPLETE", "EXCEPTION")
        assert values(one) == [Decimal(1)] * 96

    def test_trivial_changes_leave_the_measurements_alone(self) -> None:
        one = component({"rule": "final_measurement_replacement", "parameters": {"min_pct_change": 1}})
        make.interval_imd(one, ["100"] * 96)
        process()
        again = make.interval_imd(one, ["100.5"] * 95 + ["102"])

        process()

        assert state(again) == "COMPLETE"
        assert values(one) == [Decimal(100)] * 95 + [Decimal(102)]
        assert MeasurementBlock.objects.get().version == 2
