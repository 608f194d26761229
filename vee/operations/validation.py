"""One run of VEE over many IMDs: grouped into batches, run by the engine, taken apart again. Writes nothing."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np
from django.db.models import OuterRef, Subquery

from vee.codes import ComponentKind, Condition, ImdKind, Severity
from vee.engine.batch import EDITED, Batch, ImdFacts
from vee.engine.calendar import local_date
from vee.engine.findings import Outcome, RowFinding, RowStep, RunResult
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.engine.plan import Plan
from vee.engine.runner import run
from vee.models import InitialMeasurement, RegisterMeasurement
from vee.operations import pre_vee, preparation
from vee.operations.groups import Plans, select_group
from vee.operations.history import MeasurementHistory
from vee.operations.preparation import Component, DueImd, UnableToPrepare
from vee.storage import NO_VALUE


READING_LOWER = "READING-LOWER"


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """An IMD that could not be prepared."""

    imd: DueImd
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Scalar:
    """A register reading with the consumption since the one before it; None for the first one and for a lower one."""

    reading: Decimal
    consumption: Decimal | None
    condition: int
    edited: bool
    previous: Decimal | None = None
    lower_than: Decimal | None = None


@dataclasses.dataclass(slots=True)
class Group:
    """IMDs that passed VEE together; row i of the result is `imds[i]`. `scalars` are set for register readings."""

    imds: list[DueImd]
    components: list[Component]
    plan: Plan
    result: RunResult
    findings: dict[int, list[RowFinding]]
    blocked: np.ndarray
    scalars: list[Scalar] | None = None

    def log_of(self, cache: dict[tuple[int, ...], str], row: int) -> str:
        """Give the log of one IMD as JSON text; equal logs are made once."""
        steps = self.result.row_log(row)
        key = tuple(map(id, steps))
        if key not in cache:
            cache[key] = _log_text(steps)
        return cache[key]


def validate(*, imds: Sequence[DueImd], plans: Plans) -> tuple[list[Group], list[Refused]]:
    """Prepare IMDs, run the rules of their groups over them in batches, and tell which could not be prepared."""
    refused: list[Refused] = []
    ready: list[tuple[DueImd, Component]] = []
    for imd in imds:
        try:
            ready.append((imd, preparation.check(imd)))
        except UnableToPrepare as error:
            refused.append(Refused(imd, str(error)))
    unlike = pre_vee.unlike_the_day_before(ready)
    if unlike:
        refused += [Refused(imd, unlike[imd.id]) for imd, _ in ready if imd.id in unlike]
        ready = [(imd, component) for imd, component in ready if imd.id not in unlike]
    scalars = _scalars([pair for pair in ready if pair[1].kind == ComponentKind.SCALAR])
    groups: dict[tuple[object, ...], _Gathering] = defaultdict(_Gathering)
    for imd, component in ready:
        kind = ComponentKind(component.kind)
        group = select_group(kind=imd.kind, of_component=component.groups, of_type=component.groups_of_type)
        on = local_date(imd.start, component.time_zone)
        plan = plans.plan(group=group, on=on, kind=kind, characteristics=component.characteristics)
        try:
            values, conditions, edited = (
                received_or_edited(imd, component)
                if imd.values is not None
                else _scalar_row(scalars[imd.id], component)
            )
        except (UnableToPrepare, UnableToKeepExactly) as error:
            refused.append(Refused(imd, str(error)))
            continue
        key = (plan.signature, kind, component.scale, imd.seconds_per_interval, len(values))
        groups[key].add(imd, component, plan, values, conditions, edited)
    history = MeasurementHistory(standard_offsets={component.id: component.standard_offset for _, component in ready})
    return [gathering.run(history, scalars) for gathering in groups.values()], refused


@dataclasses.dataclass(slots=True)
class _Gathering:
    imds: list[DueImd] = dataclasses.field(default_factory=list)
    components: list[Component] = dataclasses.field(default_factory=list)
    values: list[np.ndarray] = dataclasses.field(default_factory=list)
    conditions: list[np.ndarray] = dataclasses.field(default_factory=list)
    edited: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    plan: Plan | None = None

    def add(
        self,
        imd: DueImd,
        component: Component,
        plan: Plan,
        values: np.ndarray,
        conditions: np.ndarray,
        edited: list[int],
    ) -> None:
        if edited:
            self.edited[len(self.imds)] = edited
        self.plan = self.plan or plan
        self.imds.append(imd)
        self.components.append(component)
        self.values.append(values)
        self.conditions.append(conditions)

    def run(self, history: MeasurementHistory, scalars: dict[int, Scalar]) -> Group:
        values = np.stack(self.values)
        set_by = np.zeros(values.shape, dtype=np.int32)
        for row, intervals in self.edited.items():
            set_by[row, intervals] = EDITED
        component, plan = self.components[0], self.plan
        assert plan is not None  # noqa: S101  a gathering exists because an IMD with a plan was added
        batch = Batch(
            values=values,
            valid=values != NO_VALUE,
            conditions=np.stack(self.conditions),
            set_by=set_by,
            kind=ComponentKind(component.kind),
            scale=component.scale,
            seconds_per_interval=self.imds[0].seconds_per_interval,
            starts=np.array([imd.start for imd in self.imds], dtype=np.int64),
            facts=[
                _facts(imd, component, scalars.get(imd.id))
                for imd, component in zip(self.imds, self.components, strict=True)
            ],
        )
        result = run(batch=batch, plan=plan, context=history)
        findings: dict[int, list[RowFinding]] = defaultdict(list)
        for finding in result.findings:
            findings[int(finding.row)].append(finding)
        group = Group(self.imds, self.components, plan, result, findings, result.blocked.copy())
        if component.kind == ComponentKind.SCALAR:
            group.scalars = [scalars[imd.id] for imd in self.imds]
            _find_lower_readings(group)
        return group


def _facts(imd: DueImd, component: Component, scalar: Scalar | None) -> ImdFacts:
    return ImdFacts(
        imd_id=imd.id,
        component_id=component.id,
        uom=imd.uom or None,
        component_uom=component.uom,
        multiplier=imd.multiplier,
        component_multiplier=component.multiplier,
        seconds_per_interval=imd.seconds_per_interval,
        component_seconds_per_interval=component.seconds_per_interval,
        allow_negative=component.allow_negative,
        time_zone=component.time_zone,
        kind=ImdKind(imd.kind),
        end=imd.end,
        service_point_id=component.service_point_id,
        device_id=component.device_id,
        consumption_reference_id=component.consumption_reference_id,
        dials=component.dials,
        characteristics=component.characteristics,
        reading=None if scalar is None else scalar.reading,
        previous_reading=None if scalar is None else scalar.previous,
    )


def received_or_edited(imd: DueImd, component: Component) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """
    Give values, conditions and the edited intervals of an interval IMD before any rule, at the component's scale.

    :raises UnableToPrepare: when the received values cannot be kept at that scale.
    :raises UnableToKeepExactly: when an edited value cannot.
    """
    values = preparation.values_at_scale(imd, component)
    conditions = preparation.conditions_of(imd, values)
    if not imd.edits:
        return values, conditions, []
    values, conditions = values.copy(), conditions.copy()
    for interval, value, condition in imd.edits:
        values[interval] = NO_VALUE if value is None else to_fixed(value, component.scale)
        conditions[interval] = condition
    return values, conditions, sorted({interval for interval, _, _ in imd.edits})


def _scalar_row(scalar: Scalar, component: Component) -> tuple[np.ndarray, np.ndarray, list[int]]:
    count = NO_VALUE if scalar.consumption is None else to_fixed(scalar.consumption, component.scale)
    return np.array([count], dtype=np.int64), np.array([scalar.condition], dtype=np.int32), [0] * scalar.edited


def _scalars(ready: Sequence[tuple[DueImd, Component]]) -> dict[int, Scalar]:
    """Give reading and consumption of register IMDs: the difference to the read before it, times the multiplier."""
    if not ready:
        return {}
    earlier = RegisterMeasurement.objects.filter(
        measuring_component=OuterRef("measuring_component"), read_at__lt=OuterRef("end")
    ).order_by("-read_at")
    previous = dict(
        InitialMeasurement.objects.filter(pk__in=[imd.id for imd, _ in ready])
        .annotate(previous=Subquery(earlier.values("reading")[:1]))
        .values_list("pk", "previous")
    )
    return {imd.id: _scalar(imd, component, previous[imd.id]) for imd, component in ready}


def _scalar(imd: DueImd, component: Component, previous: Decimal | None) -> Scalar:
    reading = imd.reading
    assert reading is not None  # noqa: S101  `preparation.check` refused it otherwise
    condition = int(Condition.REGULAR) if imd.conditions is None else int(imd.conditions[0])
    for _, value, edited_condition in imd.edits:
        reading, condition = (reading if value is None else value), edited_condition
    if previous is None:
        return Scalar(reading, None, condition, bool(imd.edits))
    difference = reading - previous
    if difference < 0 and not component.allow_negative:
        return Scalar(reading, None, condition, bool(imd.edits), previous, lower_than=previous)
    return Scalar(reading, difference * component.multiplier, condition, bool(imd.edits), previous)


def current_scalar(imd: DueImd, component: Component) -> Scalar:
    """Give reading and consumption of one register IMD."""
    return _scalars([(imd, component)])[imd.id]


def _find_lower_readings(group: Group) -> None:
    for row, scalar in enumerate(group.scalars or ()):
        if scalar.lower_than is None:
            continue
        group.blocked[row] = True
        group.findings[row].append(
            RowFinding(
                row=row,
                severity=Severity.ISSUE,
                exception_type=READING_LOWER,
                rule="register_reading",
                rule_id=0,
                group="",
                group_path="",
                message="The reading is lower than the one before it.",
                observed=f"{scalar.reading.normalize():f}",
                limit=f"{scalar.lower_than.normalize():f}",
                first_interval=0,
                last_interval=0,
            )
        )


def _log_text(steps: Sequence[RowStep]) -> str:
    """Write the log of one run: what ran, and what was skipped, failed, estimated, ended or not evaluated and why."""
    names = ("run", "skipped", "not_evaluated", "failed", "estimated", "finished")
    told: dict[str, list[object]] = {name: [] for name in names}
    for step in steps:
        if step.outcome != Outcome.SKIPPED:
            told["run"].append({"rule": step.rule, "group": step.group})
        if step.outcome != Outcome.PASSED:
            told[step.outcome.value.lower()].append({"rule": step.rule, "group": step.group, "reason": step.reason})
    return msgspec.json.encode({name: entries for name, entries in told.items() if entries}).decode()
