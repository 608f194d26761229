"""Celery beat as a singleton: schedules in the database, fired by whoever holds the lease (`house.md` D11)."""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from integration.operations import leases


logger = logging.getLogger(__name__)

LEASE_NAME = "beat"
"""The row that schedulers compete for."""

LEASE_SECONDS = 30.0
"""After this long without renewal another scheduler takes over."""

RENEW_EVERY_SECONDS = 2.0
"""How often the holder renews; also the precision of the heartbeat that `/health/ready` shows."""


class SingletonScheduler(DatabaseScheduler):  # type: ignore[misc]
    """
    Django-celery-beat's scheduler that fires only while it holds the lease.

    Two running schedulers would otherwise send every task twice. One that does not hold the lease asks for it
    at each pass; when it gets it, it reads the schedule afresh, because the former holder moved it on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.holds_lease = False
        self._asked_at: float | None = None
        self._held_at: datetime | None = None
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run what is due, give the seconds until the next pass."""
        if not self._hold_lease():
            return min(float(self.max_interval), RENEW_EVERY_SECONDS)
        # Wakes early enough to renew, however far away the next entry is.
        return min(float(super().tick(*args, **kwargs)), RENEW_EVERY_SECONDS)

    def close(self) -> None:
        """Write what has run and let another scheduler take over at once."""
        super().close()
        if self.holds_lease:
            self.holds_lease = False
            leases.release(name=LEASE_NAME, owner=self.owner, at=timezone.now())

    def _hold_lease(self) -> bool:
        now, at = time.monotonic(), timezone.now()
        if self.holds_lease and self._asked_at is not None and now - self._asked_at < RENEW_EVERY_SECONDS:
            return True
        held_before = self.holds_lease
        try:
            close_old_connections()
            self.holds_lease = leases.acquire(name=LEASE_NAME, owner=self.owner, at=at, seconds=LEASE_SECONDS)
            if self.holds_lease and (not held_before or (self._held_at is not None and at < self._held_at)):
                self._begin_afresh(at)
        except (DatabaseError, InterfaceError):
            # The database is away: nothing may be fired on the strength of a lease that cannot be proven.
            logger.warning("The schedule's lease cannot be renewed: the database does not answer.", exc_info=True)
            self.holds_lease = False
        self._asked_at, self._held_at = now, at
        if self.holds_lease and not held_before:
            logger.info("Holding the schedule's lease as %s.", self.owner)
        elif held_before and not self.holds_lease:
            logger.warning("The schedule's lease went to another scheduler; waiting.")
        return self.holds_lease

    def _begin_afresh(self, at: datetime) -> None:
        """
        Read the schedule afresh, with nothing in it that has run in the future.

        Another scheduler has moved it on, or the clock was set back: what has run by the earlier clock would wait
        until that time comes again.
        """
        self.sync()
        PeriodicTask.objects.filter(last_run_at__gt=at).update(last_run_at=at)
        self._initial_read = True
        self._heap = None
