"""An IMD's current values into final measurements without VEE: what Force Complete does."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np

from vee.codes import ComponentKind
from vee.engine.fixed_point import to_decimal
from vee.models import ImdPostVee
from vee.operations import preparation, subtractive_values, usage_changes
from vee.operations.components import Component
from vee.operations.normalization import RegisterRead, normalize_intervals, normalize_registers
from vee.operations.preparation import DueImd, UnableToPrepare, load_due
from vee.operations.register_values import current_scalar
from vee.operations.subtractive_values import Consumed
from vee.operations.validation import received_or_edited
from vee.storage import NO_VALUE, Change, cut_into_days


_EDITED = -1


def accept_current_values(*, imd_id: int, at: dt.datetime) -> tuple[Change, ...]:
    """
    Make the values after VEE and edits of one IMD final measurements; give what changed.

    :raises UnableToPrepare: when the IMD does not fit its component.
    :raises vee.storage.UnableToStoreMeasurements: when the values do not fit what is there.
    """
    (imd,) = load_due(imd_ids=[imd_id])
    changes = _normalize(imd, at=at)
    usage_changes.take_up(changes=changes, imds=[imd], at=at)
    return changes


def _normalize(imd: DueImd, *, at: dt.datetime) -> tuple[Change, ...]:
    component = preparation.check(imd)
    if component.kind == ComponentKind.SCALAR:
        return normalize_registers(reads=[_read(imd, component)], at=at)
    size = component.seconds_per_interval
    if imd.seconds_per_interval != size or size is None:
        raise UnableToPrepare(f"Readings of {imd.seconds_per_interval} s cannot be stored for a component of {size} s.")
    ready = [(imd, component)]
    bases = subtractive_values.read_bases(ready)
    consumed = subtractive_values.consume(imd, component, bases[imd.id]) if imd.id in bases else None
    values, conditions, edited = _current(imd, component, consumed)
    pieces = cut_into_days(
        component_ids=np.array([component.id]),
        imd_ids=np.array([imd.id]),
        multipliers=np.array([(consumed or component).multiplier_in_millionths]),
        starts=np.array([imd.start]),
        standard_offsets=np.array([component.standard_offset]),
        values=values[np.newaxis],
        conditions=conditions[np.newaxis],
        edited=edited[np.newaxis] if edited.any() else None,
        scale=component.scale,
        seconds_per_interval=size,
        skip_identical=component.skip_identical,
        readings=None if consumed is None else consumed.readings[np.newaxis],
    )
    changes = normalize_intervals(pieces=pieces, at=at)
    if consumed is None:
        return changes
    return (*changes, *subtractive_values.sync_following(done=[(imd, component, consumed)], at=at))


def _current(imd: DueImd, component: Component, consumed: Consumed | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    post = ImdPostVee.objects.filter(pk=imd.id).first()
    if post is not None:
        kept = dataclasses.replace(imd, scale=post.scale, values=post.values)
        return preparation.values_at_scale(kept, component), post.conditions, post.rules == _EDITED
    values, conditions, intervals = received_or_edited(imd, component, consumed)
    edited = np.zeros(len(values), dtype=bool)
    edited[intervals] = True
    return values, conditions, edited


def _read(imd: DueImd, component: Component) -> RegisterRead:
    post = ImdPostVee.objects.filter(pk=imd.id).first()
    if post is not None and post.values[0] != NO_VALUE:
        # What a rule or a person made of it stands in place of what was received.
        reading = to_decimal(int(post.values[0]), post.scale)
        imd = dataclasses.replace(imd, reading=reading, conditions=post.conditions, edits=[])
    scalar = current_scalar(imd, component)
    if scalar.reading is None:
        raise UnableToPrepare("There is no reading that could be accepted.")
    edited = scalar.edited if post is None else bool(post.rules[0] == _EDITED)
    return RegisterRead.of(imd=imd, component=component, scalar=dataclasses.replace(scalar, edited=edited))
