"""Checks that need history, places or siblings, with those from the database: from an IMD to its exception."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.factories import vee as make
from vee import storage
from vee.codes import Condition
from vee.models import (
    Device,
    ImdPostVee,
    ImdTransition,
    InitialMeasurement,
    InstallEvent,
    MeasuringComponent,
    MeasuringComponentProgress,
    OffPeriod,
    Outage,
    ToDo,
    UsageSubscription,
    VeeException,
)
from vee.operations import processing


pytestmark = pytest.mark.django_db
DAY = make.DAY
ONE_DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def hourly(*rules: dict[str, Any], **fields: Any) -> MeasuringComponent:
    """A component of hours; its type's group has these rules."""
    group = make.vee_group(f"G{MeasuringComponent.objects.count()}", *rules) if rules else None
    kind = {"seconds_per_interval": 3600, "initial_load_group": group}
    kind |= {name: fields.pop(name) for name in ("uom", "allow_negative") if name in fields}
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(**kind), **fields)


def register(*rules: dict[str, Any], **fields: Any) -> MeasuringComponent:
    group = make.vee_group(f"R{MeasuringComponent.objects.count()}", *rules) if rules else None
    kind = {"initial_load_group": group}
    kind |= {name: fields.pop(name) for name in ("uom", "dials") if name in fields}
    return make.MeasuringComponentFactory(type=make.register_type(**kind), **fields)


def load(
    component: MeasuringComponent, values: list[Any], start: dt.datetime = DAY, **fields: Any
) -> InitialMeasurement:
    """Bring an IMD of hours through VEE."""
    texts = [None if value is None else str(value) for value in values]
    imd = make.interval_imd(component, texts, start=start, seconds=3600, **fields)
    processing.process_due(at=make.AT)
    return InitialMeasurement.objects.get(pk=imd.pk)


def read(component: MeasuringComponent, reading: str, at: dt.datetime, **fields: Any) -> InitialMeasurement:
    imd = make.register_imd(component, reading, at=at, **fields)
    processing.process_due(at=make.AT)
    return InitialMeasurement.objects.get(pk=imd.pk)


def measured(component: MeasuringComponent, values: list[int], start: dt.datetime) -> None:
    """Store final hours of whole numbers."""
    counts = np.array([values], dtype=np.int64) * 10**6
    pieces = storage.cut_into_days(
        component_ids=np.array([component.pk]),
        imd_ids=np.array([1]),
        multipliers=np.array([1_000_000]),
        starts=np.array([int(start.timestamp())]),
        standard_offsets=np.array([0]),
        values=counts,
        conditions=np.full(counts.shape, int(Condition.REGULAR), dtype=np.int32),
        edited=np.zeros(counts.shape, dtype=np.bool_),
        scale=6,
        seconds_per_interval=3600,
    )
    storage.write_blocks(pieces=pieces, at=make.AT)


def found(imd: InitialMeasurement) -> list[tuple[str, str, str]]:
    rows = VeeException.objects.filter(imd=imd).order_by("pk")
    return [(row.exception_type, row.observed, row.limit) for row in rows]


def not_evaluated(imd: InitialMeasurement) -> list[str]:
    log = ImdTransition.objects.filter(imd=imd, from_state="VEE_READY").latest("pk").details
    return [entry["reason"] for entry in log.get("not_evaluated", [])]


class TestHighLow:
    def test_last_years_usage_bounds_this_years(self) -> None:
        one = hourly({"rule": "high_low_check"})
        measured(one, [2] * 48, DAY - dt.timedelta(days=366))

        high, fits, low = (
            load(one, [13] * 24),
            load(one, [5] * 24, DAY + ONE_DAY),
            load(one, [0] * 24, DAY + 2 * ONE_DAY),
        )

        assert found(high) == [("HIGH-CONSUMPTION", "312", "288")]
        assert (fits.state, found(fits)) == ("COMPLETE", [])
        assert found(low) == [("LOW-CONSUMPTION", "0", "7.2")]

    def test_without_history_it_is_an_info_and_the_imd_goes_on(self) -> None:
        imd = load(hourly({"rule": "high_low_check"}), [1] * 24)

        assert imd.state == "COMPLETE"
        assert [kind for kind, *_ in found(imd)] == ["INSUFFICIENT-HISTORY"]

    def test_a_registers_last_period_bounds_the_next(self) -> None:
        one = register({"rule": "high_low_check", "parameters": {"insufficient_history_severity": None}})
        for days, reading in ((0, "100"), (30, "160")):
            assert read(one, reading, DAY + days * ONE_DAY).state == "COMPLETE"

        imd = read(one, "600", DAY + 60 * ONE_DAY)

        # 60 in 30 days are 2 a day; six times that is the limit.
        assert found(imd) == [("HIGH-CONSUMPTION", "440", "360")]


