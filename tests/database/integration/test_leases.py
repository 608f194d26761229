from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from foundation.models import BeatLease
from integration.operations import leases


pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC)


class TestAcquire:
    def test_gives_a_lease_that_nobody_has_had(self) -> None:
        assert leases.acquire(name="beat", owner="first", at=AT, seconds=30) is True

        lease = BeatLease.objects.get(name="beat")
        assert (lease.owner, lease.renewed_at, lease.expires_at) == ("first", AT, AT + timedelta(seconds=30))

    def test_refuses_it_while_another_holds_it(self) -> None:
        leases.acquire(name="beat", owner="first", at=AT, seconds=30)

        assert leases.acquire(name="beat", owner="second", at=AT + timedelta(seconds=29), seconds=30) is False
        assert BeatLease.objects.get(name="beat").owner == "first"

    def test_gives_it_to_another_once_it_has_expired(self) -> None:
        leases.acquire(name="beat", owner="first", at=AT, seconds=30)

        assert leases.acquire(name="beat", owner="second", at=AT + timedelta(seconds=30), seconds=30) is True
        assert leases.acquire(name="beat", owner="first", at=AT + timedelta(seconds=31), seconds=30) is False

    def test_renews_it_for_its_holder(self) -> None:
        leases.acquire(name="beat", owner="first", at=AT, seconds=30)
        later = AT + timedelta(seconds=20)

        assert leases.acquire(name="beat", owner="first", at=later, seconds=30) is True

        lease = BeatLease.objects.get(name="beat")
        assert (lease.renewed_at, lease.expires_at) == (later, later + timedelta(seconds=30))


class TestRelease:
    def test_lets_another_have_it_at_once(self) -> None:
        leases.acquire(name="beat", owner="first", at=AT, seconds=30)

        assert leases.release(name="beat", owner="first", at=AT) is True
        assert leases.acquire(name="beat", owner="second", at=AT, seconds=30) is True

    def test_leaves_what_another_holds(self) -> None:
        leases.acquire(name="beat", owner="first", at=AT, seconds=30)

        assert leases.release(name="beat", owner="second", at=AT) is False
        assert BeatLease.objects.get(name="beat").owner == "first"
