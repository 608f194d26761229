from __future__ import annotations

import base64
from typing import Any

import pytest

from outbound.choices import MessageStatus
from outbound.models import ExternalSystem, MessageSender, OutboundMessageType, SenderContext
from outbound.operations.configuration import UnableToApplyConfiguration, install_defaults
from outbound.operations.message_configuration import (
    apply_external_systems,
    apply_message_senders,
    apply_outbound_message_types,
)
from outbound.operations.message_setup import UnableToSave
from tests.database.outbound.servers import Peer, answer, serving
from tests.factories.messages import attempt, make_message, make_sender, make_system, make_type
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class TestContext:
    def test_every_context_type_takes_its_place(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url, username="own", password="own-password")
        sender = make_sender(
            context=[
                ("HTTP_HEADER", "X-Tenant: north"),
                ("HTTP_HEADER", "X-Api-Key: k"),
                ("HTTP_LOGIN_USER", "other"),
                ("HTTP_LOGIN_PASSWORD", "other-password"),
                ("HTTP_METHOD", "PUT"),
                ("HTTP_TIMEOUT", "7.5"),
                ("HTTP_URL1", "/v1"),
                ("HTTP_URL2", "/events/{eventId}"),
                ("HTTP_URL9", "/ack?instance={instance}"),
            ]
        )
        make_system("DERMS", sender=sender)

        done = attempt(make_message(context={"eventId": "E/1 ü", "instance": 3}))

        (seen,) = peer.seen
        assert (seen.method, seen.path) == ("PUT", "/v1/events/E%2F1%20%C3%BC/ack?instance=3")
        assert (seen.headers["X-Tenant"], seen.headers["X-Api-Key"]) == ("north", "k")
        assert seen.headers["Authorization"] == _basic("other", "other-password")
        assert done.status == MessageStatus.SUCCESS

    def test_the_messages_own_method_and_path_win_over_sender_and_type(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        make_system("DERMS")
        make_type(sender=make_sender(context=[("HTTP_METHOD", "PUT"), ("HTTP_URL1", "/base")]))

        attempt(make_message(path="/here/{n}", method="PATCH", context={"n": 1}))

        assert (peer.seen[0].method, peer.seen[0].path) == ("PATCH", "/base/here/1")

    def test_a_whole_address_goes_there_without_the_connections_credentials(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url, username="own", password="own-password")
        with serving() as other:
            make_system("DERMS", sender=make_sender(context=[("HTTP_URL1", f"{other.url}/hook"), ("HTTP_URL2", "/x")]))
            attempt(make_message())

            (seen,) = other.seen
        assert (seen.path, peer.seen) == ("/hook/x", [])
        assert "Authorization" not in seen.headers

    def test_a_value_that_is_missing_when_it_is_sent_fails_the_message(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        make_system("DERMS", sender=make_sender(context=[("HTTP_URL1", "/{eventId}")]))

        done = attempt(make_message())

        assert (done.status, done.fault_type, done.attempts.count()) == (MessageStatus.FAIL, "TECHNICAL", 0)
        assert "eventId" in done.last_error

    def test_values_are_encrypted_in_the_database(self) -> None:
        from django.db import connection as database

        make_sender(context=[("HTTP_LOGIN_USER", "canary"), ("HTTP_LOGIN_PASSWORD", "canary")])
        with database.cursor() as cursor:
            cursor.execute("SELECT value FROM outbound_sendercontext")
            stored = cursor.fetchall()

        assert len(stored) == 2
        assert all("canary" not in value for (value,) in stored)

    @pytest.mark.parametrize(
        "context",
        [
            [("HTTP_METHOD", "GET")],
            [("HTTP_TIMEOUT", "301")],
            [("HTTP_TIMEOUT", "soon")],
            [("HTTP_HEADER", "no colon")],
            [("HTTP_HEADER", "X: a\r\nY: b")],
            [("HTTP_LOGIN_PASSWORD", "p")],
            [("HTTP_METHOD", "PUT"), ("HTTP_METHOD", "POST")],
            [("HTTP_URL1", "ftp://x/")],
            [("HTTP_URL1", "http://{host}/")],
            [("HTTP_NONSENSE", "x")],
        ],
    )
    def test_what_makes_no_sense_is_refused(self, context: list[tuple[str, str]]) -> None:
        with pytest.raises(UnableToSave):
            make_sender(context=context)

        assert SenderContext.objects.count() == 0


class TestConfiguration:
    def test_a_document_sets_senders_systems_and_types(self) -> None:
        make_connection("DERMS")
        senders = {
            "DERMS-SENDER": {
                "connection": "DERMS",
                "headers": {"X-Tenant": "north"},
                "headers_env": {"X-Api-Key": "KEY"},
                "login_user": "u",
                "login_password_env": "PASSWORD",
                "timeout": 12,
                "urls": ["/a", "/b"],
            }
        }
        systems: dict[str, Any] = {"NIGHTLY": {"processing_method": "BATCH", "sender": "DERMS-SENDER"}}
        types: dict[str, Any] = {"T-1": {"method": "PUT", "path": "/t", "ordered": True, "retry_delays": [1, 2.5]}}
        environ = {"KEY": "k", "PASSWORD": "p"}

        for outcome in ("created", "unchanged"):
            changes = [
                *apply_message_senders(section=senders, at=NOW, environ=environ),
                *apply_external_systems(section=systems, at=NOW),
                *apply_outbound_message_types(section=types, at=NOW),
            ]
            assert [change.outcome for change in changes] == [outcome] * 3

        sender = MessageSender.objects.get()
        assert sorted(sender.context.values_list("context_type", "value")) == [
            ("HTTP_HEADER", "X-Api-Key: k"),
            ("HTTP_HEADER", "X-Tenant: north"),
            ("HTTP_LOGIN_PASSWORD", "p"),
            ("HTTP_LOGIN_USER", "u"),
            ("HTTP_TIMEOUT", "12"),
            ("HTTP_URL1", "/a"),
            ("HTTP_URL2", "/b"),
        ]
        assert ExternalSystem.objects.get().sender == sender
        assert OutboundMessageType.objects.get().retry_delays == [1, 2.5]

    def test_all_that_is_wrong_is_named_and_nothing_is_applied(self) -> None:
        with pytest.raises(UnableToApplyConfiguration) as refused:
            apply_external_systems(
                section={"GOOD": {}, "A": {"connection": "NONE"}, "B": {"colour": 1}, "C": {"processing_method": "X"}},
                at=NOW,
            )
        assert [error["pointer"] for error in refused.value.errors] == [
            "/A/connection",
            "/B/colour",
            "/C/processing_method",
        ]
        assert ExternalSystem.objects.count() == 0
        with pytest.raises(UnableToApplyConfiguration, match="headers_env"):
            apply_message_senders(section={"S": {"headers": {"Authorization": "Bearer x"}}}, at=NOW)
        with pytest.raises(UnableToApplyConfiguration, match="NOT_SET"):
            apply_message_senders(
                section={"S": {"login_user": "u", "login_password_env": "NOT_SET"}}, at=NOW, environ={}
            )
        assert MessageSender.objects.count() == 0

    def test_a_dry_run_changes_nothing(self) -> None:
        assert apply_outbound_message_types(section={"T": {}}, at=NOW, dry_run=True)[0].outcome == "created"
        assert OutboundMessageType.objects.count() == 0


class TestDefaults:
    def test_ships_systems_and_types_once_and_leaves_what_a_site_set(self) -> None:
        install_defaults(at=NOW)
        OutboundMessageType.objects.filter(code="SYNC-ACK").update(retry_delays=[1])

        install_defaults(at=NOW)

        assert list(ExternalSystem.objects.values_list("name", flat=True)) == ["DACS", "DERMS"]
        assert list(OutboundMessageType.objects.values_list("code", flat=True)) == [
            *("OUTCOME-ACK", "RESERVATION-ACK", "SYNC-ACK", "USAGE-CORRECTION", "USAGE-TRANSACTION", "X1-CTRLDVCS"),
            "X1-NMSDASMSG",
        ]
        assert OutboundMessageType.objects.get(code="SYNC-ACK").retry_delays == [1]

    def test_a_sync_acknowledgement_goes_where_dacs_takes_it(self, peer: Peer) -> None:
        install_defaults(at=NOW)
        make_connection("DACS", base_url=peer.url)
        message = make_message(
            message_type="SYNC-ACK", external_system="DACS", context={"syncRequestId": "15449036987849"}
        )

        peer.behave = answer(404)

        waits = attempt(message)

        assert (peer.seen[0].method, peer.seen[0].path) == (
            "PATCH",
            "/rest/apis/common/sync/syncRequest/15449036987849",
        )
        assert (waits.status, (waits.next_attempt_at - NOW).total_seconds()) == (MessageStatus.FAIL, 5.0)  # type: ignore[operator]
