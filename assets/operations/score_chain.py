"""X1-CALAS, and after it X1-SDCSE: in the order in which the guide wants them scheduled (`integration.md` 8.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import structlog

from assets.choices import BatchStatus
from assets.models import BatchRun
from assets.operations import extract, scoring
from assets.operations.batch_work import BatchInProgress
from assets.operations.status import SYSTEM


logger = structlog.get_logger(__name__)


def run(*, by: Any = SYSTEM, clock: Callable[[], dt.datetime]) -> list[BatchRun]:
    """Run both batches; give their runs. The second one runs only when the first one went well."""
    runs: list[BatchRun] = []
    for batch in (scoring.run, extract.run):
        try:
            done = batch(by=by, at=clock())
        except BatchInProgress as reason:
            logger.info("batch_not_run", reason=str(reason))
            return runs
        if done is None:
            return runs
        runs.append(done)
        if done.status != BatchStatus.COMPLETE:
            return runs
    return runs
