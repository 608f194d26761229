from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.factories import meter_data
from tests.factories.meter_data import AT, day, nem12, stream
from vee import models
from vee.operations import processing, reading_files


pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


@pytest.fixture
def client() -> APIClient:
    """A caller who may do everything."""
    caller = APIClient()
    caller.force_authenticate(get_user_model().objects.create_superuser("ada", password="x"))
    return caller


def caller_with(*rights: str) -> APIClient:
    user = get_user_model().objects.create_user(f"peer{len(rights)}")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="vee"))
    caller = APIClient()
    caller.force_authenticate(user)
    return caller


def record(**changes: Any) -> dict[str, Any]:
    return {
        "measuring_component": "MC-NY",
        "start": "2026-03-08T05:00:00Z",
        "end": "2026-03-08T06:00:00Z",
        "seconds_per_interval": 900,
        "uom": "KWH",
        "external_id": "HES-1",
        "values": [0.21, None, "0.2", 1],
        **changes,
    }


def waiting_imd(**changes: Any) -> models.InitialMeasurement:
    """An IMD in EXCEPTION: its unit is not the component's."""
    group = models.VeeGroup.objects.create(code="G")
    kind = meter_data.component_type(initial_load_group=group)
    models.VeeExceptionType.objects.create(code="UOM-MISMATCH")
    models.VeeRule.objects.create(
        group=group, sequence=10, rule="uom_check", severity="TERMINATE", exception_type_id="UOM-MISMATCH"
    )
    meter_data.component(type=kind)
    caller = APIClient()
    caller.force_authenticate(get_user_model().objects.create_superuser("loader", password="x"))
    answer = caller.post("/api/v1/imds/", [record(uom="KVARH", **changes)], format="json")
    processing.process_due(at=AT)
    return models.InitialMeasurement.objects.get(pk=answer.json()[0]["id"])


class TestPostImds:
    def test_answers_for_each_record_in_order(self, client: APIClient) -> None:
        meter_data.component()

        answer = client.post("/api/v1/imds/", [record(), record(external_id="HES-2", values=[1]), 7], format="json")

        assert answer.status_code == 202
        good, short, wrong = answer.json()
        imd = models.InitialMeasurement.objects.get()
        assert good == {"id": imd.pk, "external_id": "HES-1", "status": "PENDING"}
        assert (short["external_id"], short["error"]["status"], short["error"]["code"]) == ("HES-2", 400, "validation")
        assert short["error"]["errors"][0]["pointer"] == "/values"
        assert wrong["error"]["title"] == "Bad Request"

    def test_takes_one_object(self, client: APIClient) -> None:
        meter_data.component()

        answer = client.post("/api/v1/imds/", record(), format="json")

        assert (answer.status_code, [entry["status"] for entry in answer.json()]) == (202, ["PENDING"])

    def test_reads_numbers_exactly(self, client: APIClient) -> None:
        kind = meter_data.component_type("FINE", scale=9)
        meter_data.component(type=kind)
        body = json.dumps(record(values=["@", None, 0, 0])).replace('"@"', "123456789.123456789")

        client.post("/api/v1/imds/", body, content_type="application/json")

        assert models.ImdPayload.objects.get().values.tolist()[0] == 123_456_789_123_456_789

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "malformed"),
            (b"{", "malformed"),
            (b"7", "malformed"),
            (b"null", "malformed"),
            (b'{"values": [NaN]}', "malformed"),
            (b"\xff", "malformed"),
            (b"[]", "validation"),
            (b'{"uom": "a", "uom": "b"}', "validation"),
            (b'{"uom": "\\u0000"}', "validation"),
            (b"[" * 100 + b"]" * 100, "malformed"),
            (json.dumps([{}] * 5_001).encode(), "validation"),
        ],
    )
    def test_refuses_a_body_that_cannot_be_a_batch(self, client: APIClient, body: bytes, code: str) -> None:
        answer = client.post("/api/v1/imds/", body, content_type="application/json")

        assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (400, PROBLEM, code)
        assert not models.InitialMeasurement.objects.exists()

    def test_needs_the_right_to_add(self) -> None:
        answer = caller_with("view_initialmeasurement").post("/api/v1/imds/", record(), format="json")

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (
            caller_with("add_initialmeasurement", "view_todo")
            .post("/api/v1/imds/", record(), format="json")
            .status_code
            == 202
        )


