"""Stored IMDs through today's rules and through changed ones, side by side. Reads only; writes nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vee.codes import BLOCKING_SEVERITIES, ComponentKind
from vee.engine.batch import EDITED
from vee.engine.calendar import local_date
from vee.engine.findings import RowFinding
from vee.engine.plan import GroupSpec, Plan
from vee.operations.components import Component
from vee.operations.groups import Plans, select_group
from vee.operations.preparation import DueImd, load_due
from vee.operations.validation import Group, validate


MOST_EXAMPLES = 200


@dataclasses.dataclass(slots=True)
class Side:
    """What one configuration makes of the IMDs."""

    failed: int = 0
    """How many IMDs an Issue or a Terminate would hold."""
    estimated_intervals: int = 0
    exceptions: Counter[str] = dataclasses.field(default_factory=Counter)
    """Findings by exception type, Infos included."""
    rules: Counter[str] = dataclasses.field(default_factory=Counter)
    """IMDs that each rule has a finding on, by `sequence rule`."""

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON stores it."""
        return {**dataclasses.asdict(self), "exceptions": dict(self.exceptions), "rules": dict(self.rules)}


@dataclasses.dataclass(slots=True)
class Comparison:
    """Both sides, and the IMDs that they judge differently; of those the first `MOST_EXAMPLES` of each kind."""

    examined: int = 0
    affected: int = 0
    """IMDs that pass different rules under the changed configuration."""
    today: Side = dataclasses.field(default_factory=Side)
    trial: Side = dataclasses.field(default_factory=Side)
    newly_failing: int = 0
    no_longer_failing: int = 0
    otherwise_different: int = 0
    """IMDs that neither or both would hold, with other findings or other values."""
    examples: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON stores it."""
        return {**dataclasses.asdict(self), "today": self.today.as_json(), "trial": self.trial.as_json()}


@dataclasses.dataclass(frozen=True, slots=True)
class _Judged:
    """What one configuration makes of one IMD."""

    blocked: bool
    findings: Sequence[RowFinding]
    values: np.ndarray
    conditions: np.ndarray
    estimated: int

    def same_as(self, other: _Judged) -> bool:
        """Tell whether findings and values are the same, whichever rule row they come from."""
        return (
            [_finding(found) for found in self.findings] == [_finding(found) for found in other.findings]
            and np.array_equal(self.values, other.values)
            and np.array_equal(self.conditions, other.conditions)
        )


def compare(
    comparison: Comparison, *, imd_ids: Sequence[int], today: Mapping[str, GroupSpec], trial: Mapping[str, GroupSpec]
) -> None:
    """Add stored IMDs to a comparison; those for which both configurations are the same are only counted."""
    due = [imd for imd in load_due(imd_ids=imd_ids) if imd.component is not None]
    plans, changed = Plans(today), Plans(trial)
    comparison.examined += len(imd_ids)
    affected = []
    for imd in due:
        assert imd.component is not None  # noqa: S101  (filtered above)
        if _plan(imd, imd.component, plans).signature != _plan(imd, imd.component, changed).signature:
            affected.append(imd)
    if not affected:
        return
    comparison.affected += len(affected)
    before, after = (dict(_judge(affected, each)) for each in (plans, changed))
    for imd in affected:
        # An IMD that could not even be prepared is judged by neither.
        if imd.id in before and imd.id in after:
            _add(comparison, imd, before[imd.id], after[imd.id])


def _plan(imd: DueImd, component: Component, plans: Plans) -> Plan:
    return plans.plan(
        group=select_group(kind=imd.kind, of_component=component.groups, of_type=component.groups_of_type),
        on=local_date(imd.start, component.time_zone),
        kind=ComponentKind(component.kind),
        characteristics=component.characteristics,
    )


def _judge(imds: Sequence[DueImd], plans: Plans) -> Iterator[tuple[int, _Judged]]:
    groups, _refused = validate(imds=imds, plans=plans)
    for group in groups:
        for row, imd in enumerate(group.imds):
            yield imd.id, _judged(group, row)


def _judged(group: Group, row: int) -> _Judged:
    batch = group.result.batch
    set_by = batch.set_by[row]
    return _Judged(
        blocked=bool(group.blocked[row]),
        findings=tuple(group.findings.get(row, ())),
        values=np.where(batch.valid[row], batch.values[row], 0),
        conditions=batch.conditions[row],
        estimated=int(((set_by != 0) & (set_by != EDITED)).sum()),
    )


def _add(comparison: Comparison, imd: DueImd, before: _Judged, after: _Judged) -> None:
    for side, judged in ((comparison.today, before), (comparison.trial, after)):
        side.failed += judged.blocked
        side.estimated_intervals += judged.estimated
        side.exceptions.update(found.exception_type for found in judged.findings)
        side.rules.update({found.rule for found in judged.findings})
    if before.blocked != after.blocked:
        kind = "newly_failing" if after.blocked else "no_longer_failing"
    elif not before.same_as(after):
        kind = "otherwise_different"
    else:
        return
    setattr(comparison, kind, getattr(comparison, kind) + 1)
    examples = comparison.examples.setdefault(kind, [])
    if len(examples) < MOST_EXAMPLES:
        examples.append(_example(imd, before, after))


def _example(imd: DueImd, before: _Judged, after: _Judged) -> dict[str, Any]:
    return {
        "imd": imd.id,
        "measuring_component": imd.identifier,
        "start": dt.datetime.fromtimestamp(imd.start, tz=dt.UTC).strftime("%Y-%m-%d %H:%M"),
        "today": [_finding(found) for found in before.findings],
        "trial": [_finding(found) for found in after.findings],
        "estimated_today": before.estimated,
        "estimated_trial": after.estimated,
    }


def _finding(found: RowFinding) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "severity": str(found.severity),
        "blocks": found.severity in BLOCKING_SEVERITIES,
        "exception_type": found.exception_type,
        "message": found.message,
        "observed": found.observed,
        "limit": found.limit,
    }
