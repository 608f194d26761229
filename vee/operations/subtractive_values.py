"""
What the readings of subtractive interval components mean: the consumption of each interval (`vee.md` 7.1, 7.2).

An interval has a consumption when there is a reading at both of its ends. Where the one at its start is missing nothing
tells how much of the difference is its own: it is missing as well, and estimated like any other.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from vee.codes import Band, ComponentKind, Condition, Severity
from vee.engine import registers
from vee.engine.findings import RowFinding
from vee.engine.fixed_point import MAXIMUM_COUNT, as_text, number_text
from vee.operations import preparation
from vee.operations.components import Component
from vee.operations.preparation import DueImd, UnableToPrepare
from vee.operations.register_values import READING_LOWER, READING_TOO_LARGE, combined_multipliers
from vee.storage import NO_VALUE, Change, Point, cut_into_days, points, write_blocks


@dataclasses.dataclass(frozen=True, slots=True)
class Base:
    """The reading at the start of an IMD, as a count at the component's scale, and its combined multiplier."""

    reading: int | None
    multiplier: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Consumed:
    """The intervals of one IMD: consumption, conditions, and the readings beside them; counts at the scale."""

    values: np.ndarray
    conditions: np.ndarray
    readings: np.ndarray
    multiplier: Decimal
    findings: tuple[RowFinding, ...] = ()

    @property
    def multiplier_in_millionths(self) -> int:
        """The multiplier as measurement blocks take it."""
        return round(self.multiplier.scaleb(6))


def is_subtractive(component: Component) -> bool:
    """Tell whether a component's intervals are readings."""
    return component.kind == ComponentKind.SUBTRACTIVE_INTERVAL


def read_bases(ready: Sequence[tuple[DueImd, Component]]) -> dict[int, Base]:
    """Give the base of each IMD of a subtractive interval component, by its id: two queries for all."""
    wanted = [(imd, component) for imd, component in ready if is_subtractive(component)]
    if not wanted:
        return {}
    multipliers = combined_multipliers([(imd.id, component, imd.end_at) for imd, component in wanted])
    found = points(labels=[_label(component, imd.start) for imd, component in wanted])
    return {
        imd.id: Base(None if point is None else point.reading, multipliers[imd.id])
        for (imd, _), point in zip(wanted, found, strict=True)
    }


def _label(component: Component, at: int) -> tuple[int, int, int, int]:
    return component.id, at, component.seconds_per_interval or 0, component.standard_offset


def consume(imd: DueImd, component: Component, base: Base) -> Consumed:
    """
    Give the consumption of each interval of an IMD from its readings.

    :raises UnableToPrepare: when the readings or the consumption cannot be kept exactly at the component's scale.
    """
    readings = preparation.values_at_scale(imd, component)
    conditions = preparation.conditions_of(imd, readings).copy()
    present = readings != NO_VALUE
    register = component.register
    too_large = np.zeros(len(readings), dtype=np.bool_)
    if register.dials is not None:
        too_large = present & ((readings < 0) | (readings >= 10 ** (register.dials + component.scale)))
    usable = present & ~too_large
    steps = registers.steps(register, readings, usable, base.reading, scale=component.scale, multiplier=base.multiplier)
    values = np.full(len(readings), NO_VALUE, dtype=np.int64)
    whole, rest = np.divmod(steps.values[steps.valid], steps.denominator)
    if rest.any() or (np.abs(whole) > MAXIMUM_COUNT).any():
        raise UnableToPrepare(f"The consumption of an interval cannot be kept at {component.scale} decimal places.")
    values[steps.valid] = whole.astype(np.int64)
    conditions[(values == NO_VALUE) & (conditions > Band.MISSING.high)] = Condition.MISSING
    findings = []
    if steps.lower.any():
        findings.append(_lower(readings, steps.lower, base, component))
    if too_large.any():
        findings.append(_too_large(readings, too_large, component))
    return Consumed(values, conditions, readings, base.multiplier, tuple(findings))


def _lower(readings: np.ndarray, lower: np.ndarray, base: Base, component: Component) -> RowFinding:
    first = int(np.flatnonzero(lower)[0])
    before = int(readings[first - 1]) if first else int(base.reading or 0)
    return _finding(
        READING_LOWER,
        "A reading is lower than the one before it.",
        lower,
        as_text(int(readings[first]), component.scale),
        as_text(before, component.scale),
    )


def _too_large(readings: np.ndarray, too_large: np.ndarray, component: Component) -> RowFinding:
    first = int(np.flatnonzero(too_large)[0])
    return _finding(
        READING_TOO_LARGE,
        f"A reading does not fit the register's {component.dials} dials.",
        too_large,
        as_text(int(readings[first]), component.scale),
        number_text(component.register.range or Decimal(0)),
    )


def _finding(exception_type: str, message: str, where: np.ndarray, observed: str, limit: str) -> RowFinding:
    at = np.flatnonzero(where)
    return RowFinding(
        row=0,
        severity=Severity.ISSUE,
        exception_type=exception_type,
        rule="register_reading",
        rule_id=0,
        group="",
        group_path="",
        message=message,
        observed=observed,
        limit=limit,
        first_interval=int(at[0]),
        last_interval=int(at[-1]),
        count=len(at),
    )


def sync_following(*, done: Sequence[tuple[DueImd, Component, Consumed]], at: dt.datetime) -> tuple[Change, ...]:
    """
    Count the interval after each of these IMDs, whose measurements were just written, from their last reading.

    It came before them, and so from no reading or from another one (`vee.md` 7.2). An interval that a person edited
    stays as it is.
    """
    wanted = [one for one in done if one[1].sync_consumption and one[2].readings[-1] != NO_VALUE]
    if not wanted:
        return ()
    labels = [_label(component, imd.end + (component.seconds_per_interval or 0)) for imd, component, _ in wanted]
    multipliers = combined_multipliers(
        [
            (imd.id, component, imd.end_at + dt.timedelta(seconds=component.seconds_per_interval or 0))
            for imd, component, _ in wanted
        ]
    )
    pieces = []
    for (imd, component, own), point in zip(wanted, points(labels=labels), strict=True):
        if point is None or point.reading is None or point.edited:
            continue
        step = registers.steps(
            component.register,
            np.array([point.reading], dtype=np.int64),
            np.array([True]),
            int(own.readings[-1]),
            scale=component.scale,
            multiplier=multipliers[imd.id],
        )
        value, rest = divmod(int(step.values[0]), step.denominator)
        if not step.valid[0] or rest or abs(value) > MAXIMUM_COUNT or value == point.value:
            continue
        pieces += cut_into_days(
            component_ids=np.array([component.id]),
            imd_ids=np.array([imd.id]),
            multipliers=np.array([round(multipliers[imd.id].scaleb(6))]),
            starts=np.array([imd.end]),
            standard_offsets=np.array([component.standard_offset]),
            values=np.array([[value]], dtype=np.int64),
            conditions=np.array([[_condition_of(point)]], dtype=np.int32),
            edited=None,
            scale=component.scale,
            seconds_per_interval=component.seconds_per_interval or 0,
            readings=np.array([[point.reading]], dtype=np.int64),
        )
    return write_blocks(pieces=pieces, at=at).changes


def _condition_of(point: Point) -> int:
    """What was missing or estimated for want of a base is regular now."""
    return point.condition if point.condition > Band.SYSTEM_ESTIMATE.high else int(Condition.REGULAR)
