"""What rules may ask about the world around a batch. The engine only knows these questions, never who answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vee.codes import ComponentKind
from vee.engine.batch import Batch


NO_COMPONENT = 0
"""Stands in arrays of component ids where there is none."""

NEVER = 0
"""Stands in arrays of instants (seconds since 1970, UTC) where there is none."""


@dataclass(frozen=True, slots=True)
class Boundaries:
    """
    The final measurements immediately before and after each IMD, aligned with the rows of the batch that was asked for.

    *Before* is the measurement labelled with the IMD's start, *after* the first one that follows its end. Values are
    counts at the batch's scale. Where `…_present` is false, value and condition mean nothing.
    """

    before_value: NDArray[np.int64]
    before_condition: NDArray[np.int32]
    before_present: NDArray[np.bool_]
    after_value: NDArray[np.int64]
    after_condition: NDArray[np.int32]
    after_present: NDArray[np.bool_]

    @classmethod
    def unknown(cls, size: int) -> Boundaries:
        """Give boundaries of which none is present."""
        return cls(
            before_value=np.zeros(size, dtype=np.int64),
            before_condition=np.zeros(size, dtype=np.int32),
            before_present=np.zeros(size, dtype=np.bool_),
            after_value=np.zeros(size, dtype=np.int64),
            after_condition=np.zeros(size, dtype=np.int32),
            after_present=np.zeros(size, dtype=np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """One window of time for each of N components: what `Context.measured` is asked for. Instants are seconds, UTC."""

    component_ids: NDArray[np.int64]
    """[N]; `NO_COMPONENT` where there is none."""
    starts: NDArray[np.int64]
    """[N] where each window begins."""
    length: int
    """How many intervals each window has."""
    seconds_per_interval: int
    scale: int
    """The answer counts 10^-scale; what was stored at another scale is converted, rounded half-even."""


@dataclass(frozen=True, slots=True)
class Measured:
    """
    Final interval measurements of N windows of W intervals.

    Column k of row i covers `(starts[i] + k * size, starts[i] + (k + 1) * size]`. Where `present` is false there is no
    measurement; where it is true and `valid` is false there is one without a value (an outage, say).
    """

    values: NDArray[np.int64]
    valid: NDArray[np.bool_]
    conditions: NDArray[np.int32]
    present: NDArray[np.bool_]
    edited: NDArray[np.bool_]

    @classmethod
    def nothing(cls, size: int, length: int) -> Measured:
        """Give windows in which nothing was measured."""
        shape = (size, length)
        return cls(
            values=np.zeros(shape, dtype=np.int64),
            valid=np.zeros(shape, dtype=np.bool_),
            conditions=np.zeros(shape, dtype=np.int32),
            present=np.zeros(shape, dtype=np.bool_),
            edited=np.zeros(shape, dtype=np.bool_),
        )


@dataclass(frozen=True, slots=True)
class DaySums:
    """
    What whole standard-time days of N windows add up to.

    Only where `known`: every measurement that the window has is at the scale and interval size that were asked for.
    `counts` is the sum of those that have a value which is meant; others have to be `measured`.
    """

    known: NDArray[np.bool_]
    counts: NDArray[np.int64]
    intervals: NDArray[np.int64]
    """[4, N] how many of those with a value there are, were set by people, were estimated, are worse than Regular."""

    @classmethod
    def unknown(cls, size: int) -> DaySums:
        """Give the sums of windows of which nothing is known."""
        return cls(
            known=np.zeros(size, dtype=np.bool_),
            counts=np.zeros(size, dtype=np.int64),
            intervals=np.zeros((4, size), dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class RegisterRead:
    """One final register measurement; `read_at` in seconds since 1970 (UTC), consumption since the read before it."""

    read_at: int
    reading: Decimal
    consumption: Decimal | None
    condition: int
    user_edited: bool = False


@dataclass(frozen=True, slots=True)
class RegisterReads:
    """A register's reads around a period: the last one at or before its start, those in (start, end], the next one."""

    before: RegisterRead | None = None
    inside: tuple[RegisterRead, ...] = ()
    after: RegisterRead | None = None


