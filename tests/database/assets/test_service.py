"""The switch of the DACS side, and how its service answers before anything is asked of it."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from assets import queries
from lookups.operations import install_defaults
from outbound.transports import rest
from tests.factories.assets import NOW, make_program, make_subscription, switch_on
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db


@pytest.fixture
def hub():
    account = get_user_model().objects.create_user(username="hub")
    account.user_permissions.add(Permission.objects.get(codename="use_service"))
    return rest.client(make_connection("DACS", base_url="tieline:///dacs", username="hub"))


def test_it_is_off_as_shipped_and_then_refuses_in_dacss_words(hub):
    install_defaults(at=NOW)

    answer = hub.request("GET", "/rest/apis/common/healthCheck")

    assert not queries.is_on()
    assert answer.status == 503
    assert answer.json()["problemDetailDocument"]["serverMessage"]["number"] == 11300


def test_it_is_off_where_nothing_is_installed_yet(admin_client):
    assert not queries.is_on()
    # Every page of the admin asks for it.
    assert admin_client.get("/admin/").status_code == 200

    switch_on()
    assert queries.is_on()


def test_switched_on_it_is_well(hub):
    switch_on()

    assert queries.is_on()
    assert hub.request("GET", "/rest/apis/common/healthCheck").status == 200


def test_a_subscription_shares_its_rows_with_meter_data():
    subscription = make_subscription(program=make_program(), devices=2)

    assert subscription.pk == subscription.usage_subscription.pk
    assert subscription.location.pk == subscription.usage_subscription.service_point_id
    assert {one.device.device.service_point_id for one in subscription.devices.all()} == {subscription.location.pk}
