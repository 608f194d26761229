from __future__ import annotations

import datetime as dt
import functools
import json
import random
import uuid
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from foundation import counting
from outbound import attention_queries, message_queries, retry, tasks
from outbound.choices import AttemptOutcome, BreakerState, MessageFault, MessageStatus
from outbound.models import Connection, ConnectionHealth, DeliveryAttempt, OutboundMessage, OutboundMessageType
from outbound.operations import message_claims, message_holds, message_recovery, sweeping
from outbound.operations.message_claims import MessageNotDue
from outbound.operations.message_delivery import BATCH_SIZE, deliver_due
from outbound.operations.message_outcomes import Refusal, delay_before_retry
from outbound.operations.parameters import set_parameter
from outbound.retry import FaultType
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import attempt, make_message, make_system, make_type
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def derms(peer: Peer) -> Connection:
    """The target, which may fail often without being held back."""
    set_parameter(name="BREAKER_FAILURES", value=100)
    return make_connection("DERMS", base_url=peer.url)


def _state(message: OutboundMessage) -> tuple[str, int, Any]:
    message.refresh_from_db()
    return message.status, message.num_retries, message.next_attempt_at


class TestSuccess:
    def test_sends_the_stored_bytes_under_the_message_id(self, derms: Connection, peer: Peer) -> None:
        message = make_message(message_id="ACK-1", payload=b'{"a": 1.10}', headers={"X-Trace": "t"})

        done = attempt(message)

        (seen,) = peer.seen
        assert (seen.method, seen.path, seen.body) == ("POST", "/event", b'{"a": 1.10}')
        assert seen.headers["Idempotency-Key"] == "ACK-1"
        assert (seen.headers["Content-Type"], seen.headers["X-Trace"]) == ("application/json", "t")
        assert (done.status, done.num_retries, done.next_attempt_at) == (MessageStatus.SUCCESS, 0, None)
        assert (done.sent_at, done.settled_at, done.lease_token, done.last_error) == (NOW, NOW, None, "")
        assert done.answer == b'{"ok": true}'
        (tried,) = done.attempts.all()
        assert (tried.number, tried.outcome, tried.status, tried.retry) == (1, AttemptOutcome.SENT, 200, False)
        assert (tried.target, tried.answer_excerpt) == ("DERMS: POST /event", '{"ok": true}')
        assert tried.duration_seconds is not None

    def test_is_not_sent_twice(self, derms: Connection, peer: Peer) -> None:
        message = make_message()
        attempt(message)

        with pytest.raises(MessageNotDue):
            attempt(message)

        assert len(peer.seen) == 1

    def test_the_types_word_for_a_duplicate_is_a_success(self, derms: Connection, peer: Peer) -> None:
        make_type("SYNC-ACK", duplicate_statuses=[400])
        peer.behave = answer(400, b'{"message": "already there"}')

        done = attempt(make_message(message_type="SYNC-ACK"))

        assert done.status == MessageStatus.SUCCESS
        assert done.last_error == "HTTP 400: the target has the message already."

    def test_an_answer_that_is_acknowledged_later_leaves_it_sent(self, derms: Connection, peer: Peer) -> None:
        make_type("ASYNC", answer_kind="ACKNOWLEDGED_LATER")
        peer.behave = answer(202)

        done = attempt(make_message(message_type="ASYNC"))

        assert (done.status, done.settled_at, done.next_attempt_at) == (MessageStatus.SENT, None, None)

    def test_the_attempt_stands_before_the_target_is_called(
        self, derms: Connection, peer: Peer, monkeypatch: Any
    ) -> None:
        seen: list[Any] = []

        def look(*_args: Any, **_kwargs: Any) -> Any:
            seen.append((DeliveryAttempt.objects.get().outcome, OutboundMessage.objects.get().status))
            raise _gone()

        monkeypatch.setattr("outbound.transports.rest.RestClient.request", look)
        attempt(make_message())

        assert seen == [(AttemptOutcome.STARTED, MessageStatus.IN_PROGRESS)]


