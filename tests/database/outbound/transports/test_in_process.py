"""Calling Tieline itself without a socket: same addresses, same answers, and no rights gained by it."""

from __future__ import annotations

import pytest
import structlog
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from outbound.operations import connection_tests
from outbound.operations.connections import UnableToSaveConnection
from outbound.transports import rest
from outbound.transports.addresses import split_base_url
from outbound.transports.base import ConnectionNotUsable, TargetNotAllowed
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db


@pytest.fixture
def peer():
    account = get_user_model().objects.create_user(username="peer")
    account.user_permissions.add(Permission.objects.get(codename="view_lookup"))
    return account


def own(name="SELF", base_url="tieline:///api/v1", username="peer", **values):
    return make_connection(name, base_url=base_url, username=username, **values)


def test_an_address_of_tieline_itself_is_answered_under_the_connections_account(peer):
    answer = rest.client(own()).request("GET", "/lookups/?page=1")

    assert answer.status == 200
    assert answer.json()["count"] == 0


def test_a_body_arrives_whole_and_an_error_comes_back_as_the_problem_that_it_is(peer):
    peer.user_permissions.add(Permission.objects.get(codename="call_flow"))

    answer = rest.client(own()).request("POST", "/flows/no-such-flow/uri", json={"a": "ü"})

    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "no-such-flow" in answer.json()["detail"]


def test_it_may_do_what_its_account_may_and_nothing_more(peer):
    assert rest.client(own()).request("GET", "/outbound-messages/").status == 403


def test_the_correlation_goes_along_and_nothing_that_the_inner_request_binds_comes_back(peer):
    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        before = structlog.contextvars.get_contextvars()
        rest.client(own()).request("GET", "/lookups/")
        assert structlog.contextvars.get_contextvars() == before


@pytest.mark.parametrize("more", [{"is_staff": True}, {"is_superuser": True}, {"is_active": False}])
def test_an_account_with_more_rights_than_a_peer_cannot_be_borrowed(more):
    get_user_model().objects.create_user(username="chief", **more)

    with pytest.raises(UnableToSaveConnection) as refused:
        own(username="chief")

    assert refused.value.errors[0]["pointer"] == "/username"


def test_an_account_that_was_raised_later_calls_no_more(peer):
    client = rest.client(own())
    peer.is_staff = True
    peer.save()

    with pytest.raises(ConnectionNotUsable, match="may use the admin"):
        client.request("GET", "/lookups/")


def test_no_header_from_outside_says_who_calls(client):
    response = client.get("/api/v1/lookups/", headers={"tieline.in-process-account": "1"})

    assert response.status_code == 401


def test_the_connection_test_says_that_there_is_no_line(peer):
    result = connection_tests.test_connection(name=own(base_url="tieline:///health/live").name, by=None, at=NOW)

    assert result.ok, result
    assert "Tieline itself" in result.summary


@pytest.mark.parametrize("address", ["tieline://host/x", "tieline:///a/../b", "tieline:///a?b", "tieline:x"])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(TargetNotAllowed):
        split_base_url(address)
