"""Storing initial measurements in bulk: the row, its payload, its first transition and, in ERROR, its To Do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from foundation.dispatch import after_commit
from vee import models
from vee.choices import ImdState
from vee.codes import Condition
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.models.fields import NO_VALUE
from vee.operations import todos


BATCH_SIZE = 500
# The scale of values whose component, and so whose type, is not known yet.
DEFAULT_SCALE = 6


@dataclass(slots=True, kw_only=True)
class NewImd:
    """
    Initial measurement data that is fit to be stored.

    `values` count 10^-scale of the unit, `NO_VALUE` where there is none; `conditions` is None when all are Regular.
    A scalar has `reading` and no arrays. With an `error` it is stored in ERROR, else in PENDING.
    """

    component_identifier: str
    component_id: int | None
    start: dt.datetime
    end: dt.datetime
    kind: str
    uom: str
    scale: int
    seconds_per_interval: int | None = None
    values: np.ndarray | None = None
    conditions: np.ndarray | None = None
    reading: Decimal | None = None
    multiplier: Decimal | None = None
    external_id: str = ""
    digest: str = ""
    source_line: int | None = None
    error: str = ""
    reason: str = ""
    """Why it was created, where that is not the sender's business."""


def store(
    *, records: Sequence[NewImd], by: str, at: dt.datetime, reading_file: models.ReadingFile | None = None
) -> list[models.InitialMeasurement]:
    """
    Store records inside the caller's transaction and wake the processing once it commits.

    :raises django.db.IntegrityError: when an `external_id` was stored by somebody else meanwhile.
    """
    if not records:
        return []
    imds: list[models.InitialMeasurement] = models.InitialMeasurement.objects.bulk_create(
        [_row(record, at=at, reading_file=reading_file) for record in records], batch_size=BATCH_SIZE
    )
    models.ImdPayload.objects.bulk_create(
        [_payload(imd, record) for imd, record in zip(imds, records, strict=True)], batch_size=BATCH_SIZE
    )
    models.ImdTransition.objects.bulk_create(
        [
            models.ImdTransition(
                imd=imd, from_state="", to_state=imd.state, at=at, by=by[:150], reason=imd.error or record.reason[:500]
            )
            for imd, record in zip(imds, records, strict=True)
        ],
        batch_size=BATCH_SIZE,
    )
    failed = [imd for imd in imds if imd.state == ImdState.ERROR]
    if failed:
        needs = [todos.Need(imd_id=imd.pk, findings=(), summary=imd.error) for imd in failed]
        todos.open_todos(needs=needs, at=at)
    if len(failed) < len(imds):
        after_commit("vee.tasks.process_due_imds")
    return imds


def _row(record: NewImd, *, at: dt.datetime, reading_file: models.ReadingFile | None) -> models.InitialMeasurement:
    row: models.InitialMeasurement = models.InitialMeasurement(
        measuring_component_id=record.component_id,
        component_identifier=record.component_identifier,
        start=record.start,
        end=record.end,
        seconds_per_interval=record.seconds_per_interval,
        kind=record.kind,
        state=ImdState.ERROR if record.error else ImdState.PENDING,
        external_id=record.external_id,
        reading_file=reading_file,
        error=record.error[:300],
        created_at=at,
        state_changed_at=at,
    )
    return row


def _payload(imd: models.InitialMeasurement, record: NewImd) -> models.ImdPayload:
    return models.ImdPayload(
        imd=imd,
        uom=record.uom,
        multiplier=record.multiplier,
        scale=record.scale,
        values=record.values,
        conditions=record.conditions,
        reading=record.reading,
        digest=record.digest,
        source_line=record.source_line,
    )


class UnableToKeepValue(ValueError):
    """A value cannot be kept exactly at the component's scale; `index` is its interval, from 0."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def fixed_values(values: Iterable[Decimal | None], *, scale: int) -> np.ndarray:
    """
    Give values as counts of 10^-scale, `NO_VALUE` where there is none.

    :raises UnableToKeepValue: at the first value that has more decimals or digits than can be kept.
    """
    counts: list[int] = []
    for index, value in enumerate(values):
        if value is None:
            counts.append(NO_VALUE)
            continue
        try:
            counts.append(to_fixed(value, scale))
        except UnableToKeepExactly as error:
            raise UnableToKeepValue(index, str(error)) from None
    return np.array(counts, dtype=np.int64)


def given_conditions(conditions: Sequence[int]) -> np.ndarray | None:
    """Give condition codes as they are stored: None when all are Regular."""
    if all(code == Condition.REGULAR for code in conditions):
        return None
    return np.array(conditions, dtype=np.int32)
