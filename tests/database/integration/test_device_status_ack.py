"""Device Status Ack from DERMS's side: both answers go through, faults do not (check 13)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from integration.models import DeviceStatusCheck, FlowRun, Incident
from integration.operations import messages, runs
from outbound.models import Connection, Mail
from tests.database.integration import peers
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_DEV_STAT_ACK/1.0/status-check-ack-to-dacs"
KEY = "85810617092033"


@pytest.fixture
def dacs() -> Iterator[peers.Peer]:
    with peers.serving() as peer:
        peer.document = {"boStatus": "COMPLETE", "communicationId": KEY}
        factory.prepare()
        Connection.objects.create(name="DACS", base_url=peer.base_url, read_timeout=Decimal(5))
        yield peer


@pytest.fixture
def caller(dacs: peers.Peer) -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    return client


@pytest.fixture
def check(dacs: peers.Peer) -> DeviceStatusCheck:
    return DeviceStatusCheck.objects.create(
        communication_id=KEY, state="OPEN", asked_at=factory.AT, digest="d", head_end_system="ECOBEE", nic_id="4"
    )


def answer(caller: APIClient, result: str = "SUCCESS") -> Any:
    return caller.post(GUIDE, {"dacsMessageId": KEY, "responseCode": result}, format="json")


class TestForward:
    def test_gives_dacs_the_answer_and_derms_the_status_of_dacs(
        self, caller: APIClient, dacs: peers.Peer, check: DeviceStatusCheck
    ) -> None:
        reply = answer(caller)

        assert reply.status_code == 200
        document = reply.json()
        (entry,) = document["responses"]
        assert document == {
            "ackType": "SUCCESS",
            "whenISO": document["whenISO"],
            "responses": [
                {
                    "responseCode": "SUCCESS",
                    "value": "COMPLETE",
                    "dacsMessageId": KEY,
                    "responseTimeISO": entry["responseTimeISO"],
                }
            ],
        }
        (request,) = dacs.seen
        assert request.path == "/rest/apis/cross/digitalAssets/controllableDeviceStatus/response"
        assert request.body == {"responseDetail": {"transactionID": KEY, "result": {"status": "SUCCESS"}}}
        check.refresh_from_db()
        assert (check.state, check.result, check.answer_state) == ("ANSWERED", "SUCCESS", "FORWARDED")

    def test_a_device_that_did_not_answer_is_an_answer(
        self, caller: APIClient, dacs: peers.Peer, check: DeviceStatusCheck
    ) -> None:
        reply = answer(caller, "FAILURE")

        assert reply.json()["ackType"] == "SUCCESS"
        assert reply.json()["responses"][0]["responseCode"] == "SUCCESS"
        assert dacs.bodies()[0]["responseDetail"]["result"] == {"status": "FAILURE"}
        assert FlowRun.objects.get().state == "SUCCEEDED"
        assert (Mail.objects.count(), Incident.objects.count()) == (0, 0)
        check.refresh_from_db()
        assert (check.state, check.result) == ("ANSWERED", "FAILURE")

    def test_takes_an_answer_that_comes_late(
        self, caller: APIClient, dacs: peers.Peer, check: DeviceStatusCheck
    ) -> None:
        DeviceStatusCheck.objects.update(state="OVERDUE")

        answer(caller)

        check.refresh_from_db()
        assert check.state == "ANSWERED"

    def test_forwards_an_answer_to_a_check_that_never_came_by(self, caller: APIClient, dacs: peers.Peer) -> None:
        reply = answer(caller)

        assert reply.json()["ackType"] == "SUCCESS"
        assert len(dacs.seen) == 1
        step = FlowRun.objects.get().steps.get(name="Find the check")
        assert (step.outcome, "forwarded all the same" in step.message) == ("WARNING", True)
        assert DeviceStatusCheck.objects.get().state == "NOT_SEEN"

    def test_refuses_a_code_that_is_no_answer(self, caller: APIClient, dacs: peers.Peer) -> None:
        reply = answer(caller, "ERROR")

        assert reply.status_code == 400
        assert [(error["pointer"], error["code"]) for error in reply.json()["errors"]] == [
            ("/responseCode", "invalid_choice")
        ]
        assert dacs.seen == []


class TestFaults:
    @pytest.mark.parametrize(
        ("status", "document", "value"),
        [
            (
                400,
                {"problemDetailDocument": {"detail": "Communication is not known."}},
                "DACS answered 400 Bad Request: Communication is not known.",
            ),
            (500, None, "DACS answered 500 Internal Server Error"),
            (200, b"<html>Sign in</html>", "DACS answered 200 with a body that is not JSON"),
        ],
    )
    def test_tells_derms_and_people(
        self,
        caller: APIClient,
        dacs: peers.Peer,
        check: DeviceStatusCheck,
        status: int,
        document: Any,
        value: str,
    ) -> None:
        dacs.status, dacs.document = status, document

        reply = answer(caller)

        assert (reply.status_code, reply.json()["ackType"]) == (200, "FAILURE")
        assert [(entry["responseCode"], entry["value"]) for entry in reply.json()["responses"]] == [("FAILURE", value)]
        assert Mail.objects.get().to == ["ops@example.org"]
        assert FlowRun.objects.get().state == "FAILED"
        check.refresh_from_db()
        assert (check.state, check.answer_state) == ("ANSWERED", "FAILED")

    def test_says_so_when_there_is_no_connection(self, caller: APIClient) -> None:
        Connection.objects.all().delete()

        reply = answer(caller)

        assert (reply.status_code, reply.json()["ackType"]) == (200, "FAILURE")
        assert Incident.objects.get().fault_code == "configuration"

    def test_says_so_when_dacs_cannot_be_reached(self, caller: APIClient, nobody_listens: str) -> None:
        Connection.objects.update(base_url=nobody_listens)

        assert answer(caller).json()["responses"][0]["value"] == "DACS cannot be reached"

    def test_forwards_the_same_answer_again_after_a_fault(self, caller: APIClient, dacs: peers.Peer) -> None:
        dacs.status = 500
        answer(caller)
        dacs.status = 200

        assert answer(caller).json()["ackType"] == "SUCCESS"

        assert DeviceStatusCheck.objects.get().answer_state == "FORWARDED"


class TestTwice:
    def test_gives_the_same_body_the_original_acknowledgement(self, caller: APIClient, dacs: peers.Peer) -> None:
        first = answer(caller)
        again = answer(caller)

        assert again.json() == first.json()
        assert again["Idempotency-Replayed"] == "true"
        assert len(dacs.seen) == 1

    def test_refuses_another_body(self, caller: APIClient, dacs: peers.Peer) -> None:
        answer(caller)

        reply = answer(caller, "FAILURE")

        assert (reply.status_code, reply.json()["code"]) == (409, "idempotency_key_reused")
        assert (FlowRun.objects.count(), len(dacs.seen)) == (1, 1)

    def test_a_replay_tells_dacs_again(self, caller: APIClient, dacs: peers.Peer) -> None:
        first = answer(caller)

        replay = runs.replay(
            run_id=first["X-Flow-Run"], by=factory.user("operator"), reason="DACS lost it", at=factory.AT
        )
        messages.execute(run_id=replay.pk, clock=lambda: factory.AT)

        assert len(dacs.seen) == 2
        assert answer(caller).json() == first.json()
