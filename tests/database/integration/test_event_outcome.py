"""Event Outcome from the peer's side: acceptance checks 7 and 8, resume, and the ledger (`integration.md` 3.8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.test import APIClient

from integration.models import Event, FlowRun, Outcome, Reservation
from integration.operations.flows import install_flows
from lookups.operations import apply_configuration
from outbound.models import Connection, Mail, OutboundMessage
from outbound.operations.message_delivery import deliver
from tests.database.integration import file_work
from tests.database.integration.participation import Participation, answer, refusal, serving
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_EVT_OUTC_TRNFR/1.0/event-outcome-to-dacs"
PARAMETERS = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_EVT_OUTC_TRNFR/1.0/eventOutcome"
SHORT = "/api/v1/flows/event_outcome/event-outcome-to-dacs"
AT_DACS = "/rest/apis/cross/service/programEventParticipation/postEventOutcome"
HEALTH = "/rest/apis/common/healthCheck"
COLUMNS = (
    *("recordId", "eventId", "nicId", "headEndSystemId", "eventOutcome"),
    *("participationStartDateTime", "participationEndDateTime", "errorMessage"),
)
PERIOD = ("2023-06-02T00:00:00Z", "2023-06-02T02:00:00Z")


@pytest.fixture(autouse=True)
def stored_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def dacs() -> Iterator[Participation]:
    with serving() as known:
        yield known


@pytest.fixture
def derms() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    return client


def message(message_id: str = "DRMS-OUT-1", **fields: Any) -> dict[str, Any]:
    return {"drmsInstanceId": "NMS1", "messageId": message_id, **fields}


def outcomes(*rows: tuple[str, str, str], error: str = "Told by the head end") -> bytes:
    """Rows of (event, nicId, code), numbered from 1."""
    return file_work.table(
        COLUMNS,
        [
            (number, event, nic, "ECOBEE", code, *PERIOD, "" if code == "0" else error)
            for number, (event, nic, code) in enumerate(rows, start=1)
        ],
    )


def worked(client: APIClient, document: dict[str, Any], content: bytes, *, workers: int = 1) -> FlowRun:
    answered = file_work.send(client, GUIDE, document, content)
    assert answered.status_code == 202, answer
    return file_work.work(answered.json()["instanceId"], workers=workers)


def acks() -> list[dict[str, Any]]:
    return file_work.acknowledgements("OUTCOME-ACK")


class TestAccepted:
    @pytest.mark.parametrize("address", [GUIDE, PARAMETERS, SHORT])
    def test_is_stored_and_answered_at_once_at_both_uris(
        self, dacs: Participation, derms: APIClient, address: str
    ) -> None:
        file_work.prepare(base_url=dacs.base_url)

        answered = file_work.send(derms, address, message(), outcomes(("A", "1", "0")))

        assert answered.status_code == 202
        assert answered.json() == {
            "instanceId": answered["X-Flow-Run"],
            "messageId": "DRMS-OUT-1",
            "ackType": "SUCCESS",
        }
        assert answered["Location"] == f"/api/v1/flow-runs/{answered['X-Flow-Run']}/"
        assert dacs.requests == []

    def test_posts_the_guides_example_and_acknowledges_it_once(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        content = file_work.table(
            COLUMNS,
            [
                (1, "EVT-2023-0417", "411912345678", "ECOBEE", "0", *PERIOD, ""),
                (2, "EVT-2023-0417", "09AA01AC28160ABC", "NEST", "3", PERIOD[0], "2023-06-02T00:41:00Z", "Override"),
                (3, "EVT-2023-0418", "411912349999", "ECOBEE", "4", "", "", "No telemetry during event"),
            ],
        )

        run = worked(derms, message(recordCount=3), content)

        assert (run.state, run.ack_type) == ("SUCCEEDED", "SUCCESS")
        assert dacs.calls(AT_DACS) == [
            {
                "eventExternalIdentifier": "EVT-2023-0417",
                "postOutcomeList": [
                    {
                        "nicId": "411912345678",
                        "headEndSystem": "ECOBEE",
                        "outcome": "D1SP",
                        "participationStartDateTime": PERIOD[0],
                        "participationEndDateTime": PERIOD[1],
                    },
                    {
                        "nicId": "09AA01AC28160ABC",
                        "headEndSystem": "NEST",
                        "outcome": "D1IO",
                        "participationStartDateTime": PERIOD[0],
                        "participationEndDateTime": "2023-06-02T00:41:00Z",
                        "errorMessage": "Override",
                    },
                ],
            },
            {
                "eventExternalIdentifier": "EVT-2023-0418",
                "postOutcomeList": [
                    {
                        "nicId": "411912349999",
                        "headEndSystem": "ECOBEE",
                        "outcome": "D1ND",
                        "errorMessage": "No telemetry during event",
                    }
                ],
            },
        ]
        (ack,) = acks()
        assert ack.pop("whenISO").endswith("Z")
        assert ack == {
            "messageId": "DRMS-OUT-1",
            "drmsInstanceId": "NMS1",
            "eventIds": ["EVT-2023-0417", "EVT-2023-0418"],
            "ackType": "SUCCESS",
            "recordCount": 3,
            "successCount": 3,
            "errorCount": 0,
            "responses": [],
        }

    def test_the_acknowledgement_goes_to_derms(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        worked(derms, message(), outcomes(("A", "1", "0")))

        deliver(message_pk=OutboundMessage.objects.get().pk, at=timezone.now(), clock=timezone.now)

        (sent,) = dacs.calls("/event-outcome-ack")
        assert (sent["messageId"], sent["ackType"], sent["eventIds"]) == ("DRMS-OUT-1", "SUCCESS", ["A"])

    def test_tells_people_that_a_file_is_complete(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)

        worked(derms, message(), outcomes(("A", "1", "0")))

        assert [mail.to for mail in Mail.objects.all()] == [["biz@example.org"]]

    def test_a_run_is_found_by_the_events_in_its_file(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)

        run = worked(derms, message(), outcomes(("EVT-7", "1", "0"), ("EVT-8", "1", "0")))

        assert set(run.identifiers.filter(name="eventId").values_list("value", flat=True)) == {"EVT-7", "EVT-8"}


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "status"),
        [
            (b"", 422),
            (b"recordId,eventId\n1,A\n", 422),
            (outcomes(("A", "", "0")), 422),
        ],
    )
    def test_a_file_without_a_valid_row_is_refused_and_not_stored(
        self, dacs: Participation, derms: APIClient, content: bytes, status: int
    ) -> None:
        file_work.prepare(base_url=dacs.base_url)

        answered = file_work.send(derms, GUIDE, message(), content)

        assert answered.status_code == status, answered.content
        assert answered["Content-Type"].startswith("application/problem+json")
        assert FlowRun.objects.count() == 0

    def test_a_wrong_record_count_is_refused(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)

        answered = file_work.send(derms, GUIDE, message(recordCount=2), outcomes(("A", "1", "0")))

        assert answered.status_code == 422
        assert "recordCount says 2" in answered.json()["detail"]

    def test_a_request_that_does_not_fit_is_refused_with_the_pointer(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        file_work.prepare(base_url=dacs.base_url)

        answered = file_work.send(derms, GUIDE, {"messageId": "M"}, outcomes(("A", "1", "0")))

        assert answered.status_code == 400
        assert [error["pointer"] for error in answered.json()["errors"]] == ["/drmsInstanceId"]

    def test_without_its_lookup_the_caller_may_come_again(self, derms: APIClient) -> None:
        install_flows(at=factory.AT)

        answered = file_work.send(derms, GUIDE, message(), outcomes(("A", "1", "0")))

        assert (answered.status_code, answered["Retry-After"]) == (503, "30")
        assert "OUTL-BRT-DACS_DRMS_EventOutcome" in answered.json()["detail"]
        assert FlowRun.objects.count() == 0

    def test_the_same_message_with_another_file_is_refused(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        worked(derms, message(), outcomes(("A", "1", "0")))

        answered = file_work.send(derms, GUIDE, message(), outcomes(("A", "1", "3")))

        assert answered.status_code == 409
        assert answered.json()["code"] == "idempotency_key_reused"


class TestSeveralEvents:
    """Check 7 (C-25)."""

    ROWS = (("A", "1", "0"), ("B", "2", "4"), ("A", "3", "3"))

    @pytest.mark.parametrize("release", ["", "23A"])
    def test_a_23a_target_gets_one_call_per_event(self, dacs: Participation, derms: APIClient, release: str) -> None:
        file_work.prepare(base_url=dacs.base_url, target_release=release)

        worked(derms, message(), outcomes(*self.ROWS))

        calls = dacs.calls(AT_DACS)
        assert [(call["eventExternalIdentifier"], len(call["postOutcomeList"])) for call in calls] == [
            ("A", 2),
            ("B", 1),
        ]
        assert not any("eventExternalIdentifier" in row for call in calls for row in call["postOutcomeList"])

    @pytest.mark.parametrize("release", ["24C", "25.4"])
    def test_a_24c_target_gets_one_call_with_the_event_in_each_item(
        self, dacs: Participation, derms: APIClient, release: str
    ) -> None:
        file_work.prepare(base_url=dacs.base_url, target_release=release)

        worked(derms, message(), outcomes(*self.ROWS))

        (call,) = dacs.calls(AT_DACS)
        assert "eventExternalIdentifier" not in call
        assert [(row["eventExternalIdentifier"], row["nicId"]) for row in call["postOutcomeList"]] == [
            ("A", "1"),
            ("B", "2"),
            ("A", "3"),
        ]

    def test_the_grouping_is_within_a_segment(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url, properties={"stage.segment.size": "2"})

        worked(derms, message(), outcomes(*self.ROWS), workers=3)

        assert sorted(
            (call["eventExternalIdentifier"], len(call["postOutcomeList"])) for call in dacs.calls(AT_DACS)
        ) == [("A", 1), ("A", 1), ("B", 1)]
        assert len(acks()) == 1

    def test_each_call_has_an_idempotency_key_of_its_own(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)

        worked(derms, message(), outcomes(*self.ROWS))

        keys = [request["headers"]["Idempotency-Key"] for request in dacs.requests if request["path"] == AT_DACS]
        assert len(set(keys)) == 2


class TestUnknownOutcome:
    """Check 8."""

    def test_the_row_is_an_error_and_the_others_proceed(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)

        run = worked(derms, message(recordCount=3), outcomes(("A", "1", "0"), ("A", "2", "7"), ("A", "3", "1")))

        (call,) = dacs.calls(AT_DACS)
        assert [(row["nicId"], row["outcome"]) for row in call["postOutcomeList"]] == [("1", "D1SP"), ("3", "D1CN")]
        (ack,) = acks()
        assert (ack["ackType"], ack["recordCount"], ack["successCount"], ack["errorCount"]) == ("ERROR", 3, 2, 1)
        (told,) = ack["responses"]
        assert (told["id"], told["responseCode"]) == ("2", "ERROR")
        assert "eventOutcome 7 is not in the lookup OUTL-BRT-DACS_DRMS_EventOutcome" in told["value"]
        assert run.ack_type == "ERROR"
        assert run.lookup_versions["OUTL-BRT-DACS_DRMS_EventOutcome"] >= 1

    def test_a_resend_after_the_lookup_was_filled_sends_the_row_that_is_missing(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        file_work.prepare(base_url=dacs.base_url)
        content = outcomes(("A", "1", "0"), ("A", "2", "7"))
        worked(derms, message(), content)
        apply_configuration(
            section={
                "OUTL-BRT-DACS_DRMS_EventOutcome": [
                    {"DRMS_EVENT_OUTCOME": code, "DACS_EVENT_OUTCOME": outcome, "Name": "", "Description": ""}
                    for code, outcome in (("0", "D1SP"), ("7", "D1ER"))
                ]
            },
            by=get_user_model().objects.get(username="configurator"),
            at=factory.AT,
        )

        worked(derms, message(), content)

        assert [[row["nicId"] for row in call["postOutcomeList"]] for call in dacs.calls(AT_DACS)] == [["1"], ["2"]]
        assert [(ack["ackType"], ack["successCount"]) for ack in acks()] == [("ERROR", 1), ("SUCCESS", 2)]

    def test_an_invalid_row_is_an_error_and_the_others_proceed(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)

        worked(derms, message(), outcomes(("A", "1", "0"), ("A", "", "0")))

        (ack,) = acks()
        assert (ack["ackType"], ack["successCount"], ack["errorCount"]) == ("ERROR", 1, 1)
        assert "nicId is required" in ack["responses"][0]["value"]


class TestLedger:
    def test_holds_what_became_of_each_device(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        whole = "x" * 100 + " and the rest"

        run = worked(derms, message(), outcomes(("A", "1", "0"), ("A", "2", "3"), error=whole))

        assert dacs.calls(AT_DACS)[0]["postOutcomeList"][1]["errorMessage"] == "x" * 100
        first, second = Outcome.objects.order_by("line")
        assert (first.event.external_id, first.code, first.outcome, first.state) == ("A", "0", "D1SP", "POSTED")
        assert first.participated_from == dt.datetime(2023, 6, 2, tzinfo=dt.UTC)
        assert (first.run, first.line) == (run, 2)
        assert (second.message, second.message_cut) == (whole, True)

    def test_an_event_without_a_reservation_is_allowed(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)

        worked(derms, message(), outcomes(("EVT-ELSEWHERE", "1", "0")))

        event = Event.objects.get()
        assert (event.external_id, event.state, event.starts_at) == ("EVT-ELSEWHERE", "COMPLETED", None)
        assert Reservation.objects.count() == 0

    def test_a_cancelled_event_stays_cancelled(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        now = timezone.now()
        Event.objects.create(
            drms_instance_id="NMS1", external_id="A", state="CANCELED", first_seen_at=now, changed_at=now
        )

        worked(derms, message(), outcomes(("A", "1", "1")))

        assert Event.objects.get().state == "CANCELED"

    def test_what_another_message_posted_is_not_posted_again(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        worked(derms, message("OUT-1"), outcomes(("A", "1", "0"), ("A", "2", "4")))

        worked(derms, message("OUT-2"), outcomes(("A", "1", "0"), ("A", "2", "3")))

        calls = dacs.calls(AT_DACS)
        assert [[row["nicId"] for row in call["postOutcomeList"]] for call in calls] == [["1", "2"], ["2"]]
        assert Outcome.objects.get(nic_id="2").outcome == "D1IO"
        assert [(ack["ackType"], ack["successCount"]) for ack in acks()] == [("SUCCESS", 2), ("SUCCESS", 2)]

    def test_a_device_that_stands_twice_with_different_outcomes_is_an_error(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        file_work.prepare(base_url=dacs.base_url, properties={"stage.segment.size": "2"})

        worked(derms, message(), outcomes(("A", "1", "0"), ("A", "1", "3"), ("A", "1", "0"), ("A", "1", "4")))

        (ack,) = acks()
        assert [(told["id"], told["responseCode"]) for told in ack["responses"]] == [("2", "ERROR"), ("4", "ERROR")]
        assert "has another outcome in event A already (line 2)" in ack["responses"][0]["value"]
        assert (ack["successCount"], ack["errorCount"]) == (2, 2)


class TestFaults:
    def test_a_health_check_that_fails_is_one_negative_acknowledgement_and_a_mail(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        file_work.prepare(base_url=dacs.base_url)
        dacs.health = 500

        run = worked(derms, message(), outcomes(("A", "1", "0")))

        assert dacs.paths() == [HEALTH]
        assert (run.state, run.fault_type) == ("FAILED", "REMOTE")
        (ack,) = acks()
        assert (ack["ackType"], ack["recordCount"], ack["successCount"]) == ("FAILURE", 1, 0)
        assert Mail.objects.count() == 1

    def test_a_fault_stops_the_file_and_a_resend_sends_only_what_is_missing(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        file_work.prepare(base_url=dacs.base_url, properties={"stage.segment.size": "2", "stage.parallel": "1"})
        rows = [("A", "1", "0"), ("B", "2", "0"), ("C", "3", "0"), ("D", "4", "0"), ("E", "5", "0")]
        dacs.decide = lambda request: answer(500) if _event(request) == "D" else None

        failed = worked(derms, message(), outcomes(*rows))
        first = [_event(request) for request in dacs.requests if request["path"] == AT_DACS]
        dacs.decide = None
        done = worked(derms, message(), outcomes(*rows))

        assert first == ["A", "B", "C", "D"]
        assert failed.state == "FAILED"
        # C was posted in the segment that failed: only the rows that DACS does not have go again.
        again = [_event(request) for request in dacs.requests if request["path"] == AT_DACS][len(first) :]
        assert again == ["D", "E"]
        assert done.pk == failed.pk
        assert [(ack["ackType"], ack["successCount"]) for ack in acks()] == [("FAILURE", 3), ("SUCCESS", 5)]
        assert sorted(acks()[1]["eventIds"]) == ["A", "B", "C", "D", "E"]

    def test_a_refusal_of_dacs_is_an_error_of_its_rows(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        dacs.decide = lambda request: refusal("Event B is not known.") if _event(request) == "B" else None

        worked(derms, message(), outcomes(("A", "1", "0"), ("B", "2", "0")))

        (ack,) = acks()
        assert (ack["ackType"], ack["successCount"], ack["errorCount"]) == ("ERROR", 1, 1)
        assert [(told["id"], told["value"]) for told in ack["responses"]] == [("2", "Event B is not known.")]
        assert Outcome.objects.get(nic_id="2").state == "REFUSED"
        assert Outcome.objects.get(nic_id="2").answer == "Event B is not known."

    def test_a_connection_that_is_gone_is_a_technical_fault(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        Connection.objects.filter(name="DACS").delete()

        run = worked(derms, message(), outcomes(("A", "1", "0")))

        assert (run.fault_type, run.fault_code) == ("TECHNICAL", "configuration")
        assert acks()[0]["ackType"] == "FAILURE"


def _event(request: dict[str, Any]) -> str:
    return str((request["body"] or {}).get("eventExternalIdentifier", ""))
