"""Leases of rows that a worker has in hand: short, and renewed for as long as the worker is at it."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet


logger = structlog.get_logger(__name__)

LEASE = dt.timedelta(seconds=30)
"""After this long without a renewal the worker counts as lost; with the sweep that is within a minute."""

RENEW_EVERY_SECONDS = 5.0


@contextlib.contextmanager
def kept(renew: Callable[[], object]) -> Iterator[None]:
    """
    Renew a lease every few seconds while the block runs, from a thread that uses the database only when it does.

    :param renew: moves the lease forward where it is still held; a database that is away is tried again. When it
        stays away, the lease runs out, and its token tells the late worker that the row is no longer its own.
    """
    over = threading.Event()

    def keep() -> None:
        while not over.wait(RENEW_EVERY_SECONDS):
            try:
                renew()
            except DatabaseError:
                logger.warning("lease_not_renewed", exc_info=True)
            finally:
                connections.close_all()

    keeper = threading.Thread(target=keep, daemon=True, name="lease")
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def is_impossible(at: dt.datetime) -> Q:
    """Give the condition for a lease that ends later than any can: it was taken by a clock that was set back since."""
    return Q(lease_until__gt=at + 2 * LEASE)


def end_impossible(rows: QuerySet[Any], *, at: dt.datetime) -> int:
    """End the leases that end later than any can; whoever still works renews its own. Give how many."""
    return rows.filter(is_impossible(at)).update(lease_until=at)
