"""
Manual IMDs: values that a person adds or overrides for a component and period (`vee.md` 2.4, M1 to M6).

A draft begins with what is final in the period, so that changing one value leaves the others as they are. Every value
that the person sets is audited. The draft stays PENDING until the person releases it by *Perform VEE*.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction

from vee.choices import ImdKind
from vee.codes import ComponentKind, Condition
from vee.engine.fixed_point import MAXIMUM_SCALE, UnableToKeepExactly, to_fixed
from vee.models import ImdEdit, InitialMeasurement, MeasuringComponent
from vee.operations import imd_store
from vee.operations.actions import UnableToAct, check_request
from vee.operations.components import Component, load_components
from vee.storage import NO_VALUE, SECONDS_PER_DAY, read_range


LONGEST_DAYS = 366
RIGHT = "vee.edit_imd"


class PeriodNotUsable(UnableToAct):
    """The period or the reading does not fit the component."""


class ComponentNotFound(UnableToAct):
    """There is no such component."""


def start_draft(
    *, component_id: int, start: dt.datetime, end: dt.datetime, by: Any, reason: str, at: dt.datetime
) -> InitialMeasurement:
    """
    Start manual data of an interval component for (start, end], filled with its final measurements of that period.

    :raises UnableToAct: NotPermitted, ReasonMissing, ComponentNotFound, or PeriodNotUsable.
    """
    reason = check_request(by=by, right=RIGHT, reason=reason)
    with transaction.atomic():
        identifier, component = _component(component_id)
        if component.kind == ComponentKind.SCALAR:
            raise PeriodNotUsable(f"{identifier} has register readings: give a reading and its time.")
        values, conditions = _final_measurements(component, _checked_period(component, start, end))
        record = imd_store.NewImd(
            component_identifier=identifier,
            component_id=component.id,
            start=start,
            end=end,
            kind=ImdKind.MANUAL,
            uom=component.uom,
            scale=component.scale,
            seconds_per_interval=component.seconds_per_interval,
            values=values,
            conditions=imd_store.given_conditions(conditions.tolist()),
            reason=reason,
        )
        stored = imd_store.store(records=[record], by=by.get_username(), at=at)[0]
        return InitialMeasurement.objects.get(pk=stored.id)


def add_reading(
    *, component_id: int, read_at: dt.datetime, reading: Decimal, by: Any, reason: str, at: dt.datetime
) -> InitialMeasurement:
    """
    Start manual data of a register: one reading, which counts as edited by the person.

    :raises UnableToAct: NotPermitted, ReasonMissing, ComponentNotFound, or PeriodNotUsable.
    """
    reason = check_request(by=by, right=RIGHT, reason=reason)
    with transaction.atomic():
        identifier, component = _component(component_id)
        if component.kind != ComponentKind.SCALAR:
            raise PeriodNotUsable(f"{identifier} has intervals: give a period.")
        try:
            to_fixed(reading, component.scale)
            count = to_fixed(reading, MAXIMUM_SCALE)
        except UnableToKeepExactly as error:
            raise PeriodNotUsable(str(error)) from None
        record = imd_store.NewImd(
            component_identifier=identifier,
            component_id=component.id,
            start=read_at,
            end=read_at,
            kind=ImdKind.MANUAL,
            uom=component.uom,
            scale=component.scale,
            reading=reading,
            reason=reason,
        )
        stored = imd_store.store(records=[record], by=by.get_username(), at=at)[0]
        imd = InitialMeasurement.objects.get(pk=stored.id)
        ImdEdit.objects.create(
            imd=imd,
            interval=0,
            scale=MAXIMUM_SCALE,
            old_value=None,
            old_condition=Condition.MISSING,
            new_value=count,
            new_condition=Condition.REGULAR,
            by=by,
            reason=reason,
            at=at,
        )
        imd.user_edited = True
        imd.save(update_fields=["user_edited"])
        return imd


def _component(component_id: int) -> tuple[str, Component]:
    identifier = MeasuringComponent.objects.filter(pk=component_id).values_list("identifier", flat=True).first()
    if identifier is None:
        raise ComponentNotFound(f"There is no measuring component {component_id}.")
    return identifier, load_components(component_ids=[component_id])[component_id]


def _checked_period(component: Component, start: dt.datetime, end: dt.datetime) -> tuple[int, int]:
    size = component.seconds_per_interval or SECONDS_PER_DAY
    first, last = int(start.timestamp()), int(end.timestamp())
    if last <= first:
        raise PeriodNotUsable("The end does not lie after the start.")
    if (first + component.standard_offset) % size or (last - first) % size:
        raise PeriodNotUsable(f"Start and end have to lie on the boundaries of intervals of {size} s.")
    if last - first > LONGEST_DAYS * SECONDS_PER_DAY:
        raise PeriodNotUsable(f"A period has at most {LONGEST_DAYS} days.")
    return first, last


def _final_measurements(component: Component, period: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    start, end = period
    size = component.seconds_per_interval or SECONDS_PER_DAY
    count = (end - start) // size
    values = np.full(count, NO_VALUE, dtype=np.int64)
    conditions = np.full(count, Condition.MISSING, dtype=np.int32)
    found = read_range(
        component_ids=[component.id],
        start=dt.datetime.fromtimestamp(start, tz=dt.UTC),
        end=dt.datetime.fromtimestamp(end, tz=dt.UTC),
    ).get(component.id)
    if found is not None and (found.seconds_per_interval, found.scale) == (size, component.scale):
        at = (np.asarray(found.ends, dtype=np.int64) - start) // size - 1
        values[at], conditions[at] = found.values, found.conditions
    return values, conditions
