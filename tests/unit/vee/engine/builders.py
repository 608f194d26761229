"""Batches, plans and runs from values as people write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from vee.codes import ComponentKind, Condition, Severity
from vee.engine import context, fixed_point, plan, runner
from vee.engine.batch import Batch, ImdFacts
from vee.engine.context import Boundaries, ComponentFacts, Installation, RegisterRead, RegisterReads
from vee.engine.findings import RunResult


DAY = dt.date(2024, 1, 1)
START = int(dt.datetime(2024, 1, 1, tzinfo=dt.UTC).timestamp())
DAY_LONG = 86_400
RULE_ID = 7
M = None

Value = str | int | Decimal | None


def facts(**changes: Any) -> ImdFacts:
    given: dict[str, Any] = {
        "imd_id": 1,
        "component_id": 10,
        "uom": "KWH",
        "component_uom": "KWH",
        "multiplier": Decimal(1),
        "component_multiplier": Decimal(1),
        "seconds_per_interval": 900,
        "component_seconds_per_interval": 900,
        "allow_negative": False,
        "time_zone": "UTC",
    }
    return ImdFacts(**{**given, **changes})


def batch(
    *rows: Sequence[Value],
    conditions: Sequence[Sequence[int]] | None = None,
    seconds: int | None = 900,
    scale: int = 6,
    kind: ComponentKind = ComponentKind.INTERVAL,
    about: Sequence[ImdFacts] | None = None,
) -> Batch:
    """A None is missing and has the condition Missing; every other value is Regular unless conditions are given."""
    counts, valid = [], []
    for row in rows:
        numbers = [None if value is None else Decimal(value) for value in row]
        row_counts, row_valid = fixed_point.to_fixed_array(numbers, scale)
        counts.append(row_counts)
        valid.append(row_valid)
    mask = np.array(valid)
    if conditions is None:
        codes = np.where(mask, int(Condition.REGULAR), int(Condition.MISSING)).astype(np.int32)
    else:
        codes = np.array(conditions, dtype=np.int32)
    return Batch(
        values=np.array(counts, dtype=np.int64),
        valid=mask,
        conditions=codes,
        set_by=np.zeros(mask.shape, dtype=np.int32),
        kind=kind,
        scale=scale,
        seconds_per_interval=seconds,
        starts=np.full(len(rows), START, dtype=np.int64),
        facts=about or [facts(imd_id=number, seconds_per_interval=seconds) for number in range(len(rows))],
    )


def spec(rule: str, parameters: Mapping[str, Any] | None = None, **changes: Any) -> plan.RuleSpec:
    given: dict[str, Any] = {"id": RULE_ID, "sequence": 10, "rule": rule, "severity": Severity.ISSUE}
    return plan.RuleSpec(**{**given, **changes}, parameters=parameters or {})


def plan_of(*specs: plan.RuleSpec, kind: ComponentKind = ComponentKind.INTERVAL, on: dt.date = DAY) -> plan.Plan:
    return plan.build_plan(groups={"G": plan.GroupSpec("G", specs)}, group="G", on=on, kind=kind)


def run_rule(
    rule: str,
    given: Batch,
    parameters: Mapping[str, Any] | None = None,
    history: context.Context | None = None,
    **changes: Any,
) -> RunResult:
    """Run one rule as the only one of its group."""
    steps = plan_of(spec(rule, parameters, **changes), kind=given.kind)
    return runner.run(batch=given, plan=steps, context=history or context.NoHistory())


def numbers(given: Batch, row: int = 0) -> list[Decimal | None]:
    """The values of one row, without trailing zeros."""
    decimals = fixed_point.to_decimals(given.values[row], given.valid[row], given.scale)
    return [None if value is None else value.normalize() for value in decimals]


def as_numbers(*values: Value) -> list[Decimal | None]:
    return [None if value is None else Decimal(value).normalize() for value in values]


class Neighbours(context.NoHistory):
    """The same final measurement before and after every IMD; None is no measurement. Remembers what it was asked."""

    def __init__(
        self,
        before: tuple[Value, int] | None = None,
        after: tuple[Value, int] | None = None,
    ) -> None:
        self._before, self._after = before, after
        self.asked: list[list[int]] = []

    def boundaries(self, given: Batch) -> Boundaries:
        self.asked.append([about.imd_id for about in given.facts])

        def column(side: tuple[Value, int] | None) -> tuple[Any, Any, Any]:
            value, code = side or (0, 0)
            count = fixed_point.to_fixed(Decimal(value or 0), given.scale)
            return (
                np.full(given.size, count, dtype=np.int64),
                np.full(given.size, code, dtype=np.int32),
                np.full(given.size, side is not None, dtype=np.bool_),
            )

        return Boundaries(*column(self._before), *column(self._after))


def scalar(*values: Value, about: Sequence[ImdFacts] | None = None, **given: Any) -> Batch:
    """Register IMDs of one column; a None is a read that is missing. Each is of the day that begins at `START`."""
    kept = about or [read_facts(imd_id=number) for number in range(len(values))]
    return batch(*[[value] for value in values], seconds=None, kind=ComponentKind.SCALAR, about=kept, **given)


def read_facts(**changes: Any) -> ImdFacts:
    """What is known of a register's read a day after `START`, when it showed 1000."""
    given: dict[str, Any] = {
        "end": START + DAY_LONG,
        "previous_reading": Decimal(1000),
        "previous_read_at": START,
        "seconds_per_interval": None,
        "component_seconds_per_interval": None,
    }
    return facts(**{**given, **changes})


