"""How far measurements reach, kept by normalization: `vee.md` 7.3, step 7."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import vee as make
from vee.models import MeasuringComponent, MeasuringComponentProgress
from vee.operations import actions, processing


pytestmark = pytest.mark.django_db
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
HOURLY = ["1"] * 24


@pytest.fixture
def one() -> MeasuringComponent:
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(seconds_per_interval=3600))


def load(one: MeasuringComponent, day: int, values: list[str | None] | None = None, **fields: Any) -> None:
    make.interval_imd(one, values or HOURLY, start=make.DAY + day * DAY, seconds=3600, **fields)
    processing.process_due(at=make.AT)


def progress(one: MeasuringComponent) -> tuple[Any, Any]:
    """How many hours after the first day's start it is complete, and last actual."""
    row = MeasuringComponentProgress.objects.get(pk=one.pk)
    return tuple(
        None if at is None else (at - make.DAY) / HOUR for at in (row.latest_contiguous_at, row.most_recent_actual_at)
    )


class TestIntervals:
    def test_day_after_day_it_goes_on(self, one: MeasuringComponent) -> None:
        load(one, 0)
        assert progress(one) == (24, 24)

        load(one, 1)
        assert progress(one) == (48, 48)

    def test_behind_a_gap_it_stands_still_and_the_last_actual_one_goes_on(self, one: MeasuringComponent) -> None:
        load(one, 0)
        load(one, 2)

        assert progress(one) == (24, 72)

    def test_when_a_gap_is_filled_late_it_jumps_over_what_is_there(self, one: MeasuringComponent) -> None:
        for day in (0, 2, 3, 5, 1):
            load(one, day)

        assert progress(one) == (96, 144)

    def test_a_long_stretch_that_was_there_is_followed_to_its_end(self, one: MeasuringComponent) -> None:
        load(one, 0)
        for day in range(2, 50):
            make.interval_imd(one, HOURLY, start=make.DAY + day * DAY, seconds=3600)
        processing.process_due(at=make.AT)
        assert progress(one) == (24, 1200)

        load(one, 1)

        assert progress(one) == (1200, 1200)

    def test_missing_intervals_end_it_and_outages_do_not(self, one: MeasuringComponent) -> None:
        values: list[str | None] = ["1"] * 24
        values[5], values[10] = None, None
        conditions = [501000] * 24
        conditions[5], conditions[10] = 101000, 201000

        load(one, 0, values, conditions=conditions)

        assert progress(one) == (10, 24)

    def test_a_missing_interval_that_is_filled_lets_it_go_on(self, one: MeasuringComponent) -> None:
        load(one, 0, [*["1"] * 20, None, "1", "1", "1"])
        load(one, 1)
        assert progress(one) == (20, 48)

        make.interval_imd(one, ["7"], start=make.DAY + 20 * HOUR, seconds=3600)
        processing.process_due(at=make.AT)

        assert progress(one) == (48, 48)

    def test_estimates_are_complete_but_not_actual(self, one: MeasuringComponent) -> None:
        load(one, 0)
        load(one, 1, conditions=[301000] * 24)

        assert progress(one) == (48, 24)

    def test_measurements_from_before_the_first_ones_set_it_back_to_the_gap_between(
        self, one: MeasuringComponent
    ) -> None:
        load(one, 4)
        load(one, 0)
        assert progress(one) == (24, 120)

        for day in (2, 1, 3):
            load(one, day)
        assert progress(one) == (120, 120)

    def test_a_correction_inside_changes_nothing(self, one: MeasuringComponent) -> None:
        load(one, 0)
        load(one, 1)
        load(one, 0, ["2"] * 24)

        assert progress(one) == (48, 48)

    def test_days_that_come_at_once_carry_on_and_a_break_among_them_stops_it(self, one: MeasuringComponent) -> None:
        for day in (0, 1, 2, 4):
            make.interval_imd(one, HOURLY, start=make.DAY + day * DAY, seconds=3600)
        processing.process_due(at=make.AT)
        assert progress(one) == (72, 120)

        for day in (3, 5):
            make.interval_imd(one, HOURLY, start=make.DAY + day * DAY, seconds=3600)
        processing.process_due(at=make.AT)
        assert progress(one) == (144, 144)

    def test_a_day_that_carries_on_asks_for_no_measurement(self, one: MeasuringComponent) -> None:
        load(one, 0)
        make.interval_imd(one, HOURLY, start=make.DAY + DAY, seconds=3600)

        with CaptureQueriesContext(connection) as captured:
            processing.process_due(at=make.AT)

        assert progress(one) == (48, 48)
        read = [each["sql"] for each in captured if "FROM vee_measurementblock" in each["sql"]]
        assert len(read) <= 1  # the writer's own look at what is there

    def test_many_components_take_as_many_queries_as_one(self) -> None:
        kind = make.MeasuringComponentTypeFactory(seconds_per_interval=3600)
        counts = []
        for size in (1, 12):
            for one in [make.MeasuringComponentFactory(type=kind) for _ in range(size)]:
                make.interval_imd(one, HOURLY, seconds=3600)
            with CaptureQueriesContext(connection) as captured:
                processing.process_due(at=make.AT)
            counts.append(len(captured))

        assert counts[0] == counts[1]
        assert MeasuringComponentProgress.objects.count() == 13

    def test_force_complete_counts_as_well(self, one: MeasuringComponent) -> None:
        group = make.vee_group("G", {"rule": "uom_check"})
        MeasuringComponent.objects.filter(pk=one.pk).update(initial_load_group=group)
        imd = make.interval_imd(one, HOURLY, seconds=3600, uom="KW")
        processing.process_due(at=make.AT)
        assert not MeasuringComponentProgress.objects.exists()

        actions.force_complete(imd_id=imd.pk, by=make.analyst(), reason="checked", at=make.AT)

        assert progress(one) == (24, 24)


class TestRegisters:
    def test_the_last_reads_count(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        for day, reading in ((1, "10"), (3, "30"), (2, "20")):
            make.register_imd(one, reading, at=make.DAY + day * DAY)
            processing.process_due(at=make.AT)

        assert progress(one) == (72, 72)
