"""Rules that take registers, profiles, temperatures and holes into account, through the whole of processing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import vee as make
from vee import queries
from vee.models import Factor, FactorValue, InitialMeasurement, InstallEvent, MeasuringComponent, VeeException
from vee.operations import processing
from vee.operations.groups import Plans
from vee.operations.preparation import load_due
from vee.operations.validation import validate


pytestmark = pytest.mark.django_db
ONE_DAY = dt.timedelta(days=1)
DAY = make.DAY


def component(*rules: dict[str, Any], of_type: dict[str, Any] | None = None, **values: Any) -> MeasuringComponent:
    group = make.vee_group(f"G{MeasuringComponent.objects.count()}", *rules) if rules else None
    kind = make.MeasuringComponentTypeFactory(initial_load_group=group, **(of_type or {}))
    return make.MeasuringComponentFactory(type=kind, **values)


def register(*reads: tuple[dt.datetime, str]) -> MeasuringComponent:
    one = make.MeasuringComponentFactory(type=make.register_type())
    for at, reading in reads:
        make.register_imd(one, reading, at=at)
    process()
    return one


def factor(code: str, characteristic: str, value: str, named: MeasuringComponent) -> None:
    FactorValue.objects.create(
        factor=Factor.objects.create(code=code, characteristic=characteristic),
        characteristic_value=value,
        measuring_component=named,
    )


def process() -> processing.ProcessingSummary:
    return processing.process_due(at=make.AT)


def state(imd: InitialMeasurement) -> str:
    return InitialMeasurement.objects.get(pk=imd.pk).state


def values(one: MeasuringComponent, start: dt.datetime = DAY) -> list[Decimal | None]:
    return [row.value for row in queries.measurements(component=one, start=start, end=start + ONE_DAY)]


class TestAdjustmentFromScalar:
    def test_a_day_adds_up_to_its_register(self) -> None:
        reference = register((DAY, "1000"), (DAY + ONE_DAY, "1100"))
        one = component({"rule": "interval_adjustment_from_scalar"}, consumption_reference=reference)
        imd = make.interval_imd(one, ["1"] * 95 + ["4.3"])

        process()

        assert state(imd) == "COMPLETE"
        assert sum(value or 0 for value in values(one)) == Decimal(100)
        assert values(one)[0] == Decimal("1.007049")

    def test_estimates_of_two_days_between_monthly_reads(self) -> None:
        reference = register((DAY, "0"), (DAY + 2 * ONE_DAY, "300"))
        one = component(
            {"rule": "interval_adjustment_from_scalar", "parameters": {"adjust_intervals": "IN_CONDITION_RANGE"}},
            consumption_reference=reference,
        )
        make.interval_imd(one, ["1"] * 96)
        make.interval_imd(one, ["1"] * 48 + [None] * 48, start=DAY + ONE_DAY)

        process()

        # Of the 300, the first day and half of the second are known.
        assert values(one, DAY + ONE_DAY) == [Decimal(1)] * 48 + [Decimal("3.25")] * 48

    def test_without_a_read_the_imd_is_held_where_the_site_wants_it(self) -> None:
        reference = register((DAY, "0"))
        one = component(
            {"rule": "interval_adjustment_from_scalar", "parameters": {"not_adjusted_severity": "ISSUE"}},
            consumption_reference=reference,
        )
        imd = make.interval_imd(one, ["1"] * 96)

        process()

        assert state(imd) == "EXCEPTION"
        assert VeeException.objects.get(imd=imd).exception_type == "NOT-ADJUSTED"


class TestSubtractiveAdjustment:
    def test_estimated_intervals_take_what_the_reads_around_them_leave(self) -> None:
        reference = register((DAY, "0"), (DAY + ONE_DAY, "192"))
        group = make.vee_group("G", {"rule": "subtractive_interval_adjustment"})
        kind = make.MeasuringComponentTypeFactory(component_kind="SUBTRACTIVE_INTERVAL", initial_load_group=group)
        one = make.MeasuringComponentFactory(type=kind, consumption_reference=reference)
        make.interval_imd(one, ["100"] * 96, start=DAY - ONE_DAY)
        process()
        readings = [str(100 + number) for number in range(1, 97)]
        imd = make.interval_imd(one, readings, conditions=[501000] * 48 + [301000] * 48)

        process()

        assert state(imd) == "COMPLETE"
        assert values(one) == [Decimal(1)] * 48 + [Decimal(3)] * 48


class TestProfile:
    def test_the_profile_is_named_by_a_characteristic_of_the_component(self) -> None:
        profile = component()
        factor("PROFILE", "load_class", "VE07", profile)
        one = component(
            {"rule": "interval_profile_estimation", "parameters": {"scale": 2}}, characteristics={"load_class": "VE07"}
        )
        make.interval_imd(profile, [str(number) for number in range(96)])
        process()
        imd = make.interval_imd(one, ["1"] * 90 + [None] * 6)

        process()

        assert state(imd) == "COMPLETE"
        assert values(one)[89:] == [Decimal(1), *(Decimal(2 * number) for number in range(90, 96))]


class TestProxyDays:
    def test_the_day_of_nearest_temperature_counts(self) -> None:
        weather = component(of_type={"uom": "CEL", "seconds_per_interval": 3600})
        factor("TEMPERATURE", "weather_station", "KORD", weather)
        one = component(
            {
                "rule": "interval_proxy_day_estimation",
                "parameters": {"days_to_average": 1, "same_day_class": False},
            },
            characteristics={"weather_station": "KORD"},
        )
        for number, temperature in enumerate(["20", "31", "21", "30"]):
            make.interval_imd(weather, [temperature] * 24, start=DAY + number * ONE_DAY, seconds=3600)
        for number in range(3):
            make.interval_imd(one, [str(number + 1)] * 96, start=DAY + number * ONE_DAY)
        process()
        imd = make.interval_imd(one, [None] * 96, start=DAY + 3 * ONE_DAY)

        process()

        assert state(imd) == "COMPLETE"
        assert values(one, DAY + 3 * ONE_DAY) == [Decimal(2)] * 96


class TestCreateEstimationImd:
    def _asked(self, imd: InitialMeasurement) -> list[tuple[int, int]]:
        groups, _ = validate(imds=load_due(imd_ids=[imd.pk]), plans=Plans())
        start = int(imd.start.timestamp())
        return [
            ((asked.start - start) // 3600, (asked.end - start) // 3600)
            for group in groups
            for asked in group.result.requests
        ]

    def test_the_hole_since_the_last_measurement_is_asked_for(self) -> None:
        one = component({"rule": "interval_create_estimation_imd_for_gap"})
        make.interval_imd(one, ["1"] * 96)
        process()

        assert self._asked(make.interval_imd(one, ["1"] * 96, start=DAY + 3 * ONE_DAY)) == [(-48, 0)]
        assert self._asked(make.interval_imd(one, ["1"] * 96, start=DAY + ONE_DAY)) == []

    def test_only_where_the_device_was_installed(self) -> None:
        device = make.DeviceFactory()
        one = component(
            {"rule": "interval_create_estimation_imd_for_gap", "parameters": {"gap_fill": "CONDITIONAL"}}, device=device
        )
        make.interval_imd(one, ["1"] * 96)
        process()
        InstallEvent.objects.create(device=device, service_point=one.service_point, installed_at=DAY + 2 * ONE_DAY)

        assert self._asked(make.interval_imd(one, ["1"] * 96, start=DAY + 3 * ONE_DAY)) == [(-24, 0)]

    def test_days_of_one_chunk_leave_no_hole_between_them(self) -> None:
        one = component(
            {"rule": "interval_create_estimation_imd_for_gap", "parameters": {"gap_found_severity": "INFO"}}
        )
        for number in range(3):
            make.interval_imd(one, ["1"] * 96, start=DAY + number * ONE_DAY)

        summary = process()

        assert summary.completed == 3
        assert not VeeException.objects.exists()
