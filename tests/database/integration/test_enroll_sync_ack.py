"""Enroll Sync Ack from DERMS's side (C-21): the same acknowledgement, once per sync request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from integration.models import EnrollmentSync, FlowRun, Incident
from integration.operations import runs
from outbound.models import Connection, OutboundMessage, OutboundMessageType
from outbound.operations import configuration as outbound_configuration
from outbound.operations import message_delivery
from tests.database.integration import peers
from tests.factories import integration as factory
from tests.unit.integration.flows import sync_samples as samples


pytestmark = pytest.mark.django_db(transaction=True)

SYNC = "/api/v1/flows/enrollment_sync/enroll"
ACK = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_SYNC_ACK/1.0/sendEnrollAck"
KEY = "15449036987849"


@pytest.fixture
def derms() -> Iterator[peers.Peer]:
    with peers.serving() as peer:
        peer.document = samples.acknowledgement(value="Enrolled")
        factory.prepare()
        outbound_configuration.install_defaults(at=factory.AT)
        Connection.objects.create(name="DERMS", base_url=peer.base_url, options={"derms_sends_enroll_ack": True})
        yield peer


@pytest.fixture
def dacs(derms: peers.Peer) -> Iterator[peers.Peer]:
    with peers.serving() as peer:
        Connection.objects.create(name="DACS", base_url=peer.base_url)
        yield peer


@pytest.fixture
def caller(derms: peers.Peer) -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("peer", rights=["integration.call_flow"]))
    return client


def acknowledge(caller: APIClient, ack_type: str = "SUCCESS", value: str = "") -> Any:
    return caller.post(ACK, samples.acknowledgement(ack_type, value), format="json")


def deliver_all() -> None:
    for message in OutboundMessage.objects.filter(next_attempt_at__isnull=False):
        at = message.next_attempt_at
        assert at is not None
        message_delivery.deliver(message_pk=message.pk, at=at, clock=lambda at=at: at)  # type: ignore[misc]


class TestAcknowledge:
    def test_queues_the_acknowledgement_of_a_sync_that_went_by(self, caller: APIClient, dacs: peers.Peer) -> None:
        caller.post(SYNC, samples.sync(), format="json")
        assert OutboundMessage.objects.count() == 0

        answer = acknowledge(caller)
        deliver_all()

        assert answer.status_code == 202
        assert answer.json() == {"instanceId": answer["X-Flow-Run"], "messageId": KEY, "ackType": "SUCCESS"}
        (request,) = dacs.seen
        assert (request.method, request.path) == ("PATCH", f"/rest/apis/common/sync/syncRequest/{KEY}")
        assert request.body["externalIds"] == [{"entity": "DERMS-ENROLLMENT", "externalPk1": "NMS1:901245778310"}]
        assert EnrollmentSync.objects.get().ack_state == "DELIVERED"

    @pytest.mark.parametrize("ack_type", ["ERROR", "FAILURE"])
    def test_tells_dacs_of_an_error(self, caller: APIClient, dacs: peers.Peer, ack_type: str) -> None:
        acknowledge(caller, ack_type, "No such service point")
        deliver_all()

        (body,) = dacs.bodies()
        assert body["hasError"] is True
        assert body["exceptionInfo"][0]["comments"] == "DERMS: No such service point"

    def test_acknowledges_a_sync_request_that_never_came_by(self, caller: APIClient, dacs: peers.Peer) -> None:
        answer = acknowledge(caller)
        deliver_all()

        assert answer.status_code == 202
        assert dacs.bodies() == [
            {"syncRequestId": KEY, "hasError": False, "exceptionInfo": [], "externalIds": []},
        ]
        sync = EnrollmentSync.objects.get()
        assert (sync.outcome, sync.ack_state) == ("NOT_SEEN", "DELIVERED")

    def test_patches_once_when_the_same_acknowledgement_comes_twice(self, caller: APIClient, dacs: peers.Peer) -> None:
        first = acknowledge(caller)
        again = acknowledge(caller)
        deliver_all()

        assert again.content == first.content
        assert (again.status_code, again["Idempotency-Replayed"]) == (202, "true")
        assert len(dacs.seen) == 1

    def test_refuses_another_acknowledgement_of_the_same_sync_request(self, caller: APIClient) -> None:
        acknowledge(caller)

        answer = acknowledge(caller, "ERROR", "No")

        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
        assert (FlowRun.objects.count(), OutboundMessage.objects.count()) == (1, 1)

    def test_patches_once_when_the_sync_queued_its_own(self, caller: APIClient, dacs: peers.Peer) -> None:
        Connection.objects.filter(name="DERMS").update(options={})
        caller.post(SYNC, samples.sync(), format="json")

        answer = acknowledge(caller, "ERROR", "Too late")
        deliver_all()

        assert answer.status_code == 202
        assert [body["hasError"] for body in dacs.bodies()] == [False]
        run = FlowRun.objects.get(pk=answer["X-Flow-Run"])
        step = run.steps.get()
        assert (step.outcome, run.state) == ("WARNING", "SUCCEEDED")
        assert "with the other outcome" in step.message

    def test_refuses_what_names_no_sync_request(self, caller: APIClient) -> None:
        answer = caller.post(ACK, {"ackType": "SUCCESS", "responses": []}, format="json")

        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/responses/0/dacsMessageId"]
        assert EnrollmentSync.objects.count() == 0


class TestConfigurationMissing:
    def test_keeps_the_message_to_be_resubmitted(self, caller: APIClient) -> None:
        kind = OutboundMessageType.objects.get(code="SYNC-ACK")
        OutboundMessageType.objects.filter(pk=kind.pk).update(code="MOVED")

        answer = acknowledge(caller)

        assert answer.status_code == 202
        run = FlowRun.objects.get(pk=answer["X-Flow-Run"])
        assert (run.state, run.fault_code) == ("FAILED", "configuration")
        assert Incident.objects.get().source == "OUTL-BA-DRMS_DACS_SYNC_ACK"

        from integration.operations import messages

        OutboundMessageType.objects.filter(pk=kind.pk).update(code="SYNC-ACK")
        runs.resubmit(run_id=run.pk, by=factory.user("operator"), reason="The type is back", at=factory.AT)
        messages.execute(run_id=run.pk, clock=lambda: factory.AT)

        run.refresh_from_db()
        assert run.state == "SUCCEEDED"
        assert OutboundMessage.objects.get().message_id == f"SYNC-ACK-{KEY}"
