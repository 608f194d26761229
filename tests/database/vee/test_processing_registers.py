from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import vee as make
from vee import queries
from vee.codes import Condition
from vee.models import (
    InitialMeasurement,
    MeasuringComponent,
    RegisterMeasurement,
    RegisterMeasurementHistory,
    VeeException,
)
from vee.operations import processing


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
