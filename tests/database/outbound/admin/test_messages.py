from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from outbound.choices import MessageStatus
from outbound.models import ExternalSystem, MessageSender, OutboundMessage, OutboundMessageType
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import attempt, make_message, make_sender, make_system, make_type
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db
LIST = "admin:outbound_outboundmessage_changelist"


def _page(client: Client, message: OutboundMessage) -> str:
    return client.get(reverse("admin:outbound_outboundmessage_change", args=[message.pk])).content.decode()


def _act(client: Client, action: str, ids: list[int], reason: str = "because") -> Any:
    address = reverse("admin:outbound_outboundmessage_act", args=[action])
    return client.post(address, {"ids": ids, "reason": reason}, follow=True)


class TestList:
    def test_shows_status_retries_and_why(self, admin_client: Client, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        make_type("ORDERED", ordered=True)
        peer.behave = answer(503)
        attempt(make_message(message_type="ORDERED", key="E-1", message_id="first"))
        make_message(message_type="ORDERED", key="E-1")

        text = admin_client.get(reverse(LIST)).content.decode()

        assert "HTTP 503" in text
        assert "Waits for message first (ORDERED) of the same key E-1" in text

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("", 3),
            ("status__exact=CANCELED", 1),
            ("waits=open", 1),
            ("waits=held", 0),
            ("waits=dead", 1),
            ("age=day", 3),
            ("q=m-1", 1),
        ],
    )
    def test_filters(self, admin_client: Client, query: str, count: int) -> None:
        for number, values in enumerate(({}, {"status": "CANCELED"}, {"status": "FAIL", "next_attempt_at": None})):
            OutboundMessage.objects.filter(pk=make_message(message_id=f"m-{number}").pk).update(
                **{"key": "k", **values}
            )

        answered = admin_client.get(f"{reverse(LIST)}?{query}")

        assert answered.status_code == 200
        assert answered.context["cl"].result_count == count


class TestPage:
    def test_shows_attempts_and_the_masked_payload_and_nothing_can_be_changed(
        self, admin_client: Client, peer: Peer
    ) -> None:
        make_connection("DERMS", base_url=peer.url)
        peer.behave = answer(422, b'{"detail": "unknown event"}')
        message = attempt(make_message(payload={"eventId": "E-7", "email": "jane@example.org"}))

        text = _page(admin_client, message)

        assert "E-7" in text
        assert "jane@example.org" not in text
        assert "j•••@example.org" in text
        assert "DERMS: POST /event" in text
        assert "unknown event" in text
        assert "It is not sent again by itself." in text
        address = reverse("admin:outbound_outboundmessage_change", args=[message.pk])
        assert admin_client.post(address, {"key": "x"}).status_code == 403

    def test_offers_what_the_status_allows(self, admin_client: Client) -> None:
        message = make_message()
        text = _page(admin_client, message)
        assert reverse("admin:outbound_outboundmessage_act", args=["RESEND"]) in text
        assert reverse("admin:outbound_outboundmessage_act", args=["SEND_AGAIN"]) not in text

        OutboundMessage.objects.update(status=MessageStatus.CANCELED, next_attempt_at=None)
        assert "outboundmessage/act/" not in _page(admin_client, message)

    def test_a_message_that_is_not_there(self, admin_client: Client) -> None:
        address = reverse("admin:outbound_outboundmessage_change", args=[0])
        assert admin_client.get(address).status_code == 302