class TestSumCheck:
    RULE = {"rule": "sum_check", "parameters": {"tolerance": "0.5", "if_related_missing": "ISSUE"}}

    def test_intervals_are_compared_with_the_register_that_they_refer_to(self) -> None:
        check = register()
        one = hourly(self.RULE, consumption_reference=check)
        read(check, "100", DAY)
        read(check, "124", DAY + ONE_DAY)
        read(check, "149", DAY + 2 * ONE_DAY)

        assert load(one, [1] * 24).state == "COMPLETE"
        assert found(load(one, [1] * 24, DAY + ONE_DAY)) == [("SUM-CHECK", "1", "0.5")]

    def test_the_read_period_reaches_back_into_what_was_measured_and_cuts_intervals(self) -> None:
        check = register()
        one = hourly(self.RULE, consumption_reference=check)
        measured(one, [2] * 24, DAY - ONE_DAY)
        # From 21:30 of the day before to 02:15: 5 of the day before and 2.25 times 4 of the IMD.
        read(check, "100", DAY - 2.5 * HOUR)
        read(check, "114", DAY + 2.25 * HOUR)

        assert load(one, [4] * 24).state == "COMPLETE"
        check_log = ImdTransition.objects.filter(imd__measuring_component=one, to_state="VEE").latest("pk").details
        assert "not_evaluated" not in check_log

    def test_a_register_that_was_not_read_yet_is_reported_when_configured(self) -> None:
        one = hourly(self.RULE, consumption_reference=register())

        assert [kind for kind, *_ in found(load(one, [1] * 24))] == ["RELATED-MISSING"]

    def test_time_of_use_registers_are_compared_with_the_check_register(self) -> None:
        check = register(self.RULE)
        parts = [register(consumption_reference=check) for _ in range(2)]
        for component, first, second in ((parts[0], "10", "15"), (parts[1], "20", "27")):
            read(component, first, DAY)
            read(component, second, DAY + ONE_DAY)
        read(check, "100", DAY)

        assert found(read(check, "113", DAY + ONE_DAY)) == [("SUM-CHECK", "1", "0.5")]


class TestConsecutiveIntervals:
    def test_a_run_is_counted_from_the_day_before(self) -> None:
        one = hourly({"rule": "consecutive_interval_check", "parameters": {"min_consecutive": 30}})
        first = load(one, [1] * 4 + [0] * 20)

        second = load(one, [0] * 10 + [1] * 14, DAY + ONE_DAY)

        assert first.state == "COMPLETE"
        assert found(second) == [("CONSECUTIVE-INTERVALS", "30", "29")]
        exception = VeeException.objects.get(imd=second)
        assert (exception.first_interval, exception.last_interval, exception.count) == (0, 9, 30)


class TestDeltaPercent:
    def test_the_first_hour_is_compared_with_the_last_one_of_the_day_before(self) -> None:
        one = hourly({"rule": "delta_percent_check", "parameters": {"tolerance_pct": 89}})
        load(one, [1] * 24)

        assert found(load(one, [10] * 24, DAY + ONE_DAY)) == [("DELTA-PERCENT", "90 %", "89 %")]


class TestZeroConsumption:
    def test_an_outage_at_the_service_point_explains_a_zero(self) -> None:
        rule = {"rule": "zero_consumption_check", "parameters": {"outage_exception_type": "EXPLAINED"}}
        one = hourly(rule)
        Outage.objects.create(service_point=one.service_point, start=DAY + ONE_DAY + HOUR)

        unexplained, explained = load(one, [0] * 24), load(one, [0] * 24, DAY + ONE_DAY)

        assert (unexplained.state, [kind for kind, *_ in found(unexplained)]) == ("EXCEPTION", ["ZERO-CONSUMPTION"])
        assert (explained.state, [kind for kind, *_ in found(explained)]) == ("COMPLETE", ["EXPLAINED"])
        assert ToDo.objects.get().imd == unexplained


