"""Installations, periods off, characteristics, calendars and options of types in the master data document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.factories.meter_data import AT
from vee import models
from vee.operations import master_data


pytestmark = pytest.mark.django_db

PLACE: list[dict[str, Any]] = [
    {"kind": "service_point", "id": "SP-1", "time_zone": "UTC", "holiday_calendar": "US",
     "characteristics": {"rate": "R1", "phases": 3}},
    {"kind": "device", "id": "DEV-1", "service_point": "SP-1", "characteristics": {"heating_value": Decimal("10.55")}},
]  # fmt: skip
INSTALLED = {"kind": "install_event", "device": "DEV-1", "service_point": "SP-1", "multiplier": 2,
             "installed_at": "2024-01-01T00:00:00Z", "removed_at": "2024-06-01T00:00:00Z"}  # fmt: skip
OFF = {"kind": "off_period", "device": "DEV-1", "start": "2024-02-01T00:00:00Z", "end": "2024-02-03T00:00:00Z"}


def upsert(*lines: Any) -> list[str]:
    results = master_data.upsert(lines, at=AT)
    return [result.errors[0]["code"] if result.refused else result.outcome for result in results]


class TestInstallations:
    def test_stand_in_one_document_with_their_device_in_any_order(self) -> None:
        assert upsert(OFF, INSTALLED, *PLACE) == ["created"] * 4

    def test_are_known_by_device_and_start(self) -> None:
        assert upsert(*PLACE, INSTALLED) == ["created"] * 3
        assert upsert(INSTALLED, {**INSTALLED, "removed_at": None}) == ["unchanged", "updated"]

        event = models.InstallEvent.objects.get()
        assert (event.removed_at, event.multiplier, event.service_point.identifier) == (None, 2, "SP-1")

    def test_a_period_off_belongs_to_the_installation_in_which_it_begins(self) -> None:
        later = {**INSTALLED, "installed_at": "2024-06-01T00:00:00Z", "removed_at": None}
        upsert(*PLACE, INSTALLED, later)

        assert upsert(OFF, {**OFF, "start": "2024-06-01T00:00:00Z", "end": None}) == ["created", "created"]
        assert upsert(OFF, {**OFF, "end": None}) == ["unchanged", "updated"]
        starts = models.OffPeriod.objects.order_by("start").values_list("install_event__installed_at__month", flat=True)
        assert list(starts) == [1, 6]

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ({**INSTALLED, "device": "NO"}, "unknown_reference"),
            ({**INSTALLED, "service_point": "NO"}, "unknown_reference"),
            ({**INSTALLED, "installed_at": "yesterday"}, "invalid_time"),
            ({**INSTALLED, "installed_at": "2025-01-01T00:00:00Z"}, "invalid_period"),
            ({**INSTALLED, "installed_at": "2024-03-01T00:00:00Z"}, "overlap"),
            ({**INSTALLED, "multiplier": 0}, "out_of_range"),
            ({"kind": "install_event", "device": "DEV-1", "installed_at": "2025-01-01T00:00:00Z"}, "required"),
            ({**OFF, "device": "NO"}, "unknown_reference"),
            ({**OFF, "start": "2023-12-31T00:00:00Z"}, "not_installed"),
            ({**OFF, "end": "2024-01-31T00:00:00Z"}, "invalid_period"),
        ],
    )
    def test_what_cannot_be_is_refused(self, line: dict[str, Any], code: str) -> None:
        upsert(*PLACE, INSTALLED)

        assert upsert(line) == [code]


class TestCharacteristics:
    def test_are_kept_as_texts_and_replaced_as_a_whole(self) -> None:
        upsert(*PLACE)

        assert models.ServicePoint.objects.get().characteristics == {"rate": "R1", "phases": "3"}
        assert models.Device.objects.get().characteristics == {"heating_value": "10.55"}
        assert upsert(PLACE[0], {**PLACE[0], "characteristics": {"rate": "R2"}}) == ["unchanged", "updated"]
        assert models.ServicePoint.objects.get().characteristics == {"rate": "R2"}
        assert models.ServicePoint.objects.get().holiday_calendar == "US"

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"rate": None}, "invalid"),
            ({"": "x"}, "invalid"),
            ({"rate": "x" * 101}, "too_long"),
            ({"r": True}, "invalid"),
        ],
    )
    def test_other_values_are_refused(self, given: dict[str, Any], code: str) -> None:
        assert upsert({**PLACE[0], "characteristics": given}) == [code]


class TestTypes:
    TYPE: dict[str, Any] = {
        "kind": "measuring_component_type", "id": "REG", "component_kind": "SCALAR", "uom": "KWH", "dials": 5,
    }  # fmt: skip

    def test_take_the_options_of_preparation_and_gap_finding(self) -> None:
        options = {
            "rollover_threshold": Decimal("0.25"), "check_too_few_intervals": False, "snap_to_boundaries": True,
            "high_quality_tolerance": "2.5", "estimate_gaps_after_hours": 24, "gap_action": "ASK",
        }  # fmt: skip

        assert upsert({**self.TYPE, **options}) == ["created"]
        assert upsert({**self.TYPE, **options}) == ["unchanged"]
        row = models.MeasuringComponentType.objects.get()
        assert {name: getattr(row, name) for name in options} == {**options, "high_quality_tolerance": Decimal("2.5")}

    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("rollover_threshold", 0, "out_of_range"),
            ("rollover_threshold", "much", "invalid"),
            ("high_quality_tolerance", True, "not_a_number"),
            ("high_quality_tolerance", -1, "out_of_range"),
            ("gap_action", "NOTHING", "invalid"),
        ],
    )
    def test_refuse_what_does_not_fit(self, name: str, value: Any, code: str) -> None:
        assert upsert({**self.TYPE, name: value}) == [code]
