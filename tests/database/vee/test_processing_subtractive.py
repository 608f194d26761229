"""Interval components that deliver readings: consumption in the day blocks, readings beside it."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import vee as make
from vee import queries
from vee.codes import Condition
from vee.models import (
    ImdPayload,
    ImdPostVee,
    InitialMeasurement,
    MeasurementBlock,
    MeasurementBlockHistory,
    MeasuringComponent,
    VeeException,
)
from vee.operations import actions, edits, processing


pytestmark = pytest.mark.django_db
DAY = make.DAY
SIX_HOURS = 21_600
ONE_DAY = dt.timedelta(days=1)
REGULAR, MISSING = int(Condition.REGULAR), int(Condition.MISSING)


def component(multiplier: str = "1", **kind: Any) -> MeasuringComponent:
    kind = {"component_kind": "SUBTRACTIVE_INTERVAL", "seconds_per_interval": SIX_HOURS, "scale": 2, **kind}
    return make.MeasuringComponentFactory(
        type=make.MeasuringComponentTypeFactory(**kind), multiplier=Decimal(multiplier)
    )


def receive(one: MeasuringComponent, *readings: str | None, day: int = 0, **fields: Any) -> InitialMeasurement:
    start = fields.pop("start", DAY + day * ONE_DAY)
    return make.interval_imd(one, readings, start=start, seconds=SIX_HOURS, scale=2, **fields)


def process(**options: Any) -> None:
    processing.process_due(at=make.AT, **options)


def state(imd: InitialMeasurement) -> str:
    return InitialMeasurement.objects.get(pk=imd.pk).state


def rows(one: MeasuringComponent, days: int = 3) -> list[queries.Measurement]:
    return list(queries.measurements(component=one, start=DAY, end=DAY + days * ONE_DAY))


def figures(one: MeasuringComponent) -> list[Decimal | None]:
    return [row.value for row in rows(one)]


class TestSubtractiveIntervals:
    def test_consumption_is_the_difference_to_the_reading_before_and_the_reading_stands_beside_it(self) -> None:
        one = component("2")
        imd = receive(one, "100", "101.5", "103", "103")

        process()

        assert state(imd) == "COMPLETE"
        assert [(row.value, row.reading, row.condition) for row in rows(one)] == [
            (None, Decimal(100), MISSING),
            (Decimal(3), Decimal("101.5"), REGULAR),
            (Decimal(3), Decimal(103), REGULAR),
            (Decimal(0), Decimal(103), REGULAR),
        ]
        block = MeasurementBlock.objects.get()
        assert (block.total, block.missing, block.multiplier) == (600, 1, Decimal(2))

    def test_the_first_interval_is_counted_from_the_reading_at_its_start(self) -> None:
        one = component()
        receive(one, "104", "105", "106", "107", day=1)
        receive(one, "100", "101", "102", "103")

        process()

        assert figures(one) == [None, *[Decimal(1)] * 7]
        assert set(MeasurementBlock.objects.values_list("version", flat=True)) == {1}

    def test_what_was_received_stays_and_the_values_after_vee_are_consumption(self) -> None:
        one = component()
        imd = receive(one, "100", "101", "102", "104")

        process()

        assert ImdPayload.objects.get(pk=imd.pk).values.tolist() == [10_000, 10_100, 10_200, 10_400]
        detail = queries.imd_detail(imd.pk)
        assert [reading.value for reading in detail.pre_vee] == [100, 101, 102, 104]
        assert [reading.value for reading in detail.post_vee] == [None, 1, 1, 2]

    def test_beside_a_missing_reading_no_interval_has_a_consumption(self) -> None:
        one = component()
        receive(one, "100", None, "104", "105")

        process()

        assert [(row.value, row.reading) for row in rows(one)] == [
            (None, 100), (None, None), (None, 104), (1, 105),
        ]  # fmt: skip

    def test_a_register_that_starts_again_from_0_goes_on(self) -> None:
        one = component(dials=5)
        receive(one, "99950", "20", "30", "30")

        process()

        assert figures(one) == [None, 70, 10, 0]

    def test_a_lower_reading_holds_the_imd_and_says_where(self) -> None:
        one = component(dials=5)
        imd = receive(one, "500", "400", "410", "390")

        process()

        assert state(imd) == "EXCEPTION"
        found = VeeException.objects.get()
        assert (found.exception_type, found.observed, found.limit) == ("READING-LOWER", "400", "500")
        assert (found.first_interval, found.last_interval, found.count) == (1, 3, 2)
        assert not MeasurementBlock.objects.exists()

    def test_a_reading_that_the_dials_cannot_show_holds_the_imd(self) -> None:
        imd = receive(component(dials=3), "998", "1000", "1", "2")

        process()

        found = VeeException.objects.get(imd=imd)
        assert (found.exception_type, found.observed, found.limit, found.first_interval) == (
            "READING-TOO-LARGE", "1000", "1000", 1,
        )  # fmt: skip

    def test_consumption_that_cannot_be_kept_exactly_is_refused(self) -> None:
        imd = receive(component("0.001"), "100", "101", "102", "103")

        process()

        assert state(imd) == "ERROR"
        assert "2 decimal places" in InitialMeasurement.objects.get(pk=imd.pk).error


class TestLateReadings:
    def test_the_interval_after_them_is_counted_from_their_last_reading(self) -> None:
        one = component()
        receive(one, "104", "105", "106", "107", day=1)
        process()
        assert figures(one)[0] is None

        receive(one, "100", "101", "102", "103")
        process()

        assert figures(one) == [None, *[Decimal(1)] * 7]
        assert rows(one)[4].condition == REGULAR
        kept = MeasurementBlockHistory.objects.get()
        assert (kept.values[0] < 0, kept.readings.tolist()) == (True, [10_400, 10_500, 10_600, 10_700])

    def test_a_changed_reading_changes_the_interval_after_it(self) -> None:
        one = component()
        receive(one, "100", "101", "102", "103", "104", "105", "106", "107")
        process()

        receive(one, "101.25", start=DAY + dt.timedelta(hours=6))
        process()

        assert figures(one)[:4] == [None, Decimal("1.25"), Decimal("0.75"), 1]

    def test_it_stays_where_the_type_wants_that(self) -> None:
        one = component(sync_consumption=False)
        receive(one, "104", "105", "106", "107", day=1)
        process()

        receive(one, "100", "101", "102", "103")
        process()

        assert figures(one)[4] is None

    @pytest.mark.parametrize("seed", range(4))
    def test_any_order_of_arrival_gives_the_same_figures(self, seed: int) -> None:
        readings = [str(9_990 + 3 * number) for number in range(12)]
        one = component(dials=4)
        parts = [readings[first : first + 2] for first in range(0, 12, 2)]
        order = random.Random(seed).sample(range(6), k=6)

        for place, number in enumerate(order):
            shown = [str(int(reading) % 10_000) for reading in parts[number]]
            receive(one, *shown, start=DAY + number * dt.timedelta(hours=12))
            if place % 2 == seed % 2:
                process()
        process()

        assert figures(one) == [None, *[Decimal(3)] * 11]
        assert [row.reading for row in rows(one)] == [Decimal(int(reading) % 10_000) for reading in readings]


class TestEdits:
    def test_a_person_edits_consumption_and_the_readings_stay(self) -> None:
        one = component(dials=5)
        imd = receive(one, "500", "400", "410", "420")
        process()
        by = make.analyst()

        edits.edit_values(imd_id=imd.pk, by=by, reason="seen", values={1: Decimal("2.5")}, at=make.AT)
        actions.force_complete(imd_id=imd.pk, by=by, reason="seen", at=make.AT)

        assert [(row.value, row.reading, row.user_edited) for row in rows(one)] == [
            (None, 500, False), (Decimal("2.5"), 400, True), (10, 410, False), (10, 420, False),
        ]  # fmt: skip

    def test_what_no_run_has_told_yet_has_no_value(self) -> None:
        imd = receive(component(), "500", "510", "520", "530", kind="MANUAL")

        edits.edit_values(imd_id=imd.pk, by=make.analyst(), reason="seen", values={0: Decimal(4)}, at=make.AT)

        assert ImdPostVee.objects.get().conditions.tolist() == [REGULAR, MISSING, MISSING, MISSING]
        make.release(imd)
        assert [value and int(value) for value in figures(imd.measuring_component)] == [4, 10, 10, 10]

    def test_the_interval_after_late_readings_stays_where_a_person_edited_it(self) -> None:
        one = component(dials=5)
        imd = receive(one, "104", "105", "106", "107", day=1, kind="MANUAL")
        edits.edit_values(imd_id=imd.pk, by=make.analyst(), reason="seen", values={0: Decimal(9)}, at=make.AT)
        make.release(imd)

        receive(one, "100", "101", "102", "103")
        process()

        assert figures(one)[4] == 9


class TestQueries:
    def test_their_number_does_not_grow_with_the_imds(self, django_assert_max_num_queries: Any) -> None:
        for _ in range(3):
            receive(component(), "1", "2", "3", "4")

        with django_assert_max_num_queries(60):
            process()

    def test_interval_components_have_no_readings(self) -> None:
        one = make.MeasuringComponentFactory()
        make.interval_imd(one, ["1"] * 96)

        process()

        assert MeasurementBlock.objects.get().readings is None
        assert rows(one)[0].reading is None


class TestWorkbench:
    def test_shows_consumption_and_what_was_received_apart(self, client: Client) -> None:
        client.force_login(User.objects.create_superuser("root"))
        imd = receive(component(dials=5), "500", "400", "410", "420")
        process()
        edits.edit_values(imd_id=imd.pk, by=make.analyst(), reason="seen", values={1: Decimal("2.5")}, at=make.AT)

        shown = client.get(f"/admin/vee/initialmeasurement/{imd.pk}/change/")

        assert shown.context["chart"]["pre"] == [None] * 4
        assert shown.context["chart"]["post"] == [None, 2.5, 10.0, 10.0]
        assert [cell["received"] for cell in shown.context["cells"]] == ["500", "400", "410", "420"]
        assert [(row["old"], row["new"]) for row in shown.context["edits"]] == [("–", "2.5")]
