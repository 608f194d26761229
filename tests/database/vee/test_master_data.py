from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import meter_data
from tests.factories.meter_data import AT
from vee import models
from vee.operations import intake, master_data


pytestmark = pytest.mark.django_db

DOCUMENT: list[dict[str, Any]] = [
    {"kind": "usage_transaction", "id": "UT-1", "usage_subscription": "US-1", "start": "2024-03-01T05:00:00Z",
     "end": "2024-04-01T04:00:00Z", "status": "SENT"},
    {"kind": "measuring_component", "id": "MC-1", "type": "RES", "device": "DEV-1", "service_point": "SP-1",
     "multiplier": 1, "consumption_reference": "MC-2"},
    {"kind": "measuring_component", "id": "MC-2", "type": "RES", "device": "DEV-1", "multiplier": Decimal("1.5")},
    {"kind": "device", "id": "DEV-1", "service_point": "SP-1", "incoming_data_shift": "STANDARD"},
    {"kind": "measuring_component_type", "id": "RES", "component_kind": "INTERVAL", "seconds_per_interval": 900,
     "uom": "KWH", "allow_negative": False, "dials": None,
     "vee_groups": {"INITIAL_LOAD": "RES-INTERVAL", "MANUAL_OVERRIDE": None, "ESTIMATION": None}},
    {"kind": "service_point", "id": "SP-1", "time_zone": "America/New_York"},
    {"kind": "usage_subscription", "id": "US-1", "service_point": "SP-1", "recipient": "CIS"},
    {"kind": "outage", "service_point": "SP-1", "start": "2024-03-02T00:00:00Z", "end": "2024-03-02T03:00:00Z"},
]  # fmt: skip


def upsert(*lines: Any) -> list[master_data.LineResult]:
    return master_data.upsert(lines, at=AT)


def outcomes(results: list[master_data.LineResult]) -> list[str]:
    return [result.errors[0]["code"] if result.refused else result.outcome for result in results]


@pytest.fixture
def group() -> models.VeeGroup:
    return models.VeeGroup.objects.create(code="RES-INTERVAL")


