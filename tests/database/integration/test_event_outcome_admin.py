"""The pages of outcomes and cancellations: what they show, whom they let in, and what they ask the database."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from integration.models import Cancellation, Event, Flow, FlowRun, Outcome
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("admin", "admin@example.org", "a-long-password"))
    return client


@pytest.fixture
def run() -> FlowRun:
    factory.prepare()
    return FlowRun.objects.create(
        flow=Flow.objects.get(name="event_outcome"), started_at=factory.AT, body_digest="0" * 64
    )


def outcome(run: FlowRun, nic_id: str, **values: object) -> Outcome:
    event, _ = Event.objects.get_or_create(
        drms_instance_id="NMS1",
        external_id=f"EVT-{nic_id}",
        defaults={"first_seen_at": factory.AT, "changed_at": factory.AT},
    )
    return Outcome.objects.create(
        event=event,
        head_end_system="ECOBEE",
        nic_id=nic_id,
        run=run,
        line=2,
        code="3",
        outcome="D1IO",
        changed_at=factory.AT,
        **values,
    )


def cancellation(run: FlowRun, number: int) -> Cancellation:
    return Cancellation.objects.create(
        drms_instance_id="NMS1",
        message_id=f"DRMS-CAN-{number}",
        event_id=f"EVT-{number}",
        digest="0" * 64,
        run=run,
        state="ERROR",
        answer_value=f"Event EVT-{number} has started.",
        claimed_at=factory.AT + dt.timedelta(seconds=number),
    )


class TestOutcomes:
    def test_are_found_by_device_and_by_event(self, admin: Client, run: FlowRun) -> None:
        outcome(run, "411912345678")
        outcome(run, "09AA01AC28160ABC")

        by_device = admin.get("/admin/integration/outcome/?q=4119").content.decode()
        by_event = admin.get("/admin/integration/outcome/?q=EVT-09AA01AC28160ABC").content.decode()

        assert ("411912345678" in by_device, "EVT-09AA01AC28160ABC</" in by_device) == (True, False)
        assert "09AA01AC28160ABC" in by_event

    def test_show_the_whole_error_message_and_that_it_was_cut(self, admin: Client, run: FlowRun) -> None:
        row = outcome(run, "1", message="x" * 150, message_cut=True)

        page = admin.get(f"/admin/integration/outcome/{row.pk}/change/").content.decode()

        assert "x" * 150 in page
        assert f"/admin/integration/flowrun/{run.pk}/change/" in page

    def test_the_list_asks_as_much_for_many_as_for_one(
        self, admin: Client, run: FlowRun, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        outcome(run, "0")
        admin.get("/admin/integration/outcome/")
        with django_assert_num_queries(8, exact=False) as one:
            admin.get("/admin/integration/outcome/")
        for number in range(1, 30):
            outcome(run, str(number))

        with django_assert_num_queries(len(one)):
            admin.get("/admin/integration/outcome/")

    def test_nobody_changes_them(self, admin: Client, run: FlowRun) -> None:
        row = outcome(run, "1")

        assert admin.post(f"/admin/integration/outcome/{row.pk}/change/", {"code": "0"}).status_code == 403
        assert admin.get("/admin/integration/outcome/add/").status_code == 403


class TestCancellations:
    def test_are_listed_newest_first_with_what_dacs_said(self, admin: Client, run: FlowRun) -> None:
        for number in (1, 2):
            cancellation(run, number)

        page = admin.get("/admin/integration/cancellation/").content.decode()

        assert page.index("Event EVT-2 has started.") < page.index("Event EVT-1 has started.")

    def test_one_leads_to_its_run(self, admin: Client, run: FlowRun) -> None:
        row = cancellation(run, 1)

        page = admin.get(f"/admin/integration/cancellation/{row.pk}/change/").content.decode()

        assert f"/admin/integration/flowrun/{run.pk}/change/" in page

    def test_an_account_without_the_right_sees_none(self, client: Client, run: FlowRun) -> None:
        client.force_login(factory.user("peer", rights=["integration.call_flow"], is_staff=True))

        assert client.get("/admin/integration/cancellation/").status_code == 403
