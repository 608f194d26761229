"""What rules may ask about the world (`vee.engine.context`), answered from the database: one answer per question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vee.engine.batch import Batch
from vee.engine.context import (
    Boundaries,
    ComponentFacts,
    DaySums,
    Installation,
    Measured,
    Period,
    RegisterReads,
    Windows,
)
from vee.operations import history_components, history_measurements, history_places


class MeasurementHistory:
    """
    Answers rules' questions from the database; a handful of queries per question and batch, whatever its size.

    `standard_offsets` are the seconds of each component's standard time east of UTC, by component id.
    """

    def __init__(self, *, standard_offsets: Mapping[int, int]) -> None:
        self._standard_offsets = standard_offsets
        self._factors: history_components.Factors | None = None

    def boundaries(self, batch: Batch) -> Boundaries:
        """Give the final measurements immediately before and after each IMD of the batch."""
        return history_measurements.boundaries(batch, self._standard_offsets)

    def measured(self, windows: Windows) -> Measured:
        """Give final interval measurements of any components; one of another interval size counts as not measured."""
        return history_measurements.measured(windows)

    def day_sums(self, windows: Windows) -> DaySums:
        """Give what was measured in windows of whole standard-time days, added up, where nothing in them is special."""
        return history_measurements.day_sums(windows, self._standard_offsets)

    def register_reads(
        self, component_ids: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Sequence[RegisterReads]:
        """Give the final reads of registers around the periods (start, end]; instants in seconds, UTC."""
        return history_measurements.register_reads(component_ids, starts, ends)

    def last_measured(self, batch: Batch) -> NDArray[np.int64]:
        """Give the label of the last final interval measurement at or before each IMD's start, else `NEVER`."""
        return history_measurements.last_measured(batch)

    def last_actual(self, batch: Batch) -> NDArray[np.int64]:
        """Give when each component was last measured and not estimated, else `NEVER`."""
        return history_measurements.last_actual(batch)

    def components(self, component_ids: NDArray[np.int64]) -> Mapping[int, ComponentFacts]:
        """Give what is known of components; ids that are unknown are left out."""
        return history_components.components(component_ids)

    def related(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        """Give the components whose consumption has to add up to each IMD's."""
        return history_components.related(batch)

    def factor_components(self, batch: Batch, factor: str) -> NDArray[np.int64]:
        """Give the component that a factor names for each IMD at its start, else `NO_COMPONENT`."""
        if self._factors is None:
            self._factors = history_components.Factors()
        return self._factors.components(batch, factor)

    def siblings_without_imd(self, batch: Batch) -> Sequence[tuple[str, ...]]:
        """Give the identifiers of the other components of each IMD's device that have no IMD for its period."""
        return history_components.siblings_without_imd(batch)

    def siblings(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        """Give the other components of each IMD's device."""
        return history_components.siblings(batch)

    def duplicates(self, batch: Batch) -> NDArray[np.int64]:
        """Give the id of a completed IMD of the same component, kind, end and received contents; 0 without one."""
        return history_components.duplicates(batch)

    def outages(self, batch: Batch) -> Sequence[tuple[Period, ...]]:
        """Give the outages of each IMD's service point that overlap its period."""
        return history_places.outages(batch)

    def installations(self, batch: Batch) -> Sequence[tuple[Installation, ...]]:
        """Give the installations of each IMD's device that overlap its period, in order of their start."""
        return history_places.installations(batch)

    def has_usage_subscription(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell for each IMD whether its service point has a usage subscription."""
        return history_places.has_usage_subscription(batch)

    def holidays(self, batch: Batch) -> Sequence[frozenset[int]]:
        """Give the holidays of each IMD's service point as proleptic ordinals of local dates."""
        return history_places.holidays(batch)
