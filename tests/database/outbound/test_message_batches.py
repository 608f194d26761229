"""A batch of messages: noted, called and settled together, without one spoiling another."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from foundation import correlation
from outbound import tasks
from outbound.choices import AttemptOutcome, BreakerState, MessageStatus
from outbound.models import Connection, ConnectionHealth, DeliveryAttempt, OutboundMessage
from outbound.operations import message_calls, message_claims, message_recovery
from outbound.operations.message_delivery import deliver_due, drain
from outbound.operations.parameters import set_parameter
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import make_message
from tests.factories.outbound import NOW, make_connection


SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _unknown_targets() -> None:
    """How fast targets are is known per process; each test begins without."""
    message_calls.forget()


@pytest.fixture
def derms(peer: Peer) -> Connection:
    return make_connection("DERMS", base_url=peer.url)


@pytest.mark.django_db
class TestTogether:
    def test_takes_hardly_more_queries_for_thirty_messages_than_for_ten(
        self, derms: Connection, peer: Peer, monkeypatch: Any
    ) -> None:
        # However slow this machine is: they begin together.
        monkeypatch.setattr(message_calls, "most_at_once", lambda **_: 100)

        def queries(count: int) -> int:
            for _ in range(count):
                make_message()
            with CaptureQueriesContext(database) as asked:
                assert deliver_due(at=NOW, clock=lambda: NOW) == count
            return len(asked)

        queries(1)
        few, many = queries(10), queries(30)

        # The breaker looks at its row once a second, however many calls there are.
        assert many <= few + 4
        assert Counter(peer_seen.headers["Idempotency-Key"] for peer_seen in peer.seen).most_common(1)[0][1] == 1
        assert len(peer.seen) == DeliveryAttempt.objects.filter(outcome=AttemptOutcome.SENT).count() == 41
        # Nobody waits for the end of such messages, so that it counts as told at once.
        assert OutboundMessage.objects.filter(status=MessageStatus.SUCCESS, told=True).count() == 41

    @pytest.mark.parametrize("at_once", [1, 4])
    def test_each_carries_the_id_of_the_work_that_queued_it_and_not_of_what_woke_the_worker(
        self, derms: Connection, peer: Peer, monkeypatch: Any, at_once: int
    ) -> None:
        monkeypatch.setattr(message_calls, "most_at_once", lambda **_: 100)
        # Known to be slow, a target is called by threads.
        monkeypatch.setitem(message_calls._seconds, "DERMS", 0.001 * at_once)
        Connection.objects.filter(pk=derms.pk).update(max_concurrency=at_once)
        for request in ("request-a", "request-b"):
            with correlation.bound(request):
                make_message(message_id=f"of-{request}")
        make_message(message_id="of-the-schedule")

        with correlation.bound("request-c"):
            assert deliver_due(at=NOW, clock=lambda: NOW) == 3

        sent = {seen.headers["Idempotency-Key"]: seen.headers.get("X-Correlation-Id") for seen in peer.seen}
        assert sent == {"of-request-a": "request-a", "of-request-b": "request-b", "of-the-schedule": None}

    def test_a_payload_that_cannot_be_decrypted_fails_alone(self, derms: Connection, peer: Peer) -> None:
        broken, whole = make_message(), make_message()
        with database.cursor() as cursor:
            cursor.execute("UPDATE outbound_outboundmessage SET payload = %s WHERE id = %s", [b"no token", broken.pk])

        assert deliver_due(at=NOW, clock=lambda: NOW) == 2

        statuses = dict(OutboundMessage.objects.values_list("pk", "status"))
        assert statuses == {broken.pk: MessageStatus.FAIL, whole.pk: MessageStatus.SUCCESS}
        assert len(peer.seen) == 1

    def test_a_refused_message_does_not_hold_up_the_others(self, derms: Connection, peer: Peer) -> None:
        first, *_ = [make_message() for _ in range(6)]

        def behave(handler: Any) -> None:
            answer(422 if handler.headers["Idempotency-Key"] == first.message_id else 200)(handler)

        peer.behave = behave
        assert deliver_due(at=NOW, clock=lambda: NOW) == 6

        assert Counter(OutboundMessage.objects.values_list("status", flat=True)) == {"SUCCESS": 5, "FAIL": 1}

    def test_a_transaction_that_queues_many_wakes_a_batch(
        self, django_capture_on_commit_callbacks: Any, monkeypatch: Any
    ) -> None:
        woken: list[str] = []
        monkeypatch.setattr("foundation.dispatch._send", lambda name, *rest: woken.append(name))

        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            for _ in range(30):
                make_message()

        assert Counter(woken) == {"outbound.tasks.deliver_message": 8, "outbound.tasks.deliver_due": 1}

    def test_who_is_woken_for_one_takes_the_others_along(self, derms: Connection, peer: Peer) -> None:
        at = timezone.now()
        first, *_ = [make_message(at=at) for _ in range(5)]

        tasks.deliver_message(message_pk=first.pk)

        assert len(peer.seen) == 5


@pytest.mark.django_db
class TestOneAfterTheOther:
    """A target that takes its time: the next tries begin while the calls before are out."""

    @pytest.fixture(autouse=True)
    def _ten_at_a_time(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(message_calls, "most_at_once", lambda **_: 10)

    @pytest.fixture
    def slow(self, peer: Peer) -> Counter[str]:
        """How many calls the target had at once, and at most; each takes a tenth of a second."""
        seen: Counter[str] = Counter()
        lock = threading.Lock()

        def behave(handler: Any) -> None:
            with lock:
                seen["now"] += 1
                seen["most"] = max(seen["most"], seen["now"])
            time.sleep(0.1)
            with lock:
                seen["now"] -= 1
            answer(200)(handler)

        peer.behave = behave
        return seen

    @pytest.mark.parametrize("limit", [10, 200])
    def test_a_call_that_takes_long_holds_up_no_other(self, peer: Peer, limit: int) -> None:
        # Neither those begun after it nor, with a limit of 10, those of the batches after it.
        make_connection("DERMS", base_url=peer.url, max_concurrency=4)
        at = timezone.now()
        messages = [make_message(at=at) for _ in range(31)]
        longest, others = messages[5].message_id, threading.Semaphore(0)
        passed: list[bool] = []

        def behave(handler: Any) -> None:
            if handler.headers["Idempotency-Key"] == longest:
                # The first, the rest of its ten, and some that were begun later.
                passed.append(all(others.acquire(timeout=20) for _ in range(14)))
            else:
                # So long that a target like this has threads.
                time.sleep(0.01)
                others.release()
            answer(200)(handler)

        peer.behave = behave

        assert drain(clock=timezone.now, limit=limit) == 31

        assert passed == [True]
        assert Counter(OutboundMessage.objects.values_list("status", flat=True)) == {MessageStatus.SUCCESS: 31}
        assert DeliveryAttempt.objects.filter(outcome=AttemptOutcome.SENT).count() == len(peer.seen) == 31

    def test_tries_begin_while_those_before_them_are_called(self, peer: Peer, slow: Counter[str]) -> None:
        make_connection("DERMS", base_url=peer.url, max_concurrency=5)
        at = timezone.now()
        messages = [make_message(at=at) for _ in range(41)]

        assert deliver_due(at=at, clock=timezone.now) == 41

        attempts = list(DeliveryAttempt.objects.order_by("pk").values_list("started_at", "finished_at", "outcome"))
        assert {outcome for *_, outcome in attempts} == {AttemptOutcome.SENT}
        # The first goes alone; of the four tens behind it each but the first begins before the one before it ended.
        tens = [attempts[first : first + 10] for first in range(1, 41, 10)]
        assert [
            min(started for started, *_ in later) < max(finished for _, finished, _ in earlier)
            for earlier, later in itertools.pairwise(tens)
        ] == [True, True, True]
        assert OutboundMessage.objects.filter(status=MessageStatus.SUCCESS, lease_token=None).count() == len(messages)
        assert len(peer.seen) == 41

    def test_the_target_has_no_more_calls_at_once_than_it_may(self, peer: Peer, slow: Counter[str]) -> None:
        make_connection("DERMS", base_url=peer.url, max_concurrency=5)
        at = timezone.now()
        for _ in range(41):
            make_message(at=at)

        deliver_due(at=at, clock=timezone.now)

        assert 2 <= slow["most"] <= 5

    def test_a_write_that_fails_leaves_no_call_without_its_outcome(
        self, peer: Peer, slow: Counter[str], monkeypatch: Any
    ) -> None:
        make_connection("DERMS", base_url=peer.url, max_concurrency=5)
        at = timezone.now()
        for _ in range(41):
            make_message(at=at)
        begin_due, begun = message_claims.begin_due, []

        def begin(*args: Any, **named: Any) -> Any:
            begun.append(args)
            if len(begun) == 3:
                raise RuntimeError("the database went away")
            return begin_due(*args, **named)

        monkeypatch.setattr("outbound.operations.message_delivery.begin_due", begin)

        with pytest.raises(RuntimeError, match="went away"):
            deliver_due(at=at, clock=timezone.now)

        # One by itself, ten that were out when it happened; the others as they were.
        assert Counter(OutboundMessage.objects.values_list("status", flat=True)) == {"SUCCESS": 11, "PENDING": 30}
        assert len(peer.seen) == DeliveryAttempt.objects.filter(outcome=AttemptOutcome.SENT).count() == 11
        assert OutboundMessage.objects.filter(status=MessageStatus.PENDING, lease_token=None).count() == 30


@pytest.mark.django_db
class TestHeldInTheMiddle:
    def test_a_breaker_that_opens_leaves_the_rest_as_it_was(self, peer: Peer) -> None:
        set_parameter(name="BREAKER_FAILURES", value=3)
        make_connection("DERMS", base_url=peer.url, max_concurrency=1)
        peer.behave = answer(500)
        for _ in range(20):
            make_message()

        drain(clock=lambda: NOW)

        assert len(peer.seen) == DeliveryAttempt.objects.count() == 3
        assert OutboundMessage.objects.filter(status=MessageStatus.FAIL, num_retries=0).count() == 3
        waiting = OutboundMessage.objects.filter(status=MessageStatus.PENDING, num_retries=0, lease_token=None)
        assert waiting.count() == 17
        assert waiting.filter(held_by="DERMS", next_attempt_at__gt=NOW).count() == 17

    def test_one_message_finds_out_whether_the_target_is_well(self, derms: Connection, peer: Peer) -> None:
        at = _opened_long_ago(derms)
        for _ in range(10):
            make_message(at=at)

        begun = message_claims.begin_many(message_claims.reserve(at=at, limit=10), at=at)

        assert (len(begun.tries), len(begun.later), len(begun.held)) == (1, 9, 0)

    def test_when_it_is_not_the_others_wait(self, derms: Connection, peer: Peer) -> None:
        at = _opened_long_ago(derms)
        for _ in range(10):
            make_message(at=at)
        peer.behave = answer(503)

        deliver_due(at=at, clock=lambda: at)

        assert len(peer.seen) == DeliveryAttempt.objects.count() == 1
        assert OutboundMessage.objects.filter(held_by="DERMS", status=MessageStatus.PENDING).count() == 9

    def test_when_it_is_well_the_others_follow(self, derms: Connection, peer: Peer) -> None:
        at = _opened_long_ago(derms)
        for _ in range(10):
            make_message(at=at)

        deliver_due(at=at, clock=lambda: at)

        assert OutboundMessage.objects.filter(status=MessageStatus.SUCCESS).count() == 10


def _opened_long_ago(connection: Connection) -> dt.datetime:
    """Let the breaker's time be over, so that it lets a call through; the client reads its own clock."""
    at = timezone.now()
    ConnectionHealth.objects.update_or_create(
        connection=connection, defaults={"state": BreakerState.OPEN, "opened_at": at - 3600 * SECOND}
    )
    return at


