"""Runs of batches as rows: a number for each, what it did to how many, and what went wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from assets.choices import BatchStatus, ToDoType
from assets.models import BatchRun
from assets.operations import status
from foundation.kept_texts import kept


_ROUNDS = 20


def record(
    *, batch_code: str, by: str, started_at: dt.datetime, ended_at: dt.datetime, counts: Mapping[str, int]
) -> BatchRun:
    """Write down a run that is over; what kept the batch from running before is settled by it."""
    run = _numbered(
        batch_code=batch_code,
        status=BatchStatus.COMPLETE,
        started_at=started_at,
        ended_at=ended_at,
        counts=dict(counts),
        by=by,
    )
    failed = BatchRun.objects.filter(batch_code=batch_code, status=BatchStatus.ERROR, pk__lt=run.pk).first()
    if failed is not None:
        completion = f"Run {run.batch_number} of {batch_code} went well."
        status.complete_todos(subject=failed, at=ended_at, completion=completion)
    return run


def record_failure(
    *, batch_code: str, by: str, at: dt.datetime, counts: Mapping[str, int], message: str
) -> BatchRun | None:
    """Write down why a batch could not run, with a To Do; None when the run before failed for the same reason."""
    last = BatchRun.objects.filter(batch_code=batch_code).first()
    if last is not None and last.status == BatchStatus.ERROR and last.message == message[:1000]:
        return None
    run = _numbered(
        batch_code=batch_code,
        status=BatchStatus.ERROR,
        started_at=at,
        ended_at=at,
        counts=dict(counts),
        message=message[:1000],
        by=by,
    )
    status.open_todo(kind=ToDoType.BATCH, subject=run, summary=kept(f"{batch_code}: {message}"), at=at)
    return run


def next_number(batch_code: str) -> int:
    """Give the number of a batch's next run."""
    return int(BatchRun.objects.filter(batch_code=batch_code).aggregate(last=Max("batch_number"))["last"] or 0) + 1


def _numbered(*, batch_code: str, **values: Any) -> BatchRun:
    for _ in range(_ROUNDS):
        try:
            with transaction.atomic():
                return BatchRun.objects.create(batch_code=batch_code, batch_number=next_number(batch_code), **values)
        except IntegrityError:
            # Another process took the number in this moment.
            continue
    raise RuntimeError(f"No number was to be had for a run of {batch_code}.")