def read(day: int | str, reading: Value, consumption: Value = None, **changes: Any) -> RegisterRead:
    """A final read so many days after `START`."""
    return RegisterRead(
        **{
            "read_at": START + int(Decimal(day) * DAY_LONG),
            "reading": Decimal(reading or 0),
            "consumption": None if consumption is None else Decimal(consumption),
            "condition": int(Condition.REGULAR),
            **changes,
        }
    )


class Meters(context.NoHistory):
    """Registers with reads, and components with intervals from `START` on, by component id; all of them related."""

    def __init__(
        self,
        reads: Mapping[int, Sequence[RegisterRead]] | None = None,
        intervals: Mapping[int, tuple[ComponentFacts, Sequence[tuple[Value, int]]]] | None = None,
        installed: Sequence[Installation] = (),
    ) -> None:
        self._reads, self._intervals, self._installed = dict(reads or {}), dict(intervals or {}), tuple(installed)

    def register_reads(self, component_ids: Any, starts: Any, ends: Any) -> list[RegisterReads]:
        def around(component: int, start: int, end: int) -> RegisterReads:
            reads = sorted(self._reads.get(component, ()), key=lambda one: one.read_at)
            before = [one for one in reads if one.read_at <= start]
            after = [one for one in reads if one.read_at > end]
            inside = tuple(one for one in reads if start < one.read_at <= end)
            return RegisterReads(before[-1] if before else None, inside, after[0] if after else None)

        return [around(*one) for one in zip(component_ids.tolist(), starts.tolist(), ends.tolist(), strict=True)]

    def measured(self, windows: context.Windows) -> context.Measured:
        found = context.Measured.nothing(len(windows.component_ids), windows.length)
        for row, component in enumerate(windows.component_ids.tolist()):
            known, values = self._intervals.get(component, (None, ()))
            if known is None or known.seconds_per_interval != windows.seconds_per_interval:
                continue
            offset = (START - int(windows.starts[row])) // windows.seconds_per_interval
            for place, (value, condition) in enumerate(values, start=offset):
                if 0 <= place < windows.length:
                    found.present[row, place] = True
                    found.valid[row, place] = value is not None
                    found.values[row, place] = fixed_point.to_fixed(Decimal(value or 0), windows.scale)
                    found.conditions[row, place] = condition
        return found

    def components(self, component_ids: Any) -> dict[int, ComponentFacts]:
        registers = {
            component: ComponentFacts(component, ComponentKind.SCALAR, None, "KWH", 6, Decimal(1))
            for component in self._reads
        }
        known = {**registers, **{component: one for component, (one, _) in self._intervals.items()}}
        return {component: known[component] for component in component_ids.tolist() if component in known}

    def related(self, given: Batch) -> list[tuple[int, ...]]:
        return [tuple(self._intervals)] * given.size

    def factor_components(self, given: Batch, factor: str) -> Any:
        first = next(iter([*self._intervals, *self._reads]), context.NO_COMPONENT)
        return np.full(given.size, first, dtype=np.int64)

    def installations(self, given: Batch) -> list[tuple[Installation, ...]]:
        return [self._installed] * given.size


def hourly(component: int, *values: Value, condition: int = Condition.REGULAR, **changes: Any) -> dict[int, Any]:
    """Hourly intervals of a component from `START` on, all of one condition; a None has no value."""
    known = {"kind": ComponentKind.INTERVAL, "seconds_per_interval": 3600, "uom": "KWH", "scale": 6, **changes}
    one = ComponentFacts(component_id=component, multiplier=Decimal(1), **known)
    return {component: (one, [(value, int(condition)) for value in values])}