@pytest.mark.django_db
def test_a_message_that_a_worker_disappeared_with_goes_by_itself(derms: Connection, peer: Peer) -> None:
    for _ in range(3):
        make_message()
    message_claims.begin_many(message_claims.reserve(at=NOW, limit=3), at=NOW)  # and the worker is gone
    later = NOW + 300 * SECOND
    assert message_recovery.take_back_lost(at=later) == 3

    with CaptureQueriesContext(database) as asked:
        assert deliver_due(at=later, clock=lambda: later) == 3

    begun = [each["sql"] for each in asked if "INSERT INTO" in each["sql"] and "deliveryattempt" in each["sql"]]
    assert len(begun) == 3
    assert OutboundMessage.objects.filter(status=MessageStatus.SUCCESS, recoveries=0).count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_slow_target_is_called_by_as_many_threads_as_its_connection_allows(peer: Peer) -> None:
    make_connection("DERMS", base_url=peer.url, max_concurrency=3)
    lock, now, most = threading.Lock(), [0], [0]

    def behave(handler: Any) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        answer(200)(handler)

    peer.behave = behave
    at = timezone.now()
    for _ in range(20):
        make_message(at=at)

    assert drain(clock=timezone.now) == 20

    assert most == [3]
    assert len(peer.seen) == len({each.headers["Idempotency-Key"] for each in peer.seen}) == 20
    assert OutboundMessage.objects.filter(status=MessageStatus.SUCCESS, told=True).count() == 20