def _gone() -> Exception:
    from outbound.transports.base import TargetBroke

    return TargetBroke("gone")


class TestRetries:
    def test_one_try_and_max_retries_more_then_fail(self, derms: Connection, peer: Peer) -> None:
        set_parameter(name="MAX_RETRIES", value=3)
        peer.behave = answer(503, b'{"name": "Jane Doe"}')
        message, at, waits, counts = make_message(), NOW, [], []

        for _ in range(3):
            attempt(message, at)
            status, retries, due = _state(message)
            assert status == MessageStatus.FAIL
            counts.append(retries)
            waits.append((due - at).total_seconds())
            with pytest.raises(MessageNotDue):
                attempt(message, at)
            at = due
        attempt(message, at)

        assert (counts, waits) == ([0, 1, 2], [15.0, 30.0, 60.0])
        assert _state(message) == (MessageStatus.FAIL, 3, None)
        assert len(peer.seen) == 4
        assert {seen.headers["Idempotency-Key"] for seen in peer.seen} == {message.message_id}
        assert [(each.number, each.retry) for each in message.attempts.order_by("number")] == [
            (1, False),
            (2, True),
            (3, True),
            (4, True),
        ]
        assert message.fault_type == MessageFault.REMOTE
        assert message.last_error == 'HTTP 503: {"name": "J••• D•••"}'
        assert list(message_queries.due_messages(at=at + dt.timedelta(days=9))) == []

    def test_a_types_own_delays_and_number(self, derms: Connection, peer: Peer) -> None:
        make_type("SYNC-ACK", max_retries=4, retry_delays=[5, 15, 60, 300], retry_statuses=[404, 409])
        peer.behave = answer(409)
        message, at, waits = make_message(message_type="SYNC-ACK"), NOW, []

        for _ in range(4):
            attempt(message, at)
            due = _state(message)[2]
            waits.append((due - at).total_seconds())
            at = due
        attempt(message, at)

        assert waits == [5.0, 15.0, 60.0, 300.0]
        assert _state(message) == (MessageStatus.FAIL, 4, None)

    @pytest.mark.parametrize("status", [400, 404, 409, 422])
    def test_a_refused_message_fails_at_once(self, derms: Connection, peer: Peer, status: int) -> None:
        peer.behave = answer(status)
        message = make_message()

        attempt(message)

        assert _state(message) == (MessageStatus.FAIL, 0, None)
        assert (message.fault_type, message.settled_at) == (MessageFault.BUSINESS, NOW)
        assert message.attempts.get().outcome == AttemptOutcome.REFUSED

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 504])
    def test_what_is_worth_it_is_tried_again(self, derms: Connection, peer: Peer, status: int) -> None:
        peer.behave = answer(status)
        message = make_message()

        attempt(message)

        assert _state(message) == (MessageStatus.FAIL, 0, NOW + 15 * SECOND)

    @pytest.mark.parametrize(
        ("asked", "seconds"),
        [
            ("120", 120.0),
            ("999999999", 86_400.0),
            ("-1", 15.0),
            ("soon", 15.0),
            ("Sun, 10 Mar 2024 12:05:00 GMT", 300.0),
        ],
    )
    def test_retry_after_is_honoured_up_to_a_day(
        self, derms: Connection, peer: Peer, asked: str, seconds: float
    ) -> None:
        peer.behave = answer(429, b"", Retry_After=asked)
        message = make_message()

        attempt(message)

        assert _state(message)[2] == NOW + seconds * SECOND

    @pytest.mark.parametrize(
        ("_case", "media_type", "body"),
        [
            ("a login page", "text/html; charset=utf-8", b"<html><body>Please log in</body></html>"),
            ("a page that says it is JSON", "application/json", b"<html>It works!"),
            ("half of a document", "application/json", b'{"ackType": "SUC'),
        ],
    )
    def test_a_success_that_cannot_be_read_is_tried_again(
        self, derms: Connection, peer: Peer, _case: str, media_type: str, body: bytes
    ) -> None:
        peer.behave = answer(200, body, Content_Type=media_type)
        message = make_message()

        failed = attempt(message)

        assert failed.status == MessageStatus.FAIL
        assert failed.fault_type == MessageFault.REMOTE
        assert "not JSON" in failed.last_error
        peer.behave = answer(200, b'{"ackType": "SUCCESS"}', Content_Type="application/json")
        assert failed.next_attempt_at is not None
        assert attempt(message, failed.next_attempt_at).status == MessageStatus.SUCCESS

    def test_a_plain_word_is_an_answer(self, derms: Connection, peer: Peer) -> None:
        peer.behave = answer(200, b"OK", Content_Type="text/plain")

        assert attempt(make_message()).status == MessageStatus.SUCCESS

    def test_a_redirect_is_nobodys_retry(self, derms: Connection, peer: Peer) -> None:
        peer.behave = answer(302, b"", Location="http://elsewhere.example/")
        message = make_message()

        attempt(message)

        assert _state(message) == (MessageStatus.FAIL, 0, None)
        assert message.fault_type == MessageFault.TECHNICAL
        assert "elsewhere.example" in message.last_error

    def test_a_lowered_max_retries_ends_what_waits(self, derms: Connection, peer: Peer) -> None:
        peer.behave = answer(500)
        message = make_message()
        attempt(message)
        set_parameter(name="MAX_RETRIES", value=0)

        attempt(message, NOW + 60 * SECOND)

        assert _state(message) == (MessageStatus.FAIL, 0, None)
        assert len(peer.seen) == 1


