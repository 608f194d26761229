"""
Whatever happens to queued messages, each is delivered or visibly failed, and no call goes out that nobody knows of.

A small model (`message_model`) says what each message should have come to. Deliveries are real, to a peer on loopback;
lost workers have reserved or begun and are not heard of again, or come back too late.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from foundation.leases import LEASE
from outbound.choices import AttemptOutcome
from outbound.models import DeliveryAttempt, OutboundMessage, Parameter
from outbound.operations import connections, message_actions, message_claims, message_outcomes, messages, sweeping
from outbound.operations.message_calls import Called
from outbound.operations.message_claims import Try
from outbound.operations.message_delivery import deliver_due
from outbound.transports.base import Answer
from tests.database.outbound import message_model as model
from tests.database.outbound import servers
from tests.database.outbound.servers import Peer
from tests.factories.messages import make_system, make_type
from tests.factories.outbound import NOW, make_connection
from tests.fuzz.figures import Figures, noted, on_database
from tests.fuzz.sizes import sizes


pytestmark = pytest.mark.django_db

BEHAVIOURS: dict[str, Callable[[Any], None]] = {
    "ok": servers.answer(200),
    "fails": servers.answer(500),
    "slow down": servers.answer(429, Retry_After="40"),
    "refuses": servers.answer(422),
    "breaks off": servers.cut_body,
}
PICK = st.integers(0, 99)
STATUS = st.sampled_from([200, 422, 500])


class Life(RuleBasedStateMachine):
    """A queue to one system, and all that can happen to it."""

    peer: ClassVar[Peer]
    figures: ClassVar[Figures]

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        make_connection("DERMS", base_url=self.peer.url)
        make_system()
        for code, kind in (("FINAL", "FINAL"), ("LATER", "ACKNOWLEDGED_LATER")):
            make_type(code, ordered=True, retry_delays=[10], answer_kind=kind)
        self.peer.seen.clear()
        # The breaker has tests of its own.
        self.parameter("BREAKER_FAILURES", 1000)
        self.queue = model.Queue()
        self.limit_retries(2)
        self.at = NOW
        # Workers that disappeared: until when they hold what, and the tries that they may still end.
        self.lost: list[tuple[dt.datetime, list[int], list[Try]]] = []
        self.late: list[Try] = []

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.block.__exit__(RuntimeError, RuntimeError("rolled back"), None)

    def parameter(self, name: str, value: int) -> None:
        Parameter.objects.update_or_create(name=name, defaults={"value": str(value)})

    # What comes in

    @rule(code=st.sampled_from(["FINAL", "LATER"]), key=st.sampled_from(["", "", "K"]))
    def enqueue(self, code: str, key: str) -> None:
        number = len(self.queue.messages)
        row = self.queued(code, key, number)
        self.queue.messages[row.pk] = model.Message(number, self.at, key=key, acknowledged_later=code == "LATER")

    @precondition(lambda self: self.queue.messages)
    @rule(pick=PICK)
    def enqueue_the_same_again(self, pick: int) -> None:
        pk, message = self.one(pick)
        code = "LATER" if message.acknowledged_later else "FINAL"
        assert self.queued(code, message.key, message.number).pk == pk

    def queued(self, code: str, key: str, number: int) -> OutboundMessage:
        return messages.queue_message(
            message_type=code,
            external_system="DERMS",
            payload={"number": number},
            message_id=f"M-{number}",
            key=key,
            at=self.at,
        )

    # What workers do

    @rule(behaviour=st.sampled_from(sorted(BEHAVIOURS)))
    def deliver(self, behaviour: str) -> None:
        self.peer.behave = BEHAVIOURS[behaviour]
        due = self.queue.due(self.at)

        deliver_due(at=self.at, clock=lambda: self.at, rng=lambda: 0.5)

        if due and self.queue.paused:
            self.end_used_up(due)
            if any(each.waits for each in due):
                self.queue.hold(self.at)
            return
        for each in self.end_used_up(due):
            each.begin()
            each.calls += 1
            self.queue.outcome(each, behaviour, self.at)
            if behaviour == "ok":
                self.queue.let_go(self.at)

    def end_used_up(self, due: list[model.Message]) -> list[model.Message]:
        for each in due:
            if self.queue.used_up(each):
                recoveries = each.recoveries
                each.due, each.held, each.asked_for, each.recoveries = None, False, False, recoveries
        return [each for each in due if each.waits]

    @rule(most=st.integers(1, 3), begins=st.booleans())
    def lose_a_worker(self, most: int, begins: bool) -> None:
        reserved = message_claims.reserve(at=self.at, limit=most)
        taken = [self.queue.messages[each.message_pk] for each in reserved]
        for each in taken:
            each.in_hand = True
        tries = message_claims.begin_many(reserved, at=self.at).tries if begins and not self.queue.paused else []
        if begins and not self.queue.paused:
            for each in taken:
                each.in_hand = False
            for each in self.end_used_up(taken):
                each.begin()
        if reserved:
            self.lost.append((self.at + LEASE, [each.message_pk for each in reserved], tries))

    @precondition(lambda self: any(tries for _, _, tries in self.lost))
    @rule()
    def a_lost_worker_comes_back_in_time(self) -> None:
        place, tries = next((place, tries) for place, (_, _, tries) in enumerate(self.lost) if tries)
        del self.lost[place]
        self.end(tries)
        for each in tries:
            self.queue.outcome(self.queue.messages[each.message.pk], "ok", self.at)
        self.queue.let_go(self.at)

    @precondition(lambda self: self.late)
    @rule(status=STATUS)
    def a_lost_worker_comes_back_too_late(self, status: int) -> None:
        self.end(self.late, status)
        self.late = []
        if status == 200:
            # Its answer shows that the connection works, and nothing else.
            self.queue.let_go(self.at)

    @precondition(lambda self: self.queue.messages and not self.queue.paused)
    @rule(status=STATUS, seconds=st.sampled_from([31, 61]))
    def a_worker_outlives_its_lease(self, status: int, seconds: int) -> None:
        """What the two rules before come to by chance, in one step, so that short runs have it too."""
        self.lose_a_worker(3, begins=True)
        self.time_passes_and_the_sweep_comes(seconds)
        if self.late:
            self.a_lost_worker_comes_back_too_late(status)

    def end(self, tries: list[Try], status: int = 200) -> None:
        answer = Answer(status=status, headers={}, body=b"", elapsed_seconds=0.0)
        message_outcomes.write([Called(tried=each, answer=answer, at=self.at) for each in tries], rng=lambda: 0.5)

    @rule(seconds=st.sampled_from([1, 9, 31, 61]))
    def time_passes_and_the_sweep_comes(self, seconds: int) -> None:
        self.at += dt.timedelta(seconds=seconds)
        sweeping.sweep_messages(at=self.at)
        over = [each for each in self.lost if each[0] <= self.at]
        self.lost = [each for each in self.lost if each[0] > self.at]
        held = [self.queue.messages[pk] for _, pks, _ in over for pk in pks]
        self.queue.sweep(self.at, [each for each in held if each.in_hand])
        # A worker writes what became of all that it had, or of nothing.
        self.late = [tried for _, _, tries in over for tried in tries] if over else self.late
        self.late = [tried for tried in self.late if tried.token == self.late[0].token]

    # What people do

    @rule()
    def pause_or_resume(self) -> None:
        if self.queue.paused:
            connections.release_connection(name="DERMS")
        else:
            connections.hold_connection(name="DERMS")
        self.queue.paused = not self.queue.paused

    @rule(most=st.integers(0, 3))
    def limit_retries(self, most: int) -> None:
        self.parameter("MAX_RETRIES", most)
        self.queue.max_retries = most

    @precondition(lambda self: self.queue.messages)
    @rule(pick=PICK, action=st.sampled_from(["resend", "send_again", "cancel"]))
    def ask(self, pick: int, action: str) -> None:
        pk, message = self.one(pick)
        allowed = {"resend": model.RESENDABLE, "send_again": model.SENDABLE_AGAIN, "cancel": model.CANCELABLE}[action]
        ask = getattr(message_actions, action)
        if message.in_hand or message.status not in allowed:
            with pytest.raises(message_actions.UnableToAct):
                ask(message_pk=pk, by="clerk", reason="because", at=self.at)
            return
        ask(message_pk=pk, by="clerk", reason="because", at=self.at)
        if action == "cancel":
            recoveries = message.recoveries
            message.end("CANCELED")
            message.recoveries = recoveries
        else:
            self.queue.send(message, self.at)

    @precondition(lambda self: self.queue.messages)
    @rule(pick=PICK, positive=st.booleans())
    def acknowledge(self, pick: int, positive: bool) -> None:
        _, message = self.one(pick)
        say = {"message_id": f"M-{message.number}", "positive": positive, "reason": "so", "at": self.at}
        if message.status != "SENT":
            with pytest.raises(message_actions.NotAwaited):
                message_actions.acknowledge(**say)
            return
        message_actions.acknowledge(**say)
        message.end("SUCCESS" if positive else "FAIL")

    def one(self, pick: int) -> tuple[int, model.Message]:
        return list(self.queue.messages.items())[pick % len(self.queue.messages)]

    # What always holds

    @invariant()
    def every_message_is_as_the_model_says(self) -> None:
        assert dict(self.stored()) == {pk: each.facts() for pk, each in self.queue.messages.items()}

    def stored(self) -> Iterator[tuple[int, tuple[object, ...]]]:
        for row in OutboundMessage.objects.defer("payload", "answer", "headers"):
            in_hand = row.lease_token is not None
            due = None if in_hand or row.status not in model.RESENDABLE else row.next_attempt_at
            held = bool(row.held_by)
            yield row.pk, (row.status, row.num_retries, row.recoveries, row.asked_for, held, in_hand, due)

    @invariant()
    def every_call_was_noted_and_every_note_that_is_open_is_in_hand(self) -> None:
        arrived = Counter(each.headers["Idempotency-Key"] for each in self.peer.seen)
        assert arrived == Counter({f"M-{each.number}": each.calls for each in self.queue.all() if each.calls})
        noted = Counter(DeliveryAttempt.objects.values_list("message_id", flat=True))
        assert noted == Counter({pk: each.attempts for pk, each in self.queue.messages.items() if each.attempts})
        begun = DeliveryAttempt.objects.filter(outcome=AttemptOutcome.STARTED)
        in_progress = {pk for pk, each in self.queue.messages.items() if each.status == "IN_PROGRESS"}
        assert set(begun.values_list("message_id", flat=True)) == in_progress

    def come_to_rest(self) -> None:
        """Let everything go well from now on: every message comes to an end that can be seen."""
        if self.queue.paused:
            self.pause_or_resume()
        # What chance seldom comes to in a short run: workers that outlive their lease, whatever they bring.
        for status in (200, 422, 500):
            self.enqueue("FINAL", "")
            self.a_worker_outlives_its_lease(status, 31)
        for _ in range(len(self.queue.messages) + 5):
            self.time_passes_and_the_sweep_comes(61)
            self.deliver("ok")
        self.every_message_is_as_the_model_says()
        self.every_call_was_noted_and_every_note_that_is_open_is_in_hand()
        assert not [each for each in self.queue.all() if each.unfinished]
        self.figures.tried += 1
        for each in self.queue.all():
            self.figures.outcomes[each.status] = self.figures.outcomes.get(each.status, 0) + 1
        for row in OutboundMessage.objects.filter(status="FAIL"):
            assert row.last_error, f"{row} failed without a reason"
        untold = OutboundMessage.objects.filter(told=False).exclude(status="SENT")
        assert list(untold.filter(settled_at__lte=self.at - dt.timedelta(seconds=61))) == []


def test_every_message_comes_to_its_end_and_every_call_is_known() -> None:
    size = sizes()
    with noted(on_database("Lives of the outbound queue")) as figures, servers.serving() as peer:
        Life.peer, Life.figures = peer, figures
        run_state_machine_as_test(
            Life, settings=settings(max_examples=size.lives, stateful_step_count=size.steps, deadline=None)
        )
