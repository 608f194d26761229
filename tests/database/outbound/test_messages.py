from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from outbound.choices import MessageStatus
from outbound.models import Connection, OutboundMessage
from outbound.operations.messages import MessageIdReused, UnableToQueueMessage, queue_message
from tests.factories.messages import make_message, make_system, make_type
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The wake-up calls: task, countdown, queue, arguments."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        "foundation.dispatch._send",
        lambda name, countdown, queue, _expires, arguments: calls.append((name, countdown, queue, arguments)),
    )
    return calls


class TestQueueMessage:
    def test_is_stored_and_wakes_a_worker_after_commit(
        self, woken: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            message = make_message(message_id="A-1", payload={"exact": Decimal("1.10")}, key="E-1")
            assert woken == []

        message.refresh_from_db()
        assert woken == [("outbound.tasks.deliver_message", None, None, {"message_pk": message.pk})]
        assert (message.message_id, message.payload, message.key) == ("A-1", b'{"exact":1.10}', "E-1")
        assert (message.status, message.num_retries, message.next_attempt_at) == (MessageStatus.PENDING, 0, NOW)

    def test_nothing_stays_when_the_callers_transaction_fails(self, woken: list[Any]) -> None:
        with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
            make_message()
            raise RuntimeError

        assert OutboundMessage.objects.count() == 0

    @pytest.mark.parametrize(
        ("_case", "wait", "expected"),
        [("soon: a countdown", 5, 5.05), ("far off: the sweep", 61, None)],
    )
    def test_not_before(
        self,
        _case: str,
        wait: int,
        expected: float | None,
        woken: list[Any],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            message = make_message(not_before=NOW + wait * SECOND)

        assert message.next_attempt_at == NOW + wait * SECOND
        assert [call[1] for call in woken] == ([] if expected is None else [expected])

    def test_a_batch_system_waits_for_the_sweep(
        self, woken: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        make_system("NIGHTLY", processing_method="BATCH")
        with django_capture_on_commit_callbacks(execute=True):
            make_message(external_system="NIGHTLY")

        assert woken == []

    def test_a_connection_in_a_zone_wakes_a_worker_of_the_zone(
        self, woken: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        make_connection("DERMS")
        Connection.objects.update(zone="plant")
        with django_capture_on_commit_callbacks(execute=True):
            make_message()

        assert [call[2] for call in woken] == ["zone.plant"]

    def test_the_same_message_again_is_the_same_row(self) -> None:
        first = make_message(message_id="A-1", payload=b'{"a": 1, "b": 2}')

        again = make_message(message_id="A-1", payload=b'{"b":2,"a":1}')

        assert (again.pk, OutboundMessage.objects.count()) == (first.pk, 1)

    @pytest.mark.parametrize("change", [{"payload": {"other": 1}}, {"path": "/other"}, {"key": "other"}])
    def test_another_message_under_the_same_id_is_refused(self, change: dict[str, Any]) -> None:
        make_message(message_id="A-1")

        with pytest.raises(MessageIdReused):
            make_message(message_id="A-1", **change)

        assert OutboundMessage.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"message_id": "two words"}, "/message_id"),
            ({"method": "GET"}, "/method"),
            ({"path": "http://elsewhere.example/"}, "/path"),
            ({"path": "/a/{missing}"}, "/path"),
            ({"key": "a\nb"}, "/key"),
            ({"media_type": "nonsense"}, "/media_type"),
            ({"headers": {"Authorization": "x"}}, "/headers"),
            ({"headers": {"X-A": "a\r\nX-B: b"}}, "/headers"),
        ],
    )
    def test_what_cannot_be_sent_is_refused_with_its_place(self, change: dict[str, Any], pointer: str) -> None:
        with pytest.raises(UnableToQueueMessage) as refused:
            make_message(**change)

        assert [error["pointer"] for error in refused.value.errors] == [pointer]
        assert OutboundMessage.objects.count() == 0

    def test_unknown_types_and_systems_are_both_named(self) -> None:
        with pytest.raises(UnableToQueueMessage) as refused:
            queue_message(message_type="NONE", external_system="NOWHERE", payload={}, at=NOW)

        assert [error["pointer"] for error in refused.value.errors] == ["/message_type", "/external_system"]

    def test_the_payload_is_encrypted_in_the_database(self) -> None:
        from django.db import connection as database

        make_message(payload={"secret": "canary"}, headers={"X-Key": "canary"})
        with database.cursor() as cursor:
            cursor.execute("SELECT payload, headers FROM outbound_outboundmessage")
            payload, headers = cursor.fetchone()

        assert b"canary" not in bytes(payload)
        assert "canary" not in headers

    def test_types_may_not_be_made_wrong(self) -> None:
        from outbound.operations.message_setup import UnableToSave

        with pytest.raises(UnableToSave) as refused:
            make_type("BAD", retry_delays=[-1], duplicate_statuses=["400"], path="http://x/")

        assert {error["pointer"] for error in refused.value.errors} == {
            "/retry_delays",
            "/duplicate_statuses",
            "/path",
        }