class TestPostImdsWithAnIdempotencyKey:
    def test_gets_the_same_answer_for_the_same_body(self, client: APIClient) -> None:
        meter_data.component()
        body = [record(external_id=None)]

        first = client.post("/api/v1/imds/", body, format="json", headers={"Idempotency-Key": "K-1"})
        again = client.post("/api/v1/imds/", body, format="json", headers={"Idempotency-Key": "K-1"})

        assert (first.status_code, again.status_code) == (202, 202)
        assert again.json() == first.json()
        assert again["Idempotent-Replayed"] == "true"
        assert models.InitialMeasurement.objects.count() == 1

    def test_is_refused_for_another_body(self, client: APIClient) -> None:
        meter_data.component()
        client.post("/api/v1/imds/", record(), format="json", headers={"Idempotency-Key": "K-1"})

        answer = client.post(
            "/api/v1/imds/", record(external_id="HES-2"), format="json", headers={"Idempotency-Key": "K-1"}
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
        assert models.InitialMeasurement.objects.count() == 1


class TestGetImds:
    def test_lists_by_state_component_and_search(self, client: APIClient) -> None:
        meter_data.component()
        client.post(
            "/api/v1/imds/",
            [record(), record(external_id="OTHER-2"), record(measuring_component="GHOST", external_id="G")],
            format="json",
        )

        def found(query: str) -> list[str]:
            page = client.get(f"/api/v1/imds/?{query}").json()
            assert page["count"] == len(page["results"])
            return [row["external_id"] for row in page["results"]]

        assert found("") == ["G", "OTHER-2", "HES-1"]
        assert found("state=ERROR") == ["G"]
        assert found("measuring_component=MC-NY") == ["OTHER-2", "HES-1"]
        assert found("search=hes-1") == ["HES-1"]
        assert found("search=MC-N") == ["OTHER-2", "HES-1"]
        assert found("search=ghost") == ["G"]
        assert found("search=C-NY") == []
        assert found("search=+") == ["G", "OTHER-2", "HES-1"]
        assert found("kind=MANUAL") == []
        assert client.get("/api/v1/imds/?state=NOWHERE").status_code == 400
        assert client.get("/api/v1/imds/?search=%00").status_code == 400

    def test_gives_one_with_everything_that_hangs_on_it(self, client: APIClient) -> None:
        imd = waiting_imd()

        answer = client.get(f"/api/v1/imds/{imd.pk}/")

        body = answer.json(parse_float=Decimal)
        assert (body["measuring_component"], body["state"], body["uom"]) == ("MC-NY", "EXCEPTION", "KVARH")
        assert body["values"] == [Decimal("0.21"), None, Decimal("0.2"), Decimal(1)]
        assert body["conditions"] == [501000, 201000, 501000, 501000]
        assert body["pre_vee"][0] == {"value": Decimal("0.21"), "condition": 501000, "rule": None}
        assert len(body["post_vee"]) == 4
        assert [(row["rule"], row["severity"], row["exception_type"]) for row in body["exceptions"]] == [
            ("uom_check", "TERMINATE", "UOM-MISMATCH")
        ]
        assert [row["status"] for row in body["todos"]] == ["OPEN"]
        assert [row["to_state"] for row in body["transitions"]] == ["PENDING", "VEE_READY", "EXCEPTION"]
        assert body["multiplier"] is None

    @pytest.mark.parametrize("pk", ["0", "999999", "9" * 40])
    def test_answers_404_for_an_id_that_is_not_there(self, client: APIClient, pk: str) -> None:
        answer = client.get(f"/api/v1/imds/{pk}/")

        assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


class TestActions:
    @pytest.mark.parametrize(("action", "state"), [("discard", "DISCARDED"), ("force-complete", "COMPLETE")])
    def test_move_an_imd_and_leave_the_reason(self, client: APIClient, action: str, state: str) -> None:
        imd = waiting_imd(values=[1, 2, 3, 4])

        answer = client.post(f"/api/v1/imds/{imd.pk}/{action}/", {"reason": "checked by phone"}, format="json")

        assert (answer.status_code, answer.json()["state"]) == (200, state)
        assert imd.transitions.filter(reason="checked by phone", by="ada").exists()

    def test_perform_vee_runs_again(self, client: APIClient) -> None:
        imd = waiting_imd()
        models.VeeRule.objects.all().delete()

        answer = client.post(f"/api/v1/imds/{imd.pk}/perform-vee/", {"reason": "rule was wrong"}, format="json")

        assert (answer.status_code, answer.json()["state"]) == (200, "COMPLETE")

    def test_perform_vee_repairs_an_unknown_component(self, client: APIClient) -> None:
        answer = client.post("/api/v1/imds/", record(values=[1, 2, 3, 4]), format="json")
        meter_data.component()

        imd = answer.json()[0]["id"]
        answer = client.post(f"/api/v1/imds/{imd}/perform-vee/", {"reason": "component created"}, format="json")

        assert (answer.status_code, answer.json()["state"]) == (200, "COMPLETE")

    def test_edit_keeps_the_new_values_beside_the_received(self, client: APIClient) -> None:
        imd = waiting_imd()

        answer = client.post(
            f"/api/v1/imds/{imd.pk}/edit/", {"reason": "read by hand", "values": {"1": 0.5, "3": None}}, format="json"
        )

        assert answer.status_code == 200
        body = client.get(f"/api/v1/imds/{imd.pk}/").json(parse_float=Decimal)
        assert [row["value"] for row in body["pre_vee"]] == [Decimal("0.21"), None, Decimal("0.2"), Decimal(1)]
        assert [row["value"] for row in body["post_vee"]] == [Decimal("0.21"), Decimal("0.5"), Decimal("0.2"), None]
        assert [edit["interval"] for edit in body["edits"]] == [1, 3]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/reason"),
            ({"reason": " "}, "/reason"),
            ({"reason": 7}, "/reason"),
            ({"reason": "x", "colour": 1}, "/colour"),
        ],
    )
    def test_need_a_reason(self, client: APIClient, body: dict[str, Any], pointer: str) -> None:
        imd = waiting_imd()

        answer = client.post(f"/api/v1/imds/{imd.pk}/discard/", body, format="json")

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
        imd.refresh_from_db()
        assert imd.state == "EXCEPTION"

    @pytest.mark.parametrize(
        ("values", "pointer"),
        [
            ({}, "/values"),
            ({"x": 1}, "/values/x"),
            ({"-1": 1}, "/values/-1"),
            ({"9": 1}, "/values/9"),
            ({"0": "NaN"}, "/values/0"),
            ({"0": True}, "/values/0"),
            ({"0": "0.1234567"}, "/values/0"),
        ],
    )
    def test_edit_refuses_values_that_do_not_fit(self, client: APIClient, values: dict[str, Any], pointer: str) -> None:
        imd = waiting_imd()

        answer = client.post(f"/api/v1/imds/{imd.pk}/edit/", {"reason": "x", "values": values}, format="json")

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
        assert not models.ImdEdit.objects.exists()

    @pytest.mark.parametrize("action", ["perform-vee", "discard", "force-complete", "edit"])
    def test_are_refused_in_a_state_that_does_not_allow_them(self, client: APIClient, action: str) -> None:
        imd = waiting_imd()
        models.InitialMeasurement.objects.filter(pk=imd.pk).update(state="COMPLETE")
        body = {"reason": "x", **({"values": {"0": 1}} if action == "edit" else {})}

        answer = client.post(f"/api/v1/imds/{imd.pk}/{action}/", body, format="json")

        assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (409, PROBLEM, "state_conflict")

    @pytest.mark.parametrize("action", ["perform-vee", "discard", "force-complete", "edit"])
    def test_need_their_right(self, action: str) -> None:
        imd = waiting_imd()
        body = {"reason": "x", **({"values": {"0": 1}} if action == "edit" else {})}

        answer = caller_with("view_initialmeasurement").post(f"/api/v1/imds/{imd.pk}/{action}/", body, format="json")

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        imd.refresh_from_db()
        assert imd.state == "EXCEPTION"

    def test_answer_404_for_an_imd_that_is_not_there(self, client: APIClient) -> None:
        assert client.post("/api/v1/imds/7/discard/", {"reason": "x"}, format="json").status_code == 404


