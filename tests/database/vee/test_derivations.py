"""Derived values: set by a document or in the admin, read with the measurements, never stored."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from integration.operations import setup
from tests.factories import vee as make
from vee.models import MeasurementBlock, MeasuringComponent, MeasuringComponentType, ValueDerivation
from vee.operations import configuration, processing


pytestmark = pytest.mark.django_db
ENERGY = {"name": "ENERGY", "method": "HEATING_VALUE", "uom": "KWH", "scale": 2,
          "parameters": {"heating_value": 10.5, "characteristic": "heat"}}  # fmt: skip
COST = {"name": "COST", "method": "FORMULA", "uom": "EUR", "scale": 2, "sequence": 20,
        "parameters": {"formula": "energy * 0.1"}}  # fmt: skip
DAY = {"start": "2024-03-01T00:00:00Z", "end": "2024-03-02T00:00:00Z"}


def apply(*derivations: dict[str, Any]) -> str:
    entry = {"id": "GAS", "component_kind": "INTERVAL", "seconds_per_interval": 3600, "uom": "M3",
             "derivations": list(derivations)}  # fmt: skip
    [applied] = configuration.apply_component_types(section=[entry], by=None, at=make.AT)
    return applied.what


def measured(**fields: Any) -> MeasuringComponent:
    one = make.MeasuringComponentFactory(type=MeasuringComponentType.objects.get(identifier="GAS"), **fields)
    make.interval_imd(one, ["2", None, "4"], seconds=3600, uom="M3")
    processing.process_due(at=make.AT)
    return one


def read(one: MeasuringComponent, **query: str) -> Any:
    client = APIClient()
    client.force_authenticate(
        User.objects.filter(username="reader").first() or make.person("reader", "vee.view_measurementblock")
    )
    return client.get("/api/v1/measurements/", {"measuring_component": one.identifier, **DAY, **query})


class TestDerivedValues:
    def test_stand_beside_the_measurements_where_asked_for(self) -> None:
        apply(ENERGY, COST)
        one = measured()

        rows = read(one, derived="true").json()["results"]

        assert [row["derived"] for row in rows] == [
            {"ENERGY": 21.0, "COST": 2.1},
            {"ENERGY": None, "COST": None},
            {"ENERGY": 42.0, "COST": 4.2},
        ]
        assert "derived" not in read(one).json()["results"][0]
        assert read(one, derived="maybe").status_code == 400

    def test_a_characteristic_changes_them_without_touching_a_measurement(self) -> None:
        apply(ENERGY)
        one = measured()
        version = MeasurementBlock.objects.get().version
        one.service_point.characteristics = {"heat": "11"}
        one.service_point.save()

        assert read(one, derived="true").json()["results"][0]["derived"] == {"ENERGY": 22.0}
        assert MeasurementBlock.objects.get().version == version

    def test_are_columns_of_the_csv(self) -> None:
        apply(ENERGY, {**COST, "name": "COST, EUR"})
        one = measured()

        answer = read(one, derived="true", format="csv")

        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert rows[0] == ["end", "value", "condition", "user_edited", "ENERGY", "COST, EUR"]
        assert rows[1][4:] == ["21.00", "2.10"]
        assert rows[2][4:] == ["", ""]


class TestConfiguration:
    def test_a_document_replaces_them_as_a_whole(self) -> None:
        assert apply(ENERGY, COST) == "CREATED"
        assert apply(ENERGY, COST) == "UNCHANGED"
        assert apply(ENERGY) == "CHANGED"
        assert list(ValueDerivation.objects.values_list("name", flat=True)) == ["ENERGY"]

    @pytest.mark.parametrize(
        ("derivations", "pointer"),
        [
            ([COST], "/0/derivations/0/parameters/formula"),
            ([ENERGY, ENERGY], "/0/derivations/1/name"),
            ([{**ENERGY, "method": "MAGIC"}], "/0/derivations/0/method"),
        ],
    )
    def test_what_does_not_fit_is_refused_by_its_place(self, derivations: list[Any], pointer: str) -> None:
        with pytest.raises(configuration.UnableToApplyConfiguration) as refusal:
            apply(*derivations)

        assert refusal.value.pointer == pointer

    def test_the_admin_refuses_a_formula_that_names_nothing_known(self, client: Client) -> None:
        setup.setup(at=make.AT, username="admin", password="a-long-password-1")
        client.force_login(User.objects.get(username="admin"))
        form = {
            "identifier": "GAS", "component_kind": "INTERVAL", "seconds_per_interval": 3600, "uom": "M3", "scale": 6,
            "rollover_threshold": "0.5", "gap_action": "ESTIMATE", "derivations-TOTAL_FORMS": 1,
            "derivations-INITIAL_FORMS": 0, "derivations-0-sequence": 10, "derivations-0-name": "COST",
            "derivations-0-method": "FORMULA", "derivations-0-uom": "EUR", "derivations-0-scale": 2,
            "derivations-0-parameters": '{"formula": "energy * 2"}',
        }  # fmt: skip

        refused = client.post("/admin/vee/measuringcomponenttype/add/", form)
        saved = client.post(
            "/admin/vee/measuringcomponenttype/add/",
            {**form, "derivations-0-parameters": '{"formula": "value * 2"}'},
        )

        assert "/formula" in refused.content.decode()
        assert saved.status_code == 302
        assert ValueDerivation.objects.get().parameters == {"formula": "value * 2"}


def test_a_formula_whose_names_were_taken_away_is_left_out() -> None:
    apply(ENERGY, COST)
    one = measured()
    ValueDerivation.objects.filter(name="ENERGY").delete()

    assert read(one, derived="true").json()["results"][0]["derived"] == {}
