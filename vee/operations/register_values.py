"""What register reads mean: reading, base, multiplier and consumption, before and after the rules (`vee.md` 7.1)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
from django.db.models import OuterRef, Subquery

from vee.codes import Condition, ImdKind, Severity
from vee.engine import registers
from vee.engine.findings import RowFinding
from vee.engine.fixed_point import number_text, to_fixed
from vee.models import InitialMeasurement, InstallEvent, RegisterMeasurement
from vee.operations.components import Component
from vee.operations.preparation import DueImd
from vee.storage import NO_VALUE


READING_LOWER = "READING-LOWER"
READING_HIGHER = "READING-HIGHER"
READING_TOO_LARGE = "READING-TOO-LARGE"
NO_CONSUMPTION = "NO-CONSUMPTION"
CONSUMPTION_IMPLAUSIBLE = "CONSUMPTION-IMPLAUSIBLE"


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """Why a read cannot become a measurement by itself."""

    exception_type: str
    message: str
    observed: str = ""
    limit: str = ""

    def finding(self, row: int) -> RowFinding:
        """Give the problem as a finding on the register's only value."""
        return RowFinding(
            row=row,
            severity=Severity.ISSUE,
            exception_type=self.exception_type,
            rule="register_reading",
            rule_id=0,
            group="",
            group_path="",
            message=self.message,
            observed=self.observed,
            limit=self.limit,
            first_interval=0,
            last_interval=0,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Base:
    """A final read that another one is counted from, or that is counted from it; epoch seconds."""

    reading: Decimal
    read_at: int


@dataclasses.dataclass(frozen=True, slots=True)
class Scalar:
    """
    A register read with the consumption since the read before it.

    `reading` is None for an estimation that has none yet; `consumption` is None for a first read and for one with a
    problem.
    """

    reading: Decimal | None
    consumption: Decimal | None
    condition: int
    edited: bool
    multiplier: Decimal
    previous: Base | None = None
    following: Base | None = None
    problems: tuple[Problem, ...] = ()


def read_scalars(ready: Sequence[tuple[DueImd, Component]]) -> dict[int, Scalar]:
    """Give reading and consumption of register IMDs by their ids; four queries, however many there are."""
    if not ready:
        return {}
    bases = _bases([imd.id for imd, _ in ready])
    multipliers = combined_multipliers([(imd.id, component, imd.end_at) for imd, component in ready])
    return {imd.id: _scalar(imd, component, *bases[imd.id], multipliers[imd.id]) for imd, component in ready}


def current_scalar(imd: DueImd, component: Component) -> Scalar:
    """Give reading and consumption of one register IMD."""
    return read_scalars([(imd, component)])[imd.id]


def _bases(imd_ids: Sequence[int]) -> dict[int, tuple[Base | None, Base | None]]:
    """Give the usable final reads immediately before and after each IMD's read."""
    usable = RegisterMeasurement.objects.filter(measuring_component=OuterRef("measuring_component"), do_not_use=False)
    before = usable.filter(read_at__lt=OuterRef("end")).order_by("-read_at").values("pk")[:1]
    after = usable.filter(read_at__gt=OuterRef("end")).order_by("read_at").values("pk")[:1]
    pairs = {
        imd: (previous, following)
        for imd, previous, following in InitialMeasurement.objects.filter(pk__in=imd_ids).values_list(
            "pk", Subquery(before), Subquery(after)
        )
    }
    wanted = {pk for pair in pairs.values() for pk in pair if pk is not None}
    rows = RegisterMeasurement.objects.filter(pk__in=wanted).values_list("pk", "reading", "read_at")
    reads = {pk: Base(reading, int(read_at.timestamp())) for pk, reading, read_at in rows}
    return {imd: (reads.get(previous), reads.get(following)) for imd, (previous, following) in pairs.items()}


def combined_multipliers(reads: Iterable[tuple[int, Component, dt.datetime]]) -> dict[int, Decimal]:
    """
    Give the combined multiplier of each read (key, component, time): the component's times its installation's.

    The installation is the one that the consumption up to the read belongs to: it began before it, or else at it.
    Where none is known, 1 is its multiplier.
    """
    reads = list(reads)
    devices = {component.device_id for _, component, _ in reads if component.device_id is not None}
    events: dict[int, list[tuple[dt.datetime, dt.datetime | None, Decimal]]] = defaultdict(list)
    if devices:
        rows = InstallEvent.objects.filter(device__in=devices).order_by("installed_at")
        for device, installed_at, removed_at, multiplier in rows.values_list(
            "device", "installed_at", "removed_at", "multiplier"
        ):
            events[device].append((installed_at, removed_at, multiplier))
    return {
        key: registers.combined_multiplier(
            component.multiplier, _installed_multiplier(events.get(component.device_id or 0, ()), read_at)
        )
        for key, component, read_at in reads
    }


def _installed_multiplier(
    events: Sequence[tuple[dt.datetime, dt.datetime | None, Decimal]], read_at: dt.datetime
) -> Decimal:
    found = Decimal(1)
    for installed_at, removed_at, multiplier in reversed(events):
        if installed_at < read_at and (removed_at is None or read_at <= removed_at):
            return multiplier
        if installed_at == read_at:
            found = multiplier
    return found


def _scalar(
    imd: DueImd, component: Component, previous: Base | None, following: Base | None, multiplier: Decimal
) -> Scalar:
    reading = imd.reading
    missing = Condition.MISSING if reading is None else Condition.REGULAR
    condition = int(missing) if imd.conditions is None else int(imd.conditions[0])
    for _, value, edited_condition in imd.edits:
        reading, condition = (reading if value is None else value), edited_condition
    # A reading of a manual IMD was typed by a person.
    edited = bool(imd.edits) or imd.kind == ImdKind.MANUAL
    scalar = Scalar(reading, None, condition, edited, multiplier, previous, following)
    if reading is None:
        return scalar
    problems = tuple(_problems(component, scalar, reading))
    start = None if previous is None else previous.reading
    amount = None if problems else registers.consumption(component.register, start, reading, multiplier)
    return dataclasses.replace(scalar, consumption=amount, problems=problems)


def _problems(component: Component, scalar: Scalar, reading: Decimal) -> Iterable[Problem]:
    register = component.register
    if not register.subtractive:
        return
    if register.range is not None and not register.shows(reading):
        message = f"The reading does not fit the register's {register.dials} dials."
        yield Problem(READING_TOO_LARGE, message, number_text(reading), number_text(register.range))
        return
    if scalar.previous is not None:
        step = registers.step(register, scalar.previous.reading, reading)
        if step.amount is None:
            message = "The reading is lower than the one before it."
            if step.would_be is not None:
                message = f"{message} As a rollover the register would have gone on by {number_text(step.would_be)}."
            yield Problem(READING_LOWER, message, number_text(reading), number_text(scalar.previous.reading))
    if scalar.following is not None and component.sync_consumption:
        step = registers.step(register, reading, scalar.following.reading)
        if step.amount is None:
            message = "The reading is higher than the one after it."
            if step.would_be is not None:
                message = f"{message} As a rollover the register would have gone on by {number_text(step.would_be)}."
            yield Problem(READING_HIGHER, message, number_text(reading), number_text(scalar.following.reading))


def row_of(scalar: Scalar, component: Component) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """
    Give a read as a row of a batch: its consumption, its condition and whether interval 0 was edited.

    :raises UnableToKeepExactly: when the consumption has more decimals than the component's scale.
    """
    count = NO_VALUE if scalar.consumption is None else to_fixed(scalar.consumption, component.scale)
    edited = [0] if scalar.edited and scalar.reading is not None else []
    return np.array([count], dtype=np.int64), np.array([scalar.condition], dtype=np.int32), edited


def after_vee(scalar: Scalar, component: Component, consumption: Decimal | None, condition: int) -> Scalar:
    """
    Give a read whose consumption a rule has set: with the reading that follows from it (`vee.md` 4.7, 5.2).

    Where the reading had to be rounded, the consumption is what the readings say, so that all of them add up.
    """
    if consumption is None:
        return scalar
    register = component.register
    start = None if scalar.previous is None else scalar.previous.reading
    reading = registers.reading_after(register, start, consumption, scalar.multiplier, component.scale)
    changed = dataclasses.replace(scalar, consumption=consumption, condition=condition, reading=reading, edited=False)
    if reading is None:
        message = "There is no earlier reading that the estimated consumption could be added to."
        return _with(changed, Problem(NO_CONSUMPTION, message, number_text(consumption)))
    told = registers.consumption(register, start, reading, scalar.multiplier)
    if told is None or abs(told - consumption) > scalar.multiplier.scaleb(-component.scale):
        message = "The register cannot show the estimated consumption: the reading that follows means another one."
        return _with(changed, Problem(CONSUMPTION_IMPLAUSIBLE, message, number_text(consumption), number_text(reading)))
    if scalar.problems:
        return dataclasses.replace(changed, consumption=told)
    return _with(dataclasses.replace(changed, consumption=told), *_problems(component, changed, reading))


def without_consumption(scalar: Scalar) -> Scalar:
    """Give a read that has neither a reading nor, after all rules, a consumption: with that as its problem."""
    if scalar.reading is not None:
        return scalar
    return _with(scalar, Problem(NO_CONSUMPTION, "There is no reading, and no rule gave the register a consumption."))


def _with(scalar: Scalar, *problems: Problem) -> Scalar:
    return dataclasses.replace(scalar, problems=(*scalar.problems, *problems))
