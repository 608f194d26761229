from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.factories import meter_data
from tests.factories.meter_data import AT
from vee import models
from vee.codes import NO_VALUE, Condition
from vee.operations import intake


pytestmark = pytest.mark.django_db


def record(**changes: Any) -> dict[str, Any]:
    """An hour of quarter-hours of MC-NY."""
    made = {
        "measuring_component": "MC-NY",
        "start": "2026-03-08T05:00:00Z",
        "end": "2026-03-08T06:00:00Z",
        "seconds_per_interval": 900,
        "uom": "KWH",
        "kind": "INITIAL_LOAD",
        "external_id": "HES-1",
        "values": [Decimal("0.21"), None, Decimal("0.2"), 1],
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not ...}


def receive(*records: Any) -> list[intake.IntakeResult]:
    return intake.receive_imds(records=records, at=AT, by="head-end")


class TestReceiveImds:
    def test_stores_what_came_exactly_and_leaves_a_transition(self) -> None:
        component = meter_data.component()

        [result] = receive(record(multiplier="1.5"))

        imd = models.InitialMeasurement.objects.select_related("payload").get(pk=result.id)
        assert (result.status, result.external_id) == ("PENDING", "HES-1")
        assert imd.measuring_component == component
        assert (imd.start, imd.end) == (
            dt.datetime(2026, 3, 8, 5, tzinfo=dt.UTC),
            dt.datetime(2026, 3, 8, 6, tzinfo=dt.UTC),
        )
        assert imd.payload.values.tolist() == [210_000, NO_VALUE, 200_000, 1_000_000]
        regular, missing = int(Condition.REGULAR), int(Condition.MISSING)
        assert imd.payload.conditions.tolist() == [regular, missing, regular, regular]
        assert imd.payload.multiplier == Decimal("1.5")
        [move] = imd.transitions.all()
        assert (move.from_state, move.to_state, move.at, move.by) == ("", "PENDING", AT, "head-end")

    def test_stores_no_conditions_when_all_are_regular(self) -> None:
        meter_data.component()

        [result] = receive(record(values=[1, 2, 3, 4]))

        payload = models.ImdPayload.objects.get(pk=result.id)
        assert payload.conditions is None
        assert payload.values.dtype == np.int64

    def test_stores_a_register_reading(self) -> None:
        meter_data.component(type=meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None))

        [result] = receive(
            {"measuring_component": "MC-NY", "end": "2026-03-08T06:00:00Z", "uom": "KWH", "reading": Decimal("12345.6")}
        )

        imd = models.InitialMeasurement.objects.select_related("payload").get(pk=result.id)
        assert imd.payload.reading == Decimal("12345.6")
        assert imd.payload.values is None
        assert imd.seconds_per_interval is None

    def test_stores_an_estimation_of_a_register_without_a_reading(self) -> None:
        kind = meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None)
        meter_data.component(type=kind)
        given = {"measuring_component": "MC-NY", "end": "2026-03-08T06:00:00Z", "kind": "ESTIMATION"}

        good, endless, manual = receive({**given, "start": "2026-03-07T06:00:00Z"}, given, {**given, "kind": "MANUAL"})

        imd = models.InitialMeasurement.objects.select_related("payload").get(pk=good.id)
        assert (imd.kind, imd.payload.reading, imd.payload.values) == ("ESTIMATION", None, None)
        refused = [one.problem.errors[0]["pointer"] for one in (endless, manual) if one.problem is not None]
        assert refused == ["/start", "/values"]

    def test_keeps_a_record_of_an_unknown_component_in_error_with_a_to_do(self) -> None:
        [result] = receive(record(measuring_component="GHOST"))

        imd = models.InitialMeasurement.objects.get(pk=result.id)
        assert (result.status, imd.state, imd.measuring_component) == ("ERROR", "ERROR", None)
        assert imd.component_identifier == "GHOST"
        assert imd.error == "The measuring component GHOST is unknown."
        assert imd.todos.get().status == "OPEN"

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"values": [1, 2, 3]}, "/values", "interval_count"),
            ({"values": [1, 2, 3, 4, 5]}, "/values", "interval_count"),
            ({"values": []}, "/values", "invalid"),
            ({"values": ...}, "/values", "required"),
            ({"values": [1, 2, 3, "NaN"]}, "/values/3", "not_a_number"),
            ({"values": [1, 2, "1_000", 4]}, "/values/2", "not_a_number"),
            ({"values": [1, 2, 3, True]}, "/values/3", "not_a_number"),
            ({"values": [1, 2, 3, {}]}, "/values/3", "not_a_number"),
            ({"values": [1, Decimal("0.1234567"), 3, 4]}, "/values/1", "not_exact"),
            ({"values": [1, 10**20, 3, 4]}, "/values/1", "not_exact"),
            ({"conditions": [501000]}, "/conditions", "length"),
            ({"conditions": [501000, 501000, 99, 501000]}, "/conditions/2", "out_of_range"),
            ({"start": "2026-03-08T05:00:00"}, "/start", "invalid_time"),
            ({"start": "2026-02-30T05:00:00Z"}, "/start", "invalid_time"),
            ({"start": "0001-01-01T00:00:00+14:00"}, "/start", "invalid_time"),
            ({"start": ...}, "/start", "required"),
            ({"end": "2026-03-08T05:00:00Z"}, "/end", "invalid_period"),
            ({"end": ...}, "/end", "required"),
            ({"seconds_per_interval": 7}, "/seconds_per_interval", "invalid"),
            ({"seconds_per_interval": ...}, "/seconds_per_interval", "required"),
            ({"seconds_per_interval": 0}, "/seconds_per_interval", "invalid"),
            ({"kind": "GUESS"}, "/kind", "invalid"),
            ({"multiplier": 0}, "/multiplier", "out_of_range"),
            ({"multiplier": Decimal("1.1234567")}, "/multiplier", "not_exact"),
            ({"measuring_component": ""}, "/measuring_component", "invalid"),
            ({"measuring_component": "M" * 61}, "/measuring_component", "invalid"),
            ({"measuring_component": "M\n"}, "/measuring_component", "invalid_character"),
            ({"measuring_component": 7}, "/measuring_component", "invalid"),
            ({"colour": "red"}, "/colour", "unknown_field"),
            ({"reading": 5}, "/values", "not_allowed"),
            ({"values": ..., "seconds_per_interval": ..., "reading": 5}, "/reading", "kind_mismatch"),
        ],
    )
    def test_refuses_a_record_that_breaks_the_contract_at_its_pointer(
        self, changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        meter_data.component()

        [result] = receive(record(**changes))

        assert result.problem is not None
        assert result.problem.status == 400
        assert [(error["pointer"], error["code"]) for error in result.problem.errors] == [(pointer, code)]
        assert not models.InitialMeasurement.objects.exists()

    def test_refuses_intervals_for_a_register(self) -> None:
        meter_data.component(type=meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None))

        [result] = receive(record())

        assert result.problem is not None
        assert result.problem.errors[0]["code"] == "kind_mismatch"

    def test_answers_in_order_and_lets_a_bad_record_stop_no_other(self) -> None:
        meter_data.component()

        results = receive(record(external_id="A"), 7, record(external_id="B", values=[1]), record(external_id="C"))

        assert [result.status for result in results] == ["PENDING", "", "", "PENDING"]
        assert list(models.InitialMeasurement.objects.order_by("pk").values_list("external_id", flat=True)) == [
            "A",
            "C",
        ]


