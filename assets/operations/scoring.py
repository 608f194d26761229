"""
X1-CALAS: the control score of every device in an active subscription (`integration.md` 8.4, 9).

Chunk by chunk in a transaction each, so that memory stays the same whatever the number of devices: what is known of a
chunk is asked in two statements, its scores are calculated as arrays and written in one. A run that was killed leaves
whole chunks; its rerun scores all devices again.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import numpy as np
from django.db import transaction

from assets import queries, score_queries
from assets.engine import scores
from assets.engine.score_words import NOT_CALCULATED
from assets.engine.scores import UnableToReadCalculation
from assets.models import BatchRun, ControlScore, Program, ScoreCalculationVersion
from assets.operations import batch_work, score_inputs, score_store
from assets.operations.batch_work import UnableToRunBatch, Work
from assets.operations.status import SYSTEM


BATCH = "X1-CALAS"


def run(*, by: Any = SYSTEM, at: dt.datetime, chunk: int = score_inputs.CHUNK) -> BatchRun | None:
    """
    Score all devices; give the run, None when the DACS side is switched off.

    Scores of devices that are in no active subscription any more are removed at the end.

    :raises BatchInProgress: when a run is at work.
    """
    if not queries.is_on():
        return None
    with batch_work.running(batch_code=BATCH, by=by, at=at) as work:
        _score_all(work, at=at, chunk=chunk)
    return work.run


def _score_all(work: Work, *, at: dt.datetime, chunk: int) -> None:
    frames = [_frame(program, at=at) for program in score_queries.programs_to_score()]
    tally: Counter[str] = Counter(devices=0, eligible=0, not_calculated=0, score_cents=0, exactly=0)
    for version, frame in frames:
        for inputs in score_inputs.chunks(frame, size=chunk):
            found = scores.calculate(frame.calculation, inputs.columns)
            _count(tally, frame.calculation, found)
            work.counts = dict(tally)
            with transaction.atomic():
                work.beat()
                score_store.write(
                    score_store.Chunk(
                        program_id=frame.program.pk,
                        version_id=version.pk,
                        batch_run_id=work.run.pk,
                        reason_codes=frame.calculation.reason_codes,
                        inputs=inputs,
                        scores=found,
                        at=at,
                    )
                )
    gone = ControlScore.objects.exclude(batch_run=work.run)
    tally["removed"] = gone._raw_delete(gone.db)
    work.counts = dict(tally)


def _frame(program: Program, *, at: dt.datetime) -> tuple[ScoreCalculationVersion, score_inputs.Frame]:
    version = version_for(program, at=at)
    try:
        calculation = scores.read(version.definition)
    except UnableToReadCalculation as error:
        raise UnableToRunBatch(f"Program {program.code}: its score calculation cannot be read: {error}") from error
    return version, score_inputs.frame(program=program, calculation=calculation, at=at)


def version_for(program: Program, *, at: dt.datetime) -> ScoreCalculationVersion:
    """
    Give the version by which a program's devices are scored.

    :raises UnableToRunBatch: when there is none in force.
    """
    from assets.engine.cycles import window

    calculation = score_queries.calculation_of(program)
    if calculation is None:
        raise UnableToRunBatch(
            f"Program {program.code} names no score calculation, and there is none named {score_queries.DEFAULT_CODE}."
        )
    today = window(zone=program.time_zone, cycle=program.cycle, at=at).today
    version = score_queries.version_in_force(calculation=calculation, on=today)
    if version is None:
        raise UnableToRunBatch(
            f"Program {program.code}: score calculation {calculation.code} has no version in force on {today}."
        )
    return version


def _count(tally: Counter[str], calculation: scores.Calculation, found: scores.Scores) -> None:
    tally["devices"] += len(found.cents)
    tally["eligible"] += int(found.eligible.sum())
    tally["score_cents"] += int(found.cents.sum())
    tally["exactly"] += found.exactly
    counts = np.bincount(found.reasons, minlength=len(calculation.reason_codes)).tolist()
    for code, number in zip(calculation.reason_codes, counts, strict=True):
        if code == NOT_CALCULATED:
            tally["not_calculated"] += number
        elif code and number:
            tally[code] += number
