"""Statistics: counted with the run, added up over days and parts, untouched by a purge."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from rest_framework.test import APIClient

from integration import control_queries
from integration.flows import runner
from integration.models import FlowRun, FlowStatistics
from integration.operations import retention, runs
from tests.factories import control as waiting
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)


def finished(message_id: str, seconds: float, *, day: int = 0) -> FlowRun:
    at = factory.AT + dt.timedelta(days=day)
    row = waiting.run(message_id, at=at)
    run = runner.start(row, clock=lambda: at + dt.timedelta(seconds=seconds))
    runner.finish(run, status=200, response=b"{}", ack_type="SUCCESS")
    return row


class TestStatistics:
    def test_adds_up_counts_and_durations(self) -> None:
        factory.prepare()
        for number, seconds in enumerate((1, 2, 3, 6)):
            finished(f"E-{number}", seconds)
        waiting.failed_run("E-9")

        (found,) = control_queries.statistics()

        assert (found.received, found.succeeded, found.failed, found.aborted) == (5, 4, 1, 0)
        assert (found.shortest, found.longest) == (0.0, 6.0)
        assert found.mean == pytest.approx(2.4)
        assert found.deviation == pytest.approx(2.0591260281974)
        assert found.success_percent == pytest.approx(80.0)

    def test_counts_an_abort_of_what_waits(self) -> None:
        factory.prepare()
        row = waiting.run("E-1")

        runs.abort(run_id=row.pk, by=factory.user(), reason="not wanted", at=factory.AT)

        (found,) = control_queries.statistics()
        assert (found.received, found.aborted) == (1, 1)

    def test_is_not_counted_when_the_transaction_is_undone(self) -> None:
        factory.prepare()
        from django.db import transaction

        with transaction.atomic():
            waiting.run("E-1")
            transaction.set_rollback(True)

        assert FlowStatistics.objects.count() == 0

    def test_stays_when_the_runs_are_purged(self) -> None:
        factory.prepare()
        finished("E-1", 1)
        before = control_queries.statistics()

        assert retention.purge_runs(at=factory.AT + dt.timedelta(days=366)) == 1

        assert FlowRun.objects.count() == 0
        assert control_queries.statistics() == before

    def test_is_asked_by_day_and_flow(self) -> None:
        factory.prepare()
        finished("E-1", 1)
        finished("E-2", 1, day=2)
        first = factory.AT.date()

        assert control_queries.statistics(until=first)[0].received == 1
        assert control_queries.statistics(since=first)[0].received == 2
        assert control_queries.statistics(flow="event_outcome") == []


class TestApi:
    def test_gives_them(self) -> None:
        factory.prepare()
        finished("E-1", 2)
        client = APIClient()
        client.force_authenticate(factory.user("reader", rights=["integration.view_flow"]))

        answer: Any = client.get("/api/v1/flow-statistics/?since=2026-03-01&until=2026-03-02")
        wrong = client.get("/api/v1/flow-statistics/?since=yesterday")

        assert answer.json()[0]["flow"] == "enrollment_request"
        assert answer.json()[0]["mean"] == 2.0
        assert wrong.status_code == 400
