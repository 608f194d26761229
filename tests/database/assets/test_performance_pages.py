"""Event performance as people and systems see it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from assets import models
from assets.operations import performance
from integration.operations.setup import install_roles
from tests.database.assets.test_performance import (
    AT,
    CAPPED,
    hourly,  # noqa: F401  (a fixture)
    make_event,
    measure_vectors,
    meter_of,
    program_with,
    take_part,
)
from tests.database.integration.test_event_outcome_admin import outcome as make_outcome
from tests.database.integration.test_event_outcome_admin import run  # noqa: F401  (a fixture)
from tests.factories.assets import make_subscription


pytestmark = pytest.mark.django_db


@pytest.fixture
def row(hourly):  # noqa: F811
    subscription = make_subscription(program=program_with(**CAPPED))
    measure_vectors(meter_of(subscription, hourly))
    take_part(make_event(), subscription)
    performance.calculate_due(at=AT)
    return models.EventPerformance.objects.get()


@pytest.fixture
def operator(django_user_model, client):
    install_roles()
    user = django_user_model.objects.create_user("olga", is_staff=True)
    user.groups.add(Group.objects.get(name="Program operator"))
    client.force_login(user)
    return user


def test_the_page_of_one_shows_its_intervals_and_the_days_that_were_averaged(row, operator, client):
    page = client.get(reverse("admin:assets_eventperformance_change", args=[row.pk])).content.decode()

    assert "7.0200" in page
    assert "2023-06-16 15:00 – 16:00" in page
    assert "2023-06-15" in page
    assert "performance-data" in page


def test_an_operator_has_an_event_calculated_again(row, operator, client):
    models.BaselineMethod.objects.update(highest_adjustment=Decimal("1.1"))

    answer = client.post(
        reverse("admin:assets_eventperformance_changelist"),
        {"action": "calculate_again", "_selected_action": [row.pk]},
        follow=True,
    )

    assert "1 device calculated" in answer.content.decode()
    row.refresh_from_db()
    assert row.applied_adjustment == Decimal("1.1")


def test_somebody_who_may_only_look_has_no_such_action(row, client, django_user_model):
    install_roles()
    auditor = django_user_model.objects.create_user("aude", is_staff=True)
    auditor.groups.add(Group.objects.get(name="Auditor"))
    client.force_login(auditor)

    page = client.get(reverse("admin:assets_eventperformance_changelist")).content.decode()

    assert "calculate_again" not in page
    assert client.get("/api/v1/event-performance/").status_code == 200


def test_the_api_gives_the_figures_exactly(row, operator, client):
    found = client.get("/api/v1/event-performance/", {"event": "EVT-1"}).json()["results"]

    assert [Decimal(load) for load in found[0]["baseline"]] == [Decimal("3.6"), Decimal("3.84"), Decimal("4.08")]
    assert Decimal(str(found[0]["reduction_kwh"])) == Decimal("7.02")
    assert found[0]["outcome"] == "D1SP"
    assert client.get("/api/v1/event-performance/", {"event": "EVT-2"}).json()["count"] == 0


def test_the_outcome_on_the_hubs_side_leads_to_it(row, operator, client, run):  # noqa: F811
    nic_id = row.participation.device.nic_id
    models.ProgramEvent.objects.update(external_identifier=f"EVT-{nic_id}")
    outcome = make_outcome(run, nic_id)

    page = client.get(reverse("admin:integration_outcome_change", args=[outcome.pk])).content.decode()

    assert "7.0200 kWh" in page
