"""One run of VEE over many IMDs: grouped into batches, run by the engine, taken apart again. Writes nothing."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from vee.codes import ComponentKind
from vee.engine.batch import EDITED, Batch, ImdFacts, LazyFacts
from vee.engine.findings import Outcome, RowFinding, RowStep, RunResult
from vee.engine.fixed_point import UnableToKeepExactly, to_decimal, to_fixed
from vee.engine.plan import Plan
from vee.engine.runner import run
from vee.operations import pre_vee, preparation, register_values, subtractive_values
from vee.operations.components import Component
from vee.operations.groups import Plans
from vee.operations.history import MeasurementHistory
from vee.operations.preparation import DueImd, UnableToPrepare
from vee.operations.register_values import Scalar
from vee.operations.subtractive_values import Consumed
from vee.storage import NO_VALUE


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """An IMD that could not be prepared."""

    imd: DueImd
    reason: str


@dataclasses.dataclass(slots=True)
class Group:
    """
    IMDs that passed VEE together; row i of the result is `imds[i]`.

    `scalars` are set for register reads, `consumed` for subtractive intervals.
    """

    imds: list[DueImd]
    components: list[Component]
    plan: Plan
    result: RunResult
    findings: dict[int, list[RowFinding]]
    blocked: np.ndarray
    scalars: list[Scalar] | None = None
    consumed: list[Consumed] | None = None

    def logs(self, rows: Iterable[int] | None = None) -> list[str]:
        """Give the logs of IMDs, all or those of some rows, as JSON text; IMDs that went the same way share it."""
        texts: dict[int, str] = {}
        logs = []
        for row in range(len(self.imds)) if rows is None else rows:
            steps = self.result.row_log(row)
            if id(steps) not in texts:
                texts[id(steps)] = _log_text(steps)
            logs.append(texts[id(steps)])
        return logs


def validate(
    *, imds: Sequence[DueImd], plans: Plans, history: type[MeasurementHistory] = MeasurementHistory
) -> tuple[list[Group], list[Refused]]:
    """
    Prepare IMDs, run the rules of their groups over them in batches, and tell which could not be prepared.

    `history` answers what rules ask about the world.
    """
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
    scalars = register_values.read_scalars([pair for pair in ready if pair[1].kind == ComponentKind.SCALAR])
    bases = subtractive_values.read_bases(ready)
    groups: dict[tuple[object, ...], _Gathering] = defaultdict(_Gathering)
    for imd, component in ready:
        plan = plans.plan_of(imd=imd, component=component)
        try:
            consumed = subtractive_values.consume(imd, component, bases[imd.id]) if imd.id in bases else None
            conditions: np.ndarray | None
            if imd.values is None:
                values, conditions, edited = register_values.row_of(scalars[imd.id], component)
            elif consumed is None and imd.conditions is None and not imd.edits:
                # What has no conditions of its own gets them with all others of its batch.
                values, conditions, edited = preparation.values_at_scale(imd, component), None, []
            else:
                values, conditions, edited = received_or_edited(imd, component, consumed)
        except (UnableToPrepare, UnableToKeepExactly) as error:
            refused.append(Refused(imd, str(error)))
            continue
        key = (plan.signature, component.kind, component.scale, imd.seconds_per_interval, len(values))
        groups[key].add(imd, component, plan, values, conditions, edited)
        if consumed is not None:
            groups[key].consumed.append(consumed)
    known = history(standard_offsets={component.id: component.standard_offset for _, component in ready})
    return [gathering.run(known, scalars) for gathering in groups.values()], refused


@dataclasses.dataclass(slots=True)
class _Gathering:
    imds: list[DueImd] = dataclasses.field(default_factory=list)
    components: list[Component] = dataclasses.field(default_factory=list)
    values: list[np.ndarray] = dataclasses.field(default_factory=list)
    conditions: list[np.ndarray | None] = dataclasses.field(default_factory=list)
    edited: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    consumed: list[Consumed] = dataclasses.field(default_factory=list)
    plan: Plan | None = None

    def add(
        self,
        imd: DueImd,
        component: Component,
        plan: Plan,
        values: np.ndarray,
        conditions: np.ndarray | None,
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
        valid = values != NO_VALUE
        conditions = preparation.conditions_by_presence(valid)
        for row, given in enumerate(self.conditions):
            if given is not None:
                conditions[row] = given
        component, plan = self.components[0], self.plan
        assert plan is not None  # noqa: S101  a gathering exists because an IMD with a plan was added
        batch = Batch(
            values=values,
            valid=valid,
            conditions=conditions,
            set_by=set_by,
            kind=component.kind,
            scale=component.scale,
            seconds_per_interval=self.imds[0].seconds_per_interval,
            starts=np.array([imd.start for imd in self.imds], dtype=np.int64),
            facts=self._facts(scalars),
        )
        result = run(batch=batch, plan=plan, context=history)
        findings: dict[int, list[RowFinding]] = defaultdict(list)
        for finding in result.findings:
            findings[int(finding.row)].append(finding)
        group = Group(self.imds, self.components, plan, result, findings, result.blocked.copy())
        if component.kind == ComponentKind.SCALAR:
            _conclude_scalars(group, [scalars[imd.id] for imd in self.imds])
        if self.consumed:
            group.consumed = self.consumed
            for row, consumed in enumerate(self.consumed):
                _add_findings(group, row, consumed.findings)
        return group

    def _facts(self, scalars: dict[int, Scalar]) -> LazyFacts:
        imds, components = self.imds, self.components

        def make(row: int) -> ImdFacts:
            return _facts(imds[row], components[row], scalars.get(imds[row].id))

        kinds: dict[tuple[object, ...], int] = {}
        likeness = [
            kinds.setdefault(
                (
                    component.likeness, imd.uom, imd.seconds_per_interval,
                    None if imd.multiplier is None else str(imd.multiplier),
                ),
                len(kinds),
            )
            for imd, component in zip(imds, components, strict=True)
        ]  # fmt: skip
        return LazyFacts(
            make,
            component_ids=np.array([component.id for component in components], dtype=np.int64),
            ends=np.array([imd.end for imd in imds], dtype=np.int64),
            likeness=np.array(likeness, dtype=np.int64),
        )


def _add_findings(group: Group, row: int, findings: Sequence[RowFinding]) -> None:
    if findings:
        group.blocked[row] = True
        group.findings[row].extend(findings)


def _conclude_scalars(group: Group, scalars: list[Scalar]) -> None:
    """Give each read what follows from the consumption that rules set, and find what speaks against it."""
    batch, changed = group.result.batch, group.result.changed
    group.scalars = []
    for row, (scalar, component) in enumerate(zip(scalars, group.components, strict=True)):
        if changed[row]:
            consumption = to_decimal(int(batch.values[row, 0]), batch.scale) if batch.valid[row, 0] else None
            scalar = register_values.after_vee(scalar, component, consumption, int(batch.conditions[row, 0]))
        group.scalars.append(register_values.without_consumption(scalar))
        _add_findings(group, row, [problem.finding(row) for problem in group.scalars[row].problems])


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
        kind=imd.kind,
        end=imd.end,
        service_point_id=component.service_point_id,
        device_id=component.device_id,
        consumption_reference_id=component.consumption_reference_id,
        dials=component.dials,
        characteristics=component.characteristics,
        reading=None if scalar is None else scalar.reading,
        previous_reading=None if scalar is None or scalar.previous is None else scalar.previous.reading,
        previous_read_at=None if scalar is None or scalar.previous is None else scalar.previous.read_at,
        combined_multiplier=component.multiplier if scalar is None else scalar.multiplier,
        subtractive=component.register.subtractive,
    )


def received_or_edited(
    imd: DueImd, component: Component, consumed: Consumed | None = None
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """
    Give values, conditions and the edited intervals of an interval IMD before any rule, at the component's scale.

    `consumed` is what the readings of a subtractive component mean: people edit consumption.

    :raises UnableToPrepare: when the received values cannot be kept at that scale.
    :raises UnableToKeepExactly: when an edited value cannot.
    """
    if consumed is None:
        values = preparation.values_at_scale(imd, component)
        conditions = preparation.conditions_of(imd, values)
    else:
        values, conditions = consumed.values, consumed.conditions
    if not imd.edits:
        return values, conditions, []
    values, conditions = values.copy(), conditions.copy()
    for interval, value, condition in imd.edits:
        values[interval] = NO_VALUE if value is None else to_fixed(value, component.scale)
        conditions[interval] = condition
    return values, conditions, sorted({interval for interval, _, _ in imd.edits})


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
