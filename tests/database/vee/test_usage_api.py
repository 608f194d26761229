from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from tests.factories import usage as make_usage
from tests.factories import vee as make
from vee import models
from vee.operations import usage_sending


pytestmark = pytest.mark.django_db
FLAT: list[str | None] = ["0.25"] * 96
LIST = "/api/v1/usage-transactions/"


@pytest.fixture
def client() -> APIClient:
    """A caller who may do everything."""
    caller = APIClient()
    caller.force_authenticate(get_user_model().objects.create_superuser("ada", password="x"))
    return caller


@pytest.fixture
def component() -> models.MeasuringComponent:
    return make.MeasuringComponentFactory(identifier="MC-1")


@pytest.fixture
def row(component: models.MeasuringComponent) -> models.UsageTransaction:
    return make_usage.transaction(make_usage.subscription(component), identifier="UT-1")


def caller_with(*rights: str) -> APIClient:
    caller = APIClient()
    caller.force_authenticate(make.person("peer", *rights))
    return caller


class TestDetail:
    def test_it_has_totals_transitions_and_correction(
        self, client: APIClient, component: models.MeasuringComponent, row: models.UsageTransaction
    ) -> None:
        make_usage.measured(component, FLAT)
        make_usage.calculated(row)
        models.UsageTransaction.objects.update(status="SENT")
        imd = make_usage.measured(component, ["0.5", *FLAT[1:]])

        found = client.get(f"{LIST}UT-1/").json()

        assert (found["id"], found["status"], found["version"]) == ("UT-1", "SUBSEQUENT_CORRECTION", 1)
        assert (found["recipient"], found["service_point"]) == ("CIS", component.service_point.identifier)
        assert found["totals"] == [
            {
                "measuring_component": "MC-1", "component_kind": "INTERVAL", "uom": "KWH", "total": 24,
                "expected": 96, "missing": 0, "estimated": 0, "user_edited": 0, "negative": 0,
                "conditions": {"501000": 96},
            }
        ]  # fmt: skip
        assert found["new_totals"][0]["total"] == 24.25
        assert found["correction"]["imds"] == [imd.pk]
        assert (found["correction"]["old_version"], found["correction"]["new_version"]) == (1, 2)
        assert [step["to_status"] for step in found["transitions"]] == ["CALCULATED", "SUBSEQUENT_CORRECTION"]

    def test_one_that_is_not_there_is_not_found(self, client: APIClient) -> None:
        assert client.get(f"{LIST}UT-9/").status_code == 404
        assert client.post(f"{LIST}UT-9/calculate/", {"reason": "why"}, format="json").status_code == 404


class TestPut:
    def test_it_is_created_and_changed_while_it_is_pending(
        self, client: APIClient, component: models.MeasuringComponent
    ) -> None:
        make_usage.subscription(component)
        body: dict[str, Any] = {
            "usage_subscription": "US-1", "start": "2024-03-01T00:00:00Z", "end": "2024-03-02T00:00:00Z",
            "calculate_after": "2024-03-03T00:00:00Z",
        }  # fmt: skip

        created = client.put(f"{LIST}UT-1/", body, format="json")
        changed = client.put(f"{LIST}UT-1/", {**body, "end": "2024-03-04T00:00:00Z"}, format="json")

        assert (created.status_code, changed.status_code) == (201, 200), created.json()
        assert (changed.json()["status"], changed.json()["end"]) == ("PENDING", "2024-03-04T00:00:00Z")
        assert models.UsageTransactionTransition.objects.get().to_status == "PENDING"

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [({"end": "2024-04-01T00:00:00Z"}, "/end"), ({"status": "PENDING"}, "/status"), ({"status": "SENT"}, "")],
    )
    def test_what_was_sent_keeps_its_period_and_status(
        self, client: APIClient, component: models.MeasuringComponent, change: dict[str, str], pointer: str
    ) -> None:
        make_usage.transaction(make_usage.subscription(component), identifier="UT-1", status="SENT")

        answer = client.put(f"{LIST}UT-1/", change, format="json")

        assert answer.status_code == (400 if pointer else 200)
        assert [error["pointer"] for error in answer.json().get("errors", [])] == ([pointer] if pointer else [])
        assert models.UsageTransaction.objects.get().status == "SENT"

    def test_pending_usage_may_be_taken_over_as_sent(self, client: APIClient, row: models.UsageTransaction) -> None:
        answer = client.put(f"{LIST}UT-1/", {"status": "SENT"}, format="json")

        assert (answer.status_code, answer.json()["status"]) == (200, "SENT")
        step = models.UsageTransactionTransition.objects.get()
        assert (step.from_status, step.to_status, step.by) == ("PENDING", "SENT", "master data")

    def test_a_subscription_with_transactions_keeps_its_service_point(
        self, client: APIClient, row: models.UsageTransaction
    ) -> None:
        make.ServicePointFactory(identifier="SP-OTHER")

        answer = client.put("/api/v1/usage-subscriptions/US-1/", {"service_point": "SP-OTHER"}, format="json")

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "immutable")


