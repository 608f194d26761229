from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import vee as make
from vee import events, queries
from vee.codes import Condition
from vee.models import (
    Device,
    InitialMeasurement,
    InstallEvent,
    MeasuringComponent,
    RegisterMeasurement,
    RegisterMeasurementHistory,
    VeeException,
)
from vee.operations import actions, edits, processing
from vee.storage import Change


pytestmark = pytest.mark.django_db
DAY = make.DAY
ONE_DAY = dt.timedelta(days=1)


def process(**options: Any) -> processing.ProcessingSummary:
    return processing.process_due(at=make.AT, **options)


def get(imd: InitialMeasurement) -> InitialMeasurement:
    return InitialMeasurement.objects.get(pk=imd.pk)


class TestRegisters:
    def _component(self, **fields: Any) -> MeasuringComponent:
        return make.MeasuringComponentFactory(type=make.register_type(), multiplier=Decimal(2), **fields)

    def test_consumption_is_the_difference_times_the_multiplier_and_the_first_read_has_none(self) -> None:
        one = self._component()
        later = make.register_imd(one, "110.5", at=DAY + ONE_DAY)
        first = make.register_imd(one, "100", at=DAY)

        process()

        assert {get(first).state, get(later).state} == {"COMPLETE"}
        rows = list(queries.measurements(component=one, start=DAY - ONE_DAY, end=DAY + ONE_DAY))
        regular = int(Condition.REGULAR)
        assert rows == [
            queries.Measurement(DAY, None, regular, False, Decimal(100)),
            queries.Measurement(DAY + ONE_DAY, Decimal(21), regular, False, Decimal("110.5")),
        ]

    def test_a_lower_reading_is_an_exception_and_never_a_wrong_figure(self) -> None:
        one = self._component()
        make.register_imd(one, "100", at=DAY)
        lower = make.register_imd(one, "90", at=DAY + ONE_DAY)

        process()

        assert get(lower).state == "EXCEPTION"
        found = VeeException.objects.get(imd=lower)
        assert (found.exception_type, found.observed, found.limit) == ("READING-LOWER", "90", "100")
        assert RegisterMeasurement.objects.count() == 1

    def test_a_component_that_allows_negative_consumption_runs_backwards(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type(allow_negative=True))
        make.register_imd(one, "100", at=DAY)
        make.register_imd(one, "90", at=DAY + ONE_DAY)

        process()

        assert RegisterMeasurement.objects.get(read_at=DAY + ONE_DAY).consumption == Decimal(-10)

    def test_a_read_between_two_others_changes_the_consumption_of_the_later(self) -> None:
        one = self._component()
        make.register_imd(one, "100", at=DAY)
        make.register_imd(one, "110", at=DAY + 2 * ONE_DAY)
        process()
        make.register_imd(one, "104", at=DAY + ONE_DAY)

        process()

        rows = RegisterMeasurement.objects.order_by("read_at").values_list("consumption", "version")
        assert list(rows) == [(None, 1), (Decimal(8), 1), (Decimal(12), 2)]
        assert RegisterMeasurementHistory.objects.get().consumption == Decimal(20)

    def test_the_same_read_again_is_skipped(self) -> None:
        one = self._component()
        make.register_imd(one, "100", at=DAY)
        process()
        make.register_imd(one, "100", at=DAY)

        process()

        assert RegisterMeasurement.objects.get().version == 1

    def test_digits_are_kept_on_every_database(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type(scale=9))
        make.register_imd(one, "123456789.123456789", at=DAY)
        make.register_imd(one, "123456789.123456790", at=DAY + ONE_DAY)

        process()

        assert RegisterMeasurement.objects.get(read_at=DAY + ONE_DAY).consumption == Decimal("0.000000001")


class TestRollover:
    def _reads(self, *readings: str, **kind: Any) -> list[InitialMeasurement]:
        one = make.MeasuringComponentFactory(type=make.register_type(dials=5, **kind))
        imds = [make.register_imd(one, reading, at=DAY + day * ONE_DAY) for day, reading in enumerate(readings)]
        process()
        return imds

    def test_a_register_that_starts_again_from_0_goes_on(self) -> None:
        self._reads("99950", "20")

        assert RegisterMeasurement.objects.get(reading=20).consumption == Decimal(70)

    def test_a_net_register_runs_both_ways(self) -> None:
        self._reads("1077", "577", "99744", "99459", "1776", allow_negative=True)

        told = RegisterMeasurement.objects.order_by("read_at").values_list("consumption", flat=True)
        assert list(told) == [None, Decimal(-500), Decimal(-833), Decimal(-285), Decimal(2317)]

    def test_gt_52_what_is_neither_is_an_exception_that_says_what_it_would_be(self) -> None:
        _, lower = self._reads("500", "400")

        found = VeeException.objects.get(imd=lower)
        assert (found.exception_type, found.observed, found.limit) == ("READING-LOWER", "400", "500")
        assert "99900" in found.message

    def test_a_reading_that_the_dials_cannot_show_is_an_exception(self) -> None:
        fits, too_large = self._reads("99999.999", "100000")

        assert get(fits).state == "COMPLETE"
        found = VeeException.objects.get(imd=too_large)
        assert (found.exception_type, found.observed, found.limit) == ("READING-TOO-LARGE", "100000", "100000")

    def test_the_threshold_is_the_types(self) -> None:
        _, far = self._reads("99950", "20", rollover_threshold=Decimal("0.0006"))

        assert get(far).state == "EXCEPTION"

    def test_a_consumptive_register_shows_its_consumption(self) -> None:
        self._reads("30", "12", subtractive=False)

        told = RegisterMeasurement.objects.order_by("read_at").values_list("reading", "consumption")
        assert list(told) == [(Decimal(30), Decimal(30)), (Decimal(12), Decimal(12))]


