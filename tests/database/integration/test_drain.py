"""Switching a flow off keeps what waits and finishes what is at work; switched on, everything is worked on once."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from integration import control_queries
from integration.choices import FlowState
from integration.flows import runner
from integration.models import Flow, FlowRun
from integration.operations import drain, housekeeping, messages
from tests.database.integration.conftest import Dacs
from tests.factories import control as waiting
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

NAME = "enrollment_request"


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return waiting.record_wake_ups(monkeypatch)


def work(woken: list[dict[str, Any]]) -> None:
    """Do what workers do with wake-up calls, some of which come twice."""
    for call in [*woken, *woken[:10]]:
        messages.execute(run_id=call["run_id"], clock=timezone.now)


class TestDeactivate:
    def test_loses_none_of_a_hundred_that_wait_and_works_on_each_once_when_switched_on(
        self, dacs: Dacs, woken: list[dict[str, Any]]
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        rows = [waiting.run(f"E-{number}") for number in range(100)]

        condition = drain.deactivate(identifier=NAME, by="operator", reason="patch", at=factory.AT)
        for row in rows[:5]:
            messages.execute(run_id=row.pk, clock=timezone.now)
        housekeeping.sweep(at=timezone.now())

        assert (condition.state, condition.waiting) == (FlowState.INACTIVE, 100)
        assert (woken, dacs.requests) == ([], [])
        assert FlowRun.objects.filter(state="RECEIVED").count() == 100

        drain.activate(identifier=NAME, by="operator", at=timezone.now())
        work(woken)

        assert len(woken) == 100
        assert FlowRun.objects.filter(state="SUCCEEDED").count() == 100
        assert sorted(dacs.transaction_ids()) == sorted(f"E-{number}" for number in range(100))

    def test_drains_until_what_is_at_work_has_ended(self) -> None:
        factory.prepare()
        run = runner.start(waiting.run("E-1"), clock=lambda: factory.AT)

        condition = drain.deactivate(identifier=NAME, by="operator", at=factory.AT)
        runner.finish(run, status=200, response=b"{}", ack_type="SUCCESS")

        assert (condition.state, condition.working) == (FlowState.DRAINING, 1)
        flow = Flow.objects.get(name=NAME)
        assert control_queries.condition_of(flow).state == FlowState.INACTIVE
        assert FlowRun.objects.get().state == "SUCCEEDED"


class TestApi:
    def test_says_how_the_flow_stands(self) -> None:
        factory.prepare()
        runner.start(waiting.run("E-1"), clock=lambda: factory.AT)
        waiting.run("E-2")
        client = APIClient()
        client.force_authenticate(factory.user("boss", rights=["integration.activate_flow", "integration.view_flow"]))

        off = client.post(f"/api/v1/flows/{NAME}/deactivate/")
        again = client.post(f"/api/v1/flows/{NAME}/deactivate/")
        on = client.post(f"/api/v1/flows/{NAME}/activate/")

        assert off.json()["condition"] == {"state": "DRAINING", "working": 1, "waiting": 1}
        assert again.status_code == 409
        assert on.json()["condition"]["state"] == "ACTIVE"