class TestWork:
    def test_lists_exceptions_and_to_dos_of_an_imd(self, client: APIClient) -> None:
        imd = waiting_imd()

        exceptions = client.get(f"/api/v1/vee-exceptions/?imd={imd.pk}").json()["results"]
        todos = client.get(f"/api/v1/todos/?imd={imd.pk}&status=OPEN").json()["results"]

        assert [(row["rule"], row["group"], row["open"]) for row in exceptions] == [("uom_check", "G", True)]
        assert {"message", "observed", "limit", "first_interval", "last_interval", "count"} <= set(exceptions[0])
        assert [(row["imd"], row["status"], row["measuring_component"]) for row in todos] == [(imd.pk, "OPEN", "MC-NY")]
        assert client.get(f"/api/v1/todos/?imd={imd.pk}&status=COMPLETE").json()["count"] == 0
        assert client.get("/api/v1/vee-exceptions/?search=mc-ny").json()["count"] == 1

    def test_claims_releases_and_assigns(self, client: APIClient) -> None:
        todo = waiting_imd().todos.get()
        get_user_model().objects.create_user("grace")

        claimed = client.post(f"/api/v1/todos/{todo.pk}/claim/")
        released = client.post(f"/api/v1/todos/{todo.pk}/release/")
        again = client.post(f"/api/v1/todos/{todo.pk}/release/")
        assigned = client.post(f"/api/v1/todos/{todo.pk}/assign/", {"to": "grace"}, format="json")
        nobody = client.post(f"/api/v1/todos/{todo.pk}/assign/", {"to": "ghost"}, format="json")

        assert (claimed.json()["status"], claimed.json()["assigned_to"]) == ("BEING_WORKED_ON", "ada")
        assert (released.json()["status"], released.json()["assigned_to"]) == ("OPEN", None)
        assert (again.status_code, again.json()["code"]) == (409, "state_conflict")
        assert assigned.json()["assigned_to"] == "grace"
        assert (nobody.status_code, nobody.json()["errors"][0]["pointer"]) == (400, "/to")
        assert client.post("/api/v1/todos/0/claim/").status_code == 404


