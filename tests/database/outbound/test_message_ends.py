"""Who hears of the ends of messages: those whom they are about, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from outbound.choices import MessageStatus
from outbound.events import message_settled
from outbound.models import OutboundMessage
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import attempt, make_message, make_type
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db
Heard = list[OutboundMessage]


@pytest.fixture
def heard_of_other_type() -> Iterator[Heard]:
    heard: Heard = []

    def hear(message: OutboundMessage, **_: Any) -> None:
        heard.append(message)

    message_settled.connect(hear, about=lambda message, status: message.message_type.code == "OTHER")
    yield heard
    message_settled.disconnect(hear)


@pytest.fixture
def derms(peer: Peer) -> Peer:
    make_connection("DERMS", base_url=peer.url)
    return peer


def test_an_end_that_is_about_nobodys_business_is_written_once(
    derms: Peer, heard_of_other_type: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    message = make_message()

    with CaptureQueriesContext(database) as asked, django_capture_on_commit_callbacks(execute=True):
        done = attempt(message)

    assert (done.status, done.told) == (MessageStatus.SUCCESS, True)
    assert heard_of_other_type == []
    written = [each["sql"] for each in asked if each["sql"].startswith('UPDATE "outbound_outboundmessage"')]
    assert sum("told" in sql for sql in written) == 1


def test_who_is_concerned_hears_of_it_with_what_was_written(
    derms: Peer, heard_of_other_type: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    make_type("OTHER", duplicate_statuses=[409])
    derms.behave = answer(409)

    with django_capture_on_commit_callbacks(execute=True):
        message = attempt(make_message(message_type="OTHER", context={"eventId": "E-1"}, key="K"))
        assert not message.told, "not before it is committed"

    (heard,) = heard_of_other_type
    stored = OutboundMessage.objects.get()
    assert stored.told
    for name in ("pk", "message_id", "status", "key", "context", "last_error", "fault_type", "sent_at", "settled_at"):
        assert getattr(heard, name) == getattr(stored, name), name
    # What a worker has not in hand is read.
    assert (heard.digest, heard.created_at, heard.answer) == (stored.digest, stored.created_at, stored.answer)
    assert heard.attempts.get().outcome == "SENT"


@pytest.mark.parametrize("status", list(MessageStatus))
def test_a_receiver_that_says_nothing_hears_of_all(status: MessageStatus) -> None:
    def hear(**_: Any) -> None:
        raise AssertionError("nothing was sent")

    wanted: Callable[[], bool] = lambda: message_settled.wanted(message, status)  # noqa: E731
    message = make_message(message_type="UNHEARD")
    before = wanted()
    message_settled.connect(hear)
    try:
        assert wanted()
    finally:
        message_settled.disconnect(hear)
    assert wanted() == before == (status == MessageStatus.FAIL), "people hear of every message that failed"