class TestHeld:
    def test_an_open_breaker_holds_without_an_attempt_or_a_retry(self, peer: Peer) -> None:
        set_parameter(name="BREAKER_FAILURES", value=1)
        make_connection("DERMS", base_url=peer.url)
        peer.behave = answer(500)
        attempt(make_message())
        # The client's breaker reads the clock itself.
        ConnectionHealth.objects.update(opened_at=NOW)
        others = [make_message() for _ in range(3)]

        attempt(others[0])

        assert len(peer.seen) == 1
        for held in others:
            # The one that was looked at, and the others of its system and type with it.
            assert _state(held) == (MessageStatus.PENDING, 0, NOW + 30 * SECOND)
            assert held.attempts.count() == 0
            assert "held back by its circuit breaker" in held.hold_reason
            assert message_queries.waits_because(held) == held.hold_reason

    def test_when_the_target_is_back_all_are_let_go(self, peer: Peer) -> None:
        set_parameter(name="BREAKER_FAILURES", value=1)
        make_connection("DERMS", base_url=peer.url)
        peer.behave = answer(500)
        attempt(make_message())
        # The client's breaker reads the clock itself.
        ConnectionHealth.objects.update(opened_at=NOW)
        others = [make_message() for _ in range(5)]
        attempt(others[0])
        peer.behave = answer(200)

        later = NOW + 31 * SECOND
        done = attempt(others[0], later)

        assert done.status == MessageStatus.SUCCESS
        assert ConnectionHealth.objects.get().state == BreakerState.CLOSED
        assert deliver_due(at=later, clock=lambda: later) == 5
        assert OutboundMessage.objects.filter(status=MessageStatus.SUCCESS).count() == 6
        assert {_state(each)[1] for each in others} == {0}

    @pytest.mark.parametrize(
        ("change", "words"),
        [({"enabled": False}, "switched off"), ({"held": True}, "paused")],
    )
    def test_a_connection_that_is_off_or_paused(self, peer: Peer, change: dict[str, Any], words: str) -> None:
        make_connection("DERMS", base_url=peer.url)
        Connection.objects.update(**change)
        message = make_message()

        attempt(message)

        assert _state(message) == (MessageStatus.PENDING, 0, NOW + 60 * SECOND)
        assert words in message.hold_reason
        assert (message.attempts.count(), peer.seen) == (0, [])
        Connection.objects.update(enabled=True, held=False)
        assert message_holds.release_usable(at=NOW + SECOND) == 1
        assert attempt(message, NOW + SECOND).status == MessageStatus.SUCCESS

    def test_a_connection_that_does_not_exist_yet(self, peer: Peer) -> None:
        message = make_message()
        attempt(message)
        assert "no connection named DERMS" in OutboundMessage.objects.get().hold_reason

        make_connection("DERMS", base_url=peer.url)
        sweeping.sweep_messages(at=NOW + SECOND)

        assert attempt(message, NOW + SECOND).status == MessageStatus.SUCCESS

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_credentials_hold_the_connection_and_use_no_retry(self, peer: Peer, status: int) -> None:
        make_connection("DERMS", base_url=peer.url)
        peer.behave = answer(status)
        first, second = make_message(), make_message()

        attempt(first)
        ConnectionHealth.objects.update(opened_at=NOW)
        attempt(second)

        assert _state(first) == (MessageStatus.PENDING, 0, NOW + 30 * SECOND)
        assert _state(second)[:2] == (MessageStatus.PENDING, 0)
        assert "refused the credentials" in second.hold_reason
        assert first.attempts.get().outcome == AttemptOutcome.HELD
        assert len(peer.seen) == 1

    def test_a_retry_that_is_held_is_not_used(self, derms: Connection, peer: Peer) -> None:
        peer.behave = answer(500)
        message = make_message()
        attempt(message)
        peer.behave = answer(401)

        attempt(message, NOW + 60 * SECOND)

        status, retries, due = _state(message)
        assert (status, retries) == (MessageStatus.FAIL, 0)
        assert due == NOW + 90 * SECOND

    def test_a_busy_connection_leaves_no_trace(self, derms: Connection, monkeypatch: Any) -> None:
        from outbound.transports.base import ConnectionBusy

        def busy(*_args: Any, **_kwargs: Any) -> Any:
            raise ConnectionBusy("no place")

        monkeypatch.setattr("outbound.transports.rest.RestClient.request", busy)
        message = make_message()

        attempt(message)

        assert _state(message) == (MessageStatus.PENDING, 0, NOW + 5 * SECOND)
        assert message.attempts.count() == 0


