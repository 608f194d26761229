"""Every flow that maps applies the overlay in effect, tells its version on the run, and stops where it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from integration.flows import health_check
from integration.flows.overlay_checks import FieldEdit
from integration.models import EnrollmentSync, FlowRun, Outcome
from integration.operations import mapping_overlays, unmapped_elements
from outbound.models import Connection, OutboundMessage
from outbound.operations import configuration as outbound_configuration
from tests.database.integration import file_work, peers
from tests.database.integration.participation import Participation, serving
from tests.factories import integration as factory
from tests.unit.integration.flows import sync_samples as samples


pytestmark = pytest.mark.django_db(transaction=True)

SYNC, SYNC_ACK, CHECK, ANSWER, CANCEL, OUTCOME = (
    "enrollment_sync",
    "enroll_sync_ack",
    "device_status_check",
    "device_status_ack",
    "pre_event_cancel",
    "event_outcome",
)
ADDRESSES = {
    SYNC: "enroll",
    SYNC_ACK: "sendEnrollAck",
    CHECK: "status-check",
    ANSWER: "status-check-ack-to-dacs",
    CANCEL: "event-cancellation-to-dacs",
}
MESSAGES: dict[str, dict[str, Any]] = {
    SYNC: samples.sync(locationInfo__gateCode="B-7"),
    SYNC_ACK: samples.acknowledgement(),
    CHECK: samples.status_check(room="hall"),
    ANSWER: {"dacsMessageId": "85810617092033", "responseCode": "SUCCESS", "checkedBy": "LEC"},
    CANCEL: {"drmsInstanceId": "NMS1", "messageId": "C-1", "eventId": "EVT-1", "operator": "control room"},
}


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    unmapped_elements.forget()
    health_check.forget()


@pytest.fixture
def peer() -> Iterator[peers.Peer]:
    """DACS and DERMS in one, which take everything."""
    with peers.serving() as found:
        found.document = {**samples.acknowledgement(value="Enrolled"), "boStatus": "COMPLETE"}
        factory.prepare()
        outbound_configuration.install_defaults(at=factory.AT)
        Connection.objects.create(name="DERMS", base_url=found.base_url)
        Connection.objects.create(name="DACS", base_url=found.base_url)
        yield found


@pytest.fixture
def caller() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("peer", rights=["integration.call_flow"]))
    return client


def in_effect(mapping: str, *fields: FieldEdit) -> None:
    mapping_overlays.put_in_effect(mapping=mapping, fields=fields, note="", by=None, at=timezone.now())


def extra(expression: str, *, target: str = "siteNote", when_empty: str = "KEEP") -> FieldEdit:
    return FieldEdit(target=target, expression=expression, when_empty=when_empty, extra=True)


def send(caller: APIClient, flow: str) -> Any:
    return caller.post(f"/api/v1/flows/{flow}/{ADDRESSES[flow]}", MESSAGES[flow], format="json")


def run_of(flow: str) -> FlowRun:
    return FlowRun.objects.get(flow__name=flow)


@pytest.mark.parametrize(
    ("flow", "expression", "expected", "step"),
    [
        (SYNC, "locationInfo.gateCode", "B-7", "Translate to DERMS"),
        (CHECK, "room", "hall", "Send to DERMS"),
        (ANSWER, "checkedBy", "LEC", "Send to DACS"),
        (CANCEL, "operator", "control room", "Send to DACS"),
    ],
)
class TestSentAtOnce:
    def test_adds_an_element_of_the_message(
        self, peer: peers.Peer, caller: APIClient, flow: str, expression: str, expected: str, step: str
    ) -> None:
        in_effect(flow, extra(expression))

        answered = send(caller, flow)

        assert answered.status_code == 200, answered.content
        assert peer.bodies()[0]["siteNote"] == expected
        run = run_of(flow)
        assert run.overlay_versions == {flow: 1}
        assert any("version 1" in line.get("text", "") for line in run.steps.get(name=step).detail)

    def test_a_failure_is_a_technical_fault_and_nothing_is_sent(
        self, peer: peers.Peer, caller: APIClient, flow: str, expression: str, expected: str, step: str
    ) -> None:
        in_effect(flow, extra("missing", when_empty="FAIL"))

        answered = send(caller, flow)

        assert answered.status_code in (200, 503)
        assert peer.seen == []
        run = run_of(flow)
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "TECHNICAL", "overlay_failed")
        assert f"overlay {flow} version 1, field siteNote: it gives nothing" in answered.content.decode()
        assert run.steps.get(name=step).outcome == "FAILED"


class TestSyncAcknowledgement:
    FIELDS = (
        extra("subscriptionId", target="externalIds[].externalPk9"),
        FieldEdit(target="externalIds[].externalPk2", expression="drmsInstance"),
    )

    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(bytes(OutboundMessage.objects.get(message_type__code="SYNC-ACK").payload))
        return found

    def test_is_applied_when_the_sync_queues_it(self, peer: peers.Peer, caller: APIClient) -> None:
        in_effect(SYNC_ACK, *self.FIELDS)

        send(caller, SYNC)

        assert self.payload()["externalIds"] == [
            {
                "entity": "DERMS-ENROLLMENT",
                "externalPk1": "NMS1:901245778310",
                "externalPk2": "NMS1",
                "externalPk9": "901245778310",
            }
        ]
        assert run_of(SYNC).overlay_versions == {SYNC_ACK: 1}

    def test_is_applied_when_derms_acknowledges_by_itself(self, peer: peers.Peer, caller: APIClient) -> None:
        in_effect(SYNC_ACK, extra("syncRequestId"))

        assert send(caller, SYNC_ACK).status_code == 202

        assert self.payload()["siteNote"] == "15449036987849"
        assert run_of(SYNC_ACK).overlay_versions == {SYNC_ACK: 1}

    @pytest.mark.parametrize(("flow", "status"), [(SYNC, 503), (SYNC_ACK, 202)])
    def test_a_failure_queues_nothing(self, peer: peers.Peer, caller: APIClient, flow: str, status: int) -> None:
        in_effect(SYNC_ACK, extra("missing", when_empty="FAIL"))

        answered = send(caller, flow)

        assert answered.status_code == status, answered.content
        assert not OutboundMessage.objects.filter(message_type__code="SYNC-ACK").exists()
        run = run_of(flow)
        assert (run.state, run.fault_code) == ("FAILED", "overlay_failed")
        assert EnrollmentSync.objects.get().ack_state == "NONE"


class TestOutcomes:
    @pytest.fixture
    def dacs(self) -> Iterator[Participation]:
        with serving() as known:
            file_work.prepare(base_url=known.base_url)
            yield known

    @pytest.mark.parametrize(("release", "calls"), [("23A", 2), ("24C", 1)])
    def test_rows_of_several_events_keep_their_own_source(
        self, dacs: Participation, caller: APIClient, release: str, calls: int
    ) -> None:
        Connection.objects.filter(name="DACS").update(target_release=release)
        in_effect(OUTCOME, extra("join('/', [zone, eventId])", target="postOutcomeList[].place"))
        columns = ("recordId", "eventId", "nicId", "headEndSystemId", "eventOutcome", "zone")
        rows = [
            (1, "A", "11", "ECOBEE", "0", "n1"),
            (2, "B", "12", "ECOBEE", "0", "n2"),
            (3, "A", "13", "X", "0", "n3"),
        ]

        answered = file_work.send(
            caller,
            "/api/v1/flows/event_outcome/event-outcome-to-dacs",
            {"drmsInstanceId": "NMS1", "messageId": "O-1"},
            file_work.table(columns, rows),
        )
        assert answered.status_code == 202, answered.content
        run = file_work.work(answered.json()["instanceId"])

        sent = dacs.calls(OUTCOME_PATH)
        assert len(sent) == calls
        places = {item["nicId"]: item["place"] for body in sent for item in body["postOutcomeList"]}
        assert places == {"11": "n1/A", "12": "n2/B", "13": "n3/A"}
        assert run.overlay_versions == {OUTCOME: 1}
        assert run.state == "SUCCEEDED"

    def test_a_row_that_fails_is_not_posted_and_is_posted_by_the_next_attempt(
        self, dacs: Participation, caller: APIClient
    ) -> None:
        in_effect(OUTCOME, extra("zone", target="postOutcomeList[].zone", when_empty="FAIL"))
        columns = ("recordId", "eventId", "nicId", "headEndSystemId", "eventOutcome", "zone")
        content = file_work.table(columns, [(1, "A", "11", "ECOBEE", "0", "n"), (2, "A", "12", "ECOBEE", "0", "")])
        document = {"drmsInstanceId": "NMS1", "messageId": "O-1"}
        address = "/api/v1/flows/event_outcome/event-outcome-to-dacs"

        run = file_work.work(file_work.send(caller, address, document, content).json()["instanceId"])

        assert (run.state, run.fault_code) == ("FAILED", "overlay_failed")
        assert list(Outcome.objects.values_list("nic_id", "state")) == [("11", "POSTED")]
        (acknowledgement,) = file_work.acknowledgements("OUTCOME-ACK")
        assert (acknowledgement["ackType"], acknowledgement["successCount"]) == ("FAILURE", 1)
        in_effect(OUTCOME, extra("zone", target="postOutcomeList[].zone"))
        run = file_work.work(file_work.send(caller, address, document, content).json()["instanceId"])
        assert run.state == "SUCCEEDED"
        assert run.overlay_versions == {OUTCOME: 2}
        assert [item["nicId"] for body in dacs.calls(OUTCOME_PATH) for item in body["postOutcomeList"]] == ["11", "12"]


OUTCOME_PATH = "/rest/apis/cross/service/programEventParticipation/postEventOutcome"
