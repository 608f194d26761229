"""
What Perform VEE would make of an IMD with changed values: the run of the trials, in a transaction that is rolled back.

Rules that look at history see the final measurements as they are now.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from vee.choices import ImdKind, ImdState
from vee.codes import ComponentKind, Condition
from vee.engine.batch import EDITED
from vee.engine.findings import RowFinding
from vee.engine.fixed_point import UnableToKeepExactly, to_decimal, to_fixed
from vee.models import VeeRule
from vee.operations.actions import ImdNotFound, NotPermitted, StateDoesNotAllow
from vee.operations.edits import ValueNotUsable
from vee.operations.groups import Plans
from vee.operations.preparation import DueImd, load_due
from vee.operations.validation import Group, validate


@dataclasses.dataclass(frozen=True, slots=True)
class PreviewedValue:
    """One value as it would stand after VEE; `rule` is what would set it: a rule, `edited`, or None as received."""

    value: Decimal | None
    condition: int
    rule: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What would become of an IMD: its state and why, what rules would find, its values, and the log of the run."""

    state: ImdState
    reason: str = ""
    findings: Sequence[RowFinding] = ()
    values: Sequence[PreviewedValue] = ()
    log: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def preview(*, imd_id: int, by: Any, values: Mapping[int, Decimal | None]) -> Preview:
    """
    Run VEE on what was received, what people changed and these `values`, and keep nothing; None is no value.

    :raises UnableToAct: NotPermitted, ImdNotFound, StateDoesNotAllow, or ValueNotUsable.
    """
    if not by.has_perm("vee.perform_vee"):
        raise NotPermitted("You have no right to do this.")
    with transaction.atomic():
        try:
            return _run(imd_id, values)
        finally:
            transaction.set_rollback(True)


def _run(imd_id: int, values: Mapping[int, Decimal | None]) -> Preview:
    due = load_due(imd_ids=[imd_id])
    if not due:
        raise ImdNotFound(f"There is no IMD {imd_id}.")
    imd = due[0]
    draft = imd.kind == ImdKind.MANUAL and imd.state == ImdState.PENDING
    if imd.state not in (ImdState.EXCEPTION, ImdState.ERROR) and not draft:
        raise StateDoesNotAllow(f"VEE cannot be performed on an IMD in state {imd.state}.")
    for interval, value in sorted(values.items()):
        _check(imd, interval, value)
        imd.edits.append((interval, value, int(Condition.MISSING if value is None else Condition.REGULAR)))
    groups, refused = validate(imds=[imd], plans=Plans())
    if refused:
        return Preview(ImdState.ERROR, refused[0].reason)
    return _read(groups[0])


def _check(imd: DueImd, interval: int, value: Decimal | None) -> None:
    count = 1 if imd.values is None else len(imd.values)
    if not 0 <= interval < count:
        raise ValueNotUsable(f"There is no interval {interval}: the IMD has {count}.", interval=interval)
    if imd.values is None and value is None:
        raise ValueNotUsable("A register reading cannot be taken away.", interval=interval)
    if imd.values is None or value is None or imd.component is None:
        return
    try:
        to_fixed(value, imd.component.scale)
    except UnableToKeepExactly as error:
        raise ValueNotUsable(f"Interval {interval}: {error}.", interval=interval) from None


def _read(group: Group) -> Preview:
    batch = group.result.batch
    set_by = batch.set_by[0].tolist()
    conditions = batch.conditions[0].tolist()
    names: dict[int, str | None] = dict(VeeRule.objects.filter(pk__in=set(set_by)).values_list("pk", "rule"))
    names |= {EDITED: "edited"}
    if batch.kind == ComponentKind.SCALAR and group.scalars is not None:
        numbers = [group.scalars[0].reading]
    else:
        counts = zip(batch.values[0].tolist(), batch.valid[0].tolist(), strict=True)
        numbers = [to_decimal(count, batch.scale) if valid else None for count, valid in counts]
    return Preview(
        state=ImdState.EXCEPTION if group.blocked[0] else ImdState.COMPLETE,
        findings=tuple(group.findings.get(0, ())),
        values=[
            PreviewedValue(number, condition, names.get(rule))
            for number, condition, rule in zip(numbers, conditions, set_by, strict=True)
        ],
        log=json.loads(group.logs()[0]),
    )
