"""From values after VEE to final measurements (`vee.md` 7.3). Runs inside the transaction of its caller."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vee.engine import registers
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.engine.registers import Register
from vee.models import RegisterMeasurement, RegisterMeasurementHistory
from vee.operations.components import Component
from vee.operations.preparation import DueImd
from vee.operations.register_values import Scalar
from vee.storage import Change, DayPieces, UnableToStoreMeasurements, write_blocks


_UPDATED = [
    "reading", "consumption", "condition", "multiplier", "user_edited", "do_not_use", "imd_id", "version", "updated_at",
]  # fmt: skip
_KEPT = (
    "measuring_component_id", "read_at", "reading", "consumption", "condition", "multiplier", "user_edited",
    "do_not_use", "imd_id", "version",
)  # fmt: skip


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
    register: Register
    scale: int
    skip_identical: bool
    sync_consumption: bool = True

    @classmethod
    def of(cls, *, imd: DueImd, component: Component, scalar: Scalar) -> RegisterRead:
        """Give the read that an IMD became; it has a reading."""
        assert scalar.reading is not None  # noqa: S101  what has none is blocked or refused before
        return cls(
            imd_id=imd.id,
            component_id=component.id,
            read_at=imd.end_at,
            reading=scalar.reading,
            consumption=scalar.consumption,
            condition=scalar.condition,
            multiplier=scalar.multiplier,
            user_edited=scalar.edited,
            register=component.register,
            scale=component.scale,
            skip_identical=component.skip_identical,
            sync_consumption=component.sync_consumption,
        )


def normalize_intervals(*, pieces: Sequence[DayPieces], at: dt.datetime) -> tuple[Change, ...]:
    """
    Write interval readings as final measurements and give what changed.

    :raises vee.storage.UnableToStoreMeasurements: when they do not fit what is there.
    """
    return write_blocks(pieces=pieces, at=at).changes


def normalize_registers(*, reads: Sequence[RegisterRead], at: dt.datetime) -> tuple[Change, ...]:
    """
    Write register readings, at most one per component, as final measurements and give what changed.

    A reading that comes between two others, or changes, changes the consumption of the later one as well where the
    component's type wants that (`vee.md` 7.2); the later one then is part of what changed.

    :raises vee.storage.UnableToStoreMeasurements: when the later one's consumption cannot be kept exactly.
    """
    if not reads:
        return ()
    ids = [read.component_id for read in reads]
    there: dict[tuple[int, dt.datetime], RegisterMeasurement] = {}
    following: dict[int, list[RegisterMeasurement]] = defaultdict(list)
    for row in RegisterMeasurement.objects.filter(
        measuring_component__any_of=ids, read_at__gte=min(read.read_at for read in reads)
    ).order_by("measuring_component", "read_at"):
        there[row.measuring_component_id, row.read_at] = row
        if not row.do_not_use:
            following[row.measuring_component_id].append(row)
    history: list[RegisterMeasurementHistory] = []
    rows: list[RegisterMeasurement] = []
    for read in reads:
        old = there.get((read.component_id, read.read_at))
        if old is not None and _is_identical(old, read):
            if old.do_not_use:
                continue  # a person said that this very reading is no base
        else:
            rows.append(_measurement(read, old=old, history=history, at=at))
        later = next((row for row in following[read.component_id] if row.read_at > read.read_at), None)
        if later is not None and read.sync_consumption:
            base = (read.reading, read.register, read.scale)
            if synced(later, *base, history=history, imd_id=read.imd_id, at=at):
                rows.append(later)
    return write_registers(rows=rows, history=history)


def write_registers(
    *, rows: Sequence[RegisterMeasurement], history: Sequence[RegisterMeasurementHistory]
) -> tuple[Change, ...]:
    """Write register measurements and what they replace; give what changed per component."""
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
        and (old.do_not_use or old.consumption == read.consumption)
    )


def _measurement(
    read: RegisterRead,
    *,
    old: RegisterMeasurement | None,
    history: list[RegisterMeasurementHistory],
    at: dt.datetime,
) -> RegisterMeasurement:
    edited = read.user_edited
    if old is not None:
        history.append(as_it_was(old, replaced_by=read.imd_id, at=at))
        # The same reading once more does not undo what a person did.
        edited |= old.user_edited and (old.reading, old.condition) == (read.reading, read.condition)
    return RegisterMeasurement(
        measuring_component_id=read.component_id,
        read_at=read.read_at,
        reading=read.reading,
        consumption=read.consumption,
        condition=read.condition,
        multiplier=read.multiplier,
        user_edited=edited,
        imd_id=read.imd_id,
        version=1 if old is None else old.version + 1,
        updated_at=at,
    )


def synced(
    later: RegisterMeasurement,
    base: Decimal | None,
    register: Register,
    scale: int,
    *,
    history: list[RegisterMeasurementHistory],
    imd_id: int | None,
    at: dt.datetime,
) -> bool:
    """
    Count a read from another base, with the multiplier of its own time; give whether that changed it.

    :raises vee.storage.UnableToStoreMeasurements: when its consumption cannot be kept exactly.
    """
    consumption = registers.consumption(register, base, later.reading, later.multiplier)
    if consumption == later.consumption:
        return False
    try:
        to_fixed(consumption or Decimal(0), scale)
    except UnableToKeepExactly as error:
        raise UnableToStoreMeasurements(f"The consumption of the read that follows: {error}.") from None
    history.append(as_it_was(later, replaced_by=imd_id, at=at))
    later.consumption = consumption
    later.version += 1
    later.updated_at = at
    return True


def as_it_was(row: RegisterMeasurement, *, replaced_by: int | None, at: dt.datetime) -> RegisterMeasurementHistory:
    """Give a register measurement as the history keeps it."""
    kept: Mapping[str, Any] = {name: getattr(row, name) for name in _KEPT}
    return RegisterMeasurementHistory(**kept, replaced_at=at, replaced_by_imd_id=replaced_by)
