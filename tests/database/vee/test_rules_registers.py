"""The rules for registers with real history: from due IMDs to readings, consumption and evidence."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import vee as make
from vee import queries
from vee.codes import Condition
from vee.models import (
    Device,
    Factor,
    FactorValue,
    ImdPostVee,
    InitialMeasurement,
    InstallEvent,
    MeasuringComponent,
    RegisterMeasurement,
    VeeException,
    VeeRule,
)
from vee.operations import actions, edits, processing


pytestmark = pytest.mark.django_db
DAY = make.DAY
ONE_DAY = dt.timedelta(days=1)


def process() -> None:
    processing.process_due(at=make.AT)


def register(*rules: dict[str, Any], multiplier: int = 1, **kind: Any) -> MeasuringComponent:
    group = make.vee_group("REGISTERS", *rules) if rules else None
    groups = dict.fromkeys(("initial_load_group", "manual_override_group", "estimation_group"), group)
    return make.MeasuringComponentFactory(type=make.register_type(**{**groups, **kind}), multiplier=Decimal(multiplier))


def reads(one: MeasuringComponent, *readings: tuple[int, str], **fields: Any) -> None:
    for day, reading in readings:
        make.register_imd(one, reading, at=DAY + day * ONE_DAY, **fields)
    process()


def estimation(one: MeasuringComponent, day: int) -> InitialMeasurement:
    imd = make.register_imd(one, None, at=DAY + day * ONE_DAY, kind="ESTIMATION")
    process()
    return InitialMeasurement.objects.get(pk=imd.pk)


def related_intervals(one: MeasuringComponent, values: list[str], *, day: int) -> MeasuringComponent:
    kind = make.MeasuringComponentTypeFactory(seconds_per_interval=3600)
    intervals = make.MeasuringComponentFactory(type=kind, consumption_reference=one)
    make.interval_imd(intervals, values, start=DAY + day * ONE_DAY, seconds=3600)
    process()
    return intervals


def figures(one: MeasuringComponent) -> list[Any]:
    rows = RegisterMeasurement.objects.filter(measuring_component=one).order_by("read_at")
    return list(rows.values_list("reading", "consumption"))


class TestScalarProration:
    def test_gt_40_estimates_in_sequence_and_the_next_read_keeps_the_rest(self) -> None:
        one = register({"rule": "scalar_proration"})
        reads(one, (0, "1000"), (3, "1150"))
        related_intervals(one, ["4"] * 20 + ["5"] * 4, day=2)

        first, second = estimation(one, 1), estimation(one, 2)

        assert (first.state, second.state) == ("COMPLETE", "COMPLETE")
        assert figures(one) == [(1000, None), (1025, 25), (1050, 25), (1150, 100)]
        rows = list(queries.measurements(component=one, start=DAY, end=DAY + 2 * ONE_DAY))
        assert [row.condition for row in rows] == [int(Condition.ESTIMATED_PRORATED)] * 2

    def test_the_reading_and_the_rule_that_set_it_are_kept_as_evidence(self) -> None:
        one = register({"rule": "scalar_proration"}, multiplier=2, dials=5)
        reads(one, (0, "99990"), (3, "20"))

        imd = estimation(one, 1)

        assert figures(one) == [(99990, None), (0, 20), (20, 40)]
        post = ImdPostVee.objects.get(pk=imd.pk)
        assert (post.scale, post.values.tolist(), post.rules.tolist()) == (3, [0], [VeeRule.objects.get().pk])
        detail = queries.imd_detail(imd.pk)
        assert (detail.pre_vee[0].value, detail.pre_vee[0].condition) == (None, int(Condition.MISSING))
        assert (detail.post_vee[0].value, detail.post_vee[0].rule) == (Decimal(0), "scalar_proration")

    def test_where_the_reading_is_rounded_the_consumptions_still_add_up(self) -> None:
        one = register({"rule": "scalar_proration"}, multiplier=7, scale=0)
        reads(one, (0, "100"), (3, "110"))

        estimation(one, 1)

        # A third of 70 is 23.333, 3.33 steps of the dial: the register shows 3.
        assert figures(one) == [(100, None), (103, 21), (110, 49)]

    def test_without_a_next_read_the_imd_waits_for_a_person(self) -> None:
        one = register({"rule": "scalar_proration"})
        reads(one, (0, "1000"))

        imd = estimation(one, 1)

        assert imd.state == "EXCEPTION"
        assert VeeException.objects.get(imd=imd).exception_type == "NO-CONSUMPTION"

    def test_an_unusable_read_is_no_next_read(self) -> None:
        one = register({"rule": "scalar_proration"})
        reads(one, (0, "1000"), (3, "1150"))
        RegisterMeasurement.objects.filter(reading=1150).update(do_not_use=True)

        assert estimation(one, 1).state == "EXCEPTION"


class TestScalarCalculationFromInterval:
    def test_the_total_replaces_what_was_read(self) -> None:
        one = register({"rule": "scalar_calculation_from_interval"})
        reads(one, (0, "1000"))
        related_intervals(one, ["1"] * 24, day=0)

        reads(one, (1, "1030"))

        assert figures(one) == [(1000, None), (1024, 24)]
        imd = InitialMeasurement.objects.get(measuring_component=one, end=DAY + ONE_DAY)
        detail = queries.imd_detail(imd.pk)
        assert (detail.pre_vee[0].value, detail.post_vee[0].value) == (Decimal(1030), Decimal(1024))

    def test_a_first_read_stays_the_base_of_the_next(self) -> None:
        one = register({"rule": "scalar_calculation_from_interval"})
        related_intervals(one, ["1"] * 24, day=-1)

        reads(one, (0, "1000"))

        assert figures(one) == [(1000, None)]

    def test_a_total_that_the_register_cannot_have_run_is_an_exception(self) -> None:
        one = register({"rule": "scalar_calculation_from_interval"})
        reads(one, (0, "1000"))
        related_intervals(one, ["-1"] * 24, day=0)

        reads(one, (1, "1030"))

        found = VeeException.objects.get()
        assert (found.exception_type, found.observed) == ("CONSUMPTION-IMPLAUSIBLE", "-24")


class TestScalarProfileEstimation:
    def test_the_profile_comes_from_a_factor(self) -> None:
        one = register({"rule": "scalar_profile_estimation", "parameters": {"factor": "CLASS", "scale": "0.5"}})
        one.characteristics = {"class": "R1"}
        one.save()
        profile = related_intervals(register(), ["1"] * 24, day=0)
        factor = Factor.objects.create(code="CLASS", characteristic="class")
        FactorValue.objects.create(factor=factor, characteristic_value="R1", measuring_component=profile)
        reads(one, (0, "1000"))

        assert estimation(one, 1).state == "COMPLETE"

        assert figures(one) == [(1000, None), (1012, 12)]

    def test_without_a_profile_it_is_an_exception_that_says_so(self) -> None:
        one = register({"rule": "scalar_profile_estimation"})
        reads(one, (0, "1000"))

        imd = estimation(one, 1)

        found = VeeException.objects.filter(imd=imd).order_by("exception_type")
        assert [one.exception_type for one in found] == ["NO-CONSUMPTION", "NO-PROFILE"]


class TestScalarEstimation:
    def test_gt_44_the_californian_read(self) -> None:
        parameters = {"rounding": "CPUC_ADU", "historical_pre_window": 14}
        one = register({"rule": "scalar_estimation", "parameters": parameters}, multiplier=40)
        reads(one, (-44, "5094.925"), (-14, "5120"))
        assert figures(one)[1] == (5120, 1003)
        reads(one, (0, "5120"))

        imd = make.register_imd(one, None, at=DAY + 12 * ONE_DAY, kind="ESTIMATION", start=DAY)
        process()

        assert InitialMeasurement.objects.get(pk=imd.pk).state == "COMPLETE"
        assert figures(one)[-1] == (5130, 400)

    def test_gt_45_history_of_a_prior_installation_is_not_sufficient(self) -> None:
        parameters = {"exclude_prior_installations": "ALWAYS"}
        one = register({"rule": "scalar_estimation", "parameters": parameters})
        place = make.ServicePointFactory()
        one.device = Device.objects.create(identifier="DEV-1", service_point=place)
        one.save()
        for installed, removed in ((-90, -2), (-2, None)):
            InstallEvent.objects.create(
                device=one.device,
                service_point=place,
                installed_at=DAY + installed * ONE_DAY,
                removed_at=None if removed is None else DAY + removed * ONE_DAY,
            )
        reads(one, (-60, "0"), (-2, "580"), (0, "580"))

        imd = make.register_imd(one, None, at=DAY + 30 * ONE_DAY, kind="ESTIMATION", start=DAY)
        process()

        found = VeeException.objects.filter(imd=imd).order_by("exception_type")
        assert [one.exception_type for one in found] == ["INSUFFICIENT-HISTORY", "NO-CONSUMPTION"]
        assert figures(one)[-1] == (580, 0)

    def test_an_estimate_that_waits_may_be_accepted_or_corrected(self) -> None:
        one = register(
            {"rule": "scalar_estimation"},
            {"rule": "multiplier_check", "parameters": {"require_multiplier": True}},
            allow_negative=True,
        )
        one.type.initial_load_group = None
        one.type.save()
        reads(one, (-31, "690"), (0, "1000"))
        waits, other = (
            make.register_imd(one, None, at=DAY + day * ONE_DAY, kind="ESTIMATION", start=DAY) for day in (1, 2)
        )
        process()
        by = make.analyst()
        assert queries.imd_detail(waits.pk).post_vee[0].value == Decimal(1010)

        actions.force_complete(imd_id=waits.pk, by=by, reason="fits", at=make.AT)
        edits.edit_values(imd_id=other.pk, by=by, reason="seen", values={0: Decimal(1030)}, at=make.AT)
        assert queries.imd_detail(other.pk).post_vee[0].rule == queries.EDITED
        actions.force_complete(imd_id=other.pk, by=by, reason="seen", at=make.AT)

        assert figures(one)[2:] == [(1010, 10), (1030, 20)]
        edited = RegisterMeasurement.objects.order_by("read_at").values_list("user_edited", flat=True)
        assert list(edited) == [False, False, False, True]


class TestScalarReplacementRule:
    @pytest.mark.parametrize(
        ("parameters", "state", "figure"),
        [
            ({}, "EXCEPTION", (1010, 10)),
            ({"on_reject": "KEEP_EXISTING"}, "COMPLETE", (1010, 10)),
        ],
    )
    def test_what_a_person_typed_is_not_replaced(
        self, parameters: dict[str, Any], state: str, figure: tuple[int, int]
    ) -> None:
        one = register({"rule": "scalar_replacement_rule", "parameters": parameters})
        reads(one, (0, "1000"))
        make.release(make.register_imd(one, "1010", at=DAY + ONE_DAY, kind="MANUAL"))

        again = make.register_imd(one, "1020", at=DAY + ONE_DAY)
        process()

        assert InitialMeasurement.objects.get(pk=again.pk).state == state
        assert figures(one) == [(1000, None), figure]
        assert RegisterMeasurement.objects.get(read_at=DAY + ONE_DAY).user_edited

    def test_what_the_system_read_is(self) -> None:
        one = register({"rule": "scalar_replacement_rule"})
        reads(one, (0, "1000"), (1, "1010"), (2, "1030"))

        reads(one, (1, "1020"))

        assert figures(one) == [(1000, None), (1020, 20), (1030, 10)]
