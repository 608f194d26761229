"""What a worker has in hand stays its own for as long as it is at it, and no longer."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.leases import LEASE
from outbound import message_queries
from outbound.choices import MessageStatus
from outbound.models import DeliveryAttempt, OutboundMessage
from outbound.operations import message_claims, message_recovery, sweeping
from tests.factories.messages import make_message
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db


class TestRenew:
    def test_moves_the_lease_of_what_is_in_hand_and_of_nothing_else(self) -> None:
        mine, other = make_message(), make_message()
        (reserved,) = message_claims.reserve(at=NOW, message_pk=mine.pk)
        message_claims.reserve(at=NOW, message_pk=other.pk)
        later = NOW + dt.timedelta(seconds=20)

        assert message_claims.renew(reserved.token, at=later) == 1

        leases = dict(OutboundMessage.objects.values_list("pk", "lease_until"))
        assert leases == {mine.pk: later + LEASE, other.pk: NOW + LEASE}

    def test_a_message_that_was_taken_back_is_not_taken_again(self) -> None:
        message = make_message()
        (reserved,) = message_claims.reserve(at=NOW, message_pk=message.pk)
        message_recovery.take_back_lost(at=NOW + LEASE + dt.timedelta(seconds=1))

        assert message_claims.renew(reserved.token, at=NOW) == 0

        message.refresh_from_db()
        assert (message.status, message.lease_until) == (MessageStatus.PENDING, None)


class TestClockSetBack:
    """Two hours back: what was done by the earlier clock lies in the future."""

    AHEAD = NOW + dt.timedelta(hours=2)

    def due(self) -> set[int]:
        sweeping.sweep_messages(at=NOW)
        return set(message_queries.due_messages(at=NOW).values_list("pk", flat=True))

    def test_what_was_queued_is_due(self) -> None:
        message = make_message(at=self.AHEAD)

        assert self.due() == {message.pk}

    def test_what_waits_after_a_try_is_due_once(self) -> None:
        message = make_message()
        tried = DeliveryAttempt.objects.create(message=message, number=1, started_at=self.AHEAD)
        later = self.AHEAD + dt.timedelta(minutes=5)
        waiting = OutboundMessage.objects.filter(pk=message.pk)
        waiting.update(status=MessageStatus.FAIL, next_attempt_at=later)

        assert self.due() == {message.pk}

        DeliveryAttempt.objects.create(message=message, number=tried.number + 1, started_at=NOW)
        waiting.update(next_attempt_at=NOW + dt.timedelta(minutes=5))
        assert self.due() == set()

    def test_what_a_lost_worker_held_is_taken_back(self) -> None:
        message = make_message()
        message_claims.reserve(at=self.AHEAD, message_pk=message.pk)

        assert self.due() == {message.pk}

    def test_what_was_planned_for_later_stays_so(self) -> None:
        make_message(not_before=NOW + dt.timedelta(hours=3))

        assert self.due() == set()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="other databases hold no rows before they are updated")
def test_a_batch_is_looked_for_once_and_then_taken_by_its_keys() -> None:
    for _ in range(3):
        make_message()

    with CaptureQueriesContext(connection) as asked:
        assert len(message_claims.reserve(at=NOW, limit=2)) == 2

    (look, take) = [each["sql"] for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert "SKIP LOCKED" in look
    assert take.startswith("UPDATE")
    assert "SELECT" not in take, "a plan without statistics would compare each with every other"
