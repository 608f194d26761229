"""The batches of the DACS side by their codes; each is called with `by` and `at`, and gives its run or None."""

from __future__ import annotations

from collections.abc import Callable

from assets.models import BatchRun
from assets.operations import extract, scoring


BATCHES: dict[str, Callable[..., BatchRun | None]] = {
    scoring.BATCH: scoring.run,
    extract.BATCH: extract.run,
}
