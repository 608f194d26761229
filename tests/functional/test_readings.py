"""A day of readings on its way: measurements, or an exception with a To Do that a person resolves."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.functional.harness.client import Client, problem
from tests.functional.harness.records import DAY, day, iso, meter, name, values


SPIKE_AT = 40
DAY_END = iso(DAY + timedelta(days=1))


@pytest.fixture
def component(client: Client) -> str:
    """A new meter's channel."""
    identifier = name("MC")
    answer = client.master_data(*meter(identifier))
    assert answer.status_code == 200, answer.text
    return identifier


def send(client: Client, imd: dict[str, Any]) -> dict[str, Any]:
    """Send one IMD and wait until VEE is done with it."""
    result = client.send_imds(imd)[0]
    assert "id" in result, result
    return client.settled_imd(result["id"])


def spiked() -> list[float | None]:
    readings = values()
    readings[SPIKE_AT] = 5.0
    return readings


@pytest.fixture
def in_exception(client: Client, component: str) -> dict[str, Any]:
    imd = send(client, day(component, readings=spiked()))
    assert imd["state"] == "EXCEPTION", imd
    return imd


def measured(client: Client, component: str) -> list[dict[str, Any]]:
    return client.measurements(component, iso(DAY), DAY_END)


def open_todos(client: Client, imd: dict[str, Any]) -> list[dict[str, Any]]:
    return [todo for todo in client.all("/api/v1/todos/", imd=imd["id"]) if todo["status"] != "COMPLETE"]


