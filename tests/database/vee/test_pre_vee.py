"""What a component type may have done to data before VEE: all off by default (`vee.md` 2.2, D1-DODTTMADJ)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import vee as make
from vee import queries
from vee.models import InitialMeasurement, MeasuringComponent, ToDo
from vee.operations import actions, intake, pre_vee, processing


pytestmark = pytest.mark.django_db
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


def hourly(**options: Any) -> MeasuringComponent:
    kind = make.MeasuringComponentTypeFactory(seconds_per_interval=3600, **options)
    return make.MeasuringComponentFactory(type=kind)


def receive(one: MeasuringComponent, values: list[Any], **fields: Any) -> intake.IntakeResult:
    record = {
        "measuring_component": one.identifier, "start": "2024-03-01T00:00:00Z", "end": "2024-03-01T04:00:00Z",
        "seconds_per_interval": 3600, "uom": "KWH", "values": values, **fields,
    }  # fmt: skip
    [result] = intake.receive_imds(records=[record], at=make.AT)
    return result


def received(result: intake.IntakeResult) -> tuple[list[tuple[Any, int]], float, float]:
    detail = queries.imd_detail(result.id or 0)
    hours = [(at - make.DAY) / HOUR for at in (detail.imd.start, detail.imd.end)]
    return [(row.value, row.condition) for row in detail.pre_vee], hours[0], hours[1]


class TestCounts:
    @pytest.mark.parametrize("values", [[1, 2, 3], [1, 2, 3, 4, 5]])
    def test_by_default_another_count_than_the_periods_is_refused(self, values: list[int]) -> None:
        result = receive(hourly(), values)

        assert result.problem is not None
        assert result.problem.errors[0]["code"] == "interval_count"

    def test_too_few_may_be_filled_up_with_missing_ones(self) -> None:
        result = receive(hourly(fill_missing_intervals=True), [1, 2])

        assert received(result) == ([(1, 501000), (2, 501000), (None, 201000), (None, 201000)], 0, 4)

    def test_too_few_may_be_taken_for_a_shorter_period(self) -> None:
        result = receive(hourly(check_too_few_intervals=False), [1, 2])

        assert received(result) == ([(1, 501000), (2, 501000)], 0, 2)

    def test_too_many_may_be_taken_for_a_longer_period(self) -> None:
        result = receive(hourly(check_too_many_intervals=False), [1, 2, 3, 4, 5])

        assert received(result)[1:] == (0, 5)
        assert receive(hourly(check_too_many_intervals=False), [1]).problem is not None
        assert receive(hourly(check_too_few_intervals=False), [1] * 5).problem is not None

    def test_what_was_filled_up_is_estimated_like_any_gap(self) -> None:
        fill = {"rule": "interval_interpolation_estimation", "parameters": {"max_hours": 2}}
        one = hourly(fill_missing_intervals=True, initial_load_group=make.vee_group("G", fill))

        receive(one, [1, 2])
        processing.process_due(at=make.AT)

        rows = list(queries.measurements(component=one, start=make.DAY, end=make.DAY + DAY))
        assert [(row.value, row.condition) for row in rows] == [(1, 501000), (2, 501000), (2, 301100), (2, 301100)]


class TestBoundaries:
    def test_by_default_times_beside_the_boundaries_go_to_error(self) -> None:
        one = hourly()

        receive(one, [1] * 4, start="2024-03-01T00:00:07Z", end="2024-03-01T04:00:07Z")
        processing.process_due(at=make.AT)

        assert "grid" in InitialMeasurement.objects.get().error

    def test_they_may_snap_onto_the_nearest_ones(self) -> None:
        one = hourly(snap_to_boundaries=True)

        result = receive(one, [1] * 4, start="2024-03-01T00:00:07Z", end="2024-03-01T03:59:53Z")

        assert received(result)[1:] == (0, 4)

    @given(
        st.integers(-10_000, 10_000_000), st.sampled_from([300, 900, 1800, 3600]), st.sampled_from([0, 20_700, -18_000])
    )
    def test_a_snapped_time_lies_on_the_grid_of_standard_time_and_near(self, at: int, size: int, offset: int) -> None:
        snapped = pre_vee.snapped(dt.datetime.fromtimestamp(at, tz=dt.UTC), size, offset).timestamp()

        assert (snapped + offset) % size == 0
        assert abs(snapped - at) <= size / 2


class TestHighQuality:
    def component(self) -> MeasuringComponent:
        one = hourly(high_quality_tolerance=Decimal("0.5"))
        make.interval_imd(one, ["1"] * 24, seconds=3600)
        processing.process_due(at=make.AT)
        return one

    def load(self, one: MeasuringComponent, values: list[str | None], **fields: Any) -> InitialMeasurement:
        imd = make.interval_imd(one, values, start=make.DAY + DAY, seconds=3600, **fields)
        processing.process_due(at=make.AT)
        return InitialMeasurement.objects.get(pk=imd.pk)

    def test_an_interval_far_from_that_of_the_day_before_holds_the_imd(self) -> None:
        imd = self.load(self.component(), [*["1.5"] * 20, "1.500001", *["0.5"] * 3])

        assert imd.state == "ERROR"
        assert imd.error == (
            "High quality check: 1 interval differs by more than 0.5 from the day before; "
            "interval 21 is 1.500001 and was 1."
        )
        assert ToDo.objects.filter(imd=imd).exists()

    def test_a_person_may_release_it_all_the_same(self) -> None:
        imd = self.load(self.component(), ["9"] * 24)

        actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="heat wave", at=make.AT)

        imd.refresh_from_db()
        assert imd.state == "COMPLETE"

    def test_up_to_the_tolerance_and_where_a_value_is_missing_it_passes(self) -> None:
        assert self.load(self.component(), [None, *["1.5"] * 23]).state == "COMPLETE"

    def test_days_that_come_together_are_compared_one_after_the_other(self) -> None:
        one = hourly(high_quality_tolerance=Decimal("0.5"))
        for day, value in enumerate(("1", "1.5", "2", "3")):
            make.interval_imd(one, [value] * 24, start=make.DAY + day * DAY, seconds=3600)

        processing.process_due(at=make.AT)

        states = InitialMeasurement.objects.order_by("start").values_list("state", flat=True)
        assert list(states) == ["COMPLETE", "COMPLETE", "COMPLETE", "ERROR"]

    def test_only_initial_loads_are_compared(self) -> None:
        assert self.load(self.component(), ["9"] * 24, kind="ESTIMATION").state == "COMPLETE"

    def test_without_a_day_before_there_is_nothing_to_compare_with(self) -> None:
        assert self.load(hourly(high_quality_tolerance=Decimal(0)), ["9"] * 24).state == "COMPLETE"
