"""Values that people change: audited, beside what was received (`vee.md` 2.8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction

from vee.choices import ImdKind, ImdState
from vee.codes import ComponentKind, Condition
from vee.engine.batch import AS_RECEIVED, EDITED
from vee.engine.fixed_point import MAXIMUM_SCALE, UnableToKeepExactly, to_fixed
from vee.locks import lock_imd
from vee.models import ImdEdit, ImdPayload, ImdPostVee, InitialMeasurement
from vee.operations import actions
from vee.operations.actions import ImdNotFound, StateDoesNotAllow, UnableToAct, check_request
from vee.storage import NO_VALUE


class ValueNotUsable(UnableToAct):
    """A new value does not fit: no such interval, or more digits than are kept. Carries the interval's index."""

    def __init__(self, message: str, *, interval: int) -> None:
        super().__init__(message)
        self.interval = interval


def edit_values(
    *,
    imd_id: int,
    by: Any,
    reason: str,
    values: Mapping[int, Decimal | None],
    at: dt.datetime,
    conditions: Mapping[int, int] | None = None,
) -> InitialMeasurement:
    """
    Change values of an IMD that waits for a person; None takes a value away.

    What was received stays as it is; each change leaves old, new, who, when and why. An edited value is Regular (a
    value taken away is Missing) unless `conditions` says otherwise for its index. A value that is what it was is no
    edit. Of a register reading, interval 0 is the reading.

    :raises UnableToAct: NotPermitted, ReasonMissing, ImdNotFound, StateDoesNotAllow, or ValueNotUsable.
    """
    reason = check_request(by=by, right="vee.edit_imd", reason=reason)
    with transaction.atomic():
        try:
            imd = lock_imd(imd_id=imd_id)
        except InitialMeasurement.DoesNotExist:
            raise ImdNotFound(f"There is no IMD {imd_id}.") from None
        waiting = imd.state == ImdState.EXCEPTION or (imd.kind == ImdKind.MANUAL and imd.state == ImdState.PENDING)
        if not waiting:
            raise StateDoesNotAllow(f"The values of an IMD in state {imd.state} cannot be edited.")
        payload = ImdPayload.objects.get(pk=imd_id)
        current = _Current(imd, payload)
        scale = current.scale
        edits = []
        for interval in sorted(values):
            value = _count(values[interval], interval, current)
            condition = (conditions or {}).get(interval, Condition.MISSING if value is None else Condition.REGULAR)
            old_value, old_condition = current.get(interval)
            if (value, condition) == (old_value, old_condition):
                continue
            current.put(interval, value, condition)
            edits.append(
                ImdEdit(
                    imd=imd,
                    interval=interval,
                    scale=scale,
                    old_value=old_value,
                    old_condition=old_condition,
                    new_value=value,
                    new_condition=condition,
                    by=by,
                    reason=reason,
                    at=at,
                )
            )
        if edits:
            ImdEdit.objects.bulk_create(edits)
            current.keep(at=at)
            imd.user_edited = True
            imd.save(update_fields=["user_edited"])
        return imd


def edit_and_perform(
    *,
    imd_id: int,
    by: Any,
    reason: str,
    values: Mapping[int, Decimal | None],
    perform: bool,
    at: dt.datetime,
) -> InitialMeasurement:
    """
    Change values and, when asked to, perform VEE in the same transaction.

    :raises UnableToAct: as `edit_values` and `actions.perform_vee` do; then nothing of it happened.
    """
    with transaction.atomic():
        imd = edit_values(imd_id=imd_id, by=by, reason=reason, values=values, at=at)
        if perform:
            imd = actions.perform_vee(imd_id=imd_id, by=by, reason=reason, at=at)
        return imd


def _count(value: Decimal | None, interval: int, current: _Current) -> int | None:
    if not 0 <= interval < len(current.values):
        raise ValueNotUsable(f"There is no interval {interval}: the IMD has {len(current.values)}.", interval=interval)
    if value is None:
        if current.scalar:
            raise ValueNotUsable("A register reading cannot be taken away.", interval=interval)
        return None
    try:
        return to_fixed(value, current.scale)
    except UnableToKeepExactly as error:
        raise ValueNotUsable(f"Interval {interval}: {error}.", interval=interval) from None


class _Current:
    """The values as they stand: received, after VEE, and after earlier edits."""

    def __init__(self, imd: InitialMeasurement, payload: ImdPayload) -> None:
        self.imd = imd
        self.scalar = payload.values is None
        self.scale = payload.scale
        post = ImdPostVee.objects.filter(pk=imd.pk).first()
        self.kept = post is not None
        if post is not None:
            self.scale = post.scale
            self.values, self.conditions, self.rules = post.values, post.conditions, post.rules
            return
        component = imd.measuring_component
        if payload.values is None:
            self._read_scalar(payload)
        elif component is not None and component.type.component_kind == ComponentKind.SUBTRACTIVE_INTERVAL:
            # Readings; what is edited is the consumption that they lead to, and no run has told it yet.
            self.values = np.full(len(payload.values), NO_VALUE, dtype=np.int64)
            self.conditions = np.full(len(payload.values), Condition.MISSING, dtype=np.int32)
        else:
            self.values = payload.values.copy()
            self.conditions = _conditions(payload, payload.values)
        self.rules = np.full(len(self.values), AS_RECEIVED, dtype=np.int32)

    def _read_scalar(self, payload: ImdPayload) -> None:
        self.scale = MAXIMUM_SCALE
        latest = ImdEdit.objects.filter(imd=self.imd).order_by("-pk").first()
        if latest is not None and latest.new_value is not None:
            count, condition = latest.new_value, latest.new_condition
        else:
            missing = Condition.MISSING if payload.reading is None else Condition.REGULAR
            count = NO_VALUE if payload.reading is None else to_fixed(payload.reading, self.scale)
            condition = int(missing if payload.conditions is None else payload.conditions[0])
        self.values = np.array([count], dtype=np.int64)
        self.conditions = np.array([condition], dtype=np.int32)

    def get(self, interval: int) -> tuple[int | None, int]:
        count = int(self.values[interval])
        return (None if count == NO_VALUE else count), int(self.conditions[interval])

    def put(self, interval: int, value: int | None, condition: int) -> None:
        self.values[interval] = NO_VALUE if value is None else value
        self.conditions[interval] = condition
        self.rules[interval] = EDITED

    def keep(self, *, at: dt.datetime) -> None:
        if self.scalar and not self.kept:
            return  # the edits themselves are the register reading's values after VEE
        ImdPostVee.objects.update_or_create(
            pk=self.imd.pk,
            defaults={
                "scale": self.scale,
                "values": self.values, "conditions": self.conditions, "rules": self.rules, "updated_at": at,
            },
        )  # fmt: skip


def _conditions(payload: ImdPayload, values: np.ndarray) -> np.ndarray:
    if payload.conditions is not None:
        return np.array(payload.conditions)
    conditions = np.full(len(values), Condition.REGULAR, dtype=np.int32)
    conditions[values == NO_VALUE] = Condition.MISSING
    return conditions
