"""A world around a batch that a test makes up: the same for every IMD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from tests.unit.vee.engine.builders import START, Value
from vee.codes import ComponentKind, Condition
from vee.engine import context
from vee.engine.batch import Batch
from vee.engine.context import (
    Boundaries,
    ComponentFacts,
    Installation,
    Measured,
    Period,
    RegisterRead,
    RegisterReads,
    Windows,
)
from vee.engine.fixed_point import to_fixed


DAY = 86_400
OWN = 10
"""The component that `builders.facts` speaks of."""

Series = Mapping[int, tuple[Value, int]]


def series(values: Iterable[Value], *, start: int = START, seconds: int = 900, condition: int = 501000) -> Series:
    """Measurements by label, the first one ending an interval after `start`; None has no value and is Missing."""
    return {
        start + (number + 1) * seconds: (value, condition if value is not None else int(Condition.MISSING))
        for number, value in enumerate(values)
    }


def read(
    at: int, consumption: Value, reading: Value = 0, condition: int = 501000, edited: bool = False
) -> RegisterRead:
    amount = None if consumption is None else Decimal(consumption)
    return RegisterRead(at, Decimal(reading or 0), amount, condition, edited)


def interval_component(number: int, seconds: int = 900, uom: str = "KWH", scale: int = 6) -> ComponentFacts:
    return ComponentFacts(number, ComponentKind.INTERVAL, seconds, uom, scale, Decimal(1))


def register(number: int, multiplier: Value = 1, uom: str = "KWH") -> ComponentFacts:
    return ComponentFacts(number, ComponentKind.SCALAR, None, uom, 3, Decimal(multiplier or 0))


@dataclass
class World(context.NoHistory):
    """Answers with what it was given, and remembers which IMDs it was asked about, by question."""

    outage: Sequence[Period] = ()
    installed: Sequence[Installation] = ()
    subscribed: bool = False
    related_ids: tuple[int, ...] = ()
    sibling_ids: tuple[int, ...] = ()
    siblings_missing: tuple[str, ...] = ()
    duplicate: int = 0
    actual: int = context.NEVER
    known: Sequence[ComponentFacts] = ()
    intervals: Mapping[int, Series] = field(default_factory=dict)
    reads: Mapping[int, Sequence[RegisterRead]] = field(default_factory=dict)
    asked: dict[str, list[Any]] = field(default_factory=dict)

    def _note(self, question: str, given: Batch) -> int:
        self.asked.setdefault(question, []).append([facts.imd_id for facts in given.facts])
        return given.size

    def outages(self, batch: Batch) -> Sequence[tuple[Period, ...]]:
        return [tuple(self.outage)] * self._note("outages", batch)

    def installations(self, batch: Batch) -> Sequence[tuple[Installation, ...]]:
        return [tuple(self.installed)] * self._note("installations", batch)

    def has_usage_subscription(self, batch: Batch) -> Any:
        return np.full(self._note("has_usage_subscription", batch), self.subscribed)

    def related(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        return [self.related_ids] * self._note("related", batch)

    def siblings(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        return [self.sibling_ids] * self._note("siblings", batch)

    def siblings_without_imd(self, batch: Batch) -> Sequence[tuple[str, ...]]:
        return [self.siblings_missing] * self._note("siblings_without_imd", batch)

    def duplicates(self, batch: Batch) -> Any:
        return np.full(self._note("duplicates", batch), self.duplicate, dtype=np.int64)

    def last_actual(self, batch: Batch) -> Any:
        return np.full(self._note("last_actual", batch), self.actual, dtype=np.int64)

    def components(self, component_ids: Any) -> Mapping[int, ComponentFacts]:
        return {one.component_id: one for one in self.known if one.component_id in component_ids.tolist()}

    def measured(self, windows: Windows) -> Measured:
        self.asked.setdefault("measured", []).append(windows)
        found = Measured.nothing(len(windows.component_ids), windows.length)
        for row, component in enumerate(windows.component_ids.tolist()):
            for column in range(windows.length):
                label = int(windows.starts[row]) + (column + 1) * windows.seconds_per_interval
                if label in self.intervals.get(component, {}):
                    value, condition = self.intervals[component][label]
                    found.present[row, column] = True
                    found.conditions[row, column] = condition
                    found.valid[row, column] = value is not None
                    found.values[row, column] = to_fixed(Decimal(value or 0), windows.scale)
        return found

    def boundaries(self, batch: Batch) -> Boundaries:
        sides = Boundaries.unknown(batch.size)
        for row, facts in enumerate(batch.facts):
            measured = self.intervals.get(facts.component_id, {}).get(int(batch.starts[row]))
            if measured is not None and measured[0] is not None:
                sides.before_present[row] = True
                sides.before_value[row] = to_fixed(Decimal(measured[0]), batch.scale)
                sides.before_condition[row] = measured[1]
        return sides

    def register_reads(self, component_ids: Any, starts: Any, ends: Any) -> Sequence[RegisterReads]:
        answers = []
        for component, start, end in zip(component_ids.tolist(), starts.tolist(), ends.tolist(), strict=True):
            reads = sorted(self.reads.get(component, ()), key=lambda one: one.read_at)
            answers.append(
                RegisterReads(
                    before=next((one for one in reversed(reads) if one.read_at <= start), None),
                    inside=tuple(one for one in reads if start < one.read_at <= end),
                    after=next((one for one in reads if one.read_at > end), None),
                )
            )
        return answers
