"""Storing initial measurements in bulk: the row, its payload, its first transition and, in ERROR, its To Do."""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np

from foundation.dispatch import after_commit
from vee import models
from vee.choices import ImdState
from vee.codes import NO_VALUE, Condition
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.operations import lifecycle, todos
from vee.operations.components import Component
from vee.operations.preparation import KINDS, DueImd
from vee.readers.numbers import Amounts
from vee.storage import Column, insert_columns, insert_rows, new_ids


# The scale of values whose component, and so whose type, is not known yet.
DEFAULT_SCALE = 6
_REGULAR = int(Condition.REGULAR)
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
    whole: bool = False
    """Whether it is known that none of its values is missing."""
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
    *,
    records: Sequence[NewImd],
    by: str,
    at: dt.datetime,
    reading_file: models.ReadingFile | None = None,
    ids: Sequence[int] | None = None,
) -> list[StoredImd]:
    """
    Store records inside the caller's transaction and wake the processing once it commits.

    They get new ids in their order, or those of `ids`, which the caller took before.

    :raises django.db.IntegrityError: when an `external_id` was stored by somebody else meanwhile.
    """
    if not records:
        return []
    ids = take_ids(len(records)) if ids is None else ids
    states = [ImdState.ERROR.value if record.error else ImdState.PENDING.value for record in records]
    insert_imds(ids=ids, records=records, states=states, at=at, reading_file=reading_file)
    insert_payloads(ids=ids, records=records)
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


def take_ids(count: int) -> list[int]:
    """Give the ids of as many new IMDs, in ascending order."""
    return new_ids(table=models.InitialMeasurement._meta.db_table, count=count)


def insert_imds(
    *,
    ids: Sequence[int],
    records: Sequence[NewImd],
    states: Sequence[str],
    at: dt.datetime,
    reading_file: models.ReadingFile | None,
    attempts: int = 0,
) -> None:
    """Insert the narrow rows alone, each in its state; payloads and transitions are for the caller to leave."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, (state, record) in enumerate(zip(states, records, strict=True)):
        known = record.component_id is not None
        alike[known, record.seconds_per_interval, record.kind, state].append(place)
    for (known, size, kind, state), places in alike.items():
        members = [records[place] for place in places]
        columns = {
            "id": _numbers([ids[place] for place in places]),
            "measuring_component_id": _numbers([record.component_id or 0 for record in members]) if known else None,
            "component_identifier": [record.component_identifier for record in members],
            "start": _seconds([_timestamp(record.start) for record in members]),
            "end": _seconds([_timestamp(record.end) for record in members]),
            "seconds_per_interval": size, "kind": kind, "state": state,
            "external_id": _texts([record.external_id for record in members]),
            "reading_file_id": None if reading_file is None else reading_file.pk, "user_edited": False,
            "attempts": attempts, "retries": 0,
            "error": _texts([record.error[:300] for record in members]), "created_at": at, "state_changed_at": at,
        }  # fmt: skip
        insert_columns(
            table=models.InitialMeasurement._meta.db_table,
            columns={name: Column(_IMD[name], values) for name, values in columns.items()},
            count=len(places),
        )


def insert_payloads(*, ids: Sequence[int], records: Sequence[NewImd]) -> None:
    """Insert what was received."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    others: list[int] = []
    for place, record in enumerate(records):
        values = record.values
        plain = record.conditions is None and record.multiplier is None and record.reading is None
        if values is not None and plain and not record.digest and record.source_line is not None:
            alike[record.uom, record.scale, len(values)].append(place)
        else:
            others.append(place)
    for (uom, scale, _), places in alike.items():
        values = np.stack([record.values for record in map(records.__getitem__, places) if record.values is not None])
        whole = (values != NO_VALUE).all(axis=1)
        others += [place for place, is_whole in zip(places, whole.tolist(), strict=True) if not is_whole]
        places = [place for place, is_whole in zip(places, whole.tolist(), strict=True) if is_whole]
        members = [records[place] for place in places]
        columns = {
            "imd_id": _numbers([ids[place] for place in places]), "uom": uom, "multiplier": None, "scale": scale,
            "values": values[whole],
            "conditions": None, "reading": None, "digest": "",
            "source_line": _numbers([record.source_line or 0 for record in members]),
        }  # fmt: skip
        insert_columns(
            table=models.ImdPayload._meta.db_table,
            columns={name: Column(_PAYLOAD[name], values) for name, values in columns.items()},
            count=len(places),
        )
    insert_rows(
        table=models.ImdPayload._meta.db_table,
        columns=_PAYLOAD,
        rows=[
            (
                ids[place], record.uom, record.multiplier, record.scale, record.values, record.conditions,
                _kept(record.reading), record.digest, record.source_line,
            )
            for place, record in ((place, records[place]) for place in others)
        ],
    )  # fmt: skip


def _numbers(values: Sequence[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _texts(values: list[str]) -> list[str] | str:
    return values if any(values) else ""


def _seconds(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64)


@functools.lru_cache(maxsize=8_192)
def _timestamp(at: dt.datetime) -> float:
    """Give seconds since 1970: many rows have the same instants, the very same objects."""
    return at.timestamp()


def as_due(imd_id: int, record: NewImd, component: Component) -> DueImd:
    """Give a record that is about to be stored as VEE takes it."""
    return DueImd(
        id=imd_id,
        identifier=record.component_identifier,
        component=component,
        start=int(_timestamp(record.start)),
        end=int(_timestamp(record.end)),
        seconds_per_interval=record.seconds_per_interval,
        kind=KINDS[record.kind],
        state=ImdState.PENDING,
        user_edited=False,
        attempts=0,
        uom=record.uom,
        multiplier=record.multiplier,
        scale=record.scale,
        values=record.values,
        conditions=record.conditions,
        reading=record.reading,
        whole=record.whole,
    )


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
    if conditions.count(_REGULAR) == len(conditions):
        return None
    return np.array(conditions, dtype=np.int32)