class TestNegativeConsumption:
    def test_the_type_decides_whether_it_is_allowed(self) -> None:
        rule = {"rule": "negative_consumption_check"}

        assert found(load(hourly(rule), [-1] * 24)) == [("NEGATIVE-CONSUMPTION", "-24", "0")]
        assert load(hourly(rule, allow_negative=True), [-1] * 24).state == "COMPLETE"


class TestDuplicates:
    def test_the_same_readings_again_are_an_exception(self) -> None:
        one = hourly({"rule": "duplicate_imd_check"})
        first = load(one, list(range(24)))

        again, changed = load(one, list(range(24))), load(one, [9, *range(1, 24)])

        assert found(again) == [("DUPLICATE-IMD", f"IMD {first.pk}", "")]
        assert changed.state == "COMPLETE"


class TestSiblings:
    def test_an_imd_waits_for_those_of_its_device(self) -> None:
        device = Device.objects.create(identifier="D")
        one = hourly({"rule": "ensure_imd_exists_for_sibling_mcs"}, device=device)
        other = hourly(device=device, identifier="OTHER")

        early = load(one, [1] * 24)
        load(other, [1] * 24, DAY + ONE_DAY)
        late = load(one, [1] * 24, DAY + ONE_DAY)

        assert found(early) == [("SIBLING-IMD-MISSING", "1 missing", "0")]
        assert "OTHER" in VeeException.objects.get(imd=early).message
        assert late.state == "COMPLETE"


class TestInactiveMeasurement:
    def test_consumption_of_a_device_that_is_off_is_reported_with_its_hours(self) -> None:
        device = Device.objects.create(identifier="D")
        parameters = {"missing_usage_subscription": True}
        one = hourly({"rule": "inactive_measurement_check", "parameters": parameters}, device=device)
        installed = InstallEvent.objects.create(device=device, service_point=one.service_point, installed_at=DAY)
        OffPeriod.objects.create(install_event=installed, start=DAY + 10 * HOUR, end=DAY + 12.5 * HOUR)
        UsageSubscription.objects.create(identifier="US", service_point=one.service_point, recipient="BILLING")

        off, before, active = (
            load(one, [1] * 24),
            load(one, [1] * 24, DAY - ONE_DAY),
            load(one, [1] * 24, DAY + ONE_DAY),
        )

        assert found(off) == [("INACTIVE-CONSUMPTION", "2", "0")]
        assert found(before) == [("DEVICE-NOT-INSTALLED", "none", "")]
        assert active.state == "COMPLETE"

    def test_nobody_is_billed_for_a_point_without_a_subscription(self) -> None:
        parameters = {"disconnected": False, "uninstalled": False, "missing_usage_subscription": True}
        one = hourly({"rule": "inactive_measurement_check", "parameters": parameters})

        assert found(load(one, [1] * 24)) == [("NO-USAGE-SUBSCRIPTION", "none", "")]


class TestProlongedEstimation:
    def test_an_estimated_day_too_long_after_the_last_actual_one_fails(self) -> None:
        one = hourly({"rule": "prolonged_estimation_check", "parameters": {"days_allowable": 10}})
        conditions = [int(Condition.EXTERNAL_ESTIMATED)] * 24
        MeasuringComponentProgress.objects.update_or_create(
            measuring_component=one, defaults={"most_recent_actual_at": DAY - 9 * ONE_DAY}
        )

        fits = load(one, [1] * 24, conditions=conditions)
        late = load(one, [1] * 24, DAY + ONE_DAY, conditions=conditions)

        assert fits.state == "COMPLETE"
        assert found(late) == [("PROLONGED-ESTIMATION", "11 d", "10 d")]