class TestActions:
    def test_calculate_gives_the_transaction_as_it_is_then(
        self, client: APIClient, component: models.MeasuringComponent, row: models.UsageTransaction
    ) -> None:
        make_usage.measured(component, FLAT[:90])

        answer = client.post(f"{LIST}UT-1/calculate/", {"reason": "month end"}, format="json")

        assert (answer.status_code, answer.json()["status"]) == (200, "ISSUE_DETECTED")
        message = "MC-1: 6 of 96 intervals are missing."
        assert answer.json()["issues"] == [{"code": "MISSING_DATA", "component": "MC-1", "message": message}]

    def test_send_asks_for_it(
        self, client: APIClient, component: models.MeasuringComponent, row: models.UsageTransaction
    ) -> None:
        make_usage.measured(component, FLAT)
        make_usage.calculated(row)

        answer = client.post(f"{LIST}UT-1/send/", {"reason": "month end"}, format="json")

        assert answer.status_code == 200
        assert make_usage.again(row).send_requested_by == "ada"

    @pytest.mark.parametrize("action", ["calculate", "send", "discard"])
    def test_one_that_was_sent_is_a_conflict(
        self, client: APIClient, component: models.MeasuringComponent, action: str
    ) -> None:
        make_usage.transaction(make_usage.subscription(component), identifier="UT-1", status="SENT")

        answer = client.post(f"{LIST}UT-1/{action}/", {"reason": "why"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")

    @pytest.mark.parametrize("action", ["calculate", "send", "discard"])
    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "why", "more": 1}])
    def test_each_needs_a_reason_and_nothing_else(
        self, client: APIClient, row: models.UsageTransaction, action: str, body: dict[str, Any]
    ) -> None:
        assert client.post(f"{LIST}UT-1/{action}/", body, format="json").status_code == 400
        assert make_usage.again(row).status == "PENDING"

    @pytest.mark.parametrize("action", ["calculate", "send", "discard"])
    def test_each_needs_its_right(self, row: models.UsageTransaction, action: str) -> None:
        others = [right for right in make_usage.RIGHTS if not right.startswith(f"vee.{action}")]
        caller = caller_with("vee.view_usagetransaction", *others)

        assert caller.post(f"{LIST}UT-1/{action}/", {"reason": "why"}, format="json").status_code == 403
        assert make_usage.again(row).status == "PENDING"


class TestList:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["UT-3", "UT-2", "UT-1"]),
            ("status=SENT", ["UT-2"]),
            ("status=SENT&status=PENDING", ["UT-2", "UT-1"]),
            ("recipient=CIS", ["UT-2", "UT-1"]),
            ("service_point=SP-B", ["UT-3"]),
            ("usage_subscription=US-2", ["UT-3"]),
            ("start_from=2024-03-02T00:00:00Z", ["UT-3", "UT-2"]),
            ("start_from=2024-03-02T00:00:00Z&start_before=2024-03-03T00:00:00Z", ["UT-2"]),
            ("end_after=2024-03-03T00:00:00Z", ["UT-3"]),
            ("stale=true", ["UT-3"]),
            ("stale=false", ["UT-2", "UT-1"]),
            ("search=ut-2", ["UT-2"]),
        ],
    )
    def test_is_narrowed_by_its_filters(self, client: APIClient, query: str, expected: list[str]) -> None:
        day = dt.timedelta(days=1)
        one = make_usage.subscription(make.MeasuringComponentFactory())
        other_point = make.ServicePointFactory(identifier="SP-B")
        other = make_usage.subscription(make.MeasuringComponentFactory(service_point=other_point), recipient="MARKET")
        make_usage.transaction(one)
        make_usage.transaction(one, start=make.DAY + day, end=make.DAY + 2 * day, status="SENT")
        make_usage.transaction(
            other, start=make.DAY + 2 * day, end=make.DAY + 3 * day, status="CALCULATED", stale_since=make.AT
        )

        found = client.get(f"{LIST}?{query}").json()["results"]

        assert [row["id"] for row in found] == expected

    @pytest.mark.parametrize("query", ["status=GONE", "start_from=yesterday"])
    def test_a_filter_that_cannot_be_read_is_refused(self, client: APIClient, query: str) -> None:
        assert client.get(f"{LIST}?{query}").status_code == 400

    def test_a_correction_that_waits_says_why(self, client: APIClient, component: models.MeasuringComponent) -> None:
        row = make_usage.transaction(make_usage.subscription(component), identifier="UT-1", status="SENT")
        make_usage.measured(component, FLAT)

        def refuse(message: usage_sending.UsageMessage) -> None:
            raise usage_sending.UnableToHandOver("CIS is not set up.")

        usage_sending.hand_over_correction(correction_id=row.correction.pk, queue=refuse, at=make.AT)

        assert client.get(f"{LIST}UT-1/").json()["correction"]["problem"] == "CIS is not set up."


class TestSchema:
    def test_names_the_addresses(self, client: APIClient) -> None:
        paths = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()["paths"]

        for name in ("", "{identifier}/", "{identifier}/calculate/", "{identifier}/send/", "{identifier}/discard/"):
            assert f"{LIST}{name}" in paths
        detail = paths[f"{LIST}{{identifier}}/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert detail == {"$ref": "#/components/schemas/UsageTransactionDetail"}