class TestGoodDay:
    def test_it_becomes_measurements_labelled_at_interval_end(self, client: Client, component: str) -> None:
        imd = send(client, day(component))

        assert imd["state"] == "COMPLETE"
        rows = measured(client, component)
        assert [row["value"] for row in rows] == values()
        assert {row["condition"] for row in rows} == {501000}
        assert [row["user_edited"] for row in rows] == [False] * 96
        assert rows[0]["end"] == "2024-05-06T04:15:00Z"
        assert rows[-1]["end"] == "2024-05-07T04:00:00Z"

    def test_the_range_is_open_at_its_start(self, client: Client, component: str) -> None:
        send(client, day(component))

        rows = client.measurements(component, "2024-05-06T04:15:00Z", "2024-05-06T04:45:00Z")

        assert [row["end"] for row in rows] == ["2024-05-06T04:30:00Z", "2024-05-06T04:45:00Z"]

    def test_they_come_as_csv_too(self, client: Client, component: str) -> None:
        send(client, day(component))
        range_ = {"measuring_component": component, "start": iso(DAY), "end": DAY_END, "page_size": 1_000}

        answer = client.get("/api/v1/measurements/", params=range_, headers={"Accept": "text/csv"})

        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [float(row["value"]) for row in rows] == values()
        assert rows[0]["end"] == "2024-05-06T04:15:00Z"

    def test_a_short_gap_is_interpolated_and_marked(self, client: Client, component: str) -> None:
        readings = values()
        readings[9:11] = [None, None]

        imd = send(client, day(component, readings=readings))

        assert imd["state"] == "COMPLETE", imd["exceptions"]
        assert imd["pre_vee"][9]["value"] is None
        rows = measured(client, component)
        # 0.28 before and 0.31 after the gap of two: a straight line
        assert [row["value"] for row in rows[8:12]] == [0.28, 0.29, 0.3, 0.31]
        assert [row["condition"] // 100_000 for row in rows[8:12]] == [5, 3, 3, 5]

    def test_the_same_message_again_gives_the_same_answer(self, client: Client, component: str) -> None:
        imd = day(component)
        first = client.send_imds(imd)[0]

        second = client.send_imds(imd)[0]
        other = client.send_imds({**imd, "uom": "KW"})[0]

        assert second["id"] == first["id"]
        assert other["error"]["code"] == "idempotency_key_reused"


class TestBatch:
    def test_each_record_has_its_result_in_order(self, client: Client, component: str) -> None:
        good = day(component)
        naive = day(component, start=DAY + timedelta(days=1))
        naive["start"] = naive["start"].removesuffix("Z")
        short = day(component, start=DAY + timedelta(days=2))
        short["end"] = iso(DAY + timedelta(days=2, hours=1))

        results = client.send_imds(good, naive, short)

        assert results[0]["external_id"] == good["external_id"]
        assert "id" in results[0]
        assert results[1]["error"]["status"] == 400
        assert [error["pointer"] for error in results[1]["error"]["errors"]] == ["/start"]
        if "error" not in results[2]:
            assert client.settled_imd(results[2]["id"])["state"] == "ERROR"


class TestSpike:
    def test_it_goes_to_exception_with_the_numbers_and_a_todo(
        self, client: Client, component: str, in_exception: dict[str, Any]
    ) -> None:
        exceptions = client.all("/api/v1/vee-exceptions/", imd=in_exception["id"])

        assert [found["exception_type"] for found in exceptions] == ["SPIKE"]
        found = exceptions[0]
        assert (found["severity"], found["rule"], found["group"]) == ("ISSUE", "interval_spike_check", "FN-INTERVAL")
        assert found["open"] is True
        assert found["first_interval"] == SPIKE_AT
        assert float(found["limit"]) == 1.8
        assert [todo["status"] for todo in open_todos(client, in_exception)] == ["OPEN"]
        assert measured(client, component) == []

    def test_edited_and_validated_again_it_completes(
        self, client: Client, component: str, in_exception: dict[str, Any]
    ) -> None:
        path = f"/api/v1/imds/{in_exception['id']}"

        edit = client.post(f"{path}/edit/", json={"reason": "Read from the display", "values": {str(SPIKE_AT): 0.25}})
        assert edit.status_code == 200, edit.text
        again = client.post(f"{path}/perform-vee/", json={"reason": "Corrected"})
        assert again.status_code == 200, again.text

        imd = client.settled_imd(in_exception["id"])
        assert imd["state"] == "COMPLETE", imd["exceptions"]
        assert imd["pre_vee"][SPIKE_AT]["value"] == 5.0
        assert imd["post_vee"][SPIKE_AT]["value"] == 0.25
        assert [todo["status"] for todo in client.all("/api/v1/todos/", imd=imd["id"])] == ["COMPLETE"]
        rows = measured(client, component)
        assert rows[SPIKE_AT]["value"] == 0.25
        assert [index for index, row in enumerate(rows) if row["user_edited"]] == [SPIKE_AT]
        states = [transition["to_state"] for transition in imd["transitions"]]
        assert states[-1] == "COMPLETE"
        assert "EXCEPTION" in states

    def test_discarded_it_leaves_nothing_and_stays_so(
        self, client: Client, component: str, in_exception: dict[str, Any]
    ) -> None:
        path = f"/api/v1/imds/{in_exception['id']}"

        answer = client.post(f"{path}/discard/", json={"reason": "Meter was on the bench"})

        assert answer.status_code == 200, answer.text
        assert client.imd(in_exception["id"])["state"] == "DISCARDED"
        assert open_todos(client, in_exception) == []
        assert measured(client, component) == []
        problem(client.post(f"{path}/perform-vee/", json={"reason": "again"}), 409, "state_conflict")
        assert client.imd(in_exception["id"])["state"] == "DISCARDED"

    def test_force_completed_it_is_taken_as_it_is(
        self, client: Client, component: str, in_exception: dict[str, Any]
    ) -> None:
        path = f"/api/v1/imds/{in_exception['id']}"

        answer = client.post(f"{path}/force-complete/", json={"reason": "Confirmed with the customer"})

        assert answer.status_code == 200, answer.text
        imd = client.settled_imd(in_exception["id"])
        assert imd["state"] == "COMPLETE"
        assert open_todos(client, in_exception) == []
        assert measured(client, component)[SPIKE_AT]["value"] == 5.0

    @pytest.mark.parametrize("action", ["discard", "force-complete"])
    def test_an_action_needs_its_reason(self, client: Client, in_exception: dict[str, Any], action: str) -> None:
        problem(client.post(f"/api/v1/imds/{in_exception['id']}/{action}/", json={}), 400)

        assert client.imd(in_exception["id"])["state"] == "EXCEPTION"
        assert len(open_todos(client, in_exception)) == 1


class TestTerminating:
    @pytest.mark.parametrize(
        ("fields", "exception_type"),
        [({"uom": "KW"}, "UOM-MISMATCH"), ({"multiplier": 10}, "MULTIPLIER-MISMATCH")],
    )
    def test_the_first_rule_that_fails_is_the_only_finding(
        self, client: Client, component: str, fields: dict[str, Any], exception_type: str
    ) -> None:
        imd = send(client, day(component, readings=spiked(), **fields))

        assert imd["state"] == "EXCEPTION"
        exceptions = client.all("/api/v1/vee-exceptions/", imd=imd["id"])
        assert [(found["exception_type"], found["severity"]) for found in exceptions] == [(exception_type, "TERMINATE")]


class TestUnknownComponent:
    def test_it_waits_in_error_and_is_repaired_by_creating_the_component(self, client: Client) -> None:
        component = name("MC-LATE")
        imd = send(client, day(component))
        assert imd["state"] == "ERROR"

        assert client.master_data(*meter(component)).status_code == 200
        answer = client.post(f"/api/v1/imds/{imd['id']}/perform-vee/", json={"reason": "Registered now"})

        assert answer.status_code == 200, answer.text
        assert client.settled_imd(imd["id"])["state"] == "COMPLETE"
        assert len(measured(client, component)) == 96


class TestMasterData:
    def test_a_refused_line_is_told_in_its_place(self, client: Client) -> None:
        component = name("MC")
        bad = {"kind": "service_point", "id": f"SP-BAD-{component}", "time_zone": "Mars/Olympus"}

        answer = client.master_data(*meter(component), bad)

        assert answer.status_code == 207, answer.text
        results = answer.json()
        assert len(results) == 4
        assert "error" in results[3]
        assert not any("error" in result for result in results[:3])