class TestADocument:
    def test_may_refer_to_its_own_lines_in_any_order(self, group: models.VeeGroup) -> None:
        results = upsert(*DOCUMENT)

        assert outcomes(results) == ["created"] * 8
        component = models.MeasuringComponent.objects.select_related("type", "service_point", "device").get(
            identifier="MC-1"
        )
        assert component.type.initial_load_group == group
        assert component.type.seconds_per_interval == 900
        assert component.service_point is not None
        assert component.service_point.standard_offset_seconds == -18_000
        assert component.consumption_reference == models.MeasuringComponent.objects.get(identifier="MC-2")
        assert models.UsageTransaction.objects.get().usage_subscription.service_point == component.service_point
        assert models.Outage.objects.get().service_point == component.service_point
        assert component.history.count() >= 1

    def test_changes_nothing_the_second_time(self, group: models.VeeGroup) -> None:
        upsert(*DOCUMENT)

        assert outcomes(upsert(*DOCUMENT)) == ["unchanged"] * 8
        assert models.MeasuringComponent.objects.count() == 2

    def test_may_be_lines_of_json(self) -> None:
        results = upsert(
            json.dumps(DOCUMENT[5]).encode(), b"{nonsense", b"[1]", b'{"kind": "device", "kind": "device"}'
        )

        assert outcomes(results) == ["created", "malformed", "invalid", "duplicate_key"]
        assert [result.is_object for result in results] == [True, False, False, False]

    def test_leaves_alone_what_a_line_does_not_name(self, group: models.VeeGroup) -> None:
        upsert(*DOCUMENT)

        results = upsert({"kind": "measuring_component", "id": "MC-2", "multiplier": "2"})

        assert outcomes(results) == ["updated"]
        component = models.MeasuringComponent.objects.get(identifier="MC-2")
        assert component.multiplier == 2
        assert component.device is not None

    def test_takes_two_lines_of_one_record_in_order(self) -> None:
        results = upsert(
            {"kind": "service_point", "id": "SP-9", "time_zone": "UTC"},
            {"kind": "service_point", "id": "SP-9", "time_zone": "Europe/Vienna"},
        )

        assert outcomes(results) == ["created", "updated"]
        assert models.ServicePoint.objects.get().time_zone == "Europe/Vienna"

    def test_ends_an_outage_by_its_start(self) -> None:
        meter_data.service_point("SP-1")
        line = {"kind": "outage", "service_point": "SP-1", "start": "2024-03-02T00:00:00Z"}

        assert outcomes(upsert(line, {**line, "end": "2024-03-02T01:00:00+00:00"})) == ["created", "updated"]
        assert models.Outage.objects.get().end is not None

    @pytest.mark.parametrize(
        ("line", "pointer", "code"),
        [
            ({"id": "X"}, "/kind", "required"),
            ({"kind": "spaceship"}, "/kind", "invalid"),
            ({"kind": "service_point", "time_zone": "UTC"}, "/id", "required"),
            ({"kind": "service_point", "id": "X"}, "/time_zone", "required"),
            ({"kind": "service_point", "id": "X", "time_zone": "Mars/Base"}, "/time_zone", "unknown_time_zone"),
            ({"kind": "service_point", "id": "X", "time_zone": "../etc/passwd"}, "/time_zone", "unknown_time_zone"),
            ({"kind": "service_point", "id": "X", "time_zone": "UTC", "colour": 1}, "/colour", "unknown_field"),
            ({"kind": "service_point", "id": "X" * 61, "time_zone": "UTC"}, "/id", "invalid"),
            ({"kind": "device", "id": "X", "service_point": "GHOST"}, "/service_point", "unknown_reference"),
            ({"kind": "device", "id": "X", "incoming_data_shift": "MAYBE"}, "/incoming_data_shift", "invalid"),
            ({"kind": "measuring_component", "id": "X"}, "/type", "required"),
            ({"kind": "measuring_component", "id": "X", "type": "GHOST"}, "/type", "unknown_reference"),
            ({"kind": "measuring_component", "id": "X", "type": "RES", "multiplier": 0}, "/multiplier", "out_of_range"),
            ({"kind": "measuring_component", "id": "X", "type": "RES", "multiplier": "NaN"},
             "/multiplier", "not_a_number"),
            ({"kind": "measuring_component", "id": "X", "type": "RES", "consumption_reference": "X"},
             "/consumption_reference", "invalid"),
            ({"kind": "measuring_component", "id": "X", "type": "RES", "consumption_reference": "GHOST"},
             "/consumption_reference", "unknown_reference"),
            ({"kind": "measuring_component_type", "id": "X", "uom": "KWH", "component_kind": "INTERVAL"},
             "/seconds_per_interval", "required"),
            ({"kind": "measuring_component_type", "id": "X", "uom": "KWH", "component_kind": "SCALAR",
              "seconds_per_interval": 900}, "/seconds_per_interval", "not_allowed"),
            ({"kind": "measuring_component_type", "id": "X", "uom": "KWH", "component_kind": "INTERVAL",
              "seconds_per_interval": 7}, "/seconds_per_interval", "invalid"),
            ({"kind": "measuring_component_type", "id": "X", "uom": "KWH", "component_kind": "SCALAR",
              "vee_groups": {"INITIAL_LOAD": "GHOST"}}, "/vee_groups/INITIAL_LOAD", "unknown_reference"),
            ({"kind": "usage_transaction", "id": "X", "usage_subscription": "GHOST", "start": "2024-03-01T05:00:00Z",
              "end": "2024-04-01T04:00:00Z"}, "/usage_subscription", "unknown_reference"),
            ({"kind": "outage", "service_point": "GHOST", "start": "2024-03-01T05:00:00Z"},
             "/service_point", "unknown_reference"),
            ({"kind": "outage", "service_point": "SP-0", "start": "2024-03-01T05:00:00"}, "/start", "invalid_time"),
            ({"kind": "outage", "service_point": "SP-0", "start": "2024-03-01T05:00:00Z",
              "end": "2024-03-01T05:00:00Z"}, "/end", "invalid_period"),
        ],
    )  # fmt: skip
    def test_has_bad_lines_refused_at_their_pointer_and_keeps_the_others(
        self, line: dict[str, Any], pointer: str, code: str
    ) -> None:
        meter_data.component_type("RES")
        meter_data.service_point("SP-0")

        refused, good = upsert(line, {"kind": "service_point", "id": "GOOD", "time_zone": "UTC"})

        assert [(error["pointer"], error["code"]) for error in refused.errors] == [(pointer, code)]
        assert good.outcome == "created"
        assert set(models.ServicePoint.objects.values_list("identifier", flat=True)) == {"SP-0", "GOOD"}
        assert not models.MeasuringComponent.objects.exists()
        assert not models.Outage.objects.exists()

    def test_refuses_a_reference_to_a_line_that_was_refused(self) -> None:
        meter_data.component_type("RES")

        results = upsert(
            {"kind": "measuring_component", "id": "A", "type": "RES", "consumption_reference": "B"},
            {"kind": "measuring_component", "id": "B", "type": "GHOST"},
        )

        assert outcomes(results) == ["unknown_reference", "unknown_reference"]
        assert not models.MeasuringComponent.objects.exists()

    def test_follows_references_however_deep(self) -> None:
        meter_data.component_type("RES")
        line = {"kind": "measuring_component", "type": "RES"}

        results = upsert(
            {**line, "id": "A", "consumption_reference": "B"},
            {**line, "id": "B", "consumption_reference": "C"},
            {**line, "id": "C"},
        )

        assert outcomes(results) == ["created"] * 3
        assert models.MeasuringComponent.objects.get(identifier="A").consumption_reference.identifier == "B"  # type: ignore[union-attr]
        assert models.MeasuringComponent.objects.get(identifier="B").consumption_reference.identifier == "C"  # type: ignore[union-attr]


