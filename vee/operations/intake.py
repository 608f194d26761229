"""
Intake of initial measurement data: what comes in a batch by the API is judged record by record (`api.md` 4).

A record that breaks the contract is answered with a problem and not stored; one whose measuring component is not
known yet is stored in ERROR and repaired later by creating the component and *Perform VEE*.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from foundation.api.decoding import DoesNotFit, convert
from foundation.kept_texts import kept
from vee import models
from vee.operations import imd_store, known_components
from vee.operations.imd_records import ImdRecord, RecordRefused, prepare
from vee.operations.reading_files import load_file, receive_file


__all__ = [
    "MAX_RECORDS",
    "ImdRecord",
    "IntakeResult",
    "RecordProblem",
    "load_file",
    "receive_file",
    "receive_imds",
]

MAX_RECORDS = 5_000
# A concurrent request may store the same external_id between our look-up and our insert.
_TRIES = 3
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordProblem:
    """Why one record of a batch was refused; the interface renders it as a problem document."""

    status: int
    code: str
    detail: str
    errors: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeResult:
    """What became of one record: an IMD with its state, or a problem."""

    id: int | None = None
    external_id: str = ""
    status: str = ""
    problem: RecordProblem | None = None


def receive_imds(*, records: Sequence[Any], at: dt.datetime, by: str = "system") -> list[IntakeResult]:
    """
    Store a batch of records and give a result for each, in order.

    `records` are parsed JSON values with exact numbers. A record whose `external_id` was received before gets the
    original IMD with its present state when the record is the same, and a 409 problem when it is not; that holds
    within a batch too. Times in the records need an offset.
    """
    judged = [_judge(record) for record in records]
    for _ in range(_TRIES - 1):
        try:
            return _store(judged, at=at, by=by)
        except IntegrityError:
            continue
    return _store(judged, at=at, by=by)


@dataclass(frozen=True, slots=True)
class _Judged:
    record: ImdRecord
    digest: str


def _judge(record: Any) -> _Judged | RecordProblem:
    if not isinstance(record, Mapping):
        return RecordProblem(
            status=400,
            code="validation",
            detail="A record is a JSON object.",
            errors=[{"pointer": "", "code": "invalid", "message": kept("an object is expected")}],
        )
    try:
        typed = convert(record, ImdRecord)
    except DoesNotFit as error:
        return _invalid(str(error), [error.as_error()])
    return _Judged(typed, _digest(record))


def _digest(record: Mapping[str, Any]) -> str:
    canonical = msgspec.json.encode(record, order="deterministic")
    return hashlib.sha256(canonical).hexdigest()


def _invalid(detail: str, errors: list[dict[str, str]]) -> RecordProblem:
    return RecordProblem(status=400, code="validation", detail=detail, errors=errors)


@transaction.atomic
def _store(judged: Sequence[_Judged | RecordProblem], *, at: dt.datetime, by: str) -> list[IntakeResult]:
    good = [entry for entry in judged if isinstance(entry, _Judged)]
    components = known_components.find(entry.record.measuring_component for entry in good)
    known = _received_before({entry.record.external_id for entry in good if entry.record.external_id})
    results: list[IntakeResult | None] = [None] * len(judged)
    new: list[imd_store.NewImd] = []
    places: list[int] = []
    # external_id → (digest, place among the new ones) of the records before this one.
    in_batch: dict[str, tuple[str, int]] = {}
    repeats: list[tuple[int, int]] = []
    for place, entry in enumerate(judged):
        if isinstance(entry, RecordProblem):
            results[place] = IntakeResult(problem=entry)
            continue
        external_id = entry.record.external_id or ""
        if external_id in known:
            results[place] = _again(entry, *known[external_id])
            continue
        if external_id in in_batch:
            digest, first = in_batch[external_id]
            if digest == entry.digest:
                repeats.append((place, first))
            else:
                results[place] = _reused(external_id)
            continue
        try:
            prepared = prepare(entry.record, component=components.get(entry.record.measuring_component))
        except RecordRefused as refused:
            results[place] = IntakeResult(external_id=external_id, problem=_invalid(str(refused), refused.errors))
            continue
        prepared.digest = entry.digest
        if external_id:
            in_batch[external_id] = (entry.digest, len(new))
        new.append(prepared)
        places.append(place)
    imds = imd_store.store(records=new, by=by, at=at)
    for place, imd in zip(places, imds, strict=True):
        results[place] = IntakeResult(id=imd.id, external_id=imd.external_id, status=imd.state)
    for place, first in repeats:
        results[place] = results[places[first]]
    return [result for result in results if result is not None]


def _received_before(external_ids: set[str]) -> dict[str, tuple[int, str, str]]:
    found: dict[str, tuple[int, str, str]] = {}
    wanted = sorted(external_ids)
    for begin in range(0, len(wanted), _AT_ONCE):
        part = wanted[begin : begin + _AT_ONCE]
        rows = models.InitialMeasurement.objects.filter(external_id__in=part).values_list(
            "external_id", "pk", "state", "payload__digest"
        )
        found.update((external_id, (pk, state, digest)) for external_id, pk, state, digest in rows)
    return found


def _again(entry: _Judged, pk: int, state: str, digest: str) -> IntakeResult:
    external_id = entry.record.external_id or ""
    if digest != entry.digest:
        return _reused(external_id)
    return IntakeResult(id=pk, external_id=external_id, status=state)


def _reused(external_id: str) -> IntakeResult:
    return IntakeResult(
        external_id=external_id,
        problem=RecordProblem(
            status=409,
            code="idempotency_key_reused",
            detail=f"The external_id {external_id!r} was received before with another body. Nothing was stored.",
            errors=[
                {
                    "pointer": "/external_id",
                    "code": "idempotency_key_reused",
                    "message": kept("used before with another body"),
                }
            ],
        ),
    )
