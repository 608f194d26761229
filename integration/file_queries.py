"""Reads of files that came with a message: how far one is, and how fast."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from integration.choices import RunState
from integration.models import Event, FileAttempt, FlowRun, Reservation, Segment, StoredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProgress:
    """Rows a second of the attempt at hand, and the seconds that the rest takes at that rate; None: not known."""

    rows_per_second: float | None = None
    seconds_left: float | None = None


def file_progress(run: FlowRun, *, at: dt.datetime) -> FileProgress:
    """Give how fast a run with a file is; nothing is known of one that is not at work."""
    if run.state != RunState.IN_PROGRESS or run.progress_total is None:
        return FileProgress()
    attempt = FileAttempt.objects.filter(run=run, ended_at__isnull=True, planned_at__isnull=False).first()
    if attempt is None or attempt.planned_at is None:
        return FileProgress()
    done = run.progress_done - attempt.done_before
    elapsed = (at - attempt.planned_at).total_seconds()
    if done <= 0 or elapsed <= 0:
        return FileProgress()
    rate = done / elapsed
    left = max(run.progress_total - run.progress_done, 0) / rate
    return FileProgress(rows_per_second=round(rate, 1), seconds_left=round(left, 1))


def segments_of(run: FlowRun) -> QuerySet[Segment]:
    """Give the segments of a run in their order."""
    return Segment.objects.filter(run=run).order_by("number")


def stored_files() -> QuerySet[StoredFile]:
    """Give the files, the latest first."""
    return StoredFile.objects.select_related("run", "flow").order_by("-received_at", "pk")


def segment_counts(run: FlowRun) -> dict[str, int]:
    """Give how many segments of a run are in each state."""
    rows = Segment.objects.filter(run=run).values("state").annotate(count=Count("pk")).order_by("state")
    return {row["state"]: row["count"] for row in rows}


def reservation_counts(event: Event) -> dict[str, int]:
    """Give how many devices of an event are in each state."""
    rows = Reservation.objects.filter(event=event).values("state").annotate(count=Count("pk")).order_by("state")
    return {row["state"]: row["count"] for row in rows}