class TestWhatCannotChangeOnceDataExists:
    @pytest.fixture(autouse=True)
    def data(self) -> None:
        meter_data.component("MC-1", type=meter_data.component_type("RES"))
        meter_data.component_type("OTHER", seconds_per_interval=1800)
        meter_data.component_type("LIKE")
        intake.receive_imds(
            records=[
                {"measuring_component": "MC-1", "start": "2026-03-08T05:00:00Z", "end": "2026-03-08T05:15:00Z",
                 "seconds_per_interval": 900, "values": [1]}
            ],
            at=AT,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("line", "pointer"),
        [
            ({"kind": "measuring_component_type", "id": "RES", "seconds_per_interval": 1800}, "/seconds_per_interval"),
            (
                {"kind": "measuring_component_type", "id": "RES", "component_kind": "SUBTRACTIVE_INTERVAL"},
                "/component_kind",
            ),
            ({"kind": "measuring_component_type", "id": "RES", "scale": 3}, "/scale"),
            ({"kind": "measuring_component", "id": "MC-1", "type": "OTHER"}, "/type"),
            ({"kind": "service_point", "id": "SP-MC-1", "time_zone": "UTC"}, "/time_zone"),
        ],
    )
    def test_is_refused(self, line: dict[str, Any], pointer: str) -> None:
        [result] = upsert(line)

        assert [(error["pointer"], error["code"]) for error in result.errors] == [(pointer, "immutable")]
        kind = models.MeasuringComponentType.objects.get(identifier="RES")
        assert (kind.seconds_per_interval, kind.component_kind, kind.scale) == (900, "INTERVAL", 6)
        assert models.MeasuringComponent.objects.get().type == kind
        assert models.ServicePoint.objects.get().time_zone == "America/New_York"

    @pytest.mark.parametrize(
        "line",
        [
            {"kind": "measuring_component_type", "id": "RES", "allow_negative": True},
            {"kind": "measuring_component_type", "id": "OTHER", "seconds_per_interval": 300},
            {"kind": "measuring_component", "id": "MC-1", "type": "LIKE"},
            {"kind": "service_point", "id": "SP-MC-1", "time_zone": "America/Toronto"},
        ],
    )
    def test_lets_everything_else_change(self, line: dict[str, Any]) -> None:
        assert outcomes(upsert(line)) == ["updated"]


class TestManyLines:
    def test_take_a_bounded_number_of_queries(self, django_assert_max_num_queries: Any) -> None:
        meter_data.component_type("RES")
        lines = [
            {"kind": "measuring_component", "id": f"MC-{number}", "type": "RES", "multiplier": 1}
            for number in range(400)
        ]

        with django_assert_max_num_queries(20):
            results = upsert(*lines)

        assert outcomes(results) == ["created"] * 400


class TestRegisterTypes:
    LINE = {"kind": "measuring_component_type", "id": "REG", "component_kind": "SCALAR", "uom": "KWH", "dials": 5}

    def test_say_how_their_registers_count(self) -> None:
        counts = {"rollover_threshold": Decimal("0.25"), "subtractive": False, "sync_consumption": False}

        assert outcomes(upsert({**self.LINE, **counts})) == ["created"]
        row = models.MeasuringComponentType.objects.get(identifier="REG")
        assert {name: getattr(row, name) for name in counts} == counts

    def test_have_a_threshold_that_is_a_share(self) -> None:
        [result] = upsert({**self.LINE, "rollover_threshold": Decimal("1.5")})

        assert result.errors[0]["pointer"] == "/rollover_threshold"