class TestOrder:
    @pytest.fixture(autouse=True)
    def _types(self, derms: Connection) -> None:
        make_type("RESERVE", ordered=True)
        make_type("CANCEL", ordered=True)

    def test_a_message_waits_for_the_earlier_ones_of_its_key(self, peer: Peer) -> None:
        peer.behave = answer(500)
        first = make_message(message_type="RESERVE", key="E-1", message_id="first")
        second = make_message(message_type="CANCEL", key="E-1")
        other = make_message(message_type="CANCEL", key="E-2")
        attempt(first)

        with pytest.raises(MessageNotDue):
            attempt(second)

        assert attempt(other).status == MessageStatus.FAIL
        assert message_queries.waits_because(second) == (
            "Waits for message first (RESERVE) of the same key E-1, which is failed: HTTP 500"
        )
        peer.behave = answer(200)
        attempt(first, NOW + 60 * SECOND)
        assert attempt(second, NOW + 60 * SECOND).status == MessageStatus.SUCCESS
        assert message_queries.waits_because(second) == ""

    def test_a_dead_letter_lets_the_next_one_go(self, peer: Peer) -> None:
        peer.behave = answer(422)
        first = make_message(message_type="RESERVE", key="E-1")
        second = make_message(message_type="CANCEL", key="E-1")
        attempt(first)
        peer.behave = answer(200)

        assert attempt(second).status == MessageStatus.SUCCESS

    def test_the_next_of_the_key_is_woken(
        self, peer: Peer, django_capture_on_commit_callbacks: Any, monkeypatch: Any
    ) -> None:
        woken: list[dict[str, Any]] = []
        monkeypatch.setattr("foundation.dispatch._send", lambda name, *rest: woken.append({"task": name, **rest[-1]}))
        first = make_message(message_type="RESERVE", key="E-1")
        second = make_message(message_type="CANCEL", key="E-1")

        with django_capture_on_commit_callbacks(execute=True):
            attempt(first)

        assert {"task": "outbound.tasks.deliver_message", "message_pk": second.pk} in woken

    def test_a_batch_keeps_the_order(self, peer: Peer) -> None:
        keys = [make_message(message_type="RESERVE", key="E-1", payload={"n": n}).pk for n in range(4)]

        for _ in range(4):
            deliver_due(at=NOW, clock=lambda: NOW)

        assert [json.loads(seen.body)["n"] for seen in peer.seen] == [0, 1, 2, 3]
        assert OutboundMessage.objects.filter(pk__in=keys, status=MessageStatus.SUCCESS).count() == 4


