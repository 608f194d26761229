"""A context that has an answer to every question, which depends on nothing but what is asked about each IMD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from vee.codes import ComponentKind
from vee.engine.batch import Batch
from vee.engine.context import (
    Boundaries,
    ComponentFacts,
    Installation,
    Measured,
    NoHistory,
    Period,
    RegisterRead,
    RegisterReads,
    Windows,
)


CONDITIONS = np.array([101000, 201000, 301000, 501000, 501000, 501000, 501000, 601000], dtype=np.int32)
DAY_SECONDS = 86_400


class Talkative(NoHistory):
    """Makes history up from component ids and instants: the same for an IMD alone and among others."""

    def boundaries(self, batch: Batch) -> Boundaries:
        size = batch.seconds_per_interval or 0
        ids = np.array([facts.component_id for facts in batch.facts], dtype=np.int64)
        sides = [_drawn(ids, at) for at in (batch.starts, batch.starts + (batch.length + 1) * size)]
        (before, after) = sides
        return Boundaries(
            before % 5000, CONDITIONS[before % 8], before % 4 != 0, after % 5000, CONDITIONS[after % 8], after % 4 != 0
        )

    def measured(self, windows: Windows) -> Measured:
        into = np.arange(1, windows.length + 1, dtype=np.int64) * windows.seconds_per_interval
        drawn = _drawn(windows.component_ids[:, None], windows.starts[:, None] + into)
        conditions = CONDITIONS[drawn % 8]
        named = np.broadcast_to(windows.component_ids[:, None] != 0, drawn.shape)
        return Measured(
            values=drawn % 5000,
            valid=named & (conditions >= 300_000),
            conditions=conditions,
            present=named & (drawn % 11 != 0),
            edited=drawn % 7 == 0,
        )

    def register_reads(
        self, component_ids: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Sequence[RegisterReads]:
        def read(component: int, at: int) -> RegisterRead:
            drawn = int(_drawn(np.int64(component), np.int64(at)))
            return RegisterRead(at, Decimal(drawn % 90_000), Decimal(drawn % 4000) / 100, int(CONDITIONS[drawn % 8]))

        return [
            RegisterReads(read(component, start), (read(component, end),), read(component, end + DAY_SECONDS))
            for component, start, end in zip(component_ids.tolist(), starts.tolist(), ends.tolist(), strict=True)
        ]

    def components(self, component_ids: NDArray[np.int64]) -> Mapping[int, ComponentFacts]:
        return {
            component: ComponentFacts(
                component,
                ComponentKind.SCALAR if component < 100 else ComponentKind.INTERVAL,
                None if component < 100 else 3600,
                "KWH",
                3,
                Decimal(1),
            )
            for component in component_ids.tolist()
            if component
        }

    def related(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        return [tuple({facts.component_id + 1, 100 + facts.component_id % 3}) for facts in batch.facts]

    def factor_components(self, batch: Batch, factor: str) -> NDArray[np.int64]:
        ids = np.array([facts.component_id for facts in batch.facts], dtype=np.int64)
        return np.where(ids % 4 == 0, 0, 100 + ids % 3)

    def outages(self, batch: Batch) -> Sequence[tuple[Period, ...]]:
        return [
            (Period(int(start) + 3600, int(start) + 9000),) if facts.component_id % 3 == 0 else ()
            for start, facts in zip(batch.starts.tolist(), batch.facts, strict=True)
        ]

    def installations(self, batch: Batch) -> Sequence[tuple[Installation, ...]]:
        return [
            (
                Installation(
                    Period(int(start) - DAY_SECONDS, int(start) + 7200), off=(Period(int(start), int(start) + 60),)
                ),
            )
            for start in batch.starts.tolist()
        ]

    def has_usage_subscription(self, batch: Batch) -> NDArray[np.bool_]:
        return np.array([facts.component_id % 2 == 0 for facts in batch.facts], dtype=np.bool_)

    def holidays(self, batch: Batch) -> Sequence[frozenset[int]]:
        # Two days of December 2023 and New Year's Day of 2024.
        return [frozenset({738_880, 738_881, 738_886} if facts.component_id % 2 else ()) for facts in batch.facts]

    def duplicates(self, batch: Batch) -> NDArray[np.int64]:
        return np.array([facts.component_id % 5 for facts in batch.facts], dtype=np.int64)

    def siblings_without_imd(self, batch: Batch) -> Sequence[tuple[str, ...]]:
        return [("MC-2",) if facts.component_id % 3 == 0 else () for facts in batch.facts]

    def last_measured(self, batch: Batch) -> NDArray[np.int64]:
        ids = np.array([facts.component_id for facts in batch.facts], dtype=np.int64)
        return np.where(ids % 4 == 0, 0, batch.starts - ids % 4 * 7200)

    def last_actual(self, batch: Batch) -> NDArray[np.int64]:
        return self.last_measured(batch)


def _drawn(component_ids: NDArray[np.int64] | np.int64, instants: NDArray[np.int64] | np.int64) -> NDArray[np.int64]:
    """A number that looks like chance, for a component at an instant."""
    mixed = np.asarray(component_ids) * 7919 + np.asarray(instants) // 900
    return np.abs((mixed * 2_654_435_761 % 4_294_967_291) // 7)
