"""Moving a thing through its life cycle: the transition, the row, and word of it, in one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Model

from assets.models import DeviceLocation
from assets.operations import status
from assets.operations.status import SYSTEM


def move(
    subject: Any, step: str, *, at: dt.datetime, by: str = SYSTEM, reason: str = "", also: Sequence[str] = ()
) -> None:
    """
    Take one step of a life cycle and save it; `also` names further fields that were set and are saved with it.

    :raises django_fsm.TransitionNotAllowed: when the life cycle has no such step from where the subject stands.
    """
    before = str(subject.status)
    getattr(subject, step)()
    if hasattr(subject, "history"):
        subject._history_date = at
        subject._change_reason = reason[:100] or None
    subject.save(update_fields=["status", *also])
    status.note(subject, before=before, after=str(subject.status), at=at, by=by[:150], reason=reason)


def save_as_of(row: Any, *, at: dt.datetime, fields: Sequence[str] | None = None, person: Any = None) -> None:
    """Save a row under history, whose entry says when, and who when it was a person."""
    row._history_date = at
    if person is not None:
        row._history_user = person
    row.save(update_fields=fields)


def note_made(subjects: Iterable[Model], *, at: dt.datetime, by: str = SYSTEM, reason: str = "") -> None:
    """Leave word of things that were just made; they share their first status."""
    made = list(subjects)
    if made:
        first = str(getattr(made[0], "status", ""))
        status.note_many(made, before="", after=first, at=at, by=by[:150], reason=reason)


def lock_place(*, location_id: int) -> DeviceLocation:
    """
    Lock a device location for the rest of the transaction and give it as it is now.

    It is the one lock for all that goes on at a place: subscriptions, enrollments, set-ups and their communications
    are read after it and stay as they were read. Devices are locked after it, in the order of their keys.
    """
    location: DeviceLocation = (
        DeviceLocation.objects.select_for_update(of=("self",)).select_related("service_point").get(pk=location_id)
    )
    return location
