from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from outbound.choices import MessageStatus
from outbound.models import OutboundMessage
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import attempt, make_message, make_system, make_type
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/outbound-messages/"


def _caller(*rights: str) -> APIClient:
    user: User = get_user_model().objects.create_user(f"caller{User.objects.count()}")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="outbound", codename__in=rights))
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def operator() -> APIClient:
    return _caller(*("view_outboundmessage", "add_outboundmessage", "resend_outboundmessage", "cancel_outboundmessage"))


@pytest.fixture
def queue() -> None:
    """A type and a system."""
    make_type("X1-CTRLDVCS", path="/status-check")
    make_system("DERMS")


def _new(**values: Any) -> dict[str, Any]:
    return {
        "message_type": "X1-CTRLDVCS",
        "external_system": "DERMS",
        "path": "/status-check",
        "message_id": "M-1",
        "payload": {"deviceId": "1", "phone": "555-010-4477"},
        **values,
    }


@pytest.mark.usefixtures("queue")
class TestCreate:
    def test_queues_one_and_gives_it_back_masked(self, operator: APIClient) -> None:
        given = operator.post(ADDRESS, _new(), format="json")

        document = json.loads(given.content)
        row = OutboundMessage.objects.get()
        assert (given.status_code, given["Location"]) == (202, f"http://testserver{ADDRESS}{row.pk}/")
        assert (document["id"], document["message_id"], document["message_type"]) == (row.pk, "M-1", "X1-CTRLDVCS")
        assert (document["external_system"], document["path"]) == ("DERMS", "/status-check")
        assert (document["status"], document["num_retries"], document["attempts"]) == ("PENDING", 0, [])
        assert document["payload"] == {"deviceId": "1", "phone": "•••77"}
        assert json.loads(row.payload) == {"deviceId": "1", "phone": "555-010-4477"}

    def test_the_same_again_is_the_same_and_another_is_409(self, operator: APIClient) -> None:
        first = operator.post(ADDRESS, _new(), format="json")
        again = operator.post(ADDRESS, _new(), format="json")
        other = operator.post(ADDRESS, _new(payload={"deviceId": "2"}), format="json")

        assert again.json()["id"] == first.json()["id"]
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        assert OutboundMessage.objects.count() == 1

    def test_numbers_stay_as_they_are_written(self, operator: APIClient) -> None:
        body = json.dumps(_new(payload=None)).replace('"payload": null', '"payload": {"v": 1.10000000000000000001}')

        operator.post(ADDRESS, body, content_type="application/json")

        assert bytes(OutboundMessage.objects.get().payload) == b'{"v":1.10000000000000000001}'

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"message_type": "NONE"}, "/message_type"),
            ({"external_system": "NONE"}, "/external_system"),
            ({"colour": "red"}, "/colour"),
            ({"not_before": "2026-01-01T00:00:00"}, "/not_before"),
            ({"message_id": "two words"}, "/message_id"),
        ],
    )
    def test_what_is_wrong_is_named(self, operator: APIClient, change: dict[str, Any], pointer: str) -> None:
        given = operator.post(ADDRESS, _new(**change), format="json")

        assert (given.status_code, given["Content-Type"]) == (400, "application/problem+json")
        assert given.json()["errors"][0]["pointer"] == pointer
        assert OutboundMessage.objects.count() == 0

    def test_needs_the_right(self) -> None:
        assert _caller("view_outboundmessage").post(ADDRESS, _new(), format="json").status_code == 403


class TestRead:
    def test_lists_with_filters(self, operator: APIClient, django_assert_max_num_queries: Any) -> None:
        for number in range(5):
            make_message(message_id=f"A-{number}", key=f"E-{number}")
        make_type("OTHER")
        make_message(message_id="B-1", message_type="OTHER")
        operator.get(ADDRESS)

        with django_assert_max_num_queries(4):
            found = operator.get(ADDRESS).json()
        assert (found["count"], found["results"][0]["message_id"]) == (6, "B-1")
        for query, count in (
            ("message_type=OTHER", 1),
            ("search=a-", 5),
            ("search=E-3", 1),
            ("status=FAIL", 0),
            ("external_system=DERMS", 6),
            ("created_after=2025-01-01T00:00:00Z", 0),
        ):
            assert operator.get(f"{ADDRESS}?{query}").json()["count"] == count, query

    def test_one_shows_its_attempts_and_why_it_waits(self, operator: APIClient, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        peer.behave = answer(500, b'{"email": "jane@example.org"}')
        message = attempt(make_message())

        document = operator.get(f"{ADDRESS}{message.pk}/").json()

        assert (document["status"], document["num_retries"]) == ("FAIL", 0)
        assert document["next_attempt_at"] == "2024-03-10T12:00:15Z"
        assert document["last_error"] == 'HTTP 500: {"email": "j•••@example.org"}'
        (tried,) = document["attempts"]
        assert (tried["number"], tried["outcome"], tried["status"]) == (1, "FAILED", 500)
        assert (document["waits_because"], document["interventions"]) == ("", [])

    def test_what_is_not_there_is_404(self, operator: APIClient) -> None:
        assert operator.get(f"{ADDRESS}0/").status_code == 404
        assert operator.post(f"{ADDRESS}0/resend/").status_code == 404

    def test_needs_the_right(self) -> None:
        message = make_message()
        for address in (ADDRESS, f"{ADDRESS}{message.pk}/"):
            assert _caller("view_connection").get(address).status_code == 403


class TestActions:
    def test_resend_resets_a_dead_letter(self, operator: APIClient, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        peer.behave = answer(422)
        message = attempt(make_message())

        given = operator.post(f"{ADDRESS}{message.pk}/resend/", {"reason": "repaired"}, format="json")

        assert (given.status_code, given.json()["num_retries"]) == (202, 0)
        assert given.json()["next_attempt_at"] is not None
        (noted,) = given.json()["interventions"]
        assert (noted["action"], noted["reason"], noted["status_before"]) == ("RESEND", "repaired", "FAIL")
        assert noted["by"].startswith("caller")

    def test_a_body_may_be_left_out(self, operator: APIClient) -> None:
        message = make_message()

        assert operator.post(f"{ADDRESS}{message.pk}/resend/").status_code == 202
        assert message.interventions.get().reason == "resend by way of the API"

    def test_send_again_and_cancel(self, operator: APIClient, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        message = attempt(make_message(), NOW)

        again = operator.post(f"{ADDRESS}{message.pk}/send-again/", {"reason": "lost"}, format="json")
        dropped = operator.post(f"{ADDRESS}{message.pk}/cancel/", {"reason": "enough"}, format="json")

        assert (again.json()["status"], dropped.json()["status"]) == ("FAIL", "CANCELED")
        assert [each["action"] for each in dropped.json()["interventions"]] == ["SEND_AGAIN", "CANCEL"]

    @pytest.mark.parametrize("action", ["resend", "send-again", "cancel"])
    def test_what_the_status_does_not_allow_is_409(self, operator: APIClient, action: str) -> None:
        message = make_message()
        OutboundMessage.objects.update(status=MessageStatus.CANCELED)

        given = operator.post(f"{ADDRESS}{message.pk}/{action}/", {"reason": "r"}, format="json")

        assert (given.status_code, given.json()["code"]) == (409, "state_conflict")

    @pytest.mark.parametrize("action", ["resend", "send-again", "cancel"])
    def test_each_needs_its_right(self, action: str) -> None:
        message = make_message()

        given = _caller("view_outboundmessage").post(f"{ADDRESS}{message.pk}/{action}/", {}, format="json")

        assert given.status_code == 403
