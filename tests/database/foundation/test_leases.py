"""Leases that are renewed while work goes on."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import OperationalError

from foundation import leases
from foundation.leases import LEASE
from outbound.models import OutboundMessage
from tests.factories.messages import make_message
from tests.factories.outbound import NOW


class TestKept:
    def test_renews_until_the_block_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leases, "RENEW_EVERY_SECONDS", 0.01)
        renewed, count = threading.Event(), 0

        def renew() -> None:
            nonlocal count
            count += 1
            if count == 3:
                renewed.set()

        with leases.kept(renew):
            assert renewed.wait(10)

        assert "lease" not in {thread.name for thread in threading.enumerate()}

    def test_a_database_that_is_away_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leases, "RENEW_EVERY_SECONDS", 0.01)
        answers = iter([OperationalError("the database is away"), None])
        came_back = threading.Event()

        def renew() -> None:
            error = next(answers, None)
            if error is not None:
                raise error
            came_back.set()

        with leases.kept(renew):
            assert came_back.wait(10)

    def test_what_ends_at_once_renews_nothing(self) -> None:
        called: list[int] = []

        with leases.kept(lambda: called.append(1)):
            pass

        assert called == []


@pytest.mark.django_db
def test_a_lease_that_ends_later_than_one_can_ends_now() -> None:
    held, ahead, free = make_message(), make_message(), make_message()
    for message, lease_until in ((held, NOW + LEASE), (ahead, NOW + dt.timedelta(hours=2)), (free, None)):
        OutboundMessage.objects.filter(pk=message.pk).update(lease_until=lease_until)

    assert leases.end_impossible(OutboundMessage.objects.all(), at=NOW) == 1

    found = dict(OutboundMessage.objects.values_list("pk", "lease_until"))
    assert found == {held.pk: NOW + LEASE, ahead.pk: NOW, free.pk: None}