class TestMeasurements:
    @pytest.fixture
    def measured(self, client: APIClient) -> None:
        meter_data.component()
        client.post("/api/v1/imds/", record(values=[0.1, 0.2, 0.3, 0.4]), format="json")
        processing.process_due(at=AT)

    QUERY = "/api/v1/measurements/?measuring_component=MC-NY&start=2026-03-08T05:15:00Z&end=2026-03-08T06:00:00Z"

    @pytest.mark.usefixtures("measured")
    def test_are_labelled_at_interval_end_after_start_up_to_end(self, client: APIClient) -> None:
        body = client.get(self.QUERY).json(parse_float=Decimal)

        assert body["count"] == 3
        assert body["results"][0] == {
            "end": "2026-03-08T05:30:00Z", "value": Decimal("0.2"), "condition": 501000, "user_edited": False,
        }  # fmt: skip
        assert [row["end"][11:16] for row in body["results"]] == ["05:30", "05:45", "06:00"]

    @pytest.mark.usefixtures("measured")
    def test_come_in_pages(self, client: APIClient) -> None:
        body = client.get(self.QUERY + "&page_size=2&page=2").json()

        assert (body["count"], len(body["results"]), body["next"]) == (3, 1, None)
        assert client.get(self.QUERY + "&page=9").status_code == 404

    @pytest.mark.usefixtures("measured")
    def test_come_as_csv(self, client: APIClient) -> None:
        answer = client.get(self.QUERY, headers={"Accept": "text/csv"})

        assert answer["Content-Type"].startswith("text/csv")
        lines = b"".join(answer.streaming_content).decode().split("\r\n")
        assert lines[0] == "end,value,condition,user_edited"
        assert lines[1] == "2026-03-08T05:30:00Z,0.200000,501000,false"
        assert len(lines) == 5

    @pytest.mark.parametrize("accept", ["application/json", "text/csv"])
    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("measuring_component=GHOST&start=2026-03-08T05:15:00Z&end=2026-03-08T06:00:00Z", 404),
            ("start=2026-03-08T05:15:00Z&end=2026-03-08T06:00:00Z", 400),
            ("measuring_component=MC-NY&end=2026-03-08T06:00:00Z", 400),
            ("measuring_component=MC-NY&start=2026-03-08T05:15:00&end=2026-03-08T06:00:00Z", 400),
            ("measuring_component=MC-NY&start=2026-03-08T06:00:00Z&end=2026-03-08T06:00:00Z", 400),
            ("measuring_component=MC%00&start=2026-03-08T05:00:00Z&end=2026-03-08T06:00:00Z", 400),
        ],
    )
    def test_are_refused_with_a_problem(self, client: APIClient, accept: str, query: str, status: int) -> None:
        meter_data.component()

        answer = client.get(f"/api/v1/measurements/?{query}", headers={"Accept": accept})

        assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
        assert json.loads(answer.content)["status"] == status

    def test_of_a_register_are_consumption_with_the_reading_beside_it(self, client: APIClient) -> None:
        meter_data.component(type=meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None))
        for hour, reading in ((1, 100), (2, 112.5)):
            body = {
                "measuring_component": "MC-NY",
                "end": f"2026-03-08T0{hour}:00:00Z",
                "uom": "KWH",
                "reading": reading,
            }
            client.post("/api/v1/imds/", body, format="json")
        processing.process_due(at=AT)

        body = client.get(
            "/api/v1/measurements/?measuring_component=MC-NY&start=2026-03-08T00:00:00%2B00:00&end=2026-03-09T00:00:00Z"
        ).json(parse_float=Decimal)

        assert [(row["value"], row["reading"]) for row in body["results"]] == [
            (None, Decimal(100)),
            (Decimal("12.5"), Decimal("112.5")),
        ]

    def test_of_subtractive_intervals_are_consumption_with_the_reading_beside_it(self, client: APIClient) -> None:
        meter_data.component(type=meter_data.component_type("SUB", component_kind="SUBTRACTIVE_INTERVAL"))
        client.post("/api/v1/imds/", record(values=[100, 100.5, 102, None]), format="json")
        processing.process_due(at=AT)

        rows = client.get(self.QUERY).json(parse_float=Decimal)["results"]
        lines = b"".join(client.get(self.QUERY, headers={"Accept": "text/csv"}).streaming_content).decode().split()

        assert [(row["value"], row["reading"]) for row in rows] == [
            (Decimal("0.5"), Decimal("100.5")), (Decimal("1.5"), Decimal(102)), (None, None),
        ]  # fmt: skip
        assert lines[:2] == [
            "end,value,condition,user_edited,reading", "2026-03-08T05:30:00Z,0.500000,501000,false,100.500000",
        ]  # fmt: skip


