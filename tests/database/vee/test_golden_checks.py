"""Golden tests of `vee.md` 10.1 that need other IMDs: GT-20."""

from __future__ import annotations

import pytest

from tests.factories import vee as make
from vee.models import InitialMeasurement, MeasuringComponent, VeeException
from vee.operations import processing


pytestmark = pytest.mark.django_db
VALUES = ["1"] * 96


def component() -> MeasuringComponent:
    group = make.vee_group("G", {"rule": "duplicate_imd_check"})
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group))


class TestDuplicateImd:
    @pytest.mark.parametrize(
        ("other", "state", "fails"),
        [
            (VALUES, "COMPLETE", True),
            ([*VALUES[:-1], "2"], "COMPLETE", False),
            (VALUES, "EXCEPTION", False),
        ],
        ids=["same", "one value differs", "other still in exception"],
    )
    def test_gt_20_the_same_readings_of_a_complete_imd(self, other: list[str], state: str, fails: bool) -> None:
        one = component()
        make.interval_imd(one, other, state=state)
        imd = make.interval_imd(one, VALUES)

        processing.process_due(at=make.AT)

        assert InitialMeasurement.objects.get(pk=imd.pk).state == ("EXCEPTION" if fails else "COMPLETE")
        assert VeeException.objects.filter(imd=imd, exception_type="DUPLICATE-IMD").count() == fails
