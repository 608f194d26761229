"""Device Status Check from DACS's side, the ledger of open checks, and what is overdue (check 14)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from integration import tasks
from integration.models import DeviceStatusCheck, FlowRun, Incident
from integration.operations import status_checks
from lookups.operations import apply_configuration
from outbound.models import Connection, Mail
from tests.database.integration import peers
from tests.factories import integration as factory
from tests.unit.integration.flows import sync_samples as samples


pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DACS_DRMS_DEVICE_STATUS/1.0/status-check"
SHORT = "/api/v1/flows/device_status_check"
KEY = "85810617092033"
ANSWER = {"responseDetails": {"externalId": KEY}}
DAY = dt.timedelta(hours=24)


@pytest.fixture
def derms() -> Iterator[peers.Peer]:
    with peers.serving() as peer:
        peer.document = samples.acknowledgement(message_id=KEY)
        factory.prepare()
        Connection.objects.create(name="DERMS", base_url=peer.base_url, read_timeout=Decimal(5))
        yield peer


@pytest.fixture
def caller(derms: peers.Peer) -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("dacs", rights=["integration.call_flow"]))
    return client


def ask(caller: APIClient, **changes: Any) -> Any:
    return caller.post(GUIDE, samples.status_check(**changes), format="json")


class TestAsk:
    def test_gives_dacs_its_own_id_and_derms_the_document_of_the_guide(
        self, caller: APIClient, derms: peers.Peer
    ) -> None:
        answer = ask(caller)

        assert (answer.status_code, answer.json()) == (200, ANSWER)
        (request,) = derms.seen
        assert (request.method, request.path) == ("POST", "/status-check")
        assert request.headers["Idempotency-Key"] == KEY
        assert request.body == samples.STATUS_CHECK_AT_DERMS

    @pytest.mark.parametrize("address", [SHORT, f"{SHORT}/status-check", GUIDE.removesuffix("/status-check")])
    def test_is_served_at_each_of_its_addresses(self, caller: APIClient, address: str) -> None:
        assert caller.post(address, samples.status_check(), format="json").json() == ANSWER

    def test_keeps_the_check_open(self, caller: APIClient) -> None:
        answer = ask(caller)

        check = DeviceStatusCheck.objects.get()
        assert (check.communication_id, check.state, check.nic_id) == (KEY, "OPEN", "411912345678")
        assert check.asked_at is not None
        run = FlowRun.objects.get(pk=answer["X-Flow-Run"])
        assert (run.state, run.identifiers_shown) == ("SUCCEEDED", f"{KEY}, 411912345678")

    def test_gives_the_same_body_the_original_answer(self, caller: APIClient, derms: peers.Peer) -> None:
        first = ask(caller)
        again = ask(caller)

        assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
        assert len(derms.seen) == 1

    def test_refuses_another_body(self, caller: APIClient, derms: peers.Peer) -> None:
        ask(caller)

        answer = ask(caller, deviceInfo__nicId="411912349999")

        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
        assert (FlowRun.objects.count(), len(derms.seen)) == (1, 1)

    def test_names_table_and_value_when_a_division_has_no_site(self, caller: APIClient, derms: peers.Peer) -> None:
        answer = ask(caller, deviceInfo__division="NV")

        problem = answer.json()
        assert (answer.status_code, problem["faultType"]) == (400, "BUSINESS")
        assert problem["detail"] == "division NV is not in the lookup OUTL-BRT-DACS_DRMS_Routing"
        assert problem["errors"][0]["pointer"] == "/sendDetails/deviceInfo/division"
        assert (derms.seen, Mail.objects.count()) == ([], 0)
        assert DeviceStatusCheck.objects.get().state == "FAULT"

    @pytest.mark.parametrize(("status", "expected"), [(400, 400), (500, 502), (503, 502)])
    def test_tells_dacs_and_people_of_a_fault(
        self, caller: APIClient, derms: peers.Peer, status: int, expected: int
    ) -> None:
        derms.status = status

        answer = ask(caller)

        assert (answer.status_code, answer.json()["messageId"]) == (expected, KEY)
        assert Mail.objects.get().to == ["ops@example.org"]
        assert DeviceStatusCheck.objects.get().state == "FAULT"

    def test_sends_the_same_check_again_after_a_fault(self, caller: APIClient, derms: peers.Peer) -> None:
        derms.status = 500
        ask(caller)
        derms.status = 200

        assert ask(caller).json() == ANSWER

        assert DeviceStatusCheck.objects.get().state == "OPEN"

    def test_answers_504_when_derms_does_not_answer_in_time(self, caller: APIClient, derms: peers.Peer) -> None:
        Connection.objects.filter(name="DERMS").update(read_timeout=Decimal("0.3"))
        derms.delay = 1.0

        assert ask(caller).status_code == 504

    def test_takes_a_check_whose_answer_was_here_first(self, caller: APIClient) -> None:
        DeviceStatusCheck.objects.create(
            communication_id=KEY, state="NOT_SEEN", answered_at=factory.AT, result="SUCCESS", answer_state="FORWARDED"
        )

        assert ask(caller).json() == ANSWER

        check = DeviceStatusCheck.objects.get()
        assert (check.state, check.result, check.nic_id) == ("ANSWERED", "SUCCESS", "411912345678")

    def test_takes_an_answer_that_comes_while_derms_is_asked(self, caller: APIClient, derms: peers.Peer) -> None:
        def answer_at_once(request: peers.Seen) -> None:
            DeviceStatusCheck.objects.update(state="ANSWERED", answered_at=factory.AT)
            connections.close_all()

        derms.on_request = answer_at_once

        assert ask(caller).json() == ANSWER

        assert DeviceStatusCheck.objects.get().state == "ANSWERED"

    def test_tells_dacs_what_derms_has_against_the_check(self, caller: APIClient, derms: peers.Peer) -> None:
        derms.document = samples.acknowledgement("ERROR", "Device is not known", message_id=KEY)

        answer = ask(caller)

        assert (answer.status_code, answer.json()["faultType"]) == (400, "BUSINESS")
        assert answer.json()["detail"] == "DERMS refused the check: Device is not known"
        assert Mail.objects.count() == 0


class TestMarkOverdue:
    """Check 14."""

    def test_lists_a_check_whose_answer_never_came(self, caller: APIClient) -> None:
        ask(caller)
        asked_at = DeviceStatusCheck.objects.get().asked_at
        assert asked_at is not None

        before = status_checks.mark_overdue(at=asked_at + DAY - dt.timedelta(seconds=1))
        marked = status_checks.mark_overdue(at=asked_at + DAY)

        assert (before, marked) == (0, 1)
        check = DeviceStatusCheck.objects.get()
        assert (check.state, check.overdue_at) == ("OVERDUE", asked_at + DAY)

    def test_tells_people_once_of_all(self, caller: APIClient) -> None:
        ask(caller)
        ask(caller, communicationId="85810617092034")
        late = factory.AT + dt.timedelta(days=10_000)

        assert status_checks.mark_overdue(at=late) == 2
        assert status_checks.mark_overdue(at=late) == 0

        incident = Incident.objects.get()
        assert (incident.source, incident.fault_code) == ("OUTL-BA-DACS_DRMS_DEVICE_STATUS", "checks_overdue")
        assert incident.occurrences == 1
        assert "2 device status checks have waited longer than 1 day" in Mail.objects.get().text

    def test_tells_people_when_every_overdue_check_has_been_answered(self, caller: APIClient) -> None:
        ask(caller)
        late = factory.AT + dt.timedelta(days=10_000)
        status_checks.mark_overdue(at=late)
        DeviceStatusCheck.objects.update(state="ANSWERED")

        status_checks.mark_overdue(at=late + dt.timedelta(minutes=1))

        assert Incident.objects.get().closed_at is not None

    def test_takes_the_time_of_the_property(self, caller: APIClient) -> None:
        apply_configuration(
            section={"OUTL-BRT-DACS_DRMS_ConfigProps": {"deviceStatusCheck.ackTimeout": "90s"}},
            by=get_user_model().objects.get(username="configurator"),
            at=factory.AT,
        )
        ask(caller)
        asked_at = DeviceStatusCheck.objects.get().asked_at
        assert asked_at is not None

        assert status_checks.mark_overdue(at=asked_at + dt.timedelta(seconds=90)) == 1

    def test_leaves_what_has_its_answer_alone(self, caller: APIClient) -> None:
        ask(caller)
        DeviceStatusCheck.objects.update(state="ANSWERED")

        assert status_checks.mark_overdue(at=factory.AT + dt.timedelta(days=10_000)) == 0
        assert Incident.objects.count() == 0

    def test_is_called_by_its_task(self, caller: APIClient) -> None:
        ask(caller)
        DeviceStatusCheck.objects.update(asked_at=factory.AT - dt.timedelta(days=3650))

        assert tasks.mark_overdue_checks() == 1


class TestPages:
    def test_the_filter_lists_overdue_checks(self, caller: APIClient, client: Client) -> None:
        ask(caller)
        ask(caller, communicationId="85810617092034")
        DeviceStatusCheck.objects.filter(communication_id=KEY).update(state="OVERDUE")
        client.force_login(factory.user("auditor", is_staff=True, is_superuser=True))

        page = client.get(reverse("admin:integration_devicestatuscheck_changelist"), {"state__exact": "OVERDUE"})

        text = page.content.decode()
        assert KEY in text
        assert "85810617092034" not in text

    def test_shows_one_check(self, caller: APIClient, client: Client) -> None:
        answer = ask(caller)
        client.force_login(factory.user("auditor", is_staff=True, is_superuser=True))

        page = client.get(
            reverse("admin:integration_devicestatuscheck_change", args=[DeviceStatusCheck.objects.get().pk])
        )

        assert page.status_code == 200
        assert answer["X-Flow-Run"] in page.content.decode()
