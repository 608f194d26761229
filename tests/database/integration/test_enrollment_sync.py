"""Enrollment Sync from DACS's side: the table of outcomes, the acknowledgement, and each request once."""

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

from foundation.api.problems import CONTENT_TYPE
from integration.models import EnrollmentSync, FlowRun, Incident
from integration.operations import messages, runs
from lookups.operations import apply_configuration
from outbound.models import Connection, Mail, OutboundMessage, OutboundMessageType
from outbound.operations import configuration as outbound_configuration
from outbound.operations import message_delivery
from tests.database.integration import peers
from tests.factories import integration as factory
from tests.unit.integration.flows import sync_samples as samples


pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DACS_DRMS_ENROLL_SYNC/1.0/enroll"
SHORT = "/api/v1/flows/enrollment_sync"
KEY = "15449036987849"
ANSWER = {"responseDetails": {"externalId": KEY}}


@pytest.fixture
def derms() -> Iterator[peers.Peer]:
    with peers.serving() as peer:
        peer.document = samples.acknowledgement(value="Enrolled")
        factory.prepare()
        outbound_configuration.install_defaults(at=factory.AT)
        Connection.objects.create(name="DERMS", base_url=peer.base_url, read_timeout=Decimal(5))
        yield peer


@pytest.fixture
def dacs(derms: peers.Peer) -> Iterator[peers.Peer]:
    with peers.serving() as peer:
        Connection.objects.create(name="DACS", base_url=peer.base_url, read_timeout=Decimal(5))
        yield peer


@pytest.fixture
def caller(derms: peers.Peer) -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("dacs", rights=["integration.call_flow"]))
    return client


def deliver(message: OutboundMessage, *, after: float = 0.0) -> OutboundMessage:
    due = message.next_attempt_at
    assert due is not None
    at = due + dt.timedelta(seconds=after)
    return message_delivery.deliver(message_pk=message.pk, at=at, clock=lambda: at)


def send(caller: APIClient, **changes: Any) -> Any:
    return caller.post(GUIDE, samples.sync(**changes), format="json")


class TestSuccess:
    def test_gives_dacs_its_own_id_and_derms_the_document_of_the_guide(
        self, caller: APIClient, derms: peers.Peer
    ) -> None:
        answer = send(caller)

        assert (answer.status_code, answer.json()) == (200, ANSWER)
        (request,) = derms.seen
        assert (request.method, request.path) == ("POST", "/enroll")
        assert request.headers["Idempotency-Key"] == KEY
        assert request.body == samples.SYNC_AT_DERMS

    @pytest.mark.parametrize(
        "address",
        [SHORT, f"{SHORT}/enroll", GUIDE.removesuffix("/enroll"), GUIDE.replace("DACS_DRMS", "dacs-drms")],
    )
    def test_is_served_at_each_of_its_addresses(self, caller: APIClient, address: str) -> None:
        assert caller.post(address, samples.sync(), format="json").json() == ANSWER

    def test_queues_a_positive_acknowledgement_for_later(self, caller: APIClient) -> None:
        send(caller)

        message = OutboundMessage.objects.get()
        sync = EnrollmentSync.objects.get()
        assert (message.message_id, message.message_type.code) == (f"SYNC-ACK-{KEY}", "SYNC-ACK")
        assert message.external_system.name == "DACS"
        assert message.next_attempt_at == message.created_at + dt.timedelta(seconds=5)
        assert (sync.outcome, sync.ack_state, sync.ack_has_error) == ("SUCCESS", "WAITING", False)
        assert (sync.subscription_id, sync.drms_instance) == ("901245778310", "NMS1")
        assert sync.ack_due_at == message.next_attempt_at

    def test_patches_the_sync_request_of_dacs_once_it_is_due(self, caller: APIClient, dacs: peers.Peer) -> None:
        send(caller)
        message = OutboundMessage.objects.get()

        with pytest.raises(message_delivery.MessageNotDue):
            deliver(message, after=-1)
        assert dacs.seen == []
        deliver(message)

        (request,) = dacs.seen
        assert (request.method, request.path) == ("PATCH", f"/rest/apis/common/sync/syncRequest/{KEY}")
        assert request.headers["Idempotency-Key"] == f"SYNC-ACK-{KEY}"
        assert request.body == {
            "syncRequestId": KEY,
            "hasError": False,
            "exceptionInfo": [],
            "externalIds": [{"entity": "DERMS-ENROLLMENT", "externalPk1": "NMS1:901245778310"}],
        }
        assert EnrollmentSync.objects.get().ack_state == "DELIVERED"

    def test_takes_the_delay_of_the_property(self, caller: APIClient) -> None:
        apply_configuration(
            section={"OUTL-BRT-DACS_DRMS_ConfigProps": {"enrollmentSyncAckDelay": "17"}},
            by=get_user_model().objects.get(username="configurator"),
            at=factory.AT,
        )

        send(caller)

        message = OutboundMessage.objects.get()
        assert message.next_attempt_at == message.created_at + dt.timedelta(seconds=17)

    def test_leaves_a_run_whose_steps_can_be_read(self, caller: APIClient) -> None:
        answer = send(caller)

        run = FlowRun.objects.get(pk=answer["X-Flow-Run"])
        assert (run.state, run.ack_type, run.identifiers_shown) == ("SUCCEEDED", "SUCCESS", f"{KEY}, 901245778310")
        assert list(run.steps.order_by("sequence").values_list("name", "outcome")) == [
            ("Route by division", "SUCCEEDED"),
            ("Translate to DERMS", "SUCCEEDED"),
            ("Send to DERMS", "SUCCEEDED"),
            ("Schedule the acknowledgement", "SUCCEEDED"),
        ]
        assert set(run.lookup_versions) == {
            "OUTL-BRT-DACS_DRMS_Routing",
            "OUTL-BRT-DACS_DRMS_DeviceLocationStatus",
        }

    def test_passes_an_unknown_location_status_on_and_notes_it(self, caller: APIClient, derms: peers.Peer) -> None:
        answer = send(caller, locationInfo__controllableDevices__0__deviceLocationStatus="MOTHBALLED")

        assert answer.status_code == 200
        assert derms.bodies()[0]["locationInfo"]["controllableDevices"][0]["deviceLocationStatus"] == "MOTHBALLED"
        step = FlowRun.objects.get().steps.get(name="Translate to DERMS")
        assert step.outcome == "WARNING"
        assert "MOTHBALLED" in step.message

    def test_leaves_the_acknowledgement_to_a_derms_that_sends_it_itself(self, caller: APIClient) -> None:
        Connection.objects.filter(name="DERMS").update(options={"derms_sends_enroll_ack": True})

        assert send(caller).json() == ANSWER

        assert OutboundMessage.objects.count() == 0
        assert EnrollmentSync.objects.get().ack_state == "EXPECTED"


