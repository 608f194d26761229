"""The batches of the DACS side by their codes; each is called with `by` and `at`, and gives its run or None."""

from __future__ import annotations

from collections.abc import Callable

from assets.models import BatchRun
from assets.operations import sync_batch


BATCHES: dict[str, Callable[..., BatchRun | None]] = {
    sync_batch.BATCH: sync_batch.run,
    sync_batch.COMPARISON: sync_batch.compare_all,
}
