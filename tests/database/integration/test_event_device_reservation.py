"""Event Device Reservation from the peer's side (`integration.md` 3.6; checks 4, 5 and 9), over real HTTP."""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from integration.choices import ResubmitMode
from integration.flows import health_check
from integration.models import Event, FileAttempt, FlowRun, Incident, Reservation, Segment, StoredFile
from integration.operations import runs, segment_claims, segments
from outbound.models import Mail, OutboundMessage
from tests.database.integration import reservations as given
from tests.database.integration.participation import Participation, Told, answer, refusal, serving
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_cached_health() -> None:
    health_check.forget()


@pytest.fixture
def dacs() -> Iterator[Participation]:
    with serving() as known:
        yield known


@pytest.fixture
def derms() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    return client


def only_run() -> FlowRun:
    return FlowRun.objects.get(flow__name="event_device_reservation")


def acks() -> list[dict[str, Any]]:
    import json

    return [
        json.loads(bytes(message.payload))
        for message in OutboundMessage.objects.filter(message_type__code="RESERVATION-ACK").order_by("pk")
    ]


def devices(dacs: Participation) -> list[str]:
    return [entry["nicId"] for body in dacs.calls(given.RESERVE) for entry in body["deviceList"]]


def segment_page(client: Client, segment: Segment) -> str:
    client.force_login(User.objects.create_superuser("root"))
    return client.get(f"/admin/integration/segment/{segment.pk}/change/").content.decode()