class TestCombinedMultiplier:
    def _component(self) -> MeasuringComponent:
        device = Device.objects.create(identifier="DEV-1", service_point=make.ServicePointFactory())
        for installed, removed, multiplier in ((0, 2, 2), (2, None, 3)):
            InstallEvent.objects.create(
                device=device,
                service_point=device.service_point,
                installed_at=DAY + installed * ONE_DAY,
                removed_at=None if removed is None else DAY + removed * ONE_DAY,
                multiplier=multiplier,
            )
        return make.MeasuringComponentFactory(
            type=make.register_type(), device=device, service_point=None, multiplier=Decimal(40)
        )

    def test_gt_53_is_the_components_times_the_installations_at_the_time_of_the_read(self) -> None:
        one = self._component()
        for day, reading in enumerate(("100", "103", "104", "105")):
            make.register_imd(one, reading, at=DAY + day * ONE_DAY)

        process()

        # What was used until the change of installation counts by the old multiplier.
        told = RegisterMeasurement.objects.order_by("read_at").values_list("consumption", "multiplier")
        assert list(told) == [(None, 80), (Decimal(240), 80), (Decimal(80), 80), (Decimal(120), 120)]

    def test_of_the_later_read_is_the_one_of_its_own_time(self) -> None:
        one = self._component()
        make.register_imd(one, "100", at=DAY + ONE_DAY)
        make.register_imd(one, "110", at=DAY + 3 * ONE_DAY)
        process()
        make.register_imd(one, "106", at=DAY + 2 * ONE_DAY)

        process()

        told = RegisterMeasurement.objects.order_by("read_at").values_list("consumption", flat=True)
        assert list(told) == [None, Decimal(480), Decimal(480)]