class TestReadingFiles:
    RAW = nem12(stream(), day("20260308", ["1"] * 48), day("20260309", ["1"] * 47))

    def upload(self, client: APIClient, raw: bytes | None = None, key: str | None = None, **fields: str) -> Any:
        form: dict[str, Any] = {"format": "nem12", **fields}
        form["file"] = SimpleUploadedFile("NEM12#1.csv", self.RAW if raw is None else raw)
        headers = {"Idempotency-Key": key} if key else {}
        return client.post("/api/v1/reading-files/", form, format="multipart", headers=headers)

    def test_are_accepted_and_reported_row_by_row(self, client: APIClient) -> None:
        answer = self.upload(client)
        file = models.ReadingFile.objects.get()
        assert (answer.status_code, answer.json()) == (202, {"id": str(file.pk)})
        assert answer["Location"] == f"/api/v1/reading-files/{file.pk}/"
        assert client.get(answer["Location"]).json()["status"] == "RECEIVED"

        reading_files.load_file(file_id=file.pk, at=AT)

        body = client.get(answer["Location"]).json()
        assert body["status"] == "PARTIAL"
        assert (body["rows_read"], body["rows_accepted"], body["rows_rejected"]) == (2, 1, 1)
        assert (body["intervals"], body["imds"], body["name"]) == (48, 1, "NEM12#1.csv")
        assert [(error["line"], error["code"]) for error in body["errors"]] == [(4, "interval_count")]
        assert client.get("/api/v1/reading-files/?status=PARTIAL&search=nem12").json()["count"] == 1

    def test_create_components_when_asked_to(self, client: APIClient) -> None:
        meter_data.component_type("NEM", seconds_per_interval=1800)

        self.upload(client, auto_register="true", type="NEM")

        reading_files.load_file(file_id=models.ReadingFile.objects.get().pk, at=AT)
        assert models.MeasuringComponent.objects.get().identifier == "NMI0000001-E1"

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"format": "xml"}, "/format"),
            ({"format": "csv:ghost"}, "/format"),
            ({"format": ""}, "/format"),
            ({"auto_register": "perhaps"}, "/auto_register"),
            ({"auto_register": "true"}, "/type"),
            ({"type": "GHOST"}, "/type"),
            ({"colour": "red"}, "/colour"),
        ],
    )
    def test_are_refused_at_the_field_at_fault(self, client: APIClient, fields: dict[str, str], pointer: str) -> None:
        answer = self.upload(client, **fields)

        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert not models.ReadingFile.objects.exists()

    def test_say_that_there_is_no_such_column_profile(self, client: APIClient) -> None:
        assert "There is no column profile ghost" in self.upload(client, format="csv:ghost").json()["detail"]

    def test_need_a_file(self, client: APIClient) -> None:
        answer = client.post("/api/v1/reading-files/", {"format": "nem12", "file": "text"}, format="multipart")

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/file")

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            (b"--x\r\nContent-Disp", "multipart/form-data; boundary=x", 400),
            (b"", "multipart/form-data", 400),
            (b"{}", "application/json", 415),
        ],
    )
    def test_are_refused_when_the_form_is_broken(self, client: APIClient, body: bytes, kind: str, status: int) -> None:
        answer = client.generic("POST", "/api/v1/reading-files/", body, content_type=kind)

        assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)

    def test_are_refused_over_the_limit(self, client: APIClient, settings: Any) -> None:
        settings.UPLOAD_MAX_BYTES = 1_000

        for raw in (b"x" * 2_000, b"x" * 200_000):
            answer = self.upload(client, raw)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
            assert "1000 bytes" in answer.json()["detail"]
        assert not models.ReadingFile.objects.exists()

    def test_are_received_once_per_key(self, client: APIClient) -> None:
        first = self.upload(client, key="F-1")
        again = self.upload(client, key="F-1")
        other = self.upload(client, raw=self.RAW + b"\n", key="F-1")

        assert again.json() == first.json()
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        assert models.ReadingFile.objects.count() == 1