class TestActions:
    def test_the_selection_asks_for_the_reason_first(self, admin_client: Client) -> None:
        message = make_message()

        asked = admin_client.post(reverse(LIST), {"action": "cancel", "_selected_action": [message.pk]})

        assert f'name="ids" value="{message.pk}"' in asked.content.decode()
        assert OutboundMessage.objects.get().status == MessageStatus.PENDING

    def test_does_it_for_many_and_says_what_was_left_alone(self, admin_client: Client) -> None:
        failed, canceled = make_message(), make_message(message_id="gone")
        OutboundMessage.objects.filter(pk=failed.pk).update(status="FAIL", num_retries=3, next_attempt_at=None)
        OutboundMessage.objects.filter(pk=canceled.pk).update(status="CANCELED", next_attempt_at=None)

        text = _act(admin_client, "RESEND", [failed.pk, canceled.pk]).content.decode()

        failed.refresh_from_db()
        assert (failed.status, failed.num_retries) == (MessageStatus.FAIL, 0)
        assert failed.next_attempt_at is not None
        assert "1 message will be sent now." in text
        assert "Message gone is canceled: it cannot be resent." in text
        assert failed.interventions.get().reason == "because"

    def test_nothing_happens_without_a_reason(self, admin_client: Client) -> None:
        message = make_message()

        text = _act(admin_client, "CANCEL", [message.pk], reason="").content.decode()

        assert "This field is required" in text
        assert OutboundMessage.objects.get().status == MessageStatus.PENDING

    def test_needs_the_right(self, client: Client) -> None:
        message = make_message()
        user = get_user_model().objects.create_user("reader", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_outboundmessage"))
        client.force_login(user)

        assert "outboundmessage/act/" not in _page(client, message)
        assert _act(client, "CANCEL", [message.pk]).status_code == 403
        assert _act(client, "NONSENSE", [message.pk]).status_code == 404
        assert OutboundMessage.objects.get().status == MessageStatus.PENDING


def _context(*rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    fields = {"context-TOTAL_FORMS": len(rows), "context-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        fields |= {f"context-{number}-{name}": value for name, value in row.items()}
    return fields


class TestConfiguration:
    def test_a_sender_with_its_context_is_made_and_its_secrets_are_never_shown(self, admin_client: Client) -> None:
        made = admin_client.post(
            reverse("admin:outbound_messagesender_add"),
            {
                "name": "S",
                "description": "",
                "connection": "",
                **_context(
                    {"context_type": "HTTP_HEADER", "new_value": "X-Api-Key: canary-1"},
                    {"context_type": "HTTP_LOGIN_USER", "new_value": "u"},
                    {"context_type": "HTTP_LOGIN_PASSWORD", "new_value": "canary-2"},
                ),
            },
        )
        assert made.status_code == 302, made.context["errors"]
        sender = MessageSender.objects.get()
        address = reverse("admin:outbound_messagesender_change", args=[sender.pk])

        text = admin_client.get(address).content.decode()
        assert "canary" not in text
        assert 'placeholder="X-Api-Key: •••"' in text
        assert "canary" not in admin_client.get(reverse("admin:outbound_messagesender_changelist")).content.decode()

        rows = list(sender.context.order_by("context_type", "id"))
        kept = admin_client.post(
            address,
            {
                "name": "S",
                "description": "changed",
                "connection": "",
                **_context(
                    *(
                        {"id": row.pk, "sender": sender.pk, "context_type": row.context_type, "new_value": value}
                        for row, value in zip(rows, ["", "", "v"], strict=True)
                    ),
                    initial=3,
                ),
            },
        )
        assert kept.status_code == 302
        assert sorted(sender.context.values_list("context_type", "value")) == [
            ("HTTP_HEADER", "X-Api-Key: canary-1"),
            ("HTTP_LOGIN_PASSWORD", "canary-2"),
            ("HTTP_LOGIN_USER", "v"),
        ]

    def test_context_that_makes_no_sense_is_refused(self, admin_client: Client) -> None:
        answered = admin_client.post(
            reverse("admin:outbound_messagesender_add"),
            {"name": "S", **_context({"context_type": "HTTP_TIMEOUT", "new_value": "soon"})},
        )
        assert "number of seconds" in answered.content.decode()
        assert MessageSender.objects.count() == 0

    def test_systems_and_types_are_checked(self, admin_client: Client) -> None:
        system = {"name": "NIGHTLY", "processing_method": "BATCH"}
        kind = {"code": "T", "method": "POST", "path": "/t", "answer_kind": "FINAL", "retry_delays": "[1, 2]"}
        assert admin_client.post(reverse("admin:outbound_externalsystem_add"), system).status_code == 302
        assert admin_client.post(reverse("admin:outbound_outboundmessagetype_add"), kind).status_code == 302
        wrong = admin_client.post(
            reverse("admin:outbound_outboundmessagetype_add"), {**kind, "code": "U", "retry_delays": '["x"]'}
        )
        assert "list of seconds" in wrong.content.decode()
        assert ExternalSystem.objects.get().processing_method == "BATCH"
        assert list(OutboundMessageType.objects.values_list("code", flat=True)) == ["T"]

    def test_the_lists_are_shown(self, admin_client: Client) -> None:
        make_connection("DERMS")
        make_system("DERMS", sender=make_sender(context=[("HTTP_METHOD", "PUT")]))
        make_type()
        for model in ("externalsystem", "outboundmessagetype", "messagesender"):
            assert admin_client.get(reverse(f"admin:outbound_{model}_changelist")).status_code == 200
