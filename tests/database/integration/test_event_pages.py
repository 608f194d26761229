"""The pages of events, reserved devices, message files and segments, and the progress on the page of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from integration.flows import health_check
from integration.models import Event, FlowRun, Reservation, Segment, StoredFile
from integration.operations import segments
from tests.database.integration import reservations as given
from tests.database.integration.participation import Participation, serving
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dacs() -> Iterator[Participation]:
    health_check.forget()
    with serving() as known:
        yield known


@pytest.fixture
def half_done(dacs: Participation) -> FlowRun:
    given.prepare(dacs.base_url)
    given.properties(stage__segment__size="2", stage__parallel="1")
    derms = APIClient()
    derms.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    given.post(derms, given.request(), given.rows(6))
    run = FlowRun.objects.get()
    given.begin(run)
    segments.work_next(run_id=run.pk, clock=timezone.now)
    return run


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("admin", "admin@example.org", "a-long-password"))
    return client


@pytest.mark.parametrize("model", [Event, Reservation, StoredFile, Segment])
def test_lists_and_shows(admin: Client, half_done: FlowRun, model: type) -> None:
    name = model._meta.model_name  # type: ignore[attr-defined]
    row = model.objects.order_by("pk").first()  # type: ignore[attr-defined]

    listed = admin.get(f"/admin/integration/{name}/")
    shown = admin.get(f"/admin/integration/{name}/{row.pk}/change/")

    assert (listed.status_code, shown.status_code) == (200, 200)


def test_the_file_tells_its_segments_and_attempts(admin: Client, half_done: FlowRun) -> None:
    page = admin.get(f"/admin/integration/storedfile/{half_done.stored_file.pk}/change/").content.decode()

    said = re.sub(r"<[^>]+>|\s+", " ", page)
    assert re.search(r"Pending +2 +Done +1", said), said
    listed = admin.get(f"/admin/integration/segment/?run__id__exact={half_done.pk}&state__exact=PENDING")
    assert f"run__id__exact={half_done.pk}&amp;state__exact=PENDING" in page
    assert listed.context["cl"].result_count == 2
    assert "1: at work" in page


def test_the_event_counts_its_devices_and_links_to_them(admin: Client, half_done: FlowRun) -> None:
    event = Event.objects.get()
    page = admin.get(f"/admin/integration/event/{event.pk}/change/").content.decode()

    said = re.sub(r"<[^>]+>|\s+", " ", page)
    assert re.search(r"Reserved +2 ", said), said
    assert f"event__id__exact={event.pk}&amp;state__exact=RESERVED" in page
    reserved = admin.get(f"/admin/integration/reservation/?event__id__exact={event.pk}&state__exact=RESERVED")
    assert reserved.context["cl"].result_count == 2
    assert f"{event.starts_at:%Y-%m-%d %H:%M}" in page
    devices = admin.get(f"/admin/integration/reservation/?event__id__exact={event.pk}")
    assert (devices.status_code, devices.content.decode().count("ECOBEE") >= 2) == (200, True)


def test_the_run_shows_rate_time_left_and_file(admin: Client, half_done: FlowRun) -> None:
    page = admin.get(f"/admin/integration/flowrun/{half_done.pk}/change/").content.decode()

    assert "rows/s" in page
    assert "Time left" in page
    assert "EVT_RSV.csv" in page
    assert "Segments: 3 · To send: 3" in page


def test_searches(admin: Client, half_done: FlowRun) -> None:
    for address in (
        "event/?q=EVT-2023",
        "reservation/?q=4119",
        "storedfile/?q=DRMS-RSV",
        f"segment/?run__id__exact={half_done.pk}",
    ):
        assert admin.get(f"/admin/integration/{address}").status_code == 200
