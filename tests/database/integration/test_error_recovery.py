"""An incident after its first mail: told urgently, closed when the flow works again, reopened when it fails anew."""

from __future__ import annotations

import datetime as dt

import pytest

from integration.flows import runner
from integration.flows.contract import Fault
from integration.models import Flow, FlowRun, Incident
from integration.operations import errors
from outbound.models import Mail, Parameter
from outbound.retry import FaultType
from tests.factories import control as waiting
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

DOWN = Fault(type=FaultType.REMOTE, code="target_unreachable", reason="DACS cannot be reached")


def later(seconds: float) -> dt.datetime:
    return factory.AT + dt.timedelta(seconds=seconds)


def fail(seconds: float, run: FlowRun | None = None) -> None:
    flow = Flow.objects.get(name="enrollment_request")
    run = run or waiting.run(f"F-{seconds}", at=later(seconds))
    errors.report(flow=flow, source=flow.identifier, fault=DOWN, run=run, at=later(seconds))


def succeed(seconds: float, *, taken: float | None = None, ack_type: str = "SUCCESS") -> FlowRun:
    row = waiting.run(f"S-{seconds}", at=later(0))
    started = later(seconds if taken is None else taken)
    times = iter([started])
    run = runner.start(row, clock=lambda: next(times, later(seconds)))
    runner.finish(run, status=200, response=b"{}", ack_type=ack_type)
    return row


def subjects() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("subject", flat=True))


class TestRecovered:
    def test_closes_the_incident_and_tells_it_in_its_thread(self) -> None:
        factory.prepare()
        fail(0)

        run = succeed(60)

        incident = Incident.objects.get()
        assert (incident.closed_by, incident.closing_note) == ("system", f"Run {run.pk} succeeded.")
        first, notice = Mail.objects.order_by("pk")
        assert notice.subject == "[Tieline] Recovered: OU DERMS DACS Enrollment Request"
        assert notice.thread == first.thread
        assert notice.references == first.message_id
        assert "In all: 1 time" in notice.text
        assert "works again" in notice.html

    def test_needs_a_run_that_began_after_the_fault_and_ended_well(self) -> None:
        factory.prepare()
        fail(30)

        succeed(60, taken=10)
        succeed(61, ack_type="FAILURE")

        assert Incident.objects.get().closed_at is None

    def test_leaves_what_no_run_can_cure(self) -> None:
        factory.prepare()
        flow = Flow.objects.get(name="enrollment_request")
        overdue = Fault(type=FaultType.REMOTE, code=errors.CHECKS_OVERDUE, reason="3 checks are overdue")
        errors.report(flow=flow, source=flow.identifier, fault=overdue, at=factory.AT)

        succeed(60)

        assert Incident.objects.get().closed_at is None
        assert "Device status checks are overdue" in Mail.objects.get().text

    def test_a_target_that_comes_and_goes_is_no_storm_of_mails(self) -> None:
        factory.prepare()
        for minute in range(0, 14, 2):
            fail(minute * 60)
            succeed(minute * 60 + 60)

        assert Incident.objects.count() == 1
        assert len(subjects()) == 2

    def test_a_fault_that_comes_back_much_later_is_a_new_incident(self) -> None:
        factory.prepare()
        fail(0)
        succeed(60)

        fail(7200)

        assert Incident.objects.count() == 2
        assert len(subjects()) == 3

    def test_a_success_stands_when_the_notice_cannot_be_queued(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from integration.operations import error_mails

        factory.prepare()
        fail(0)
        monkeypatch.setattr(error_mails, "queue_mail", lambda **more: 1 / 0)

        row = succeed(60)

        assert FlowRun.objects.get(pk=row.pk).state == "SUCCEEDED"
        incident = Incident.objects.get()
        assert incident.closed_at is not None
        assert incident.mail_trouble.startswith("ZeroDivisionError")


class TestEscalation:
    def test_tells_urgently_once_for_every_so_many_faults(self) -> None:
        factory.prepare()
        Parameter.objects.update_or_create(name="ERROR_ESCALATE_AFTER", defaults={"value": "10"})
        row = waiting.run("E-1")
        for second in range(12):
            fail(second, row)
        errors.send_digests(at=later(900))
        fail(901, row)
        errors.send_digests(at=later(1800))
        for second in range(10):
            fail(1801 + second, row)
        errors.send_digests(at=later(2700))

        urgent = ["STILL FAILING" in subject for subject in subjects()]
        assert urgent == [False, True, False, True]
        assert Incident.objects.get().escalations == 2
