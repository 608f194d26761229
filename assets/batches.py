"""Which batches there are: the code that people and schedules name, and what runs it."""

from __future__ import annotations

from collections.abc import Callable

from assets.models import BatchRun
from assets.operations import extract, scoring, sync_batch


BATCHES: dict[str, Callable[..., BatchRun | None]] = {
    sync_batch.BATCH: sync_batch.run,
    sync_batch.COMPARISON: sync_batch.compare_all,
    scoring.BATCH: scoring.run,
    extract.BATCH: extract.run,
}
