"""The pages of runs, flows and incidents: what they show, what they ask the database, and what their buttons do."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from foundation.models import AuditEntry
from integration.flows import runner
from integration.flows.contract import Fault
from integration.models import Flow, FlowRun, Incident
from integration.operations import errors
from outbound.retry import FaultType
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db

BODY = b'{"params": [{"messageId": "E-1", "customerInfo": {"name": "Rivera, Dana"}}]}'


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("admin", "admin@example.org", "a-long-password"))
    return client


def failed_run(*message_ids: str, at: dt.datetime = factory.AT) -> FlowRun:
    row = runner.receive(
        flow=Flow.objects.get(name="enrollment_request"),
        body=BODY,
        media_type="application/json",
        digest="d",
        identifiers=[("messageId", each) for each in message_ids],
        requested_by_id=None,
        by="derms",
        reason="message received",
        at=at,
    )
    run = runner.start(row, clock=lambda: at)
    fault = Fault(type=FaultType.REMOTE, code="target_timed_out", reason="DACS did not answer in time")
    with run.step("Send to DACS") as step:
        step.count(sent=1, FAILURE=1)
        step.note({"position": 0, "messageId": message_ids[0], "code": "FAILURE", "text": "no answer", "seconds": 60})
        step.fail(fault)
    runner.finish(run, status=200, response=b'{"ackType": "FAILURE"}', ack_type="FAILURE", fault=fault)
    return FlowRun.objects.get(pk=row.pk)


class TestFlowRunList:
    def test_asks_as_much_for_fifty_runs_as_for_one(
        self, admin: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        factory.prepare()
        failed_run("E-1")
        admin.get("/admin/integration/flowrun/")
        with django_assert_num_queries(13):  # one number for each state, of at most so many rows
            admin.get("/admin/integration/flowrun/")
        for number in range(30):
            failed_run(f"M-{number}")

        with django_assert_num_queries(13):
            page = admin.get("/admin/integration/flowrun/")

        assert page.status_code == 200
        assert len(page.context["cl"].result_list) == 31

    @pytest.mark.parametrize(("search", "found"), [("e-1", 1), ("E-100", 1), ("OTHER", 0)])
    def test_finds_by_the_start_of_a_business_identifier(self, admin: Client, search: str, found: int) -> None:
        factory.prepare()
        failed_run("E-100", "E-200")

        page = admin.get("/admin/integration/flowrun/", {"q": search})

        assert len(page.context["cl"].result_list) == found


class TestFlowRunPage:
    def test_shows_the_steps_and_masks_the_payload(self, admin: Client) -> None:
        factory.prepare()
        run = failed_run("E-1")

        page = admin.get(f"/admin/integration/flowrun/{run.pk}/change/").content.decode()

        assert "Send to DACS" in page
        assert "DACS did not answer in time" in page
        assert "R••• D•••" in page
        assert "Rivera" not in page
        assert "message received" in page

    def test_unmasks_for_those_who_may_and_ask(self, admin: Client, client: Client) -> None:
        factory.prepare()
        run = failed_run("E-1")
        address = f"/admin/integration/flowrun/{run.pk}/change/"

        assert "Rivera" in admin.get(address, {"unmasked": "1"}).content.decode()
        read = AuditEntry.objects.get(component="integration.payload")
        assert (read.action, read.record) == ("READ", str(run.pk))
        client.force_login(factory.user("auditor", rights=["integration.view_flowrun"], is_staff=True))
        assert "Rivera" not in client.get(address, {"unmasked": "1"}).content.decode()

    def test_keeps_its_number_of_queries(
        self, admin: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        factory.prepare()
        run = failed_run("E-1")

        with django_assert_max_num_queries(31):
            admin.get(f"/admin/integration/flowrun/{run.pk}/change/")

    @pytest.mark.parametrize("address", ["not-an-id", "00000000-0000-0000-0000-000000000000"])
    def test_leads_back_to_the_list_when_there_is_no_such_run(self, admin: Client, address: str) -> None:
        answer = admin.get(f"/admin/integration/flowrun/{address}/change/")

        assert answer.status_code == 302

    def test_is_evidence_that_nobody_changes(self, admin: Client) -> None:
        factory.prepare()
        run = failed_run("E-1")

        assert admin.get("/admin/integration/flowrun/add/").status_code == 403
        assert admin.post(f"/admin/integration/flowrun/{run.pk}/delete/").status_code == 403
        assert admin.post(f"/admin/integration/flowrun/{run.pk}/change/", {"state": "SUCCEEDED"}).status_code == 403
        assert FlowRun.objects.get().state == "FAILED"


class TestVerbs:
    def press(self, client: Client, run: FlowRun, verb: str, **form: Any) -> Any:
        return client.post(f"/admin/integration/flowrun/{run.pk}/{verb}/", form)

    def test_ask_for_a_reason_first(self, admin: Client) -> None:
        factory.prepare()
        run = failed_run("E-1")

        page = self.press(admin, run, "discard")

        assert page.status_code == 200
        assert b"Discard this run" in page.content
        assert FlowRun.objects.get().state == "FAILED"

    def test_discard_and_restore(self, admin: Client) -> None:
        factory.prepare()
        run = failed_run("E-1")

        discarded = self.press(admin, run, "discard", reason="known outage")
        assert (discarded.status_code, FlowRun.objects.get().state) == (302, "DISCARDED")
        restored = self.press(admin, run, "restore", reason="look again")

        assert (restored.status_code, FlowRun.objects.get().state) == (302, "FAILED")
        assert list(run.transitions.order_by("-pk").values_list("by", "reason")[:2]) == [
            ("admin", "look again"),
            ("admin", "known outage"),
        ]

    def test_replay_leads_to_the_new_run(self, admin: Client) -> None:
        factory.prepare()
        body = factory.collection(factory.record("E-1"))
        run = failed_run("E-1")
        import json

        payload = run.payloads.get(direction="REQUEST_IN")
        payload.content = json.dumps(body).encode()
        payload.save()

        answer = self.press(admin, run, "replay", reason="DACS is back")

        new = FlowRun.objects.get(kind="REPLAY")
        assert answer["Location"] == f"/admin/integration/flowrun/{new.pk}/change/"
        assert (new.parent_id, new.state, new.requested_by.get_username()) == (run.pk, "RECEIVED", "admin")

    @pytest.mark.parametrize("verb", ["resubmit", "abort", "restore"])
    def test_are_refused_where_the_state_or_the_pattern_does_not_allow_them(self, admin: Client, verb: str) -> None:
        factory.prepare()
        run = failed_run("E-1")

        assert self.press(admin, run, verb, reason="try").status_code == 403
        assert FlowRun.objects.get().state == "FAILED"

    @pytest.mark.parametrize("verb", ["replay", "discard"])
    def test_are_refused_to_those_who_may_only_look(self, client: Client, verb: str) -> None:
        factory.prepare()
        run = failed_run("E-1")
        client.force_login(factory.user("auditor", rights=["integration.view_flowrun"], is_staff=True))

        page = client.get(f"/admin/integration/flowrun/{run.pk}/change/").content.decode()

        assert f"/{verb}/" not in page
        assert self.press(client, run, verb, reason="try").status_code == 403
        assert FlowRun.objects.count() == 1


def left_behind() -> Flow:
    """Make the row of a flow that another version had."""
    return Flow.objects.create(
        identifier="OUTL-BA-SOMETHING", name="something", display_name="Something", pattern="SYNC", direction="A → B"
    )


class TestFlowPages:
    def test_say_what_is_not_available(self, admin: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        factory.prepare()
        left_behind()
        admin.get("/admin/integration/flow/")

        with django_assert_num_queries(5):
            page = admin.get("/admin/integration/flow/").content.decode()

        assert page.count("Not available in this version") == 1

    def test_deactivate_with_a_reason(self, admin: Client) -> None:
        factory.prepare()
        flow = Flow.objects.get(name="enrollment_request")

        page = admin.get(f"/admin/integration/flow/{flow.pk}/change/").content.decode()
        answer = admin.post(f"/admin/integration/flow/{flow.pk}/deactivate/", {"reason": "maintenance"})

        assert "POST /api/v1/flows/enrollment_request/enroll-to-dacs" in page
        assert answer.status_code == 302
        flow.refresh_from_db()
        assert flow.active is False
        assert flow.history.latest().history_change_reason == "deactivated by admin: maintenance"  # type: ignore[attr-defined]

    def test_cannot_switch_what_is_not_available(self, admin: Client) -> None:
        factory.prepare()
        flow = left_behind()

        assert admin.post(f"/admin/integration/flow/{flow.pk}/deactivate/", {"reason": "x"}).status_code == 403


class TestIncidentPages:
    def test_list_and_close(self, admin: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        factory.prepare()
        run = failed_run("E-1")
        fault = Fault(type=FaultType.REMOTE, code="503", reason="DACS answered 503")
        incident = errors.report(flow=run.flow, source=run.flow.identifier, fault=fault, run=run, at=factory.AT)
        assert incident is not None
        admin.get("/admin/integration/incident/")

        with django_assert_num_queries(6):
            listed = admin.get("/admin/integration/incident/").content.decode()
        page = admin.get(f"/admin/integration/incident/{incident.pk}/change/").content.decode()
        answer = admin.post(f"/admin/integration/incident/{incident.pk}/close/", {"reason": "target is back"})

        assert "DACS answered 503" in listed
        assert str(run.pk) in page
        assert answer.status_code == 302
        closed = Incident.objects.get()
        assert (closed.closed_by, closed.closing_note) == ("admin", "target is back")
        assert admin.post(f"/admin/integration/incident/{incident.pk}/close/", {"reason": "x"}).status_code == 403
