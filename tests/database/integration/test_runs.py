"""What people do with runs, what the sweep does, and the API of both."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from integration import tasks
from integration.flows import registry, runner
from integration.models import EnrollmentRecord, Flow, FlowRun, Incident, Payload, RunTransition
from integration.operations import flows, housekeeping, messages, runs
from outbound.models import Mail
from tests.database.integration.conftest import Behaviour, Dacs
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

ALL_RIGHTS = [
    *("integration.view_flowrun", "integration.resubmit_flowrun", "integration.replay_flowrun"),
    *("integration.discard_flowrun", "integration.abort_flowrun", "integration.activate_flow"),
    *("integration.call_flow", "integration.view_flow"),
]
SHORT = "/api/v1/flows/enrollment_request/enroll-to-dacs"


@pytest.fixture
def operator() -> Any:
    return factory.user("operator", rights=ALL_RIGHTS)


@pytest.fixture
def api(operator: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(operator)
    return client


def send(api: APIClient, *message_ids: str) -> FlowRun:
    answer = api.post(SHORT, factory.collection(*(factory.record(each) for each in message_ids)), format="json")
    assert answer.status_code == 200
    return FlowRun.objects.get(pk=answer["X-Flow-Run"])


def waiting_run(*message_ids: str, leased: bool = True) -> FlowRun:
    """Store a message as a process does that dies before it goes on."""
    from integration.flows.enrollment_request import FLOW

    records = FLOW.accept(factory.collection(*(factory.record(each) for each in message_ids)))
    flow = Flow.objects.get(name="enrollment_request")
    row = runner.receive(
        flow=flow,
        body=b"{}",
        media_type="application/json",
        digest="d",
        identifiers=FLOW.identifiers(records),
        requested_by_id=None,
        by="derms",
        reason="message received",
        leased=leased,
        at=factory.AT,
    )
    FLOW.claim(records, run_id=row.pk, flow_id=flow.pk, again=False, at=factory.AT)
    return row


class TestReplay:
    def test_sends_the_message_again_as_a_new_run_and_repairs_the_ledger(
        self, dacs: Dacs, api: APIClient, operator: Any
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.behaviours = {"E-2": Behaviour(status=503)}
        failed = send(api, "E-1", "E-2")
        dacs.behaviours = {}
        dacs.requests.clear()

        new = runs.replay(run_id=failed.pk, by=operator, reason="DACS is back", at=timezone.now())
        assert new.state == "RECEIVED"
        tasks.execute_run(run_id=str(new.pk))

        new = FlowRun.objects.get(pk=new.pk)
        assert (new.state, new.kind, new.parent_id) == ("SUCCEEDED", "REPLAY", failed.pk)
        assert sorted(dacs.transaction_ids()) == ["E-1", "E-2"]
        assert list(EnrollmentRecord.objects.order_by("message_id").values_list("state", flat=True)) == [
            "SUCCESS",
            "SUCCESS",
        ]
        assert FlowRun.objects.get(pk=failed.pk).state == "FAILED"
        assert next(each.reason for each in new.transitions.order_by("pk")) == "DACS is back"

    def test_never_takes_a_success_back(self, dacs: Dacs, api: APIClient, operator: Any) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")
        dacs.otherwise = Behaviour(status=503)

        new = runs.replay(run_id=run.pk, by=operator, reason="check", at=timezone.now())
        tasks.execute_run(run_id=str(new.pk))

        assert FlowRun.objects.get(pk=new.pk).state == "FAILED"
        assert EnrollmentRecord.objects.get().state == "SUCCESS"
        assert EnrollmentRecord.objects.get().answer_id == "E-E-1"

    def test_is_refused_while_another_replay_waits(self, dacs: Dacs, api: APIClient, operator: Any) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")
        runs.replay(run_id=run.pk, by=operator, reason="first", at=timezone.now())

        with pytest.raises(runs.StateDoesNotAllow, match="already being replayed by operator"):
            runs.replay(run_id=run.pk, by=operator, reason="second", at=timezone.now())

        assert FlowRun.objects.count() == 2

    def test_is_refused_without_a_reason(self, dacs: Dacs, api: APIClient, operator: Any) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")

        with pytest.raises(runs.ReasonMissing):
            runs.replay(run_id=run.pk, by=operator, reason="  ", at=timezone.now())

        assert FlowRun.objects.count() == 1

    def test_is_refused_for_a_flow_whose_target_would_take_it_twice(
        self, dacs: Dacs, api: APIClient, operator: Any
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")
        Flow.objects.filter(name="enrollment_request").update(idempotent=False)

        with pytest.raises(runs.NotRepeatable, match="not idempotent"):
            runs.replay(run_id=run.pk, by=operator, reason="try", at=timezone.now())

    def test_is_refused_once_the_request_was_purged(self, dacs: Dacs, api: APIClient, operator: Any) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")

        purged = housekeeping.purge_payloads(at=timezone.now() + dt.timedelta(days=33))

        assert purged == 2
        with pytest.raises(runs.NotRepeatable, match="retention"):
            runs.replay(run_id=run.pk, by=operator, reason="try", at=timezone.now())
        assert FlowRun.objects.count() == 1

    def test_is_worked_on_once_however_often_the_worker_is_woken(
        self, dacs: Dacs, api: APIClient, operator: Any
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")
        new = runs.replay(run_id=run.pk, by=operator, reason="try", at=timezone.now())
        dacs.requests.clear()

        tasks.execute_run(run_id=str(new.pk))
        tasks.execute_run(run_id=str(new.pk))

        assert dacs.transaction_ids() == ["E-1"]


class TestResubmit:
    def test_is_refused_for_request_response_and_says_replay(self, dacs: Dacs, api: APIClient, operator: Any) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")

        answer = api.post(f"/api/v1/flow-runs/{run.pk}/resubmit/", {"reason": "again"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")
        assert "Use replay" in answer.json()["detail"]
        assert FlowRun.objects.get().state == "SUCCEEDED"

    def test_puts_a_failed_one_way_run_to_work_again(self, operator: Any) -> None:
        factory.prepare()
        Flow.objects.filter(name="enrollment_request").update(pattern="ASYNC")
        run = waiting_run("E-1")
        housekeeping.end_abandoned(at=factory.AT + dt.timedelta(minutes=1))

        runs.resubmit(run_id=run.pk, by=operator, reason="again", at=timezone.now())

        run = FlowRun.objects.get(pk=run.pk)
        assert run.state == "RECEIVED"
        latest = run.transitions.order_by("-pk")[0]
        assert (latest.from_state, latest.to_state, latest.by, latest.reason) == (
            "FAILED",
            "RECEIVED",
            "operator",
            "again",
        )


class TestDiscardAndRestore:
    def test_discard_is_reversible(self, dacs: Dacs, api: APIClient, nobody_listens: str) -> None:
        factory.prepare(base_url=nobody_listens)
        run = send(api, "E-1")

        discarded = api.post(f"/api/v1/flow-runs/{run.pk}/discard/", {"reason": "known outage"}, format="json")
        restored = api.post(f"/api/v1/flow-runs/{run.pk}/restore/", {"reason": "not known"}, format="json")

        assert (discarded.status_code, discarded.json()["state"]) == (200, "DISCARDED")
        assert (restored.status_code, restored.json()["state"]) == (200, "FAILED")
        assert restored.json()["transitions"][-1]["by"] == "operator"

    def test_a_run_that_succeeded_cannot_be_discarded(self, dacs: Dacs, api: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")
        before = RunTransition.objects.count()

        answer = api.post(f"/api/v1/flow-runs/{run.pk}/discard/", {"reason": "why not"}, format="json")

        assert answer.status_code == 409
        assert FlowRun.objects.get().state == "SUCCEEDED"
        assert RunTransition.objects.count() == before

    def test_a_reason_is_required(self, dacs: Dacs, api: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")

        answer = api.post(f"/api/v1/flow-runs/{run.pk}/discard/", {}, format="json")

        assert answer.status_code == 400
        assert answer.json()["errors"] == [
            {"pointer": "/reason", "code": "required", "message": "This field is required."}
        ]


class TestAbort:
    def test_stops_what_is_not_sent_and_answers_with_what_there_is(
        self, dacs: Dacs, api: APIClient, operator: Any
    ) -> None:
        factory.prepare(base_url=dacs.base_url, max_concurrency=1)

        def abort_at_the_second(request: dict[str, Any]) -> None:
            from django.db import connections

            if request["body"]["transactionId"] == "E-2":
                runs.abort(run_id=FlowRun.objects.get().pk, by=operator, reason="wrong day", at=timezone.now())
                connections.close_all()

        dacs.on_request = abort_at_the_second
        body = factory.collection(*(factory.record(f"E-{n}") for n in range(1, 6)))
        answer = api.post(SHORT, body, format="json")

        assert dacs.transaction_ids() == ["E-1", "E-2"]
        assert [entry["responseCode"] for entry in answer.json()["responses"]] == [
            *("SUCCESS", "SUCCESS", "FAILURE", "FAILURE", "FAILURE")
        ]
        assert "ended by operator: wrong day" in answer.json()["responses"][2]["value"]
        assert FlowRun.objects.get().state == "ABORTED"
        states = EnrollmentRecord.objects.order_by("position").values_list("state", flat=True)
        assert list(states) == ["SUCCESS", "SUCCESS", "FAILURE", "FAILURE", "FAILURE"]


class TestAbandonedRuns:
    def test_become_failed_and_their_records_are_tried_again(self, dacs: Dacs, api: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dead = waiting_run("E-1")

        early = housekeeping.sweep(at=factory.AT + dt.timedelta(seconds=29))
        ended = housekeeping.sweep(at=factory.AT + dt.timedelta(seconds=30))

        assert (early, ended) == (0, 1)
        dead.refresh_from_db()
        assert (dead.state, dead.fault_type, dead.fault_code) == ("FAILED", "TECHNICAL", "abandoned")
        assert Incident.objects.get().fault_code == "abandoned"
        assert Mail.objects.count() == 1
        assert send(api, "E-1").state == "SUCCEEDED"
        assert dacs.transaction_ids() == ["E-1"]

    def test_hold_their_records_as_long_as_the_lease_lasts(self, dacs: Dacs, api: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dead = waiting_run("E-1")
        FlowRun.objects.filter(pk=dead.pk).update(lease_until=timezone.now() + dt.timedelta(seconds=20))

        answer = api.post(SHORT, factory.collection(factory.record("E-1")), format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")
        assert dacs.requests == []

    def test_cannot_be_finished_by_a_process_that_comes_back_late(self) -> None:
        factory.prepare()
        row = waiting_run("E-1")
        late = runner.start(row, clock=lambda: factory.AT)
        housekeeping.end_abandoned(at=factory.AT + dt.timedelta(minutes=5))

        finished = runner.finish(late, status=200, response=b"{}", ack_type="SUCCESS")

        assert finished is False
        assert FlowRun.objects.get().state == "FAILED"

    def test_wakes_a_worker_for_what_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        factory.prepare()
        row = waiting_run("E-1", leased=False)
        woken: list[dict[str, Any]] = []
        monkeypatch.setattr(housekeeping, "after_commit", lambda name, **kwargs: woken.append({"name": name, **kwargs}))

        housekeeping.sweep(at=factory.AT + dt.timedelta(seconds=14))
        assert woken == []
        housekeeping.sweep(at=factory.AT + dt.timedelta(seconds=15))

        assert woken == [{"name": "integration.tasks.execute_run", "run_id": str(row.pk)}]
        assert FlowRun.objects.get().state == "RECEIVED"


class TestDefects:
    def test_a_defect_fails_the_run_tells_people_and_is_a_500(
        self, dacs: Dacs, api: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from integration.flows import enrollment_mapping

        factory.prepare(base_url=dacs.base_url)

        def broken(*args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError("a defect")

        monkeypatch.setattr(enrollment_mapping, "map_record", broken)
        api.raise_request_exception = False  # type: ignore[attr-defined]
        answer = api.post(SHORT, factory.collection(factory.record("E-1")), format="json")

        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "defect" not in answer.json().get("faultReason", "")
        run = FlowRun.objects.get()
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "TECHNICAL", "ZeroDivisionError")
        assert run.steps.get(name="Translate to DACS").outcome == "FAILED"
        assert EnrollmentRecord.objects.get().state == "FAILURE"
        assert Mail.objects.count() == 1


class TestTracing:
    @pytest.mark.parametrize(("level", "kept", "lines"), [("PRODUCTION", 2, 0), ("AUDIT", 4, 0), ("DEBUG", 4, 1)])
    def test_level_decides_which_exchanges_are_kept(
        self, dacs: Dacs, api: APIClient, level: str, kept: int, lines: int
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        Flow.objects.filter(name="enrollment_request").update(tracing_level=level)

        run = send(api, "E-1")

        assert Payload.objects.count() == kept
        assert len(run.steps.get(name="Send to DACS").detail) == lines

    def test_puts_the_correlation_id_into_every_log_line(
        self, dacs: Dacs, api: APIClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        factory.prepare(base_url=dacs.base_url)

        run = send(api, "E-1")

        lines = [record.msg for record in caplog.records if record.name.startswith("integration.flows")]
        assert len(lines) == 5
        assert {line["correlation_id"] for line in lines if isinstance(line, dict)} == {run.correlation_id}


class TestApi:
    def test_lists_and_finds_runs_by_business_identifier(self, dacs: Dacs, api: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        wanted = send(api, "DRMS-ENR-000917", "DRMS-ENR-000918")
        send(api, "OTHER-1")

        found = api.get("/api/v1/flow-runs/", {"search": "drms-enr-000918"}).json()

        assert found["count"] == 1
        run = found["results"][0]
        assert (run["id"], run["flow"], run["state"], run["ack_type"]) == (
            str(wanted.pk),
            "enrollment_request",
            "SUCCEEDED",
            "SUCCESS",
        )
        assert run["fault"] is None
        assert run["progress"] == {"done": 2, "total": 2}
        assert run["business_identifiers"] == [
            {"name": "messageId", "value": "DRMS-ENR-000917"},
            {"name": "messageId", "value": "DRMS-ENR-000918"},
        ]

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"state": "SUCCEEDED"}, 1),
            ({"state": "FAILED"}, 0),
            ({"flow": "enrollment_request"}, 1),
            ({"flow": "error_handler"}, 0),
            ({"started_after": "2020-01-01T00:00:00Z"}, 1),
            ({"started_after": "2120-01-01T00:00:00Z"}, 0),
            ({"search": "nothing-like-it"}, 0),
        ],
    )
    def test_filters(self, dacs: Dacs, api: APIClient, filters: dict[str, str], expected: int) -> None:
        factory.prepare(base_url=dacs.base_url)
        send(api, "E-1")

        assert api.get("/api/v1/flow-runs/", filters).json()["count"] == expected

    def test_shows_a_run_with_its_steps(self, api: APIClient, nobody_listens: str) -> None:
        factory.prepare(base_url=nobody_listens)
        run = send(api, "E-1")

        detail = api.get(f"/api/v1/flow-runs/{run.pk}/").json()

        assert detail["fault"] == {
            "type": "REMOTE",
            "code": "target_unreachable",
            "reason": "DACS cannot be reached",
        }
        assert [step["name"] for step in detail["steps"]] == [
            "Check the records",
            "Translate to DACS",
            "Send to DACS",
            "Answer DERMS",
        ]
        assert [each["to_state"] for each in detail["transitions"]] == ["RECEIVED", "IN_PROGRESS", "FAILED"]

    def test_answers_404_for_what_is_not_there(self, api: APIClient) -> None:
        for address in (f"/api/v1/flow-runs/{uuid.UUID(int=0)}/", "/api/v1/flow-runs/7/"):
            answer = api.get(address)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("verb", ["resubmit", "replay", "abort", "discard", "restore"])
    def test_refuses_each_verb_to_those_who_may_only_look(self, dacs: Dacs, api: APIClient, verb: str) -> None:
        factory.prepare(base_url=dacs.base_url)
        run = send(api, "E-1")
        api.force_authenticate(factory.user("auditor", rights=["integration.view_flowrun"]))

        answer = api.post(f"/api/v1/flow-runs/{run.pk}/{verb}/", {"reason": "try"}, format="json")

        assert answer.status_code == 403
        assert FlowRun.objects.get().state == "SUCCEEDED"

    def test_deactivates_and_activates_a_flow(self, dacs: Dacs, api: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)

        off = api.post("/api/v1/flows/enrollment_request/deactivate/")
        refused = api.post(SHORT, factory.collection(factory.record("E-1")), format="json")
        twice = api.post("/api/v1/flows/OUTL-BA-DRMS_DACS_ENROLLRQ/deactivate/")
        on = api.post("/api/v1/flows/enrollment_request/activate/")

        assert (off.status_code, off.json()["active"]) == (200, False)
        assert (refused.status_code, refused.json()["code"]) == (404, "flow_not_active")
        assert twice.status_code == 409
        assert on.json()["active"] is True
        assert send(api, "E-1").state == "SUCCEEDED"
        history = Flow.history.filter(name="enrollment_request").order_by("history_id")  # type: ignore[attr-defined]
        assert [each.history_change_reason for each in history][-2:] == [
            "deactivated by operator",
            "activated by operator",
        ]

    def test_cannot_activate_what_this_version_has_not(self, api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
        factory.prepare()
        later = dataclasses.replace(registry.find("event_outcome"), module=None)
        monkeypatch.setattr(registry, "find", lambda code: later)

        answer = api.post("/api/v1/flows/event_outcome/activate/")

        assert (answer.status_code, answer.json()["code"]) == (404, "flow_not_available")

    def test_lists_every_flow_with_its_availability(self, api: APIClient) -> None:
        factory.prepare()

        flows_listed = api.get("/api/v1/flows/").json()["results"]

        assert len(flows_listed) == 12
        assert [each["name"] for each in flows_listed if not each["available"]] == []


class TestInstallFlows:
    def test_is_idempotent_and_keeps_what_a_site_set(self) -> None:
        assert flows.install_flows(at=factory.AT) == 12
        Flow.objects.filter(name="enrollment_request").update(active=False, tracing_level="DEBUG")

        assert flows.install_flows(at=factory.AT) == 0

        flow = Flow.objects.get(name="enrollment_request")
        assert (flow.active, flow.tracing_level) == (False, "DEBUG")


class TestHandleMessage:
    def test_makes_the_flow_s_row_when_none_is_installed(self) -> None:
        reply = messages.handle_message(
            identifier="error_handler",
            uri="receiveMessage",
            document={
                "integrationIdentifier": "X",
                "faultType": "BUSINESS",
                "faultCode": "1",
                "faultReason": "refused",
            },
            raw=b"{}",
            media_type="application/json",
            account=factory.user("peer"),
            clock=lambda: factory.AT,
        )

        assert reply.status == 202
        assert Flow.objects.get().name == "error_handler"