class TestLostWorkers:
    def test_a_reserved_message_is_due_again_and_nothing_is_counted(self, derms: Connection) -> None:
        message = make_message()
        message_claims.reserve(at=NOW, message_pk=message.pk)
        with pytest.raises(MessageNotDue):
            attempt(message)

        assert sweeping.sweep_messages(at=NOW + 61 * SECOND) == 2  # taken back, and due

        message.refresh_from_db()
        assert (message.status, message.recoveries, message.lease_token) == (MessageStatus.PENDING, 0, None)
        assert attempt(message, NOW + 61 * SECOND).status == MessageStatus.SUCCESS

    def test_a_started_try_is_lost_and_goes_again_under_the_same_id_without_a_retry(
        self, derms: Connection, peer: Peer
    ) -> None:
        peer.behave = answer(500)
        message = make_message()
        attempt(message)
        peer.behave = answer(200)
        at = NOW + 60 * SECOND
        (reserved,) = message_claims.reserve(at=at, message_pk=message.pk)
        message_claims.begin(reserved, at=at)  # and the worker is gone
        assert _state(message)[:2] == (MessageStatus.IN_PROGRESS, 1)

        assert message_recovery.take_back_lost(at=at + 29 * SECOND) == 0
        assert message_recovery.take_back_lost(at=at + 31 * SECOND) == 1

        message.refresh_from_db()
        assert (message.status, message.num_retries, message.recoveries) == (MessageStatus.PENDING, 1, 1)
        done = attempt(message, at + 31 * SECOND)
        assert (done.status, done.num_retries, done.recoveries) == (MessageStatus.SUCCESS, 1, 0)
        assert [each.outcome for each in done.attempts.order_by("number")] == [
            AttemptOutcome.FAILED,
            AttemptOutcome.LOST,
            AttemptOutcome.SENT,
        ]

    def test_the_third_lost_worker_makes_a_dead_letter(self, derms: Connection, peer: Peer) -> None:
        message, at = make_message(), NOW
        healthy = make_message()
        for _ in range(3):
            (reserved,) = message_claims.reserve(at=at, message_pk=message.pk)
            message_claims.begin(reserved, at=at)
            at += dt.timedelta(minutes=5)
            message_recovery.take_back_lost(at=at)

        assert _state(message) == (MessageStatus.FAIL, 0, None)
        assert message.last_error.startswith("worker_crash: 3 workers disappeared")
        assert attempt(healthy, at).status == MessageStatus.SUCCESS
        assert peer.seen[-1].headers["Idempotency-Key"] == healthy.message_id

    def test_a_late_owner_changes_nothing(self, derms: Connection, peer: Peer) -> None:
        message, other = make_message(), uuid.uuid4()

        def late() -> dt.datetime:
            OutboundMessage.objects.update(lease_token=other)
            return NOW

        attempt(message, clock=late)

        message.refresh_from_db()
        assert (message.status, message.lease_token) == (MessageStatus.IN_PROGRESS, other)
        tried = message.attempts.get()
        assert (tried.outcome, tried.status) == (AttemptOutcome.LOST, 200)
        assert "too late" in tried.error