class TestLateReads:
    def test_a_rollover_lies_before_the_late_read(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type(dials=5))
        make.register_imd(one, "99950", at=DAY)
        make.register_imd(one, "20", at=DAY + 2 * ONE_DAY)
        process()
        make.register_imd(one, "5", at=DAY + ONE_DAY)

        process()

        told = RegisterMeasurement.objects.order_by("read_at").values_list("consumption", flat=True)
        assert list(told) == [None, Decimal(55), Decimal(15)]

    def test_the_next_read_is_left_alone_where_the_type_wants_that(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type(sync_consumption=False))
        make.register_imd(one, "100", at=DAY)
        make.register_imd(one, "110", at=DAY + 2 * ONE_DAY)
        process()
        make.register_imd(one, "104", at=DAY + ONE_DAY)

        process()

        told = RegisterMeasurement.objects.order_by("read_at").values_list("consumption", "version")
        assert list(told) == [(None, 1), (Decimal(4), 1), (Decimal(10), 1)]
        assert not RegisterMeasurementHistory.objects.exists()

    def test_the_next_read_is_announced_as_changed(self, django_capture_on_commit_callbacks: Any) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        make.register_imd(one, "110", at=DAY + 2 * ONE_DAY)
        process()
        make.register_imd(one, "104", at=DAY + ONE_DAY)
        heard: list[Any] = []
        receiver = lambda **said: heard.extend(said["changes"])  # noqa: E731  a signal keeps weak references: it needs a name
        events.measurements_changed.connect(receiver)

        with django_capture_on_commit_callbacks(execute=True):
            process()

        events.measurements_changed.disconnect(receiver)
        assert heard == [Change(one.pk, DAY + ONE_DAY, DAY + 2 * ONE_DAY)]

    def test_one_that_is_higher_than_the_next_read_is_an_exception_and_the_next_stays(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        make.register_imd(one, "100", at=DAY)
        make.register_imd(one, "110", at=DAY + 2 * ONE_DAY)
        process()
        late = make.register_imd(one, "140", at=DAY + ONE_DAY)

        process()

        found = VeeException.objects.get(imd=late)
        assert (found.exception_type, found.observed, found.limit) == ("READING-HIGHER", "140", "110")
        assert RegisterMeasurement.objects.get(read_at=DAY + 2 * ONE_DAY).consumption == Decimal(10)

    @pytest.mark.parametrize("chunk", [1, 2, 500])
    def test_any_order_of_arrival_gives_the_same_figures(self, chunk: int) -> None:
        steps = random.Random(7).choices(range(4_000), k=8)
        readings = [str((95_000 + sum(steps[:count])) % 100_000) for count in range(len(steps) + 1)]
        told = []
        for seed in range(4):
            one = make.MeasuringComponentFactory(type=make.register_type(dials=5), multiplier=Decimal(2))
            order = random.Random(seed).sample(range(len(readings)), k=len(readings))
            for place, number in enumerate(order):
                at = DAY + number * ONE_DAY
                kind = ("INITIAL_LOAD", "MANUAL", "ESTIMATION")[number % 3]
                # Manual data is due once a person has released it.
                state = "VEE_READY" if kind == "MANUAL" else "PENDING"
                begins = at - number * place * ONE_DAY
                make.register_imd(one, readings[number], at=at, kind=kind, start=begins, state=state)
                if place % 3 == seed % 3:
                    process(chunk=chunk)
            process(chunk=chunk)
            rows = RegisterMeasurement.objects.filter(measuring_component=one).order_by("read_at")
            told.append(list(rows.values_list("consumption", flat=True)))

        assert told == [[None, *(Decimal(2 * step) for step in steps)]] * 4


class TestOrder:
    def test_reads_that_wait_together_go_in_the_order_in_which_they_were_read(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        make.register_imd(one, "130", at=DAY + 3 * ONE_DAY, start=DAY - 9 * ONE_DAY)
        make.register_imd(one, "110", at=DAY + ONE_DAY, start=DAY + ONE_DAY, kind="MANUAL", state="VEE_READY")
        make.register_imd(one, "100", at=DAY, start=DAY - ONE_DAY)

        first = process(limit=1)

        assert first.imds == 1
        assert RegisterMeasurement.objects.get().reading == 100
        process(chunk=1)
        # Each was counted once, from the one before it.
        told = RegisterMeasurement.objects.order_by("read_at").values_list("consumption", "version")
        assert list(told) == [(None, 1), (Decimal(10), 1), (Decimal(20), 1)]


class TestKinds:
    def _component(self) -> MeasuringComponent:
        return make.MeasuringComponentFactory(type=make.register_type())

    def test_a_reading_that_a_person_typed_is_edited(self) -> None:
        typed = make.register_imd(self._component(), "100", at=DAY, kind="MANUAL")

        make.release(typed)

        assert get(typed).state == "COMPLETE"
        assert RegisterMeasurement.objects.get().user_edited

    @pytest.mark.parametrize("kind", ["INITIAL_LOAD", "MANUAL"])
    def test_one_without_a_reading_goes_to_error(self, kind: str) -> None:
        empty = make.register_imd(self._component(), None, at=DAY, kind=kind)

        make.release(empty)

        assert (get(empty).state, get(empty).error) == ("ERROR", "The reading is missing.")

    def test_an_estimation_that_no_rule_gave_a_consumption_waits_for_a_person(self) -> None:
        empty = make.register_imd(self._component(), None, at=DAY, kind="ESTIMATION")

        process()

        assert get(empty).state == "EXCEPTION"
        assert VeeException.objects.get(imd=empty).exception_type == "NO-CONSUMPTION"
        assert not RegisterMeasurement.objects.exists()

    def test_such_an_estimation_may_be_given_a_reading_by_a_person(self) -> None:
        empty = make.register_imd(self._component(), None, at=DAY, kind="ESTIMATION")
        process()
        by = make.analyst()

        with pytest.raises(actions.UnableToFinalize, match="no reading"):
            actions.force_complete(imd_id=empty.pk, by=by, reason="as it is", at=make.AT)
        edits.edit_values(imd_id=empty.pk, by=by, reason="seen", values={0: Decimal(77)}, at=make.AT)
        actions.perform_vee(imd_id=empty.pk, by=by, reason="seen", at=make.AT)

        detail = queries.imd_detail(empty.pk)
        assert (detail.pre_vee[0].value, detail.pre_vee[0].condition) == (None, int(Condition.MISSING))
        assert (detail.post_vee[0].value, detail.post_vee[0].rule) == (Decimal(77), queries.EDITED)
        assert (RegisterMeasurement.objects.get().reading, RegisterMeasurement.objects.get().user_edited) == (77, True)

    def test_an_edited_reading_is_shown_as_it_was_typed(self, client: Client) -> None:
        client.force_login(User.objects.create_superuser("root"))
        empty = make.register_imd(self._component(), None, at=DAY, kind="ESTIMATION")
        process()
        edits.edit_values(imd_id=empty.pk, by=make.analyst(), reason="seen", values={0: Decimal("77.5")}, at=make.AT)

        shown = client.get(f"/admin/vee/initialmeasurement/{empty.pk}/change/")

        assert [(row["old"], row["new"]) for row in shown.context["edits"]] == [("–", "77.5")]
