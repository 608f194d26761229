from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from outbound.operations.configuration import apply_parameters, install_defaults
from outbound.parameters import DECLARED
from tests.database.outbound.servers import Peer
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db


def _caller(*rights: str) -> APIClient:
    user: User = get_user_model().objects.create_user(f"caller{User.objects.count()}")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="outbound", codename__in=rights))
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def reader() -> APIClient:
    return _caller("view_connection", "view_parameter")


class TestConnectionList:
    def test_gives_connections_without_their_secrets(self, reader: APIClient) -> None:
        make_connection("DERMS")
        make_connection("DACS", username="OICUSER", password="canary-1", private_key="canary-2")
        answer = reader.get("/api/v1/connections/")
        assert answer.status_code == 200
        document = json.loads(answer.content)
        assert (document["count"], [row["name"] for row in document["results"]]) == (2, ["DACS", "DERMS"])
        dacs = document["results"][0]
        assert (dacs["password_set"], dacs["private_key_set"], dacs["username"]) == (True, True, "OICUSER")
        assert (dacs["read_timeout"], dacs["available"], dacs["health"]["state"]) == (60, True, "CLOSED")
        assert document["results"][1]["password_set"] is False
        assert "canary" not in answer.content.decode()
        assert "password" not in dacs
        assert "private_key" not in dacs

    def test_search_looks_into_name_and_description(self, reader: APIClient) -> None:
        make_connection("DACS", description="Asset system")
        make_connection("DERMS")
        names = [row["name"] for row in reader.get("/api/v1/connections/?search=asset").json()["results"]]
        assert names == ["DACS"]

    def test_the_number_of_queries_does_not_grow(self, reader: APIClient, django_assert_num_queries: Any) -> None:
        for number in range(20):
            make_connection(f"C{number}")
        reader.get("/api/v1/connections/")  # the caller's rights are read once
        with django_assert_num_queries(2):
            assert reader.get("/api/v1/connections/").json()["count"] == 20

    @pytest.mark.parametrize("address", ["connections", "parameters"])
    def test_a_nul_in_the_search_is_refused(self, reader: APIClient, address: str) -> None:
        make_connection("DACS")
        answer = reader.get(f"/api/v1/{address}/?search=%00")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/search")

    def test_needs_the_right(self) -> None:
        assert APIClient().get("/api/v1/connections/").status_code == 401
        assert _caller("view_parameter").get("/api/v1/connections/").status_code == 403


class TestConnectionDetail:
    def test_gives_one_by_name(self, reader: APIClient) -> None:
        make_connection("DACS", password="canary-1")
        answer = reader.get("/api/v1/connections/DACS/")
        assert (answer.status_code, answer.json()["name"]) == (200, "DACS")
        assert "canary" not in answer.content.decode()

    @pytest.mark.parametrize("name", ["NOBODY", "DA%00CS", "%00"])
    def test_an_unknown_name_is_a_404_problem(self, reader: APIClient, name: str) -> None:
        make_connection("DACS")
        answer = reader.get(f"/api/v1/connections/{name}/")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
    def test_cannot_be_changed_here(self, reader: APIClient, method: str) -> None:
        make_connection("DACS")
        assert getattr(reader, method)("/api/v1/connections/DACS/").status_code == 405


class TestConnectionTest:
    def test_tests_it_now_and_answers_the_outcome(self, peer: Peer) -> None:
        make_connection("DACS", base_url=peer.url)
        answer = _caller("test_connection").post("/api/v1/connections/DACS/test/")
        document = answer.json()
        assert (answer.status_code, document["ok"], document["connection"]) == (200, True, "DACS")
        assert [step["name"] for step in document["steps"]][:2] == ["Address", "Connection"]
        assert len(peer.seen) == 1

    def test_an_ill_target_is_an_outcome_and_no_error(self) -> None:
        make_connection("DACS", base_url="http://127.0.0.1:9")
        answer = _caller("test_connection").post("/api/v1/connections/DACS/test/")
        assert (answer.status_code, answer.json()["ok"]) == (200, False)

    def test_needs_the_right(self, reader: APIClient, peer: Peer) -> None:
        make_connection("DACS", base_url=peer.url)
        assert reader.post("/api/v1/connections/DACS/test/").status_code == 403
        assert peer.connections == 0

    @pytest.mark.parametrize("name", ["NOBODY", "%00"])
    def test_an_unknown_name_is_a_404(self, name: str) -> None:
        assert _caller("test_connection").post(f"/api/v1/connections/{name}/test/").status_code == 404


class TestParameterList:
    def test_gives_exact_values_with_their_meaning(self, reader: APIClient) -> None:
        install_defaults(at=NOW)
        apply_parameters(section={"RETRY_BASE_SECONDS": "0.25"}, at=NOW)
        answer = reader.get("/api/v1/parameters/")
        rows = {row["name"]: row for row in answer.json()["results"]}
        assert b'"value":0.25' in answer.content
        assert (rows["MAX_RETRIES"]["value"], rows["RETRY_BASE_SECONDS"]["shipped"]) == (3, 30)
        assert set(rows) == set(DECLARED)
        assert rows["MAX_RETRIES"]["description"].startswith("Retries after the first try")

    def test_needs_the_right(self) -> None:
        assert _caller("view_connection").get("/api/v1/parameters/").status_code == 403