class TestMasterDataDocument:
    def post(self, client: APIClient, body: bytes) -> Any:
        return client.generic("POST", "/api/v1/master-data/", body, content_type="application/x-ndjson")

    def test_answers_200_with_a_result_per_line(self, client: APIClient) -> None:
        body = (
            b'{"kind": "device", "id": "D", "service_point": "S"}\r\n\n'
            b'{"kind": "service_point", "id": "S", "time_zone": "UTC"}'
        )

        answer = self.post(client, body)

        assert answer.status_code == 200
        assert answer.json() == [
            {"line": 1, "kind": "device", "id": "D", "status": "created"},
            {"line": 2, "kind": "service_point", "id": "S", "status": "created"},
        ]

    def test_answers_207_when_some_are_refused(self, client: APIClient) -> None:
        answer = self.post(
            client, b'{"kind": "service_point", "id": "S", "time_zone": "UTC"}\n{"kind": "device"}\nnonsense\n'
        )

        assert answer.status_code == 207
        good, bad, worse = answer.json()
        assert good["status"] == "created"
        assert (bad["kind"], bad["error"]["errors"][0]["pointer"]) == ("device", "/id")
        assert worse["error"]["code"] == "malformed"

    @pytest.mark.parametrize("body", [b"", b"\n\n", b"nonsense\n7\n[]\n"])
    def test_answers_400_when_not_one_line_is_an_object(self, client: APIClient, body: bytes) -> None:
        answer = self.post(client, body)

        assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (400, PROBLEM, "malformed")

    def test_answers_207_when_all_are_objects_and_refused(self, client: APIClient) -> None:
        assert self.post(client, b'{"kind": "device"}').status_code == 207

    def test_needs_the_right_media_type_and_right(self, client: APIClient) -> None:
        assert client.post("/api/v1/master-data/", {}, format="json").status_code == 415
        assert self.post(caller_with("add_device", "change_device"), b"{}").status_code == 403

    def test_is_open_to_who_may_add_and_change_every_kind(self) -> None:
        kinds = (
            "servicepoint", "device", "measuringcomponenttype", "measuringcomponent", "installevent", "offperiod",
            "usagesubscription", "usagetransaction", "outage",
        )  # fmt: skip
        supervisor = caller_with(*(f"{verb}_{kind}" for kind in kinds for verb in ("add", "change")))

        assert self.post(supervisor, b'{"kind": "service_point", "id": "S", "time_zone": "UTC"}').status_code == 200


