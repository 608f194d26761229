"""A world that is told what was measured in it, and answers the rules' questions about that from memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tests.unit.vee.engine.builders import START, Value
from vee.codes import ComponentKind, Condition
from vee.engine import context, fixed_point
from vee.engine.batch import Batch
from vee.engine.context import ComponentFacts, Installation, Measured, RegisterRead, RegisterReads, Windows


DAY_SECONDS = 86_400


@dataclass
class Series:
    """Measurements of one component, one after another from `start`; None is a measurement without a value."""

    values: Sequence[Value]
    start: int = START
    seconds: int = 900
    conditions: Sequence[int] | int = int(Condition.REGULAR)
    edited: Sequence[bool] | bool = False


@dataclass
class World(context.NoHistory):
    """What was measured, by component id; the other answers as they are told. Remembers the windows asked for."""

    series: Mapping[int, Sequence[Series] | Series] = field(default_factory=dict)
    reads: Mapping[int, Sequence[tuple[int, Value]]] = field(default_factory=dict)
    """Register component → (instant, reading), in order."""
    read_condition: int = int(Condition.REGULAR)
    facts: Sequence[ComponentFacts] = ()
    factors: Mapping[str, int] = field(default_factory=dict)
    off_days: frozenset[int] = frozenset()
    """Holidays, as ordinals of dates."""
    installed: tuple[Installation, ...] = ()
    last: int = context.NEVER
    asked: list[Windows] = field(default_factory=list)

    def measured(self, windows: Windows) -> Measured:
        self.asked.append(windows)
        found = Measured.nothing(len(windows.component_ids), windows.length)
        for row, component in enumerate(windows.component_ids.tolist()):
            several = self.series.get(component, ())
            for one in (several,) if isinstance(several, Series) else several:
                if one.seconds == windows.seconds_per_interval:
                    self._fill(found, row, one, windows)
        return found

    def _fill(self, found: Measured, row: int, one: Series, windows: Windows) -> None:
        for number, value in enumerate(one.values):
            at, rest = divmod(one.start - int(windows.starts[row]) + number * one.seconds, one.seconds)
            if rest or not 0 <= at < windows.length:
                continue
            found.present[row, at] = True
            found.conditions[row, at] = one.conditions if isinstance(one.conditions, int) else one.conditions[number]
            found.edited[row, at] = one.edited if isinstance(one.edited, bool) else one.edited[number]
            if value is not None:
                found.valid[row, at] = True
                found.values[row, at] = fixed_point.to_fixed(Decimal(value), windows.scale)

    def register_reads(
        self, component_ids: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Sequence[RegisterReads]:
        return [
            self._around(self.reads.get(component, ()), start, end)
            for component, start, end in zip(component_ids.tolist(), starts.tolist(), ends.tolist(), strict=True)
        ]

    def _around(self, told: Sequence[tuple[int, Value]], start: int, end: int) -> RegisterReads:
        reads, previous = [], None
        for at, value in told:
            reading = Decimal(value or 0)
            consumption = None if previous is None else reading - previous
            reads.append(RegisterRead(at, reading, consumption, self.read_condition))
            previous = reading
        return RegisterReads(
            before=next((read for read in reversed(reads) if read.read_at <= start), None),
            inside=tuple(read for read in reads if start < read.read_at <= end),
            after=next((read for read in reads if read.read_at > end), None),
        )

    def components(self, component_ids: NDArray[np.int64]) -> Mapping[int, ComponentFacts]:
        asked = set(component_ids.tolist())
        return {known.component_id: known for known in self.facts if known.component_id in asked}

    def factor_components(self, batch: Batch, factor: str) -> NDArray[np.int64]:
        return np.full(batch.size, self.factors.get(factor, context.NO_COMPONENT), dtype=np.int64)

    def holidays(self, batch: Batch) -> Sequence[frozenset[int]]:
        return [self.off_days] * batch.size

    def installations(self, batch: Batch) -> Sequence[tuple[Installation, ...]]:
        return [self.installed] * batch.size

    def last_measured(self, batch: Batch) -> NDArray[np.int64]:
        return np.full(batch.size, self.last, dtype=np.int64)


def other_component(
    component_id: int, kind: ComponentKind = ComponentKind.SCALAR, *, seconds: int | None = None, scale: int = 3
) -> ComponentFacts:
    """Facts of a component beside the batch's own."""
    return ComponentFacts(component_id, kind, seconds, "KWH", scale, Decimal(1))
