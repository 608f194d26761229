"""Storing initial measurements in bulk: the row, its payload, its first transition and, in ERROR, its To Do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

import numpy as np

from foundation.dispatch import after_commit
from vee import models
from vee.choices import ImdState
from vee.codes import NO_VALUE, Condition
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.operations import lifecycle, todos
from vee.readers.numbers import Amounts
from vee.storage import insert_rows, new_ids


# The scale of values whose component, and so whose type, is not known yet.
DEFAULT_SCALE = 6
_NINE_PLACES = Decimal("1e-9")
_WIDE = Context(prec=40)
_IMD = {
    "id": "int8", "measuring_component_id": "int8", "component_identifier": "varchar", "start": "timestamptz",
    "end": "timestamptz", "seconds_per_interval": "int4", "kind": "varchar", "state": "varchar",
    "external_id": "varchar", "reading_file_id": "uuid", "user_edited": "bool", "attempts": "int2", "retries": "int2",
    "error": "varchar", "created_at": "timestamptz", "state_changed_at": "timestamptz",
}  # fmt: skip
_PAYLOAD = {
    "imd_id": "int8", "uom": "varchar", "multiplier": "numeric", "scale": "int2", "values": "int8[]",
    "conditions": "int4[]", "reading": "numeric", "digest": "varchar", "source_line": "int8",
}  # fmt: skip


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
    direct: bool = False
    """Whether its component's type wants it to become measurements without an IMD, if there is nothing to say."""
    reason: str = ""
    """Why it was created, where that is not the sender's business."""


@dataclass(frozen=True, slots=True)
class StoredImd:
    """An IMD as it was stored."""

    id: int
    external_id: str
    state: str


def store(
    *, records: Sequence[NewImd], by: str, at: dt.datetime, reading_file: models.ReadingFile | None = None
) -> list[StoredImd]:
    """
    Store records inside the caller's transaction and wake the processing once it commits.

    :raises django.db.IntegrityError: when an `external_id` was stored by somebody else meanwhile.
    """
    if not records:
        return []
    ids = new_ids(table=models.InitialMeasurement._meta.db_table, count=len(records))
    file_id = None if reading_file is None else reading_file.pk
    states = [ImdState.ERROR.value if record.error else ImdState.PENDING.value for record in records]
    insert_rows(
        table=models.InitialMeasurement._meta.db_table,
        columns=_IMD,
        rows=[
            (
                imd_id, record.component_id, record.component_identifier, record.start, record.end,
                record.seconds_per_interval, record.kind, state, record.external_id, file_id, False, 0, 0,
                record.error[:300], at, at,
            )
            for imd_id, state, record in zip(ids, states, records, strict=True)
        ],
    )  # fmt: skip
    insert_rows(
        table=models.ImdPayload._meta.db_table,
        columns=_PAYLOAD,
        rows=[
            (
                imd_id, record.uom, record.multiplier, record.scale, record.values, record.conditions,
                _kept(record.reading), record.digest, record.source_line,
            )
            for imd_id, record in zip(ids, records, strict=True)
        ],
    )  # fmt: skip
    _leave_steps(ids, states, records, by=by, at=at)
    failed = [(imd_id, record.error) for imd_id, record in zip(ids, records, strict=True) if record.error]
    if failed:
        needs = [todos.Need(imd_id=imd_id, findings=(), summary=error) for imd_id, error in failed]
        todos.open_todos(needs=needs, at=at)
    if len(failed) < len(ids):
        after_commit("vee.tasks.process_due_imds")
    return [
        StoredImd(imd_id, record.external_id, state) for imd_id, state, record in zip(ids, states, records, strict=True)
    ]


def _kept(reading: Decimal | None) -> Decimal | None:
    """Give a reading with as many decimals as its column has, which on SQLite is text."""
    return None if reading is None else reading.quantize(_NINE_PLACES, context=_WIDE)


def _leave_steps(
    ids: Sequence[int], states: Sequence[str], records: Sequence[NewImd], *, by: str, at: dt.datetime
) -> None:
    alike: dict[tuple[str, str], list[int]] = {}
    for imd_id, state, record in zip(ids, states, records, strict=True):
        alike.setdefault((state, (record.error[:300] or record.reason)[:500]), []).append(imd_id)
    for (state, reason), members in alike.items():
        lifecycle.record_steps(imd_ids=members, steps=[("", state)], at=at, by=by, reason=reason)


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
    if isinstance(values, Amounts) and (kept := values.counts_at(scale)) is not None:
        return kept
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
    if conditions.count(int(Condition.REGULAR)) == len(conditions):
        return None
    return np.array(conditions, dtype=np.int32)
