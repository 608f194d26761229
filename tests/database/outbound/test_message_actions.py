from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from outbound import message_queries
from outbound.choices import MessageAction, MessageStatus
from outbound.events import message_settled
from outbound.models import Connection, OutboundMessage
from outbound.operations import message_actions, message_claims, message_ends, sweeping
from outbound.operations.parameters import set_parameter
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import attempt, make_message, make_type
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def derms(peer: Peer) -> Connection:
    """The target."""
    set_parameter(name="BREAKER_FAILURES", value=100)
    return make_connection("DERMS", base_url=peer.url)


def _dead_letter(peer: Peer) -> OutboundMessage:
    """Give a message whose retries are used up."""
    set_parameter(name="MAX_RETRIES", value=1)
    peer.behave = answer(500)
    message = make_message()
    attempt(message)
    return attempt(message, NOW + MINUTE)


class TestResend:
    def test_starts_a_dead_letter_afresh(self, peer: Peer) -> None:
        message = _dead_letter(peer)
        assert (message.status, message.num_retries, message.next_attempt_at) == (MessageStatus.FAIL, 1, None)
        at = NOW + 2 * MINUTE

        asked = message_actions.resend(message_pk=message.pk, by="ann", reason="peer repaired", at=at)

        assert (asked.status, asked.num_retries, asked.next_attempt_at) == (MessageStatus.FAIL, 0, at)
        tries = [attempt(message, at), attempt(message, at + MINUTE)]
        assert [(each.status, each.num_retries) for each in tries] == [("FAIL", 0), ("FAIL", 1)]
        assert (tries[-1].next_attempt_at, len(peer.seen)) == (None, 4)
        assert {seen.headers["Idempotency-Key"] for seen in peer.seen} == {message.message_id}
        assert list(message.attempts.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 4]
        noted = asked.interventions.get()
        assert (noted.action, noted.by, noted.reason, noted.at) == (MessageAction.RESEND, "ann", "peer repaired", at)
        assert (noted.status_before, noted.retries_before) == (MessageStatus.FAIL, 1)

    def test_goes_out_even_when_there_are_no_retries(self, peer: Peer) -> None:
        set_parameter(name="MAX_RETRIES", value=0)
        peer.behave = answer(500)
        message = make_message()
        attempt(message)
        peer.behave = answer(200)

        message_actions.resend(message_pk=message.pk, by="ann", reason="r", at=NOW)

        assert attempt(message).status == MessageStatus.SUCCESS

    def test_a_refused_message_goes_out_when_a_person_asks(self, peer: Peer) -> None:
        peer.behave = answer(422)
        message = attempt(make_message())
        peer.behave = answer(200)

        message_actions.resend(message_pk=message.pk, by="ann", reason="target corrected", at=NOW)

        assert attempt(message).status == MessageStatus.SUCCESS

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_wants_a_reason(self, peer: Peer, reason: str) -> None:
        with pytest.raises(message_actions.ReasonMissing):
            message_actions.resend(message_pk=_dead_letter(peer).pk, by="ann", reason=reason, at=NOW)

    def test_is_refused_while_a_worker_holds_it(self) -> None:
        message = make_message()
        message_claims.reserve(at=NOW, message_pk=message.pk)

        with pytest.raises(message_actions.MessageBusy):
            message_actions.resend(message_pk=message.pk, by="ann", reason="r", at=NOW)

    def test_a_delivered_message_is_sent_again_instead(self) -> None:
        message = attempt(make_message())

        with pytest.raises(message_actions.StatusDoesNotAllow):
            message_actions.resend(message_pk=message.pk, by="ann", reason="r", at=NOW)


class TestSendAgain:
    def test_turns_success_into_fail_and_sends(self, peer: Peer) -> None:
        message = attempt(make_message())

        asked = message_actions.send_again(message_pk=message.pk, by="ann", reason="lost there", at=NOW + MINUTE)

        assert (asked.status, asked.num_retries, asked.next_attempt_at) == (MessageStatus.FAIL, 0, NOW + MINUTE)
        done = attempt(message, NOW + MINUTE)
        assert (done.status, done.num_retries, len(peer.seen)) == (MessageStatus.SUCCESS, 0, 2)
        assert peer.seen[0].headers["Idempotency-Key"] == peer.seen[1].headers["Idempotency-Key"]