class TestRefusal:
    """Check 3: 200 with ERROR."""

    @pytest.fixture
    def answer(self, caller: APIClient, derms: peers.Peer) -> Any:
        derms.document = samples.acknowledgement("ERROR", "CIS person 5512034479 is not known")
        return send(caller)

    def test_gives_dacs_its_own_id_all_the_same(self, answer: Any) -> None:
        assert (answer.status_code, answer.json()) == (200, ANSWER)
        run = FlowRun.objects.get()
        assert (run.state, run.ack_type) == ("SUCCEEDED", "ERROR")
        assert (Mail.objects.count(), Incident.objects.count()) == (0, 0)

    def test_acknowledges_the_error_with_the_texts_of_derms(self, answer: Any, dacs: peers.Peer) -> None:
        deliver(OutboundMessage.objects.get())

        (body,) = dacs.bodies()
        text = "CIS person 5512034479 is not known"
        assert body == {
            "syncRequestId": KEY,
            "hasError": True,
            "exceptionInfo": [
                {
                    "sequence": 1,
                    "messageCategory": 11104,
                    "messageNumber": 11220,
                    "comments": f"DERMS: {text}",
                    "messageParameters": [{"parameterSequence": 1, "messageParameterValue": text}],
                }
            ],
        }
        assert EnrollmentSync.objects.get().ack_has_error is True

    def test_waits_for_the_data_to_be_mended_and_takes_the_request_anew(
        self, answer: Any, caller: APIClient, derms: peers.Peer, dacs: peers.Peer
    ) -> None:
        # Until DACS was told, the same request gets the same answer.
        assert send(caller)["Idempotency-Replayed"] == "true"
        deliver(OutboundMessage.objects.get())
        derms.document = samples.acknowledgement()

        again = send(caller, contactInfo__cisPersonId="5512034480")

        assert (again.status_code, again.json()) == (200, ANSWER)
        assert [request.headers["Idempotency-Key"] for request in derms.seen] == [KEY, f"{KEY}-2"]
        sync = EnrollmentSync.objects.get()
        assert (sync.cycle, sync.outcome, sync.ack_message_id) == (2, "SUCCESS", f"SYNC-ACK-{KEY}-2")
        assert OutboundMessage.objects.count() == 2


