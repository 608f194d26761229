from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.checks import Tags, run_checks

from tests.factories import vee as make
from vee.engine.registers import Register
from vee.models import MeasuringComponent, RegisterMeasurement, RegisterMeasurementHistory
from vee.operations.normalization import RegisterRead, normalize_registers
from vee.storage import Change


pytestmark = pytest.mark.django_db
ONE_DAY = dt.timedelta(days=1)


def read(component: MeasuringComponent, reading: str, **values: Any) -> RegisterRead:
    return RegisterRead(
        **{
            "imd_id": 1,
            "component_id": component.pk,
            "read_at": make.DAY,
            "reading": Decimal(reading),
            "consumption": None,
            "condition": 501000,
            "multiplier": Decimal(1),
            "user_edited": False,
            "register": Register(),
            "scale": 3,
            "skip_identical": True,
            **values,
        }
    )


@pytest.fixture
def register() -> MeasuringComponent:
    return make.MeasuringComponentFactory(type=make.register_type())


class TestNormalizeRegisters:
    def test_it_tells_what_changed_including_the_read_that_follows(self, register: MeasuringComponent) -> None:
        later = make.DAY + ONE_DAY
        normalize_registers(reads=[read(register, "10", read_at=later)], at=make.AT)

        changes = normalize_registers(reads=[read(register, "4", imd_id=2)], at=make.AT)

        assert changes == (Change(register.pk, make.DAY, later),)
        assert RegisterMeasurement.objects.get(read_at=later).consumption == Decimal(6)

    def test_a_changed_read_keeps_what_it_replaced(self, register: MeasuringComponent) -> None:
        normalize_registers(reads=[read(register, "10")], at=make.AT)

        normalize_registers(reads=[read(register, "11", imd_id=2, user_edited=True)], at=make.AT)

        now = RegisterMeasurement.objects.get()
        assert (now.reading, now.version, now.imd_id, now.user_edited) == (Decimal(11), 2, 2, True)
        was = RegisterMeasurementHistory.objects.get()
        assert (was.reading, was.version, was.imd_id, was.replaced_by_imd_id) == (Decimal(10), 1, 1, 2)

    def test_an_identical_read_is_skipped_or_overwritten_as_asked(self, register: MeasuringComponent) -> None:
        normalize_registers(reads=[read(register, "10")], at=make.AT)

        assert normalize_registers(reads=[read(register, "10")], at=make.AT) == ()
        assert RegisterMeasurement.objects.get().version == 1

        assert len(normalize_registers(reads=[read(register, "10", skip_identical=False)], at=make.AT)) == 1
        assert RegisterMeasurement.objects.get().version == 2

    def test_a_later_read_that_is_lower_now_has_no_figure(self, register: MeasuringComponent) -> None:
        later = make.DAY + ONE_DAY
        normalize_registers(reads=[read(register, "10", read_at=later)], at=make.AT)

        normalize_registers(reads=[read(register, "40", imd_id=2)], at=make.AT)

        assert RegisterMeasurement.objects.get(read_at=later).consumption is None

    def test_no_reads_are_no_changes(self) -> None:
        assert normalize_registers(reads=[], at=make.AT) == ()


class TestRulesCanRun:
    def test_a_configured_rule_that_cannot_run_is_named(self, rule_not_available: str) -> None:
        make.vee_group("G", {"rule": "uom_check"}, {"rule": rule_not_available})

        found = [
            message for message in run_checks(tags=[Tags.database], databases=["default"]) if message.id == "vee.W001"
        ]

        assert [message.msg for message in found] == [
            f"The rule {rule_not_available} of VEE group G is not available in this version."
        ]
