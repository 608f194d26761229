"""Leases that are renewed while work goes on."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from foundation import leases


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
