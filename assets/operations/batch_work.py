"""
Batches that take their time: one of a kind at a time, with a sign of life, and a rerun when one failed.

The rerun of a failed batch has its number and the next rerun number (`integration.md` 3.9). A run whose worker died is
found by its silence and counts as failed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from assets.choices import BatchStatus, ToDoStatus, ToDoType
from assets.models import AssetToDo, BatchRun
from assets.operations import status
from foundation.kept_texts import kept


logger = structlog.get_logger(__name__)

SILENCE = dt.timedelta(minutes=10)
"""After so long without a sign of life a run is over."""


class UnableToRunBatch(Exception):
    """The batch cannot do its work; the run keeps the message."""


class BatchInProgress(Exception):
    """A run of this batch is at work."""


class Work:
    """A run that is at work: it keeps the clock, counts, and shows that it is alive."""

    def __init__(self, run: BatchRun, *, at: dt.datetime) -> None:
        self.run = run
        self.counts: dict[str, Any] = {}
        self._at = at
        self._began = time.monotonic()

    def now(self) -> dt.datetime:
        """Give the time: that of the caller, gone on since."""
        return self._at + dt.timedelta(seconds=time.monotonic() - self._began)

    def beat(self) -> None:
        """
        Show that the run is at work.

        :raises UnableToRunBatch: when somebody took it for dead meanwhile.
        """
        if not BatchRun.objects.filter(pk=self.run.pk, status=BatchStatus.IN_PROGRESS).update(
            heartbeat_at=self.now(), counts=self.counts
        ):
            raise UnableToRunBatch("The run was taken for dead, and another one may be at work.")


@contextlib.contextmanager
def running(*, batch_code: str, by: Any, at: dt.datetime) -> Iterator[Work]:
    """
    Run a batch: the block does its work. The run ends COMPLETE, or ERROR with a To Do when the block raises.

    `UnableToRunBatch` ends here: the run tells it. Everything else is raised on.

    :raises BatchInProgress: when a run of this batch is at work.
    """
    work = Work(_begin(batch_code=batch_code, by=str(by or status.SYSTEM), at=at), at=at)
    try:
        yield work
    except UnableToRunBatch as error:
        _fail(work, str(error))
    except BaseException as error:
        logger.exception("batch_failed", batch_code=batch_code, run=str(work.run))
        _fail(work, f"{type(error).__name__}: {error}")
        raise
    else:
        _complete(work)


def _begin(*, batch_code: str, by: str, at: dt.datetime) -> BatchRun:
    try:
        with transaction.atomic():
            _end_silent(batch_code, at=at)
            before = BatchRun.objects.filter(batch_code=batch_code).order_by("batch_number", "rerun_number").last()
            again = before is not None and before.status == BatchStatus.ERROR
            number = 0 if before is None else before.batch_number
            return BatchRun.objects.create(
                batch_code=batch_code,
                batch_number=number if again else number + 1,
                rerun_number=before.rerun_number + 1 if again and before is not None else 0,
                started_at=at,
                heartbeat_at=at,
                by=by[:150],
            )
    except IntegrityError as error:
        raise BatchInProgress(f"A run of {batch_code} is in progress; wait for its end.") from error


def _end_silent(batch_code: str, *, at: dt.datetime) -> None:
    silent = BatchRun.objects.filter(
        batch_code=batch_code, status=BatchStatus.IN_PROGRESS, heartbeat_at__lt=at - SILENCE
    )
    silent.update(
        status=BatchStatus.ERROR, ended_at=at, message="Its worker ended without a word: it gave no sign of life."
    )


def _fail(work: Work, message: str) -> None:
    run = work.run
    with transaction.atomic():
        if not BatchRun.objects.filter(pk=run.pk, status=BatchStatus.IN_PROGRESS).update(
            status=BatchStatus.ERROR, ended_at=work.now(), counts=work.counts, message=message[:1000]
        ):
            return
        first = BatchRun.objects.filter(batch_code=run.batch_code, batch_number=run.batch_number).earliest(
            "rerun_number"
        )
        status.open_todo(
            kind=ToDoType.BATCH, subject=first, summary=kept(f"{run.batch_code}: {message}"), at=work.now()
        )
    run.refresh_from_db()


def _complete(work: Work) -> None:
    run = work.run
    with transaction.atomic():
        ended = BatchRun.objects.filter(pk=run.pk, status=BatchStatus.IN_PROGRESS).update(
            status=BatchStatus.COMPLETE,
            ended_at=work.now(),
            counts=work.counts,
            file_name=run.file_name,
            digest=run.digest,
        )
        if ended:
            _settle(work)
    run.refresh_from_db()


def _settle(work: Work) -> None:
    """Close the To Dos of earlier runs that failed: what they were about is done."""
    ids = (
        AssetToDo.objects.filter(type=ToDoType.BATCH, subject=BatchRun._meta.model_name)
        .exclude(status=ToDoStatus.COMPLETE)
        .values_list("subject_id", flat=True)
    )
    failed = BatchRun.objects.filter(batch_code=work.run.batch_code, pk__in=[int(pk) for pk in ids])
    for earlier in failed:
        status.complete_todos(subject=earlier, at=work.now(), completion=f"{work.run} went well.")