class TestTheWholeWay:
    def test_accepts_at_once_and_reserves_in_segments(self, dacs: Participation, derms: APIClient) -> None:
        """Check 4: 1,001 rows are six calls, at most four at once, one positive acknowledgement, one mail."""
        given.prepare(dacs.base_url, max_concurrency=10)
        given_mail = {"to.process.notification": "business@example.org"}
        _recipients(given_mail)
        dacs.together = 2
        dacs.otherwise = answer(delay=0.05)

        answered = given.post(derms, given.request(recordCount=1001), given.rows(1001))

        assert answered.status_code == 202, answered.content
        run = only_run()
        assert answered.json() == {"instanceId": str(run.pk), "messageId": "DRMS-RSV-1", "ackType": "SUCCESS"}
        assert answered["Location"] == f"/api/v1/flow-runs/{run.pk}/"
        assert dacs.requests == []
        given.process(run, workers=6)

        assert (run.state, run.ack_type, run.progress_done, run.progress_total) == ("SUCCEEDED", "SUCCESS", 1001, 1001)
        assert sorted(len(body["deviceList"]) for body in dacs.calls(given.RESERVE)) == [1, 200, 200, 200, 200, 200]
        assert 2 <= dacs.most_at_once <= 4
        assert len(set(devices(dacs))) == 1001
        (ack,) = acks()
        assert list(ack) == [
            *("messageId", "drmsInstanceId", "eventId", "ackType", "whenISO"),
            *("recordCount", "successCount", "errorCount", "responses"),
        ]
        assert (ack["ackType"], ack["recordCount"], ack["successCount"], ack["errorCount"]) == (
            "SUCCESS",
            1001,
            1001,
            0,
        )
        assert [(mail.to, "complete" in mail.subject) for mail in Mail.objects.all()] == [
            (["business@example.org"], True)
        ]
        assert Event.objects.get().state == "RESERVED"
        assert Reservation.objects.filter(state="RESERVED").count() == 1001
        assert list(run.steps.order_by("sequence").values_list("name", "outcome")) == [
            ("Check the health of DACS", "SUCCEEDED"),
            ("Divide the file into segments", "SUCCEEDED"),
            ("Send the segments", "SUCCEEDED"),
            ("Acknowledge to DERMS", "SUCCEEDED"),
        ]

    def test_sends_the_guides_shape_under_a_key(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        content = (
            "reservationEndDateTime,headEndSystemId,nicId,recordId,reservationStartDateTime\r\n"
            "2027-06-02T02:00:00Z,ECOBEE,411912345678,1,2027-06-01T17:00:00-07:00\r\n"
            ",NEST,09AA01AC28160ABC,2,\r\n"
        )

        given.post(derms, given.request(), b"\xef\xbb\xbf" + content.encode())
        given.process(only_run())

        assert dacs.paths() == [given.HEALTH, given.RESERVE]
        (body,) = dacs.calls(given.RESERVE)
        assert body == {
            "eventExternalIdentifier": "EVT-2023-0417",
            "eventType": "X1EC",
            "eventStartDateTime": "2027-06-02T00:00:00Z",
            "eventEndDateTime": "2027-06-02T03:00:00Z",
            "deviceList": [
                {
                    "nicId": "411912345678",
                    "headEndSystem": "ECOBEE",
                    "reservationStartDateTime": "2027-06-02T00:00:00Z",
                    "reservationEndDateTime": "2027-06-02T02:00:00Z",
                },
                {"nicId": "09AA01AC28160ABC", "headEndSystem": "NEST"},
            ],
        }
        assert dacs.requests[1]["headers"]["Idempotency-Key"].startswith(f"{only_run().pk}/1/")
        assert only_run().lookup_versions == {"OUTL-BRT-DACS_DRMS_EventType": 1}

    def test_takes_multipart_mixed_and_the_other_address(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)

        answered = given.post(
            derms,
            given.request(),
            given.rows(2),
            kind="mixed",
            address="/api/v1/flows/event_device_reservation/reservedevice",
        )
        given.process(only_run())

        assert answered.status_code == 202
        assert len(devices(dacs)) == 2

    def test_reports_bad_rows_in_the_acknowledgement(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        content = given.rows(2) + "3,,ECOBEE,,\n4,411900000009,ECOBEE,yesterday,\n5,1,2\n"

        given.post(derms, given.request(), content)
        given.process(only_run())

        (ack,) = acks()
        assert (ack["ackType"], ack["recordCount"], ack["successCount"], ack["errorCount"]) == ("FAILURE", 5, 2, 3)
        assert [(entry["id"], entry["responseCode"], entry["value"][:7]) for entry in ack["responses"]] == [
            ("3", "ERROR", "line 4:"),
            ("4", "ERROR", "line 5:"),
            ("6", "ERROR", "line 6:"),
        ]
        run = only_run()
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "BUSINESS", "rows_refused")
        assert len(devices(dacs)) == 2

    def test_records_what_dacs_refuses_inside_a_success(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        refused = {"nicId": "411900000002", "headEndSystem": "ECOBEE", "exception": {"messageText": "Not enrolled"}}
        dacs.otherwise.body = {"deviceList": [refused]}

        given.post(derms, given.request(), given.rows(3))
        given.process(only_run())

        (ack,) = acks()
        assert (ack["successCount"], ack["errorCount"]) == (2, 1)
        assert [(entry["id"], entry["value"]) for entry in ack["responses"]] == [("2", "Not enrolled")]
        assert Reservation.objects.get(state="REFUSED").nic_id == "411900000002"
        assert Segment.objects.get().state == "DONE"

    def test_reserves_a_device_that_stands_twice_once(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        content = given.rows(2) + "3,411900000001,ECOBEE,,\n4,411900000002,ECOBEE,2027-06-02T01:00:00Z,\n"

        given.post(derms, given.request(), content)
        given.process(only_run())

        assert sorted(devices(dacs)) == ["411900000001", "411900000002"]
        (ack,) = acks()
        assert (ack["successCount"], ack["errorCount"]) == (3, 1)


class TestFirstHttpError:
    """Check 5: segment 2 is answered 500."""

    def test_stops_acknowledges_once_and_goes_on_when_sent_again(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        given.properties(stage__segment__size="10", stage__parallel="1")
        broken = True
        dacs.decide = lambda request: (
            refusal("broken", status=500)
            if broken and request["body"]["deviceList"][0]["nicId"] == "411900000011"
            else None
        )
        answered = given.post(derms, given.request(), given.rows(45))
        run = only_run()

        given.process(run)

        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "REMOTE", "500")
        assert len(dacs.calls(given.RESERVE)) == 2
        assert list(Segment.objects.order_by("number").values_list("state", flat=True)) == [
            *("DONE", "FAILED", "SKIPPED", "SKIPPED", "SKIPPED")
        ]
        (ack,) = acks()
        assert (ack["ackType"], ack["successCount"], ack["errorCount"]) == ("FAILURE", 10, 35)
        assert Incident.objects.get().fault_code == "500"
        assert Mail.objects.count() == 1
        assert Event.objects.get().state == "INCOMPLETE"

        broken = False
        again = given.post(derms, given.request(), given.rows(45))

        assert (again.status_code, again.json()) == (202, answered.json())
        assert FlowRun.objects.get().state == "RECEIVED"
        given.process(run)

        assert (run.state, run.attempts) == ("SUCCEEDED", 2)
        assert len(dacs.calls(given.RESERVE)) == 6
        assert sorted(nic for nic in devices(dacs) if nic < "411900000011") == sorted(
            f"4119{n:08d}" for n in range(1, 11)
        )
        assert [ack["ackType"] for ack in acks()] == ["FAILURE", "SUCCESS"]
        assert (acks()[1]["successCount"], acks()[1]["errorCount"]) == (45, 0)
        assert FileAttempt.objects.filter(ended_at__isnull=False).count() == 2

    def test_a_refused_segment_stops_too(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        dacs.otherwise = refusal("Device ECOBEE/1 is not enrolled in an active program")

        given.post(derms, given.request(), given.rows(3))
        given.process(only_run())

        (ack,) = acks()
        assert (ack["ackType"], ack["errorCount"], len(ack["responses"])) == ("FAILURE", 3, 3)
        assert ack["responses"][0]["value"] == "Device ECOBEE/1 is not enrolled in an active program"
        assert (only_run().fault_type, Mail.objects.count()) == ("BUSINESS", 1)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (
                {"deviceList": [{"nicId": "411900000002", "headEndSystem": "ECOBEE", "exception": "Not enrolled"}]},
                "Not enrolled",
            ),
            (
                {"problemDetailDocument": {"detail": "Device 411900000002 is unknown."}},
                "Device 411900000002 is unknown.",
            ),
        ],
    )
    def test_a_refusal_of_all_tells_the_device_that_it_meant(
        self, dacs: Participation, derms: APIClient, client: Client, body: dict[str, Any], words: str
    ) -> None:
        given.prepare(dacs.base_url)
        dacs.otherwise = Told(status=400, body=body)

        given.post(derms, given.request(), given.rows(3))
        given.process(only_run())

        (ack,) = acks()
        assert (ack["responses"][0]["id"], ack["responses"][0]["value"]) == ("2", words)
        segment = Segment.objects.get()
        assert [entry["id"] for entry in segment.errors if entry.get("named")] == ["2"]
        page = segment_page(client, segment)
        assert "named:" in page
        assert "ECOBEE/411900000002" in page
        assert "ECOBEE/411900000003" not in page
        line = next(entry["line"] for entry in segment.errors if entry["id"] == "2")
        assert f"<li>line {line} · 2 · {words} (" in page

    def test_one_that_names_none_says_so_and_lists_them(
        self, dacs: Participation, derms: APIClient, client: Client
    ) -> None:
        given.prepare(dacs.base_url)
        dacs.otherwise = refusal("Not now")

        given.post(derms, given.request(), given.rows(3))
        given.process(only_run())

        page = segment_page(client, Segment.objects.get())
        assert "its answer names no device" in page
        assert all(f"ECOBEE/41190000000{number}" in page for number in (1, 2, 3))

    def test_running_segments_finish(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url, max_concurrency=10)
        given.properties(stage__segment__size="1", stage__parallel="4")
        gate = threading.Barrier(4, timeout=30)

        def decide(request: dict[str, Any]) -> Any:
            gate.wait()
            if request["body"]["deviceList"][0]["nicId"] == "411900000001":
                return refusal("broken", status=500)
            return answer(delay=1.5)

        dacs.decide = decide
        given.post(derms, given.request(), given.rows(20))
        given.process(only_run(), workers=4)

        assert sorted(Segment.objects.values_list("state", flat=True)) == ["DONE"] * 3 + ["FAILED"] + ["SKIPPED"] * 16
        (ack,) = acks()
        assert (ack["successCount"], ack["errorCount"]) == (3, 17)

    def test_says_so_when_nobody_listens(self, nobody_listens: str, derms: APIClient) -> None:
        given.prepare(nobody_listens)

        given.post(derms, given.request(), given.rows(3))
        given.process(only_run())

        (ack,) = acks()
        assert (ack["ackType"], ack["successCount"], ack["errorCount"]) == ("FAILURE", 0, 3)
        assert (only_run().fault_type, only_run().fault_code) == ("REMOTE", "target_unreachable")


class TestHealth:
    """Check 9."""

    @pytest.mark.parametrize(
        ("status", "accept", "state"), [(203, "false", "FAILED"), (203, "true", "SUCCEEDED"), (500, "true", "FAILED")]
    )
    def test_only_a_healthy_dacs_is_called(
        self, dacs: Participation, derms: APIClient, status: int, accept: str, state: str
    ) -> None:
        given.prepare(dacs.base_url)
        given.properties(dacs__healthcheck__acceptDegraded=accept)
        dacs.health = status

        given.post(derms, given.request(), given.rows(3))
        given.process(only_run())

        assert only_run().state == state
        assert len(dacs.calls(given.RESERVE)) == (1 if state == "SUCCEEDED" else 0)
        (ack,) = acks()
        assert ack["ackType"] == ("SUCCESS" if state == "SUCCEEDED" else "FAILURE")
        if state == "FAILED":
            assert only_run().fault_type == "REMOTE"
            assert str(status) in ack["value"]
            operator = factory.user("op")
            dacs.health = 200
            runs.resubmit(run_id=only_run().pk, by=operator, reason="well again", at=timezone.now())
            given.process(only_run())
            assert only_run().state == "SUCCEEDED"


class TestKilled:
    def test_a_segment_whose_worker_died_is_sent_again_and_no_other(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        given.prepare(dacs.base_url)
        given.properties(stage__segment__size="10", stage__parallel="1")
        given.post(derms, given.request(), given.rows(50))
        run = only_run()
        given.begin(run)
        for _ in range(3):
            segments.work_next(run_id=run.pk, clock=timezone.now)
        # The fourth was claimed by a worker that died.
        (claimed,) = segment_claims.claim(run, at=timezone.now(), most=1)
        assert claimed.segment.number == 4
        assert segments.work_next(run_id=run.pk, clock=timezone.now) is False
        later = timezone.now() + dt.timedelta(minutes=1)
        segments.sweep(at=later, clock=lambda: later)

        while segments.work_next(run_id=run.pk, clock=lambda: later):
            pass

        assert only_run().state == "SUCCEEDED"
        assert len(dacs.calls(given.RESERVE)) == 5
        assert len(devices(dacs)) == len(set(devices(dacs))) == 50
        assert Segment.objects.get(number=4).attempts == 2
        assert len(acks()) == 1

    def test_an_attempt_whose_worker_died_before_the_plan_is_gone_on_with(
        self, dacs: Participation, derms: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from integration.operations import file_attempts, housekeeping

        class Killed(BaseException):
            pass

        given.prepare(dacs.base_url)
        given.post(derms, given.request(), given.rows(3))
        plan = file_attempts._plan
        monkeypatch.setattr(file_attempts, "_plan", _raising(Killed))
        with pytest.raises(Killed):
            given.begin(only_run())
        monkeypatch.setattr(file_attempts, "_plan", plan)
        later = timezone.now() + dt.timedelta(minutes=1)

        housekeeping.end_abandoned(at=later)
        assert only_run().state == "IN_PROGRESS"
        segments.sweep(at=later, clock=lambda: later)
        given.work(only_run())

        assert (only_run().state, only_run().attempts) == ("SUCCEEDED", 1)
        assert len(acks()) == 1


class TestPeople:
    def test_an_abort_stops_between_segments_and_derms_hears_of_it_once(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        given.prepare(dacs.base_url)
        given.properties(stage__segment__size="1", stage__parallel="1")
        given.post(derms, given.request(), given.rows(5))
        run = only_run()
        given.begin(run)
        segments.work_next(run_id=run.pk, clock=timezone.now)

        runs.abort(run_id=run.pk, by=factory.user("op"), reason="wrong file", at=timezone.now())
        given.work(run)

        run.refresh_from_db()
        assert (run.state, run.ack_type) == ("ABORTED", "FAILURE")
        assert len(dacs.calls(given.RESERVE)) == 1
        (ack,) = acks()
        assert (ack["successCount"], ack["errorCount"]) == (1, 4)
        assert "wrong file" in ack["value"]

        given.post(derms, given.request(), given.rows(5))
        given.process(run)

        assert run.state == "SUCCEEDED"
        assert len(devices(dacs)) == 5

    def test_resubmit_from_the_start_sends_everything_again(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        given.properties(stage__segment__size="2", stage__parallel="1")
        dacs.decide = lambda request: refusal("x", status=503) if len(dacs.calls(given.RESERVE)) == 2 else None
        given.post(derms, given.request(), given.rows(4))
        given.process(only_run())
        assert only_run().state == "FAILED"

        runs.resubmit(
            run_id=only_run().pk, by=factory.user("op"), reason="all", mode=ResubmitMode.START, at=timezone.now()
        )
        given.process(only_run())

        assert only_run().state == "SUCCEEDED"
        assert len(devices(dacs)) == 8

    def test_progress_can_be_read_while_it_runs(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        given.properties(stage__segment__size="2", stage__parallel="1")
        given.post(derms, given.request(), given.rows(6))
        given.begin(only_run())
        segments.work_next(run_id=only_run().pk, clock=timezone.now)
        operator = APIClient()
        operator.force_authenticate(factory.user("op", rights=["integration.view_flowrun"]))

        progress = operator.get(f"/api/v1/flow-runs/{only_run().pk}/").json()["progress"]

        assert (progress["done"], progress["total"]) == (2, 6)
        assert progress["rows_per_second"] > 0
        assert progress["seconds_left"] > 0


class TestRetention:
    def test_the_content_goes_and_the_message_stays_known(self, dacs: Participation, derms: APIClient) -> None:
        from integration.operations import attachments

        given.prepare(dacs.base_url)
        given.post(derms, given.request(), given.rows(2))
        later = timezone.now() + dt.timedelta(days=33)
        stored = StoredFile.objects.get()
        assert attachments.purge(at=later) == 0
        given.process(only_run())

        assert (attachments.purge(at=timezone.now()), attachments.purge(at=later)) == (0, 1)
        assert attachments.purge(at=later) == 0
        assert not stored.content.storage.exists(stored.content.name)
        assert given.post(derms, given.request(), given.rows(2)).status_code == 202
        assert given.post(derms, given.request(), given.rows(3)).status_code == 409


class TestCancelled:
    def test_a_cancelled_event_is_not_reserved_and_derms_hears_of_it(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        given.prepare(dacs.base_url)
        given.properties(stage__segment__size="1", stage__parallel="1")
        given.post(derms, given.request(), given.rows(4))
        given.begin(only_run())
        segments.work_next(run_id=only_run().pk, clock=timezone.now)
        cancelled = derms.post(
            "/api/v1/flows/pre_event_cancel/preEventCancel",
            {
                "drmsInstanceId": "NMS1",
                "messageId": "DRMS-CAN-1",
                "eventId": "EVT-2023-0417",
                "cancellationMessageText": "Pre-empted",
            },
            format="json",
        )
        given.work(only_run())

        assert cancelled.json()["ackType"] == "SUCCESS"
        assert len(dacs.calls(given.RESERVE)) == 1
        (ack,) = acks()
        assert (ack["ackType"], ack["successCount"], ack["errorCount"]) == ("FAILURE", 1, 3)
        run = FlowRun.objects.get(flow__name="event_device_reservation")
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "BUSINESS", "event_cancelled")
        assert Mail.objects.count() == 0
        assert Event.objects.get().state == "CANCELED"


class TestPaused:
    def test_a_pause_stops_between_segments_and_nothing_is_lost(self, dacs: Participation, derms: APIClient) -> None:
        from integration.choices import PauseScope
        from integration.operations import pauses

        given.prepare(dacs.base_url)
        given.properties(stage__segment__size="1", stage__parallel="1")
        given.post(derms, given.request(), given.rows(3))
        given.begin(only_run())
        segments.work_next(run_id=only_run().pk, clock=timezone.now)
        pause = pauses.pause(scope=PauseScope.CONNECTION, target="DACS", by="op", reason="patch", at=timezone.now())

        assert segments.work_next(run_id=only_run().pk, clock=timezone.now) is False
        assert only_run().state == "IN_PROGRESS"
        pauses.resume(pause_id=pause.pk, by="op", reason="done", at=timezone.now())
        given.work(only_run())

        assert only_run().state == "SUCCEEDED"
        assert len(dacs.calls(given.RESERVE)) == 3


class TestIdempotency:
    def test_the_same_message_gets_the_original_answer(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        first = given.post(derms, given.request(), given.rows(2))
        while_waiting = given.post(derms, given.request(), given.rows(2), kind="mixed")
        given.process(only_run())
        after = given.post(derms, given.request(), given.rows(2))

        assert first.content == while_waiting.content == after.content
        assert (after.status_code, after["Idempotency-Replayed"]) == (202, "true")
        assert only_run().state == "SUCCEEDED"
        assert len(acks()) == 1

    @pytest.mark.parametrize(
        ("document", "content"), [(given.request(eventId="EVT-2"), given.rows(2)), (given.request(), given.rows(3))]
    )
    def test_another_body_is_a_conflict(
        self, dacs: Participation, derms: APIClient, document: dict[str, Any], content: str
    ) -> None:
        given.prepare(dacs.base_url)
        given.post(derms, given.request(), given.rows(2))

        answered = given.post(derms, document, content)

        assert (answered.status_code, answered.json()["code"]) == (409, "idempotency_key_reused")
        assert FlowRun.objects.count() == 1

    def test_another_message_reserves_no_device_twice(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        for message_id, count in (("M-1", 2), ("M-2", 3)):
            given.post(derms, given.request(messageId=message_id), given.rows(count))
            given.process(FlowRun.objects.get(idempotency_key=message_id))

        assert devices(dacs) == ["411900000001", "411900000002", "411900000003"]
        assert [ack["successCount"] for ack in acks()] == [2, 3]


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"messageId": None}, "/messageId"),
            ({"eventType": "RELIABILITY"}, "/eventType"),
            ({"eventStartDateTime": "2027-06-02T00:00:00"}, "/eventStartDateTime"),
            ({"eventStartDateTime": "10-15-2022 05:00:00PM"}, "/eventStartDateTime"),
            ({"eventEndDateTime": "2027-06-01T00:00:00Z"}, "/eventEndDateTime"),
            ({"recordCount": "3"}, "/recordCount"),
        ],
    )
    def test_a_request_that_does_not_fit(
        self, dacs: Participation, derms: APIClient, changes: dict[str, Any], pointer: str
    ) -> None:
        given.prepare(dacs.base_url)

        answered = given.post(derms, given.request(**changes), given.rows(2))

        assert answered.status_code == 400
        assert [error["pointer"] for error in answered.json()["errors"]] == [pointer]
        assert (FlowRun.objects.count(), StoredFile.objects.count()) == (0, 0)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "empty"),
            (b"a,b\n1,2\n", "lacks the columns recordId, nicId, headEndSystemId"),
            (given.rows(2).replace(",", ";"), "separated by commas"),
            (given.rows(2).encode("utf-16"), "UTF-16"),
            (given.rows(2) + "3,caf\xe9,ECOBEE,,\n", None),
            ((given.rows(2) + "3,caf\xe9,ECOBEE,,\n").encode("latin-1"), "Line 4 is not UTF-8"),
            (given.rows(2) + "3,41\x00,ECOBEE,,\n", "Line 4 holds a NUL byte"),
            (given.rows(2).replace("\n", "\r"), "lone carriage return"),
            (given.rows(2) + '3,"41,ECOBEE,,\n', "never closed"),
            (given.HEADER + "\n", "no row"),
            (given.HEADER + ",nicId\n1,2,3,4,5,6\n", "nicId stands twice"),
            (given.HEADER + "\n1,,ECOBEE,,\n2,3\n", "Not one of the 2 rows is valid"),
            (b"PK\x03\x04" + b"\x00" * 100, "archive or a spreadsheet"),
        ],
    )
    def test_a_file_that_is_refused_as_a_whole(
        self, dacs: Participation, derms: APIClient, content: str | bytes, told: str | None
    ) -> None:
        given.prepare(dacs.base_url)

        answered = given.post(derms, given.request(), content)

        if told is None:
            assert answered.status_code == 202
            return
        problem = answered.json()
        assert (answered.status_code, problem["code"], problem["faultType"]) == (422, "file_rejected", "BUSINESS")
        assert told in problem["detail"]
        assert problem["errors"]
        assert FlowRun.objects.count() == 0

    def test_names_the_lines_of_a_file_without_a_valid_row(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)

        answered = given.post(derms, given.request(), given.HEADER + "\n1,,ECOBEE,,\n2,3\n")

        assert [(error["line"], error["column"], error["pointer"]) for error in answered.json()["errors"]] == [
            (2, "nicId", "/file/2/nicId"),
            (3, "", "/file/3"),
        ]

    def test_a_count_that_is_not_the_files(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)

        answered = given.post(derms, given.request(recordCount=3), given.rows(2))

        assert (answered.status_code, answered.json()["detail"]) == (422, "The file has 2 rows, recordCount says 3.")

    @pytest.mark.parametrize(("parts", "pointer"), [(("request",), "/file"), (("file",), "/request")])
    def test_a_missing_part(self, dacs: Participation, derms: APIClient, parts: tuple[str, ...], pointer: str) -> None:
        given.prepare(dacs.base_url)

        answered = given.post(derms, given.request(), given.rows(2), parts=parts)

        assert (answered.status_code, answered.json()["errors"][0]["pointer"]) == (400, pointer)

    @pytest.mark.parametrize("types", [("text/xml", "text/csv"), ("application/json", "application/zip")])
    def test_a_part_of_another_kind(self, dacs: Participation, derms: APIClient, types: tuple[str, str]) -> None:
        given.prepare(dacs.base_url)

        assert given.post(derms, given.request(), given.rows(2), types=types).status_code == 415

    def test_a_message_without_a_file(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)

        assert derms.post(given.GUIDE, given.request(), format="json").status_code == 415

    def test_a_file_over_the_limit(self, dacs: Participation, derms: APIClient, settings: Any) -> None:
        given.prepare(dacs.base_url)
        settings.UPLOAD_MAX_BYTES = 1000

        answered = given.post(derms, given.request(), given.rows(200))

        assert (answered.status_code, answered.json()["code"]) == (413, "too_large")
        assert "1000 bytes" in answered.json()["detail"]

    @pytest.mark.parametrize(("count", "status"), [(2, 202), (200, 413)])
    def test_a_body_of_undeclared_length(
        self, dacs: Participation, derms: APIClient, settings: Any, count: int, status: int
    ) -> None:
        given.prepare(dacs.base_url)
        settings.UPLOAD_MAX_BYTES = 1000
        body, content_type = given.multipart(given.request(), given.rows(count))

        answered = derms.generic(
            "POST",
            given.GUIDE,
            b"",
            content_type=content_type,
            **{"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )

        assert answered.status_code == status

    def test_a_body_that_was_cut_short(self, dacs: Participation, derms: APIClient) -> None:
        given.prepare(dacs.base_url)
        body, content_type = given.multipart(given.request(), given.rows(2))

        answered = derms.generic("POST", given.GUIDE, body[:-30], content_type=content_type)

        assert (answered.status_code, answered.json()["code"]) == (400, "malformed")


def _raising(kind: type[BaseException]) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise kind

    return fail


def _recipients(rows: dict[str, str]) -> None:
    from django.contrib.auth import get_user_model

    from lookups.operations import apply_configuration

    apply_configuration(
        section={"OUTL-BRT-DACS_DRMS_Email_ID": rows},
        by=get_user_model().objects.get(username="configurator"),
        at=factory.AT,
    )