class TestFaults:
    @pytest.mark.parametrize(
        ("status", "document", "expected", "code"),
        [
            (200, samples.acknowledgement("FAILURE", "busy"), 502, "upstream_error"),
            (200, b"<html>Sign in</html>", 502, "upstream_error"),
            (200, {"hello": "world"}, 502, "upstream_error"),
            (400, samples.acknowledgement("ERROR", "no"), 400, "upstream_error"),
            (500, {"detail": "broken"}, 502, "upstream_error"),
            (503, None, 502, "upstream_error"),
        ],
    )
    def test_tells_dacs_and_people_and_acknowledges_nothing(
        self, caller: APIClient, derms: peers.Peer, status: int, document: Any, expected: int, code: str
    ) -> None:
        derms.status, derms.document = status, document

        answer = send(caller)

        assert answer.status_code == expected
        assert answer["Content-Type"] == CONTENT_TYPE
        problem = answer.json()
        assert (problem["code"], problem["messageId"]) == (code, KEY)
        assert problem["instanceId"] == answer["X-Flow-Run"]
        assert Mail.objects.get().to == ["ops@example.org"]
        assert OutboundMessage.objects.count() == 0
        assert FlowRun.objects.get().state == "FAILED"
        sync = EnrollmentSync.objects.get()
        assert (sync.outcome, sync.ack_state) == ("FAULT", "NONE")

    def test_answers_504_when_derms_does_not_answer_in_time(self, caller: APIClient, derms: peers.Peer) -> None:
        Connection.objects.filter(name="DERMS").update(read_timeout=Decimal("0.3"))
        derms.delay = 1.0

        answer = send(caller)

        assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")
        assert (Mail.objects.count(), OutboundMessage.objects.count()) == (1, 0)

    def test_answers_503_when_derms_cannot_be_reached(self, caller: APIClient, nobody_listens: str) -> None:
        Connection.objects.filter(name="DERMS").update(base_url=nobody_listens)

        answer = send(caller)

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer["Retry-After"]
        assert (Mail.objects.count(), OutboundMessage.objects.count()) == (1, 0)

    def test_answers_503_when_there_is_no_connection(self, caller: APIClient) -> None:
        Connection.objects.all().delete()

        answer = send(caller)

        assert answer.status_code == 503
        assert "no connection named DERMS" in answer.json()["detail"]
        assert Incident.objects.get().fault_code == "configuration"

    def test_sends_the_same_request_again_after_a_fault(self, caller: APIClient, derms: peers.Peer) -> None:
        derms.status = 500
        send(caller)
        derms.status = 200

        answer = send(caller)

        assert (answer.status_code, answer.json()) == (200, ANSWER)
        assert [request.headers["Idempotency-Key"] for request in derms.seen] == [KEY, KEY]
        assert OutboundMessage.objects.count() == 1

    def test_names_table_and_value_when_a_division_has_no_site(self, caller: APIClient, derms: peers.Peer) -> None:
        answer = send(caller, locationInfo__division="NV")

        problem = answer.json()
        assert (answer.status_code, problem["faultType"], problem["code"]) == (400, "BUSINESS", "validation")
        assert problem["detail"] == "division NV is not in the lookup OUTL-BRT-DACS_DRMS_Routing"
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
            ("/sendDetails/locationInfo/division", "not_in_lookup")
        ]
        assert derms.seen == []
        assert (Mail.objects.count(), Incident.objects.count()) == (0, 0)

    def test_refuses_a_message_that_does_not_fit_and_stores_nothing(self, caller: APIClient) -> None:
        answer = send(caller, syncRequestId="1" * 15)

        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/sendDetails/syncRequestId"]
        assert (FlowRun.objects.count(), EnrollmentSync.objects.count()) == (0, 0)

    def test_stores_nothing_of_an_answer_whose_acknowledgement_cannot_be_queued(self, caller: APIClient) -> None:
        OutboundMessageType.objects.filter(code="SYNC-ACK").delete()

        answer = send(caller)

        assert (answer.status_code, EnrollmentSync.objects.get().outcome) == (503, "FAULT")
        assert "SYNC-ACK" in answer.json()["detail"]