class TestTheSameExternalId:
    def test_with_the_same_record_gets_the_original_with_its_present_state(self) -> None:
        meter_data.component()
        [first] = receive(record())
        models.InitialMeasurement.objects.filter(pk=first.id).update(state="COMPLETE")

        # The order of keys is not part of the record.
        [again] = receive(dict(reversed(record().items())))

        assert (again.id, again.status) == (first.id, "COMPLETE")
        assert models.InitialMeasurement.objects.count() == 1

    def test_with_another_record_is_refused_and_stores_nothing(self) -> None:
        meter_data.component()
        receive(record())

        [result] = receive(record(values=[1, 2, 3, 5]))

        assert result.problem is not None
        assert (result.problem.status, result.problem.code) == (409, "idempotency_key_reused")
        assert models.InitialMeasurement.objects.count() == 1

    def test_within_one_batch_is_judged_alike(self) -> None:
        meter_data.component()

        first, same, other, free = receive(
            record(), record(), record(values=[9, 9, 9, 9]), record(external_id=..., values=[9, 9, 9, 9])
        )

        assert same.id == first.id
        assert other.problem is not None
        assert other.problem.status == 409
        assert free.status == "PENDING"
        assert models.InitialMeasurement.objects.count() == 2

    def test_is_found_when_somebody_else_stores_it_between_look_up_and_insert(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meter_data.component()
        [first] = receive(record())
        look_up = intake._received_before
        answers = iter([lambda _ids: {}, look_up])

        def late(external_ids: set[str]) -> Any:
            return next(answers)(external_ids)

        monkeypatch.setattr(intake, "_received_before", late)

        [again] = receive(record())

        assert again.id == first.id
        assert models.InitialMeasurement.objects.count() == 1
