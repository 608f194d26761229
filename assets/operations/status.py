"""Moving a thing from status to status, and leaving word of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, models, transaction

from assets.choices import ToDoStatus, ToDoType
from assets.models import AssetToDo, StatusChange


SYSTEM = "system"


def note(
    subject: models.Model, *, before: str, after: str, at: dt.datetime, by: str = SYSTEM, reason: str = ""
) -> None:
    """Leave word of one change of status; the subject is saved by the caller, in the same transaction."""
    note_many([subject], before=before, after=after, at=at, by=by, reason=reason)


def note_many(
    subjects: Iterable[models.Model], *, before: str, after: str, at: dt.datetime, by: str = SYSTEM, reason: str = ""
) -> None:
    """Leave word of the same change of many things."""
    StatusChange.objects.bulk_create(
        [
            StatusChange(
                subject=str(subject._meta.model_name),
                subject_id=str(subject.pk),
                from_status=str(before),
                to_status=str(after),
                at=at,
                by=by,
                reason=reason[:1000],
            )
            for subject in subjects
        ],
        batch_size=500,
    )


def changes_of(subject: models.Model) -> Sequence[StatusChange]:
    """Give the changes of a thing, oldest first."""
    return list(StatusChange.objects.filter(subject=str(subject._meta.model_name), subject_id=str(subject.pk)))


def open_todo(*, kind: ToDoType, subject: models.Model, summary: str, at: dt.datetime) -> AssetToDo:
    """Give a person the work on a thing: a new To Do, or the open one with the latest summary."""
    key: dict[str, Any] = {"type": kind, "subject": str(subject._meta.model_name), "subject_id": str(subject.pk)}
    found = AssetToDo.objects.filter(**key).exclude(status=ToDoStatus.COMPLETE).first()
    if found is None:
        try:
            with transaction.atomic():
                return AssetToDo.objects.create(**key, summary=summary[:1000], created_at=at)
        except IntegrityError:
            # Opened in this moment by somebody else.
            found = AssetToDo.objects.exclude(status=ToDoStatus.COMPLETE).get(**key)
    found.summary = summary[:1000]
    found.save(update_fields=["summary"])
    return found


def complete_todos(*, subject: models.Model, at: dt.datetime, by: str = SYSTEM, completion: str = "") -> int:
    """Close the open To Dos of a thing, because what they were about is done; give how many."""
    return (
        AssetToDo.objects.filter(subject=str(subject._meta.model_name), subject_id=str(subject.pk))
        .exclude(status=ToDoStatus.COMPLETE)
        .update(status=ToDoStatus.COMPLETE, completed_at=at, completed_by=by, completion=completion[:500])
    )
