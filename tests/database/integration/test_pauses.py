"""Pausing a flow, all flows, or what uses a connection: what waits is kept, and each resume restores its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from rest_framework.test import APIClient

from integration import control_queries
from integration.choices import FlowState
from integration.models import Flow, FlowRun, Pause
from integration.operations import housekeeping, messages, pauses, zones
from outbound.models import Connection
from tests.database.integration.conftest import Dacs
from tests.factories import control as waiting
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

NAME = "enrollment_request"


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return waiting.record_wake_ups(monkeypatch)


def later(minutes: float) -> dt.datetime:
    return factory.AT + dt.timedelta(minutes=minutes)


def pause(scope: str, target: str = "", **more: Any) -> Pause:
    return pauses.pause(scope=scope, target=target, by="operator", reason="patch night", at=factory.AT, **more)


class TestPause:
    def test_keeps_what_waits_and_wakes_it_on_resume(self, dacs: Dacs, woken: list[dict[str, Any]]) -> None:
        factory.prepare(base_url=dacs.base_url)
        row = waiting.run("E-1")

        paused = pause("FLOW", NAME)
        messages.execute(run_id=row.pk, clock=lambda: later(1))
        housekeeping.sweep(at=later(1))
        held = FlowRun.objects.get().state
        pauses.resume(pause_id=paused.pk, by="operator", reason="done", at=later(2))
        messages.execute(run_id=woken[0]["run_id"], clock=lambda: later(2))

        assert held == "RECEIVED"
        assert [call["run_id"] for call in woken] == [row.pk]
        assert FlowRun.objects.get().state == "SUCCEEDED"

    def test_restores_exactly_what_it_stopped(self, woken: list[dict[str, Any]]) -> None:
        factory.prepare(base_url="http://127.0.0.1:9/")
        waiting.run("E-1")
        own, everything = pause("FLOW", NAME), pause("ALL")
        by_connection = pause("CONNECTION", "DACS")
        flow = Flow.objects.get(name=NAME)
        other = Flow.objects.get(name="error_handler")

        pauses.resume(pause_id=everything.pk, by="operator", at=later(1))

        assert control_queries.condition_of(flow).state == FlowState.PAUSED
        assert control_queries.condition_of(other).state == FlowState.ACTIVE
        assert woken == []
        pauses.resume(pause_id=own.pk, by="operator", at=later(2))
        assert woken == []
        assert Connection.objects.get(name="DACS").held is True
        pauses.resume(pause_id=by_connection.pk, by="operator", at=later(3))
        assert len(woken) == 1
        assert Connection.objects.get(name="DACS").held is False

    def test_ends_by_itself_at_its_planned_end(self) -> None:
        factory.prepare()
        paused = pause("ALL", planned_end=later(60))

        assert pauses.end_planned(at=later(59)) == 0
        assert pauses.end_planned(at=later(60)) == 1

        paused.refresh_from_db()
        assert (paused.resumed_by, paused.resumed_at) == ("system", later(60))

    def test_is_made_and_ended_once(self) -> None:
        factory.prepare()
        paused = pause("FLOW", "OUTL_BA_DRMS_DACS_ENROLLRQ")
        with pytest.raises(pauses.AlreadyPaused, match="by operator"):
            pause("FLOW", NAME)
        pauses.resume(pause_id=paused.pk, by="one", at=later(1))

        with pytest.raises(pauses.AlreadyResumed, match="by one"):
            pauses.resume(pause_id=paused.pk, by="two", at=later(2))
        with pytest.raises(pauses.UnknownPause):
            pauses.resume(pause_id=0, by="two", at=later(2))

    @pytest.mark.parametrize(
        ("scope", "target", "more"),
        [
            ("FLOW", "no_such_flow", {}),
            ("CONNECTION", "NOWHERE", {}),
            ("PLANET", "", {}),
            ("ALL", "", {"planned_end": factory.AT}),
        ],
    )
    def test_refuses_what_cannot_be_paused(self, scope: str, target: str, more: dict[str, Any]) -> None:
        factory.prepare()

        with pytest.raises(pauses.UnableToPause):
            pause(scope, target, **more)
        assert Pause.objects.count() == 0


class TestListedStates:
    def test_are_the_same_as_those_of_each_flow(self) -> None:
        factory.prepare(base_url="http://127.0.0.1:9/")
        Connection.objects.create(name="DACS2", base_url="http://127.0.0.1:9/")
        Flow.objects.filter(name="event_outcome").update(active=False)
        pause("FLOW", "error_handler")
        pause("CONNECTION", "DACS2")

        def states() -> dict[str, tuple[FlowState, FlowState]]:
            return {
                flow.name: (control_queries.state_of(flow), control_queries.condition_of(flow).state)
                for flow in control_queries.with_states(Flow.objects.all())
            }

        one = states()
        pause("CONNECTION", "DACS")
        both = states()

        assert all(listed == own for listed, own in (*one.values(), *both.values()))
        assert one["error_handler"][0] == FlowState.PAUSED
        assert one["event_outcome"][0] == FlowState.INACTIVE
        assert one["enrollment_request"][0] == FlowState.ACTIVE
        assert both["enrollment_request"][0] == FlowState.PAUSED


class TestApi:
    def test_answers_503_while_a_request_response_flow_is_paused(self, dacs: Dacs) -> None:
        factory.prepare(base_url=dacs.base_url)
        client = APIClient()
        client.force_authenticate(
            factory.user("boss", rights=["integration.pause_flow", "integration.call_flow", "integration.view_flow"])
        )

        made = client.post("/api/v1/pauses/", {"scope": "FLOW", "target": NAME, "reason": "patch"}, format="json")
        refused = client.post(
            f"/api/v1/flows/{NAME}/enroll-to-dacs", factory.collection(factory.record("E-1")), format="json"
        )
        twice = client.post("/api/v1/pauses/", {"scope": "FLOW", "target": NAME, "reason": "patch"}, format="json")
        unknown = client.post("/api/v1/pauses/", {"scope": "FLOW", "target": "nope", "reason": "x"}, format="json")
        ended = client.post(f"/api/v1/pauses/{made.json()['id']}/resume/", {"reason": "done"}, format="json")
        again = client.post(f"/api/v1/pauses/{made.json()['id']}/resume/", {}, format="json")
        gone = client.post("/api/v1/pauses/0/resume/", {}, format="json")
        taken = client.post(
            f"/api/v1/flows/{NAME}/enroll-to-dacs", factory.collection(factory.record("E-1")), format="json"
        )

        assert made.status_code == 201
        assert (refused.status_code, refused.json()["code"]) == (503, "flow_paused")
        assert refused["Retry-After"] == "60"
        assert (twice.status_code, unknown.status_code, again.status_code, gone.status_code) == (409, 400, 409, 404)
        assert (ended.status_code, ended.json()["resumed_by"]) == (200, "boss")
        assert taken.status_code == 200
        assert client.get("/api/v1/pauses/").json()["results"][0]["resume_reason"] == "done"


class TestQueue:
    def test_holds_what_is_queued_for_a_paused_connection_and_lets_it_go_again(self) -> None:
        from outbound.operations import message_targets

        factory.prepare(base_url="http://127.0.0.1:9/")
        paused = pause("CONNECTION", "DACS")

        with pytest.raises(message_targets.HeldBack, match="Connection DACS is paused"):
            message_targets.usable_connection("DACS", at=later(1))
        pauses.resume(pause_id=paused.pk, by="operator", at=later(2))

        assert message_targets.works("DACS", at=later(3))


class TestZones:
    def test_wakes_the_workers_of_the_connections_zone(self, woken: list[dict[str, Any]]) -> None:
        factory.prepare(base_url="http://127.0.0.1:9/", zone="plant-1")
        waiting.run("E-1")

        unattended = housekeeping.wake_waiting(at=later(1))
        zones.record_heartbeat(zone="plant-1", worker="beside", at=later(2))
        attended = housekeeping.wake_waiting(at=later(2))

        assert (unattended, attended) == (0, 1)
        assert woken[0]["queue"] == "zone.plant-1"
