"""A peer sees the runs of its own messages; those of others are not there for it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from integration import roles
from integration.models import Flow, FlowRun, RunTransition
from integration.operations.flows import install_flows
from integration.operations.setup import install_roles
from tests.factories.integration import AT


pytestmark = pytest.mark.django_db


def peer(name: str) -> User:
    account = User.objects.create_user(name, "", "a-long-password")
    account.groups.add(Group.objects.get(name=roles.PEER_SYSTEM))
    return account


def caller(account: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(account)
    return client


def run_of(account: User | None) -> FlowRun:
    run = FlowRun.objects.create(
        flow=Flow.objects.get(name="enrollment_request"),
        correlation_id=str(uuid.uuid4()),
        body_digest="0" * 64,
        requested_by=account,
        started_at=AT,
    )
    RunTransition.objects.create(run=run, from_state="", to_state="RECEIVED", at=AT, by="olga", reason="received")
    return run


@pytest.fixture
def world() -> dict[str, Any]:
    install_roles()
    install_flows(at=AT)
    derms, dacs = peer("derms"), peer("dacs")
    return {"derms": derms, "own": run_of(derms), "others": [run_of(dacs), run_of(None)]}


def test_the_list_holds_its_own(world: dict[str, Any]) -> None:
    found = caller(world["derms"]).get("/api/v1/flow-runs/").json()

    assert [each["id"] for each in found["results"]] == [str(world["own"].pk)]
    assert found["count"] == 1


def test_a_search_does_not_reach_beyond_them(world: dict[str, Any]) -> None:
    client = caller(world["derms"])
    for other in world["others"]:
        assert client.get("/api/v1/flow-runs/", {"search": str(other.pk)}).json()["count"] == 0
        assert client.get("/api/v1/flow-runs/", {"search": other.correlation_id}).json()["count"] == 0


def test_its_own_can_be_read_without_the_names_of_people(world: dict[str, Any]) -> None:
    answer = caller(world["derms"]).get(f"/api/v1/flow-runs/{world['own'].pk}/")

    assert answer.status_code == 200
    assert answer.json()["transitions"][0]["to_state"] == "RECEIVED"
    assert "olga" not in answer.content.decode()


def test_of_others_are_answered_as_one_that_never_was(world: dict[str, Any]) -> None:
    client = caller(world["derms"])
    never = uuid.uuid4()
    expected = client.get(f"/api/v1/flow-runs/{never}/").json()

    for other in world["others"]:
        answer = client.get(f"/api/v1/flow-runs/{other.pk}/")
        assert answer.status_code == 404
        assert answer.json()["detail"] == expected["detail"].replace(str(never), str(other.pk))


@pytest.mark.parametrize("action", ["resubmit", "replay", "abort", "discard", "restore"])
def test_it_may_not_act_on_its_own_either(world: dict[str, Any], action: str) -> None:
    client = caller(world["derms"])
    answer = client.post(f"/api/v1/flow-runs/{world['own'].pk}/{action}/", {"reason": "mine"}, format="json")

    assert answer.status_code == 403
    assert FlowRun.objects.get(pk=world["own"].pk).state == "RECEIVED"


def test_an_operator_sees_all(world: dict[str, Any]) -> None:
    operator = User.objects.create_user("olga", "", "a-long-password")
    operator.groups.add(Group.objects.get(name=roles.INTEGRATION_OPERATOR))
    client = caller(operator)

    assert client.get("/api/v1/flow-runs/").json()["count"] == 3
    shown = client.get(f"/api/v1/flow-runs/{world['own'].pk}/").json()
    assert shown["transitions"][0]["by"] == "olga"


def test_an_account_without_either_right_sees_nothing(world: dict[str, Any]) -> None:
    nobody = User.objects.create_user("nobody", "", "a-long-password")

    assert caller(nobody).get("/api/v1/flow-runs/").status_code == 403
