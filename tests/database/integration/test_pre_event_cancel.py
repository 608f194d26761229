"""Pre-Event Cancel from the peer's side, with its races (`integration.md` 3.7), over real HTTP."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from integration.choices import RunState, SegmentState
from integration.flows import pre_event_cancel
from integration.models import (
    Cancellation,
    Event,
    FileAttempt,
    Flow,
    FlowRun,
    Incident,
    RunIdentifier,
    Segment,
    StoredFile,
)
from integration.operations import cancellations, messages, runs
from outbound.models import Mail
from tests.database.integration import file_work
from tests.database.integration.participation import Participation, answer, refusal, serving
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = "/ic/api/integration/v1/flows/oracleutilities/OUTL_BA_DRMS_DACS_PRE_EVENT_CANC/1.0/event-cancellation-to-dacs"
PARAMETERS = "/ic/api/integration/v1/flows/oracleutilities/OUTL_BA_DRMS_DACS_PRE_EVENT_CANC/1.0/preeventcancel"
SHORT = "/api/v1/flows/pre_event_cancel/event-cancellation-to-dacs"
AT_DACS = "/rest/apis/cross/service/programEventParticipation/preEventCancellation"
EVENT = "EVT-2023-0417"


@pytest.fixture
def dacs() -> Iterator[Participation]:
    with serving() as known:
        yield known


@pytest.fixture
def derms() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    return client


def cancel(message_id: str = "DRMS-CAN-1", **changes: Any) -> dict[str, Any]:
    return {
        "drmsInstanceId": "NMS1",
        "messageId": message_id,
        "eventId": EVENT,
        "cancellationMessageText": "Pre-empted by emergency event EVT-2023-0419",
        **changes,
    }


def entry(answered: Any) -> dict[str, Any]:
    (only,) = answered.json()["responses"]
    assert answered.json()["ackType"] == only["responseCode"]
    return only


def reservation(*states: str, starts_in: dt.timedelta = dt.timedelta(days=2)) -> FlowRun:
    """A reservation of the event at work, with segments in these states."""
    now = timezone.now()
    flow = Flow.objects.get(name="event_device_reservation")
    run = FlowRun.objects.create(flow=flow, started_at=now, state=RunState.IN_PROGRESS, body_digest="0" * 64)
    RunIdentifier.objects.create(run=run, name="eventId", value=EVENT)
    StoredFile.objects.create(
        run=run,
        flow=flow,
        drms_instance_id="NMS1",
        message_id="DRMS-RSV-1",
        digest="0" * 64,
        name="rsv.csv",
        content="message-files/rsv.csv",
        size=1,
        sha256="0" * 64,
        received_at=now,
    )
    Event.objects.create(
        drms_instance_id="NMS1", external_id=EVENT, starts_at=now + starts_in, first_seen_at=now, changed_at=now
    )
    FileAttempt.objects.create(run=run, number=1, parallel=4, started_at=now, planned_at=now)
    for number, state in enumerate(states, start=1):
        running = state == SegmentState.IN_PROGRESS
        Segment.objects.create(
            run=run,
            number=number,
            offset=0,
            first_line=2,
            rows=1,
            state=state,
            lease_until=now + dt.timedelta(minutes=5) if running else None,
        )
    return run


class TestCancelled:
    def test_ids_may_be_in_any_script(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)

        answered = derms.post(SHORT, cancel("取消-1", drmsInstanceId="õ\U000c8f0e", eventId="イベント"), format="json")

        assert (answered.status_code, entry(answered)["responseCode"]) == (200, "SUCCESS")
        assert [call["eventExternalIdentifier"] for call in dacs.calls(AT_DACS)] == ["イベント"]

    @pytest.mark.parametrize("address", [GUIDE, PARAMETERS, SHORT])
    def test_gives_the_acknowledgement_in_the_reply_at_both_uris(
        self, dacs: Participation, derms: APIClient, address: str
    ) -> None:
        factory.prepare(base_url=dacs.base_url)

        answered = derms.post(address, cancel(), format="json")

        assert answered.status_code == 200
        only = entry(answered)
        assert {name: only[name] for name in ("id", "value", "responseCode", "dacsMessageId", "messageId")} == {
            "id": EVENT,
            "value": f"Event {EVENT} cancelled",
            "responseCode": "SUCCESS",
            "dacsMessageId": "",
            "messageId": "DRMS-CAN-1",
        }
        assert dacs.calls(AT_DACS) == [
            {"eventExternalIdentifier": EVENT, "cancelMessage": "Pre-empted by emergency event EVT-2023-0419"}
        ]
        run = FlowRun.objects.get(pk=answered["X-Flow-Run"])
        assert (run.state, run.ack_type) == ("SUCCEEDED", "SUCCESS")
        assert list(run.steps.order_by("sequence").values_list("name", "outcome")) == [
            ("Check the event", "SUCCEEDED"),
            ("Stop the reservation", "SUCCEEDED"),
            ("Send to DACS", "SUCCEEDED"),
            ("Answer DERMS", "SUCCEEDED"),
        ]

    def test_cuts_the_message_at_100_and_keeps_the_whole_of_it_in_the_run(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        whole = "x" * 100 + " and the rest"

        answered = derms.post(GUIDE, cancel(cancellationMessageText=whole), format="json")

        assert dacs.calls(AT_DACS)[0]["cancelMessage"] == "x" * 100
        run = FlowRun.objects.get(pk=answered["X-Flow-Run"])
        assert whole in run.steps.get(name="Check the event").detail[0]["text"]

    def test_takes_the_path_that_the_connection_says(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url, options={"participation_path": "/ccs/participation"})

        derms.post(GUIDE, cancel(), format="json")

        assert dacs.paths() == ["/ccs/participation/preEventCancellation"]

    def test_an_empty_answer_of_dacs_is_a_success(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = answer(204, raw=b"")

        assert entry(derms.post(GUIDE, cancel(), format="json"))["responseCode"] == "SUCCESS"


class TestSameMessage:
    def test_gets_the_original_answer_again(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)

        first = derms.post(GUIDE, cancel(), format="json")
        again = derms.post(SHORT, cancel(), format="json")

        assert again.content == first.content
        assert again["Idempotency-Replayed"] == "true"
        assert len(dacs.calls(AT_DACS)) == 1

    def test_with_another_body_is_refused(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        derms.post(GUIDE, cancel(), format="json")

        refused = derms.post(GUIDE, cancel(cancellationMessageText="Another"), format="json")

        assert refused.status_code == 409
        assert refused.json()["code"] == "idempotency_key_reused"
        assert refused.json()["errors"][0]["pointer"] == "/messageId"
        assert FlowRun.objects.count() == 1

    def test_of_another_instance_is_another_message(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)

        derms.post(GUIDE, cancel(), format="json")
        derms.post(GUIDE, cancel(drmsInstanceId="NMS2"), format="json")

        assert len(dacs.calls(AT_DACS)) == 2

    @pytest.mark.parametrize("document", [{}, {"messageId": "M"}, [], {"eventId": 7}])
    def test_a_malformed_one_is_refused_and_not_stored(self, derms: APIClient, document: Any) -> None:
        factory.prepare()

        refused = derms.post(GUIDE, document, format="json")

        assert refused.status_code == 400
        assert refused.json()["errors"]
        assert FlowRun.objects.count() == 0


class TestRaces:
    def test_a_the_remaining_segments_are_skipped_and_running_ones_waited_for(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        """Check 6, from the cancellation's side."""
        factory.prepare(base_url=dacs.base_url)
        run = reservation(SegmentState.DONE, SegmentState.IN_PROGRESS, SegmentState.PENDING, SegmentState.PENDING)
        running = Segment.objects.get(run=run, number=2)
        ended: list[float] = []

        def end_the_running_one() -> None:
            ended.append(len(dacs.calls(AT_DACS)))
            Segment.objects.filter(pk=running.pk).update(state=SegmentState.DONE, lease_until=None)
            connections.close_all()

        timer = threading.Timer(0.7, end_the_running_one)
        timer.start()
        answered = derms.post(GUIDE, cancel(), format="json")
        timer.join()

        assert entry(answered)["responseCode"] == "SUCCESS"
        assert ended == [0]
        assert len(dacs.calls(AT_DACS)) == 1
        attempt = FileAttempt.objects.get(run=run)
        assert attempt.stopped_at is not None
        assert (attempt.fault_code, attempt.fault_reason) == (
            "event_cancelled",
            f"Event {EVENT} is cancelled (messageId DRMS-CAN-1)",
        )
        step = FlowRun.objects.get(pk=answered["X-Flow-Run"]).steps.get(name="Stop the reservation")
        assert step.counts == {"skipped_segments": 2}
        assert Event.objects.get().state == "CANCELED"
        assert cancellations.held_by(drms_instance_id="NMS1", event_id=EVENT) is not None

    def test_a_a_claim_after_the_cancellation_sees_it_while_the_cancellation_waits(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = reservation(SegmentState.IN_PROGRESS)
        seen: list[str] = []

        def look_and_end() -> None:
            held = cancellations.held_by(drms_instance_id="NMS1", event_id=EVENT)
            seen.append(held.message_id if held else "")
            Segment.objects.filter(run=run).update(state=SegmentState.DONE, lease_until=None)
            connections.close_all()

        timer = threading.Timer(0.5, look_and_end)
        timer.start()
        derms.post(GUIDE, cancel(), format="json")
        timer.join()

        assert seen == ["DRMS-CAN-1"]

    def test_a_segments_whose_worker_died_are_not_waited_for(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = reservation(SegmentState.IN_PROGRESS)
        Segment.objects.filter(run=run).update(lease_until=timezone.now() - dt.timedelta(seconds=1))

        assert entry(derms.post(GUIDE, cancel(), format="json"))["responseCode"] == "SUCCESS"

    def test_a_segments_that_never_end_make_it_a_failure_that_may_come_again(
        self, dacs: Participation, derms: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = reservation(SegmentState.IN_PROGRESS)
        monkeypatch.setattr(pre_event_cancel, "WAIT_FOR_SEGMENTS_SECONDS", 0.1)

        failed = derms.post(GUIDE, cancel(), format="json")
        Segment.objects.filter(run=run).update(state=SegmentState.DONE, lease_until=None)
        again = derms.post(GUIDE, cancel(), format="json")

        assert entry(failed)["responseCode"] == "FAILURE"
        assert "still on their way" in entry(failed)["value"]
        assert entry(again)["responseCode"] == "SUCCESS"
        assert len(dacs.calls(AT_DACS)) == 1

    def test_b_an_event_that_dacs_does_not_know_is_an_error(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = refusal(f"Event {EVENT} is not known.")

        answered = derms.post(GUIDE, cancel(), format="json")
        again = derms.post(GUIDE, cancel(), format="json")

        assert answered.status_code == 200
        assert (entry(answered)["responseCode"], entry(answered)["value"]) == ("ERROR", f"Event {EVENT} is not known.")
        assert again.content == answered.content
        assert len(dacs.calls(AT_DACS)) == 1
        assert FlowRun.objects.get().state == "SUCCEEDED"
        assert Mail.objects.count() == 0
        # Nothing was cancelled: a reservation that comes later is taken.
        assert cancellations.held_by(drms_instance_id="NMS1", event_id=EVENT) is None

    def test_c_a_second_cancellation_is_a_success_without_a_second_call(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)

        derms.post(GUIDE, cancel("DRMS-CAN-1"), format="json")
        second = derms.post(GUIDE, cancel("DRMS-CAN-2"), format="json")

        assert entry(second)["responseCode"] == "SUCCESS"
        assert entry(second)["value"] == f"Event {EVENT} is cancelled already"
        assert len(dacs.calls(AT_DACS)) == 1
        assert list(Cancellation.objects.order_by("pk").values_list("state", flat=True)) == ["SUCCESS", "SUCCESS"]

    def test_c_one_at_the_same_moment_is_asked_to_come_again(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        inside: list[int] = []
        other = APIClient()
        other.force_authenticate(derms.handler._force_user)

        def come_meanwhile(_: Any) -> None:
            inside.append(other.post(GUIDE, cancel("DRMS-CAN-2"), format="json").status_code)
            connections.close_all()

        dacs.on_request = come_meanwhile
        answered = derms.post(GUIDE, cancel("DRMS-CAN-1"), format="json")

        assert entry(answered)["responseCode"] == "SUCCESS"
        assert inside == [409]
        assert len(dacs.calls(AT_DACS)) == 1

    def test_c_of_many_at_once_dacs_gets_one(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = answer(delay=0.2)
        account = derms.handler._force_user
        together = threading.Barrier(4)

        def one(number: int) -> int:
            client = APIClient()
            client.force_authenticate(account)
            together.wait()
            try:
                return int(client.post(GUIDE, cancel(f"DRMS-CAN-{number}"), format="json").status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(max_workers=4) as pool:
            statuses = list(pool.map(one, range(4)))

        assert 200 in statuses
        assert set(statuses) <= {200, 409}
        assert len(dacs.calls(AT_DACS)) == 1

    def test_d_dacs_says_that_the_event_has_started(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = refusal(f"Event {EVENT} has started.")

        answered = derms.post(GUIDE, cancel(), format="json")

        assert (entry(answered)["responseCode"], entry(answered)["value"]) == ("ERROR", f"Event {EVENT} has started.")
        assert len(dacs.calls(AT_DACS)) == 1

    def test_d_a_start_that_is_known_to_have_passed_is_an_error_without_a_call(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = reservation(SegmentState.PENDING, starts_in=dt.timedelta(minutes=-1))

        answered = derms.post(GUIDE, cancel(), format="json")

        assert entry(answered)["responseCode"] == "ERROR"
        assert "too late to cancel it" in entry(answered)["value"]
        assert dacs.calls(AT_DACS) == []
        assert run.segments.get().state == "PENDING"
        assert cancellations.held_by(drms_instance_id="NMS1", event_id=EVENT) is None


RESERVE = "/api/v1/flows/event_device_reservation/event-reservation-to-dacs"
RESERVE_AT_DACS = "/rest/apis/cross/service/programEventParticipation/reserveDevice"


class TestDuringTheReservation:
    """Check 6, with the reservation's own workers."""

    @pytest.fixture(autouse=True)
    def stored_files(self, settings: Any, tmp_path: Path) -> None:
        settings.MEDIA_ROOT = str(tmp_path)

    def reserve(self, derms: APIClient, rows: int) -> str:
        start = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=2)
        document = {
            "drmsInstanceId": "NMS1",
            "messageId": "DRMS-RSV-1",
            "eventId": EVENT,
            "eventType": "ECONOMIC",
            "eventStartDateTime": start.isoformat(),
            "eventEndDateTime": (start + dt.timedelta(hours=3)).isoformat(),
        }
        content = file_work.table(
            ("recordId", "nicId", "headEndSystemId"), [(n, f"NIC{n}", "ECOBEE") for n in range(1, rows + 1)]
        )
        answered = file_work.send(derms, RESERVE, document, content)
        assert answered.status_code == 202, answered.content
        return str(answered.json()["instanceId"])

    def test_the_rest_is_skipped_and_then_dacs_is_called_once(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url, properties={"stage.segment.size": "1", "stage.parallel": "2"})
        run_id = self.reserve(derms, rows=12)
        reached = threading.Event()
        ended_first: list[bool] = []

        def slowly(request: dict[str, Any]) -> Any:
            if request["path"] == AT_DACS:
                ended_first.append(dacs.at_once == 1)
                return None
            if len(dacs.calls(RESERVE_AT_DACS)) >= 3:
                reached.set()
            return answer(delay=1.0)

        dacs.decide = slowly
        file_work.begin(run_id)
        workers = [threading.Thread(target=file_work.worker, args=(run_id,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        assert reached.wait(30)
        answered = derms.post(GUIDE, cancel(), format="json")
        for worker in workers:
            worker.join()
        file_work.worker(run_id)

        assert entry(answered)["responseCode"] == "SUCCESS"
        assert ended_first == [True]
        paths = [path for path in dacs.paths() if "participation" in path.lower()]
        assert paths == [*[RESERVE_AT_DACS] * (len(paths) - 1), AT_DACS]
        assert len(paths) < 1 + 12
        states = set(Segment.objects.filter(run_id=run_id).values_list("state", flat=True))
        assert states <= {"DONE", "SKIPPED", "FAILED"}
        assert "SKIPPED" in states
        run = FlowRun.objects.get(pk=run_id)
        assert (run.state, run.fault_code) == ("FAILED", "event_cancelled")
        (ack,) = file_work.acknowledgements("RESERVATION-ACK")
        assert ack["ackType"] != "SUCCESS"
        assert ack["value"] == f"Event {EVENT} is cancelled (messageId DRMS-CAN-1)"
        assert Event.objects.get().state == "CANCELED"

    def test_a_resend_of_the_reservation_reserves_nothing_more(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url, properties={"stage.segment.size": "1"})
        run_id = self.reserve(derms, rows=3)
        derms.post(GUIDE, cancel(), format="json")
        file_work.work(run_id)

        self.reserve(derms, rows=3)
        file_work.work(run_id)

        assert dacs.calls(RESERVE_AT_DACS) == []
        assert [ack["successCount"] for ack in file_work.acknowledgements("RESERVATION-ACK")] == [0, 0]
        assert len(dacs.calls(AT_DACS)) == 1

    def test_a_cancellation_that_dacs_refuses_lets_a_resend_go_on(self, dacs: Participation, derms: APIClient) -> None:
        file_work.prepare(base_url=dacs.base_url)
        dacs.decide = lambda request: refusal("Event is not known.") if request["path"] == AT_DACS else None
        run_id = self.reserve(derms, rows=3)
        derms.post(GUIDE, cancel(), format="json")

        run = file_work.work(run_id)

        assert run.state == "SUCCEEDED"
        assert len(dacs.calls(RESERVE_AT_DACS)) == 1


class TestFaults:
    def test_dacs_down_is_a_failure_with_one_mail_and_the_message_may_come_again(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = answer(503)

        failed = derms.post(GUIDE, cancel(), format="json")
        # Nobody knows whether DACS cancelled it: nothing of it is reserved meanwhile.
        held = cancellations.held_by(drms_instance_id="NMS1", event_id=EVENT)
        mails = Mail.objects.count()
        dacs.otherwise = answer()
        again = derms.post(GUIDE, cancel(), format="json")

        assert failed.status_code == 200
        assert (entry(failed)["responseCode"], entry(failed)["value"]) == (
            "FAILURE",
            "DACS answered 503 Service Unavailable",
        )
        assert held is not None
        assert mails == 1
        assert Incident.objects.get().fault_code == "503"
        assert entry(again)["responseCode"] == "SUCCESS"
        assert len(dacs.calls(AT_DACS)) == 2
        assert list(FlowRun.objects.order_by("started_at").values_list("state", flat=True)) == ["FAILED", "SUCCEEDED"]

    def test_a_page_instead_of_json_is_a_failure(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = answer(200, raw=b"<html>log in</html>")

        answered = derms.post(GUIDE, cancel(), format="json")

        assert entry(answered)["responseCode"] == "FAILURE"
        assert Mail.objects.count() == 1

    def test_a_missing_connection_is_a_failure(self, derms: APIClient) -> None:
        factory.prepare()

        answered = derms.post(GUIDE, cancel(), format="json")

        assert (entry(answered)["responseCode"], entry(answered)["value"]) == (
            "FAILURE",
            "There is no connection named DACS.",
        )
        assert Mail.objects.count() == 1

    def test_what_a_dead_process_left_open_does_not_hold_up_the_next_one(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        dead = FlowRun.objects.create(
            flow=Flow.objects.get(name="pre_event_cancel"),
            started_at=timezone.now(),
            state=RunState.IN_PROGRESS,
            lease_until=timezone.now() - dt.timedelta(seconds=1),
            body_digest="0" * 64,
        )
        Cancellation.objects.create(
            drms_instance_id="NMS1",
            message_id="DRMS-CAN-0",
            event_id=EVENT,
            digest="0" * 64,
            run=dead,
            claimed_at=timezone.now(),
        )

        assert entry(derms.post(GUIDE, cancel(), format="json"))["responseCode"] == "SUCCESS"
        assert Cancellation.objects.get(message_id="DRMS-CAN-0").state == "FAILURE"
        assert FlowRun.objects.get(pk=dead.pk).state == "FAILED"

    def test_a_replay_that_is_aborted_before_a_worker_took_it_holds_nothing_open(
        self, dacs: Participation, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = answer(500)
        failed = derms.post(GUIDE, cancel(), format="json")
        operator = factory.user("operator")
        again = runs.replay(
            run_id=FlowRun.objects.get(pk=failed["X-Flow-Run"]).pk, by=operator, reason="again", at=timezone.now()
        )

        runs.abort(run_id=again.pk, by=operator, reason="not now", at=timezone.now())

        assert Cancellation.objects.get().state == "FAILURE"
        dacs.otherwise = answer()
        assert entry(derms.post(GUIDE, cancel(), format="json"))["responseCode"] == "SUCCESS"


class TestReplay:
    def test_sends_one_that_failed_once_more(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = answer(500)
        failed = derms.post(GUIDE, cancel(), format="json")
        dacs.otherwise = answer()

        again = runs.replay(
            run_id=FlowRun.objects.get(pk=failed["X-Flow-Run"]).pk,
            by=factory.user("operator"),
            reason="DACS is back",
            at=timezone.now(),
        )
        messages.execute(run_id=again.pk, clock=timezone.now)

        again.refresh_from_db()
        assert (again.state, again.ack_type) == ("SUCCEEDED", "SUCCESS")
        assert len(dacs.calls(AT_DACS)) == 2
        assert Cancellation.objects.get().state == "SUCCESS"

    def test_does_not_cancel_twice(self, dacs: Participation, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        done = derms.post(GUIDE, cancel(), format="json")

        again = runs.replay(
            run_id=FlowRun.objects.get(pk=done["X-Flow-Run"]).pk,
            by=factory.user("operator"),
            reason="To be sure",
            at=timezone.now(),
        )
        messages.execute(run_id=again.pk, clock=timezone.now)

        again.refresh_from_db()
        assert again.ack_type == "SUCCESS"
        assert len(dacs.calls(AT_DACS)) == 1
