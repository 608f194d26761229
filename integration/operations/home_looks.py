"""Remembering when a person looked at the home page, so that what failed since then is new to them."""

from __future__ import annotations

import datetime as dt

from integration import attention_queries
from integration.models import HomeLook


SAME_LOOK = dt.timedelta(minutes=30)
"""Whoever comes back within this time is still at the same look."""

_NOTED_EVERY = dt.timedelta(minutes=1)


def looked(*, user_id: int, at: dt.datetime) -> dt.datetime:
    """
    Note that a person opened the page, and give the time from which failures are new to them.

    That is when they looked the last time before; within `SAME_LOOK` it stays what it was, so that going back and
    forth between the page and its lists makes nothing old.
    """
    look = attention_queries.look_of(user_id=user_id)
    if look is None:
        since = at - attention_queries.FIRST_LOOK
        # Another tab may have been opened in this moment.
        HomeLook.objects.bulk_create([HomeLook(pk=user_id, looked_at=at, since=since)], ignore_conflicts=True)
        return since
    if at - look.looked_at >= SAME_LOOK:
        look.since = look.looked_at
    if look.since == look.looked_at or at - look.looked_at >= _NOTED_EVERY:
        HomeLook.objects.filter(pk=user_id).update(looked_at=at, since=look.since)
    return look.since


def seen(*, user_id: int, at: dt.datetime) -> None:
    """Note that a person has seen everything up to now: nothing is new to them any more."""
    HomeLook.objects.update_or_create(pk=user_id, defaults={"looked_at": at, "since": at})


def new_since(*, user_id: int, at: dt.datetime) -> dt.datetime:
    """Give the time from which failures are new to a person, without noting that they look."""
    look = attention_queries.look_of(user_id=user_id)
    return at - attention_queries.FIRST_LOOK if look is None else look.since
