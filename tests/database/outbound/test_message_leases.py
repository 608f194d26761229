"""What a worker has in hand stays its own for as long as it is at it, and no longer."""

from __future__ import annotations

import datetime as dt

import pytest

from foundation.leases import LEASE
from outbound.choices import MessageStatus
from outbound.models import OutboundMessage
from outbound.operations import message_claims, message_recovery
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