class TestTwice:
    """Check 20."""

    def test_gives_the_same_body_the_original_answer(self, caller: APIClient, derms: peers.Peer) -> None:
        first = send(caller)

        again = send(caller)

        assert again.content == first.content
        assert (again["Idempotency-Replayed"], again["X-Flow-Run"]) == ("true", first["X-Flow-Run"])
        assert len(derms.seen) == 1
        assert OutboundMessage.objects.count() == 1

    def test_refuses_another_body_and_stores_nothing(self, caller: APIClient, derms: peers.Peer) -> None:
        send(caller)

        answer = send(caller, subscriptionInfo__status="INACTIVE")

        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/sendDetails/syncRequestId"]
        assert (FlowRun.objects.count(), len(derms.seen)) == (1, 1)

    def test_refuses_the_same_request_while_the_first_is_worked_on(self, caller: APIClient, derms: peers.Peer) -> None:
        during: list[Any] = []

        def ask_again(request: peers.Seen) -> None:
            derms.on_request = None
            second = APIClient()
            second.force_authenticate(get_user_model().objects.get(username="dacs"))
            during.append(send(second))
            connections.close_all()

        derms.on_request = ask_again

        answer = send(caller)

        assert answer.status_code == 200
        assert (during[0].status_code, during[0].json()["code"]) == (409, "in_progress")
        assert len(derms.seen) == 1

    def test_a_replay_asks_derms_again_and_acknowledges_nothing_twice(
        self, caller: APIClient, derms: peers.Peer
    ) -> None:
        answer = send(caller)

        replay = runs.replay(
            run_id=answer["X-Flow-Run"],
            by=factory.user("operator"),
            reason="DERMS lost it",
            at=factory.AT,
        )
        messages.execute(run_id=replay.pk, clock=lambda: factory.AT)

        assert len(derms.seen) == 2
        assert OutboundMessage.objects.count() == 1
        replay.refresh_from_db()
        assert replay.state == "SUCCEEDED"
        assert EnrollmentSync.objects.get().run_id != replay.pk


class TestAcknowledgementFailed:
    def test_opens_an_incident_after_the_last_retry(self, caller: APIClient, dacs: peers.Peer) -> None:
        send(caller)
        dacs.status, dacs.document = 404, {"detail": "Sync request is not known"}
        message = OutboundMessage.objects.get()

        waits = []
        while message.next_attempt_at is not None:
            before = message.next_attempt_at
            message = deliver(message)
            if message.next_attempt_at is not None:
                waits.append((message.next_attempt_at - before).total_seconds())

        assert waits == [5, 15, 60, 300]
        assert len(dacs.seen) == 5
        sync = EnrollmentSync.objects.get()
        assert sync.ack_state == "FAILED"
        assert sync.ack_error
        incident = Incident.objects.get()
        assert (incident.source, incident.fault_code) == ("OUTL-BA-DRMS_DACS_SYNC_ACK", "sync_ack_failed")
        assert KEY in Mail.objects.get().text

    def test_takes_a_duplicate_for_a_success(self, caller: APIClient, dacs: peers.Peer) -> None:
        send(caller)
        dacs.status, dacs.document = 400, {"detail": "Sync request is not awaiting acknowledgement"}

        deliver(OutboundMessage.objects.get())

        assert EnrollmentSync.objects.get().ack_state == "DELIVERED"
        assert Incident.objects.count() == 0


class TestPages:
    @pytest.fixture
    def auditor(self, client: Client) -> Client:
        client.force_login(factory.user("auditor", is_staff=True, is_superuser=True))
        return client

    def test_finds_a_sync_request_by_its_beginning(self, caller: APIClient, auditor: Client) -> None:
        send(caller)
        send(caller, syncRequestId="25449036987850", subscriptionInfo__subscriptionId="701245778310")

        page = auditor.get(reverse("admin:integration_enrollmentsync_changelist"), {"q": "2544"}).content.decode()

        assert "25449036987850" in page
        assert KEY not in page

    def test_shows_one_with_its_acknowledgement(self, caller: APIClient, auditor: Client) -> None:
        answer = send(caller)
        sync = EnrollmentSync.objects.get()

        page = auditor.get(reverse("admin:integration_enrollmentsync_change", args=[sync.pk])).content.decode()

        assert f"SYNC-ACK-{KEY}" in page
        assert answer["X-Flow-Run"] in page

    def test_reads_the_list_in_a_fixed_number_of_queries(
        self, caller: APIClient, auditor: Client, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(5):
            send(caller, syncRequestId=f"1544903698785{number}")
        address = reverse("admin:integration_enrollmentsync_changelist")
        auditor.get(address)

        with django_assert_max_num_queries(6):
            assert auditor.get(address).status_code == 200