@dataclass(frozen=True, slots=True)
class ComponentFacts:
    """What rules may know about a measuring component that is not the IMD's own."""

    component_id: int
    kind: ComponentKind
    seconds_per_interval: int | None
    uom: str
    scale: int
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open period [start, end) in seconds since 1970, UTC; an open one ends at `FOREVER`."""

    start: int
    end: int


FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Installation:
    """A device at its service point for a period, with the periods in which it was switched off."""

    period: Period
    multiplier: Decimal = Decimal(1)
    off: tuple[Period, ...] = ()


class Context(Protocol):
    """The questions that a rule may ask. Each is asked for many IMDs at once and answered row by row in their order."""

    def boundaries(self, batch: Batch) -> Boundaries:
        """Give the final measurements immediately before and after each IMD of the batch."""

    def measured(self, windows: Windows) -> Measured:
        """Give final interval measurements of any components; one of another interval size counts as not measured."""

    def day_sums(self, windows: Windows) -> DaySums:
        """Give what was measured in windows of whole days, added up, where that says all there is to say."""

    def register_reads(
        self, component_ids: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Sequence[RegisterReads]:
        """Give the final reads of registers around the periods (start, end]; instants in seconds, UTC."""

    def components(self, component_ids: NDArray[np.int64]) -> Mapping[int, ComponentFacts]:
        """Give what is known of components; ids that are unknown, and `NO_COMPONENT`, are left out."""

    def related(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        """
        Give the components whose consumption has to add up to each IMD's.

        The component's consumption reference, or without one the components that refer to it; none: empty.
        """

    def factor_components(self, batch: Batch, factor: str) -> NDArray[np.int64]:
        """Give the component that a factor names for each IMD at its start (a profile, say), else `NO_COMPONENT`."""

    def outages(self, batch: Batch) -> Sequence[tuple[Period, ...]]:
        """Give the outages of each IMD's service point that overlap its period."""

    def installations(self, batch: Batch) -> Sequence[tuple[Installation, ...]]:
        """Give the installations of each IMD's device that overlap its period, in order of their start."""

    def has_usage_subscription(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell for each IMD whether its service point has a usage subscription."""

    def holidays(self, batch: Batch) -> Sequence[frozenset[int]]:
        """Give the holidays of each IMD's service point as proleptic ordinals of local dates."""

    def duplicates(self, batch: Batch) -> NDArray[np.int64]:
        """Give the id of a completed IMD of the same component, kind, end and received contents; 0 without one."""

    def siblings_without_imd(self, batch: Batch) -> Sequence[tuple[str, ...]]:
        """Give the identifiers of the other components of each IMD's device that have no IMD for its period."""

    def siblings(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        """Give the other components of each IMD's device."""

    def last_measured(self, batch: Batch) -> NDArray[np.int64]:
        """Give the label of the last final interval measurement at or before each IMD's start, else `NEVER`."""

    def last_actual(self, batch: Batch) -> NDArray[np.int64]:
        """Give when each component was last measured and not estimated, else `NEVER`."""


class NoHistory:
    """The answers where nothing is known: for trials on loose data, and as a base of what tests answer."""

    def boundaries(self, batch: Batch) -> Boundaries:
        """Give no measurement at either end."""
        return Boundaries.unknown(batch.size)

    def measured(self, windows: Windows) -> Measured:
        """Give windows in which nothing was measured."""
        return Measured.nothing(len(windows.component_ids), windows.length)

    def day_sums(self, windows: Windows) -> DaySums:
        """Know no sums, so that what is measured is asked for."""
        return DaySums.unknown(len(windows.component_ids))

    def register_reads(
        self, component_ids: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Sequence[RegisterReads]:
        """Give no reads."""
        return [RegisterReads()] * len(component_ids)

    def components(self, component_ids: NDArray[np.int64]) -> Mapping[int, ComponentFacts]:
        """Know no component."""
        return {}

    def related(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        """Give no related component."""
        return [()] * batch.size

    def factor_components(self, batch: Batch, factor: str) -> NDArray[np.int64]:
        """Name no component."""
        return np.full(batch.size, NO_COMPONENT, dtype=np.int64)

    def outages(self, batch: Batch) -> Sequence[tuple[Period, ...]]:
        """Give no outage."""
        return [()] * batch.size

    def installations(self, batch: Batch) -> Sequence[tuple[Installation, ...]]:
        """Give no installation."""
        return [()] * batch.size

    def has_usage_subscription(self, batch: Batch) -> NDArray[np.bool_]:
        """Know no usage subscription."""
        return np.zeros(batch.size, dtype=np.bool_)

    def holidays(self, batch: Batch) -> Sequence[frozenset[int]]:
        """Give no holiday."""
        return [frozenset()] * batch.size

    def duplicates(self, batch: Batch) -> NDArray[np.int64]:
        """Know no other IMD."""
        return np.zeros(batch.size, dtype=np.int64)

    def siblings_without_imd(self, batch: Batch) -> Sequence[tuple[str, ...]]:
        """Know no sibling."""
        return [()] * batch.size

    def siblings(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        """Know no sibling."""
        return [()] * batch.size

    def last_measured(self, batch: Batch) -> NDArray[np.int64]:
        """Know no measurement."""
        return np.full(batch.size, NEVER, dtype=np.int64)

    def last_actual(self, batch: Batch) -> NDArray[np.int64]:
        """Know no measurement."""
        return np.full(batch.size, NEVER, dtype=np.int64)