class TestBatch:
    def test_takes_what_is_due_longest_first_and_leaves_the_rest(self, derms: Connection, peer: Peer) -> None:
        for number in range(3):
            make_message(payload={"n": number}, not_before=NOW - number * SECOND)
        make_message(payload={"n": 9}, not_before=NOW + SECOND)

        assert deliver_due(at=NOW, clock=lambda: NOW, limit=2) == 2
        assert deliver_due(at=NOW, clock=lambda: NOW, limit=2) == 1
        assert deliver_due(at=NOW, clock=lambda: NOW, limit=2) == 0
        assert sorted(json.loads(seen.body)["n"] for seen in peer.seen) == [0, 1, 2]

    def test_a_worker_that_has_worked_long_puts_the_rest_back(self, derms: Connection, peer: Peer) -> None:
        for _ in range(3):
            make_message()
        times = iter([NOW, NOW, NOW, NOW + 30 * SECOND, NOW + 30 * SECOND])

        assert deliver_due(at=NOW, clock=lambda: next(times)) == 1
        assert message_queries.due_messages(at=NOW).count() == 2

    def test_only_the_messages_of_its_zone(self, derms: Connection, peer: Peer) -> None:
        make_connection("ONPREM", base_url=peer.url)
        Connection.objects.filter(name="ONPREM").update(zone="plant")
        make_system("ONPREM")
        here, there = make_message(), make_message(external_system="ONPREM")

        assert deliver_due(at=NOW, clock=lambda: NOW, zone="plant") == 1
        assert (_state(here)[0], _state(there)[0]) == (MessageStatus.PENDING, MessageStatus.SUCCESS)
        assert deliver_due(at=NOW, clock=lambda: NOW) == 1


class TestTasks:
    def test_one_message_by_its_id_and_what_is_not_due_is_left_alone(self, derms: Connection, peer: Peer) -> None:
        now = timezone.now()
        due, later = make_message(at=now), make_message(at=now, not_before=now + dt.timedelta(hours=1))

        tasks.deliver_message(message_pk=due.pk)
        tasks.deliver_message(message_pk=due.pk)
        tasks.deliver_message(message_pk=later.pk)

        assert [seen.headers["Idempotency-Key"] for seen in peer.seen] == [due.message_id]

    def test_the_sweep_wakes_workers_for_batches_and_they_deliver(
        self, derms: Connection, peer: Peer, django_capture_on_commit_callbacks: Any, monkeypatch: Any
    ) -> None:
        woken: list[Any] = []
        monkeypatch.setattr("foundation.dispatch._send", lambda name, *rest: woken.append((name, rest[-1])))
        make_system("NIGHTLY", processing_method="BATCH", connection=derms)
        for _ in range(BATCH_SIZE + 1):
            make_message(external_system="NIGHTLY", at=timezone.now())

        with django_capture_on_commit_callbacks(execute=True):
            assert tasks.sweep() == BATCH_SIZE + 1
        assert woken == [("outbound.tasks.deliver_due", {"zone": ""})] * 2
        assert (tasks.deliver_due(zone=""), tasks.deliver_due(zone="")) == (BATCH_SIZE + 1, 0)

        assert len(peer.seen) == BATCH_SIZE + 1


class TestJitter:
    def test_many_that_fail_at_once_come_back_spread_out(self) -> None:
        rng = random.Random(7)
        fault = Refusal(FaultType.REMOTE, "HTTP 503")
        decide = functools.partial(
            retry.decide, fault=fault, max_retries=3, num_retries=0, base=30.0, cap=900.0, random=rng.random
        )
        kind = OutboundMessageType()

        waits = [delay_before_retry(kind, number=1, decision=decide(), failure=fault) for _ in range(1_000)]

        buckets = Counter(int(wait) for wait in waits)
        assert max(waits) <= 30.0
        assert max(buckets.values()) <= 3 * 1_000 / 30


class TestCounts:
    def test_what_waits_is_held_and_failed(self, derms: Connection, peer: Peer) -> None:
        peer.behave = answer(422)
        attempt(make_message())
        make_message()
        Connection.objects.update(held=True)
        attempt(make_message())

        kinds = {
            "waiting": attention_queries.waiting_messages(),
            "held": attention_queries.held_messages(),
            "failed": attention_queries.dead_letters(),
        }
        numbers = {name: counted.number for name, counted in counting.counts(kinds).items()}
        assert numbers == {"waiting": 2, "held": 2, "failed": 1}
