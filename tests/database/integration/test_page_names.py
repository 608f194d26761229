"""Where the header of a page says that a person is: at the reports, in a segment of a named file."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integration.models import Segment, StoredFile
from tests.factories import integration as factory
from tests.factories import reconciliation as world


pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def step(view: str, *arguments: str) -> str:
    """The beginning of a step of the header's way to a page."""
    return f'<a href="{reverse(view, args=arguments)}" class="align-middle'


def test_schedules_of_reports_stand_below_the_reports(admin: Client) -> None:
    page = admin.get(reverse("admin:integration_reportschedule_add")).content.decode()

    assert step("admin:integration_reports") in page
    assert step("admin:app_list", "integration") not in page


def test_the_audit_of_the_configuration_is_called_what_the_menu_calls_it(admin: Client) -> None:
    page = admin.get(reverse("admin:integration_audit")).content.decode()

    assert step("admin:integration_flowstatistics_changelist") not in page
    assert re.search(r'<span class="align-middle[^>]*>\s*Changes of configuration\s*</span', page)


def test_a_refused_period_is_named_as_its_field_is(admin: Client) -> None:
    page = admin.get(
        reverse("admin:integration_report", args=["data_completeness"]),
        {"period": "CUSTOM", "since": "2026-02-02", "until": "2026-02-01"},
    ).content.decode()

    assert "Period: The first day lies after the last one." in page


def test_a_segment_is_called_by_its_file_and_number() -> None:
    factory.prepare()
    run = world.run(at=timezone.now())
    segment = Segment.objects.create(run=run, number=3, offset=0, first_line=2, rows=1)
    assert str(segment) == f"Segment 3 of {run}"

    StoredFile.objects.create(
        run=run, flow=run.flow, drms_instance_id="NMS1", message_id="M-1", name="EVENTS.csv", size=1,
        received_at=timezone.now(),
    )  # fmt: skip
    assert str(segment) == "Segment 3 of EVENTS.csv"