class TestResources:
    def test_are_created_read_changed_and_listed_with_the_shapes_of_the_document(self, client: APIClient) -> None:
        models.VeeGroup.objects.create(code="G")
        bodies: dict[str, dict[str, Any]] = {
            "service-points/SP-1": {"time_zone": "America/New_York"},
            "devices/DEV-1": {"service_point": "SP-1", "incoming_data_shift": "LEGAL"},
            "measuring-component-types/RES": {
                "component_kind": "INTERVAL", "seconds_per_interval": 900, "uom": "KWH",
                "vee_groups": {"INITIAL_LOAD": "G"},
            },
            "measuring-components/NMI-E1:REG": {"type": "RES", "device": "DEV-1", "multiplier": 1.5},
            "usage-subscriptions/US-1": {"service_point": "SP-1", "recipient": "CIS"},
        }  # fmt: skip
        for path, body in bodies.items():
            address, identifier = f"/api/v1/{path}/", path.split("/")[1]

            created = client.put(address, body, format="json")
            again = client.put(address, {**body, "id": identifier}, format="json")
            listed = client.get(f"/api/v1/{path.split('/')[0]}/?search={identifier.lower()}").json()

            assert (created.status_code, again.status_code) == (201, 200), created.json()
            assert client.get(address).json() == created.json() == again.json()
            assert created.json()["id"] == identifier
            assert listed["results"] == [created.json()]
            for name, value in body.items():
                got = created.json()[name]
                assert value.items() <= got.items() if isinstance(value, dict) else got == value
        component = models.MeasuringComponent.objects.get(identifier="NMI-E1:REG")
        assert component.multiplier == Decimal("1.5")

    def test_are_refused_with_a_pointer(self, client: APIClient) -> None:
        unknown = client.put("/api/v1/devices/D/", {"service_point": "GHOST"}, format="json")
        mismatch = client.put("/api/v1/devices/D/", {"id": "E"}, format="json")
        no_object = client.put("/api/v1/devices/D/", [], format="json")

        assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (400, "/service_point")
        assert (mismatch.status_code, mismatch.json()["errors"][0]["pointer"]) == (400, "/id")
        assert (no_object.status_code, no_object.json()["code"]) == (400, "malformed")
        assert not models.Device.objects.exists()
        assert client.get("/api/v1/devices/D/").status_code == 404

    def test_of_usage_transactions_are_listed(self, client: APIClient) -> None:
        subscription = models.UsageSubscription.objects.create(
            identifier="US-1", service_point=meter_data.service_point(), recipient="CIS"
        )
        models.UsageTransaction.objects.create(
            identifier="UT-1", usage_subscription=subscription, start=AT, end=AT + dt.timedelta(days=1), status="SENT"
        )

        [row] = client.get("/api/v1/usage-transactions/?usage_subscription=US-1").json()["results"]

        assert (row["id"], row["usage_subscription"], row["status"]) == ("UT-1", "US-1", "SENT")


class TestTheSchema:
    def test_names_every_address_with_its_shapes(self, client: APIClient) -> None:
        document = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()

        paths = document["paths"]
        for path in (
            "imds/", "imds/{id}/", "imds/{id}/perform-vee/", "imds/{id}/edit/", "vee-exceptions/", "todos/",
            "measurements/", "reading-files/", "reading-files/{id}/", "master-data/", "usage-transactions/",
            "measuring-components/{identifier}/", "measurements/export/", "column-profiles/{code}/",
        ):  # fmt: skip
            assert f"/api/v1/{path}" in paths
        assert "202" in paths["/api/v1/imds/"]["post"]["responses"]
        assert "multipart/form-data" in paths["/api/v1/reading-files/"]["post"]["requestBody"]["content"]
        assert set(paths["/api/v1/measurements/"]["get"]["responses"]["200"]["content"]) == {
            "application/json",
            "text/csv",
        }
        assert "application/x-ndjson" in paths["/api/v1/master-data/"]["post"]["requestBody"]["content"]