class TestCancel:
    def test_ends_what_waits(self, peer: Peer) -> None:
        message = make_message()

        done = message_actions.cancel(message_pk=message.pk, by="ann", reason="not wanted", at=NOW)

        assert (done.status, done.next_attempt_at, done.settled_at) == (MessageStatus.CANCELED, None, NOW)
        with pytest.raises(message_claims.MessageNotDue):
            attempt(message)
        with pytest.raises(message_actions.StatusDoesNotAllow):
            message_actions.cancel(message_pk=message.pk, by="ann", reason="again", at=NOW)
        assert (peer.seen, done.interventions.count()) == ([], 1)


class TestActOnMany:
    def test_does_what_it_can_and_says_why_not(self) -> None:
        delivered, waiting = attempt(make_message()), make_message()

        outcome = message_actions.act_on_many(
            action="CANCEL", message_pks=[delivered.pk, waiting.pk, 0], by="ann", reason="r", at=NOW
        )

        assert outcome.done == 1
        assert outcome.refusals == (
            f"Message {delivered.message_id} is success: it cannot be canceled.",
            "There is no outbound message 0.",
        )


class TestAcknowledge:
    @pytest.fixture
    def sent(self, peer: Peer) -> OutboundMessage:
        make_type("ASYNC", answer_kind="ACKNOWLEDGED_LATER")
        peer.behave = answer(202)
        return attempt(make_message(message_type="ASYNC", message_id="A-1"))

    @pytest.mark.parametrize(("positive", "status"), [(True, MessageStatus.SUCCESS), (False, MessageStatus.FAIL)])
    def test_ends_a_sent_message(self, sent: OutboundMessage, positive: bool, status: str) -> None:
        done = message_actions.acknowledge(message_id="A-1", positive=positive, reason="so it is", answer=b"x", at=NOW)

        assert (done.status, done.last_error, done.answer) == (status, "so it is", b"x")
        assert done.next_attempt_at is None

    def test_is_refused_when_none_is_awaited(self, sent: OutboundMessage) -> None:
        message_actions.acknowledge(message_id="A-1", positive=True, at=NOW)

        with pytest.raises(message_actions.NotAwaited):
            message_actions.acknowledge(message_id="A-1", positive=False, at=NOW)
        with pytest.raises(message_queries.UnknownMessage):
            message_actions.acknowledge(message_id="A-2", positive=True, at=NOW)


class TestSettled:
    @pytest.fixture
    def heard(self) -> Any:
        calls: list[tuple[str, str, bytes]] = []
        failing = {"on": False}

        def receive(sender: Any, message: OutboundMessage, status: str, answer: bytes, **_: Any) -> None:
            if failing["on"]:
                raise RuntimeError("not now")
            calls.append((message.message_id, str(status), answer))

        message_settled.connect(receive)
        yield calls, failing
        message_settled.disconnect(receive)

    def test_each_end_is_told_once_after_commit(
        self, heard: Any, peer: Peer, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            good = attempt(make_message(message_id="good"))
            assert heard[0] == []
        with django_capture_on_commit_callbacks(execute=True):
            message_actions.cancel(message_pk=make_message(message_id="dropped").pk, by="a", reason="r", at=NOW)
            peer.behave = answer(422, b"no")
            attempt(make_message(message_id="bad"))
            peer.behave = answer(500)
            attempt(make_message(message_id="waits"))

        assert heard[0] == [("good", "SUCCESS", b'{"ok": true}'), ("dropped", "CANCELED", b""), ("bad", "FAIL", b"no")]
        good.refresh_from_db()
        assert good.told

    def test_an_end_that_was_not_heard_is_told_again_by_the_sweep(
        self, heard: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        heard[1]["on"] = True
        with django_capture_on_commit_callbacks(execute=True):
            message = attempt(make_message(message_id="good"))
        heard[1]["on"] = False
        message.refresh_from_db()
        assert not message.told

        assert message_ends.tell_again(at=NOW + dt.timedelta(seconds=29)) == 0
        sweeping.sweep_messages(at=NOW + dt.timedelta(seconds=31))
        sweeping.sweep_messages(at=NOW + dt.timedelta(seconds=62))

        assert heard[0] == [("good", "SUCCESS", b'{"ok": true}')]
