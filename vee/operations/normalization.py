"""From values after VEE to final measurements (`vee.md` 7.3). Runs inside the transaction of its caller."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vee.models import RegisterMeasurement, RegisterMeasurementHistory
from vee.storage import Change, DayPieces, write_blocks


_UPDATED = [
    "reading", "consumption", "condition", "multiplier", "user_edited", "imd_id", "version", "updated_at",
]  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRead:
    """A register reading on its way into final measurements; `consumption` is None where there is none."""

    imd_id: int
    component_id: int
    read_at: dt.datetime
    reading: Decimal
    consumption: Decimal | None
    condition: int
    multiplier: Decimal
    user_edited: bool
    allow_negative: bool
    skip_identical: bool


def normalize_intervals(*, pieces: Sequence[DayPieces], at: dt.datetime) -> tuple[Change, ...]:
    """
    Write interval readings as final measurements and give what changed.

    :raises vee.storage.UnableToStoreMeasurements: when they do not fit what is there.
    """
    return write_blocks(pieces=pieces, at=at).changes


def normalize_registers(*, reads: Sequence[RegisterRead], at: dt.datetime) -> tuple[Change, ...]:
    """
    Write register readings, at most one per component, as final measurements and give what changed.

    A reading that comes between two others changes the consumption of the later one as well (`vee.md` 7.2).
    """
    if not reads:
        return ()
    ids = [read.component_id for read in reads]
    there: dict[tuple[int, dt.datetime], RegisterMeasurement] = {}
    following: dict[int, list[RegisterMeasurement]] = defaultdict(list)
    for row in RegisterMeasurement.objects.filter(
        measuring_component__in=ids, read_at__gte=min(read.read_at for read in reads)
    ).order_by("measuring_component", "read_at"):
        there[row.measuring_component_id, row.read_at] = row
        following[row.measuring_component_id].append(row)
    history: list[RegisterMeasurementHistory] = []
    rows: list[RegisterMeasurement] = []
    for read in reads:
        old = there.get((read.component_id, read.read_at))
        if old is None or not _is_identical(old, read):
            rows.append(_measurement(read, old=old, history=history, at=at))
        later = next((row for row in following[read.component_id] if row.read_at > read.read_at), None)
        if later is not None:
            synced = _synced(later, read, history=history, at=at)
            if synced is not None:
                rows.append(synced)
    RegisterMeasurementHistory.objects.bulk_create(history)
    RegisterMeasurement.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["measuring_component", "read_at"], update_fields=_UPDATED
    )
    changes: dict[int, Change] = {}
    for row in rows:
        known = changes.get(row.measuring_component_id)
        changes[row.measuring_component_id] = Change(
            row.measuring_component_id,
            min(known.first, row.read_at) if known else row.read_at,
            max(known.last, row.read_at) if known else row.read_at,
        )
    return tuple(changes.values())


def _is_identical(old: RegisterMeasurement, read: RegisterRead) -> bool:
    return (
        read.skip_identical
        and old.reading == read.reading
        and old.condition == read.condition
        and old.consumption == read.consumption
    )


def _measurement(
    read: RegisterRead,
    *,
    old: RegisterMeasurement | None,
    history: list[RegisterMeasurementHistory],
    at: dt.datetime,
) -> RegisterMeasurement:
    if old is not None:
        history.append(_as_it_was(old, replaced_by=read.imd_id, at=at))
    return RegisterMeasurement(
        measuring_component_id=read.component_id,
        read_at=read.read_at,
        reading=read.reading,
        consumption=read.consumption,
        condition=read.condition,
        multiplier=read.multiplier,
        user_edited=read.user_edited,
        imd_id=read.imd_id,
        version=1 if old is None else old.version + 1,
        updated_at=at,
    )


def _synced(
    later: RegisterMeasurement,
    read: RegisterRead,
    *,
    history: list[RegisterMeasurementHistory],
    at: dt.datetime,
) -> RegisterMeasurement | None:
    difference = later.reading - read.reading
    consumption = difference * later.multiplier if difference >= 0 or read.allow_negative else None
    if consumption == later.consumption:
        return None
    history.append(_as_it_was(later, replaced_by=read.imd_id, at=at))
    later.consumption = consumption
    later.version += 1
    later.updated_at = at
    return later


def _as_it_was(row: RegisterMeasurement, *, replaced_by: int, at: dt.datetime) -> RegisterMeasurementHistory:
    kept: Mapping[str, Any] = {
        name: getattr(row, name)
        for name in ("measuring_component_id", "read_at", "reading", "consumption", "condition", "user_edited",
                     "imd_id", "version")
    }  # fmt: skip
    return RegisterMeasurementHistory(**kept, replaced_at=at, replaced_by_imd_id=replaced_by)
