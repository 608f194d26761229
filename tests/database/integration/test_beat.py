from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import OperationalError
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from foundation.models import BeatLease
from integration import beat
from integration.beat import LEASE_NAME, RENEW_EVERY_SECONDS, SingletonScheduler
from integration.operations import leases


pytestmark = pytest.mark.django_db

TASK = "integration.tasks.sweep"


@pytest.fixture
def due() -> PeriodicTask:
    """A schedule that was due a minute ago."""
    every = IntervalSchedule.objects.create(every=15, period=IntervalSchedule.SECONDS)
    return PeriodicTask.objects.create(
        name="due", task=TASK, interval=every, last_run_at=timezone.now() - timedelta(minutes=1)
    )


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Scheduler and task of everything that was fired."""
    fired: list[tuple[str, str]] = []

    def apply_async(self: SingletonScheduler, entry: Any, **_: Any) -> None:
        fired.append((self.owner, entry.task))

    # The database's connection belongs to the test and must stay open.
    monkeypatch.setattr(beat, "close_old_connections", lambda: None)
    monkeypatch.setattr("django_celery_beat.schedulers.close_old_connections", lambda: None)
    monkeypatch.setattr("django_celery_beat.schedulers.transaction.commit", lambda: None)
    monkeypatch.setattr(SingletonScheduler, "apply_async", apply_async)
    return fired


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SingletonScheduler, "producer", None)


def _scheduler() -> SingletonScheduler:
    scheduler = SingletonScheduler(app=current_app, lazy=True)
    # It would write its schedule when the interpreter ends, to a database that is gone by then.
    scheduler._finalize.cancel()
    return scheduler


@pytest.mark.usefixtures("producer")
class TestTick:
    def test_fires_what_is_due_and_holds_the_lease(self, due: PeriodicTask, sent: list[tuple[str, str]]) -> None:
        scheduler = _scheduler()

        wait = scheduler.tick()

        assert sent == [(scheduler.owner, TASK)]
        assert 0 <= wait <= RENEW_EVERY_SECONDS
        assert BeatLease.objects.get(name=LEASE_NAME).owner == scheduler.owner

    def test_fires_once_when_two_run(self, due: PeriodicTask, sent: list[tuple[str, str]]) -> None:
        holder, waiting = _scheduler(), _scheduler()

        holder.tick()
        wait = waiting.tick()

        assert sent == [(holder.owner, TASK)]
        assert wait == RENEW_EVERY_SECONDS
        assert waiting.holds_lease is False

    def test_takes_over_when_the_holder_has_stopped(self, due: PeriodicTask, sent: list[tuple[str, str]]) -> None:
        holder, waiting = _scheduler(), _scheduler()
        holder.tick()
        waiting.tick()

        holder.close()
        PeriodicTask.objects.filter(pk=due.pk).update(last_run_at=timezone.now() - timedelta(minutes=1))
        waiting.tick()

        assert sent == [(holder.owner, TASK), (waiting.owner, TASK)]

    def test_reads_the_schedule_afresh_when_it_takes_over(self, due: PeriodicTask, sent: list[tuple[str, str]]) -> None:
        holder, waiting = _scheduler(), _scheduler()
        waiting.schedule  # noqa: B018  (reads the schedule while it says that the task is due)
        holder.tick()

        holder.close()
        waiting.tick()

        # The holder has written that the task ran just now.
        assert waiting.holds_lease is True
        assert sent == [(holder.owner, TASK)]

    def test_fires_nothing_once_another_has_the_lease(
        self, due: PeriodicTask, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paused = _scheduler()
        assert paused._hold_lease() is True
        BeatLease.objects.update(owner="another")
        paused._asked_at = None

        paused.tick()

        assert paused.holds_lease is False
        assert sent == []

    def test_goes_on_when_the_clock_was_set_back(
        self, due: PeriodicTask, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = timezone.now()
        ahead = now + timedelta(hours=2)
        monkeypatch.setattr(timezone, "now", lambda: ahead)
        scheduler = _scheduler()
        assert scheduler._hold_lease() is True
        PeriodicTask.objects.filter(pk=due.pk).update(last_run_at=ahead)
        scheduler.tick()
        assert sent == []

        monkeypatch.setattr(timezone, "now", lambda: now)
        scheduler._asked_at = None
        scheduler.tick()

        due.refresh_from_db()
        assert due.last_run_at == now
        assert BeatLease.objects.get(name=LEASE_NAME).renewed_at == now

    def test_a_lease_of_a_clock_that_was_set_back_is_free(self, due: PeriodicTask, sent: list[tuple[str, str]]) -> None:
        leases.acquire(name=LEASE_NAME, owner="gone", at=timezone.now() + timedelta(hours=2), seconds=30)

        assert _scheduler()._hold_lease() is True

    def test_fires_nothing_while_the_database_does_not_answer(
        self, due: PeriodicTask, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(**_: Any) -> bool:
            raise OperationalError("the database system is shutting down")

        scheduler = _scheduler()
        monkeypatch.setattr(leases, "acquire", away)

        wait = scheduler.tick()

        assert sent == []
        assert wait == RENEW_EVERY_SECONDS


class TestClose:
    def test_gives_the_lease_up(self, sent: list[tuple[str, str]]) -> None:
        scheduler = _scheduler()
        scheduler._hold_lease()

        scheduler.close()
        scheduler.close()

        assert BeatLease.objects.get(name=LEASE_NAME).owner == ""