class TestDynamicComparison:
    def test_a_formula_sees_the_week_before(self) -> None:
        formula = "imd_sum > 2 * last_week_sum and last_week_count == 24"
        one = hourly({"rule": "dynamic_comparison_validation", "parameters": {"formula": formula}})
        measured(one, [1] * 24, DAY - 7 * ONE_DAY)

        imd = load(one, [3] * 24)

        assert [kind for kind, *_ in found(imd)] == ["DYNAMIC-COMPARISON"]
        assert "(imd_sum = 72, last_week_count = 24, last_week_sum = 24)" in VeeException.objects.get(imd=imd).message

    def test_a_register_is_compared_with_its_reads(self) -> None:
        rule = {"rule": "dynamic_comparison_validation", "parameters": {"formula": "imd_sum > 3 * history_average"}}
        one = register(rule)
        for days, reading in ((0, "100"), (10, "110"), (20, "120")):
            read(one, reading, DAY + days * ONE_DAY)

        imd = read(one, "151", DAY + 30 * ONE_DAY)

        assert "(history_average = 10, imd_sum = 31)" in VeeException.objects.get(imd=imd).message


class TestCalifornia:
    FILL = {"rule": "interval_interpolation_estimation", "severity": "INFO"}

    @pytest.mark.parametrize(
        ("rule", "value", "condition"),
        [
            ({"rule": "head_end_error_value_check"}, "9999999", Condition.REGULAR),
            ({"rule": "pulse_overflow_check", "parameters": {"max_pulses": 100, "pulse_weight": 1}}, "100", 501_000),
            ({"rule": "pulse_overflow_check"}, "50", Condition.MISSING_PULSE_OVERFLOW),
            ({"rule": "test_mode_check"}, "50", Condition.MISSING_TEST_MODE),
        ],
    )
    def test_what_is_no_consumption_becomes_missing_and_is_estimated(
        self, rule: dict[str, Any], value: str, condition: int
    ) -> None:
        one = hourly({**rule, "severity": "INFO"}, self.FILL)
        conditions = [int(Condition.REGULAR)] * 24
        conditions[5] = int(condition)

        imd = load(one, ["1"] * 5 + [value] + ["3"] * 18, conditions=conditions)

        assert imd.state == "COMPLETE"
        after = ImdPostVee.objects.get(pk=imd.pk)
        assert after.values.tolist()[4:7] == [1_000_000, 2_000_000, 3_000_000]
        assert VeeException.objects.filter(imd=imd, first_interval=5, last_interval=5).count() == 1

    def test_without_an_estimation_the_interval_has_no_value(self) -> None:
        one = hourly({"rule": "head_end_error_value_check", "severity": "INFO"})

        imd = load(one, [1] * 5 + [9999999] + [1] * 18)

        after = ImdPostVee.objects.get(pk=imd.pk)
        assert after.values[5] == storage.NO_VALUE
        assert after.conditions[5] == Condition.MISSING_ERROR_VALUE

    def test_reactive_without_active_energy_of_the_same_device(self) -> None:
        device = Device.objects.create(identifier="D")
        reactive = hourly({"rule": "kvarh_check"}, uom="KVARH", device=device)
        active = hourly(device=device)
        load(active, [0] * 24)

        imd = load(reactive, [1] * 24, uom="KVARH")
        later = load(reactive, [1] * 24, DAY + ONE_DAY, uom="KVARH")

        assert found(imd) == [("KVARH", "24", "0")]
        assert not_evaluated(later) == ["the other energy was not measured for the whole period"]

    def test_a_meter_whose_clock_is_off(self) -> None:
        device = Device.objects.create(identifier="D", characteristics={"clock_deviation_seconds": -200})
        imd = load(hourly({"rule": "time_tolerance_check"}, device=device), [1] * 24)

        assert found(imd) == [("TIME-TOLERANCE", "-200 s", "180 s")]

    def test_a_reading_of_more_digits_than_dials(self) -> None:
        one = register({"rule": "number_of_dials_check"}, dials=4)

        # The register's own check of what its dials can show stands beside the rule's.
        assert ("NUMBER-OF-DIALS", "10000", "9999") in found(read(one, "10000", DAY))
        assert read(one, "9999.9", DAY + ONE_DAY).state == "COMPLETE"
        assert Decimal("9999.9") < 10**4
