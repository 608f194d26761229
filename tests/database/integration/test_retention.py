"""What may go goes when its time has passed, and nothing else."""

from __future__ import annotations

import datetime as dt

import pytest

from foundation.models import IdempotentRequest
from integration.choices import PayloadDirection
from integration.flows import runner
from integration.models import Flow, FlowRun, Incident, Payload
from integration.operations import errors, retention
from outbound.models import Mail
from tests.database.integration.test_errors import DOWN
from tests.factories import control as waiting
from tests.factories import integration as factory
from tests.factories import outbound as outbound_factory


pytestmark = pytest.mark.django_db(transaction=True)


def days(number: float) -> dt.datetime:
    return factory.AT + dt.timedelta(days=number)


class TestPurgeRuns:
    def test_takes_ended_runs_of_long_ago_only(self) -> None:
        factory.prepare()
        waiting.failed_run("old")
        waiting.run("waits")
        waiting.failed_run("young", at=days(300))

        assert retention.purge_runs(at=days(365) - dt.timedelta(seconds=1)) == 0
        assert retention.purge_runs(at=days(366)) == 1

        assert set(FlowRun.objects.values_list("idempotency_key", flat=True)) == {"waits", "young"}

    def test_keeps_for_ever_where_no_days_are_set(self) -> None:
        factory.prepare()
        Flow.objects.update(run_retention_days=None)
        waiting.failed_run("old")

        assert retention.purge_runs(at=days(36_000)) == 0

    def test_keeps_a_run_as_long_as_its_repetition(self) -> None:
        factory.prepare()
        parent = waiting.failed_run("E-1")
        child = waiting.failed_run("E-2", at=days(100))
        FlowRun.objects.filter(pk=child.pk).update(parent=parent)

        assert retention.purge_runs(at=days(400)) == 0
        assert retention.purge_runs(at=days(500)) == 2


class TestPurge:
    def test_takes_incidents_mails_and_answers_of_long_ago(self) -> None:
        factory.prepare()
        incident = errors.report(flow=None, source="A", fault=DOWN, at=factory.AT)
        assert incident is not None
        errors.report(flow=None, source="B", fault=DOWN, at=factory.AT)
        errors.close(incident_id=incident.pk, by="operator", note="done", at=factory.AT)
        outbound_factory.make_mail(status="SENT", sent_at=factory.AT)
        answer = IdempotentRequest.objects.create(scope="a", key="k", digest="d")
        IdempotentRequest.objects.filter(pk=answer.pk).update(created_at=factory.AT)
        waiting_mails = Mail.objects.filter(status="PENDING").count()

        purged = retention.purge(at=days(366))

        assert purged == {
            "payloads": 0,
            "files": 0,
            "runs": 0,
            "incidents": 1,
            "mails": 1,
            "idempotent_requests": 1,
            "schedule_slots": 0,
        }
        assert Incident.objects.get().source == "B"
        assert Mail.objects.filter(status="PENDING").count() == waiting_mails


class TestTracing:
    def test_keeps_what_only_debug_keeps_for_hours(self) -> None:
        factory.prepare()
        Flow.objects.update(tracing_level="DEBUG", debug_payload_hours=24, payload_retention_days=32)
        run = runner.start(waiting.run("E-1"), clock=lambda: factory.AT)

        with run.step("Send") as step:
            step.exchange(request=b"{}", response=b"{}", label="E-1", succeeded=True, media_type="application/json")
            step.exchange(request=b"{}", response=None, label="E-2", succeeded=False, media_type="application/json")

        kept = {
            (each.direction, each.label): each.retained_until - factory.AT
            for each in Payload.objects.exclude(direction=PayloadDirection.REQUEST_IN)
        }
        assert kept == {
            ("REQUEST_OUT", "E-1"): dt.timedelta(hours=24),
            ("RESPONSE_IN", "E-1"): dt.timedelta(hours=24),
            ("REQUEST_OUT", "E-2"): dt.timedelta(days=32),
        }
