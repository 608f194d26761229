"""The batch: IMDs of one shape, side by side as arrays of N rows (IMDs) and L columns (intervals)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vee.codes import ComponentKind, Condition, ImdKind


AS_RECEIVED = 0
EDITED = -1


# Not frozen, which would take most of the time that making one takes; nobody changes them.
@dataclass(slots=True, eq=False)
class ImdFacts:
    """What rules may know about one IMD and its measuring component besides its values."""

    imd_id: int
    component_id: int
    uom: str | None
    component_uom: str
    multiplier: Decimal | None
    component_multiplier: Decimal
    seconds_per_interval: int | None
    """As delivered; None when the sender named none."""
    component_seconds_per_interval: int | None
    allow_negative: bool = False
    time_zone: str = "UTC"
    kind: ImdKind = ImdKind.INITIAL_LOAD
    end: int = 0
    """Seconds since 1970 in UTC."""
    service_point_id: int | None = None
    device_id: int | None = None
    consumption_reference_id: int | None = None
    dials: int | None = None
    characteristics: Mapping[str, str] = field(default_factory=dict)
    """What is noted of the component, its device and its service point; the nearest one counts."""
    reading: Decimal | None = None
    """The register's reading, of a scalar IMD."""
    previous_reading: Decimal | None = None
    """The reading that its consumption was counted from; None for a register's first read."""
    previous_read_at: int | None = None
    """When that was read, seconds since 1970 in UTC."""
    combined_multiplier: Decimal = Decimal(1)
    """The component's multiplier times the one of its installation when the register was read."""
    subtractive: bool = True
    """Whether a scalar's reading is a sum; else it is consumption itself."""


class LazyFacts(Sequence[ImdFacts]):
    """
    The facts of many IMDs: made for those that are asked for, with what rules look at in all of them as columns.

    `likeness` [N] is equal where the facts are, but for whose they are: see `Batch.alike`.
    """

    def __init__(
        self,
        make: Callable[[int], ImdFacts],
        *,
        component_ids: NDArray[np.int64],
        ends: NDArray[np.int64],
        likeness: NDArray[np.int64],
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Take the columns of all IMDs, and how the facts of one are made; `rows` are those that are meant."""
        self._make = make
        self._rows = np.arange(len(component_ids), dtype=np.intp) if rows is None else rows
        self._columns = (component_ids, ends, likeness)
        self.component_ids, self.ends, self.likeness = (
            self._columns if rows is None else (column[rows] for column in self._columns)
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return self.take(np.arange(len(self), dtype=np.intp)[row])
        return self._make(int(self._rows[row]))

    def __iter__(self) -> Iterator[ImdFacts]:
        return map(self._make, self._rows.tolist())

    def take(self, rows: NDArray[np.intp]) -> LazyFacts:
        """Give the facts of some of these IMDs."""
        component_ids, ends, likeness = self._columns
        return LazyFacts(self._make, component_ids=component_ids, ends=ends, likeness=likeness, rows=self._rows[rows])


def _likeness(facts: ImdFacts) -> tuple[object, ...]:
    return (
        facts.uom, facts.component_uom, str(facts.multiplier), str(facts.component_multiplier),
        facts.seconds_per_interval,
        facts.component_seconds_per_interval, facts.allow_negative,
    )  # fmt: skip


@dataclass(slots=True)
class Batch:
    """
    IMDs that share a kind, a scale, an interval size and a length, so that a rule passes over all of them at once.

    A scalar IMD has one column: its consumption. What stands in `values` where `valid` is false means nothing.

    :raises ValueError: when the arrays do not fit each other.
    """

    values: NDArray[np.int64]
    """[N, L] counts of 10^-scale of the unit."""
    valid: NDArray[np.bool_]
    """[N, L] whether the interval has a value."""
    conditions: NDArray[np.int32]
    """[N, L] condition codes (`vee.codes.Condition`)."""
    set_by: NDArray[np.int32]
    """[N, L] what set the value: `AS_RECEIVED`, `EDITED`, else the id of the VEE rule."""
    kind: ComponentKind
    scale: int
    seconds_per_interval: int | None
    starts: NDArray[np.int64]
    """[N] start of each IMD, seconds since 1970 in UTC."""
    facts: Sequence[ImdFacts]
    _special_rows: NDArray[np.intp] | None = field(init=False, default=None, repr=False, compare=False)
    _alike: list[tuple[ImdFacts, NDArray[np.intp]]] = field(init=False, default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        shape = self.values.shape
        arrays = (self.valid, self.conditions, self.set_by)
        if len(shape) != 2 or any(array.shape != shape for array in arrays):
            raise ValueError(f"values {shape} and {[array.shape for array in arrays]} are not one shape [N, L]")
        if len(self.starts) != shape[0] or len(self.facts) != shape[0]:
            raise ValueError(f"{shape[0]} rows, {len(self.starts)} starts and {len(self.facts)} facts")

    @property
    def size(self) -> int:
        """How many IMDs."""
        return self.values.shape[0]

    @property
    def length(self) -> int:
        """How many intervals each IMD has."""
        return self.values.shape[1]

    @property
    def component_ids(self) -> NDArray[np.int64]:
        """[N] The component of each IMD."""
        if isinstance(self.facts, LazyFacts):
            return self.facts.component_ids
        return np.array([facts.component_id for facts in self.facts], dtype=np.int64)

    @property
    def ends(self) -> NDArray[np.int64]:
        """[N] The end of each IMD, seconds since 1970 in UTC."""
        if isinstance(self.facts, LazyFacts):
            return self.facts.ends
        return np.array([facts.end for facts in self.facts], dtype=np.int64)

    def alike(self) -> list[tuple[ImdFacts, NDArray[np.intp]]]:
        """
        Give the rows, ascending, in parts of equal units, multipliers, interval sizes and permission to be negative.

        Each part comes with the facts of its first row, so that what depends on nothing else is judged once for it.
        They are found once for all batches of the same facts.
        """
        if not self._alike:
            self._alike += self._parts_alike()
        return self._alike

    def _parts_alike(self) -> list[tuple[ImdFacts, NDArray[np.intp]]]:
        if isinstance(self.facts, LazyFacts):
            likeness = self.facts.likeness
        else:
            kinds: dict[tuple[object, ...], int] = {}
            likeness = np.array(
                [kinds.setdefault(_likeness(facts), len(kinds)) for facts in self.facts], dtype=np.int64
            )
        rows = [np.flatnonzero(likeness == kind) for kind in np.unique(likeness)]
        return [(self.facts[int(part[0])], part) for part in rows]

    @property
    def special_rows(self) -> NDArray[np.intp]:
        """
        The rows in which not every interval has a value and the condition Regular, ascending: a few of many.

        What looks for conditions or missing values has to look at these alone. Of a batch that cannot be written to
        they are found once, for all its rules.
        """
        if self._special_rows is not None:
            return self._special_rows
        rows = rows_with(~self.valid | (self.conditions != int(Condition.REGULAR)))
        if not (self.conditions.flags.writeable or self.valid.flags.writeable):
            self._special_rows = rows
        return rows

    def rows_within(self, *ranges: tuple[int, int]) -> NDArray[np.intp]:
        """Give the rows that may have an interval without a value or with a condition in one of these ranges."""
        if any(low <= Condition.REGULAR <= high for low, high in ranges):
            return np.arange(self.size, dtype=np.intp)
        return self.special_rows

    def take(self, rows: NDArray[np.intp] | Sequence[int]) -> Batch:
        """Give a batch of these rows, in this order; the arrays are copies."""
        chosen = np.asarray(rows, dtype=np.intp)
        return Batch(
            values=self.values[chosen],
            valid=self.valid[chosen],
            conditions=self.conditions[chosen],
            set_by=self.set_by[chosen],
            kind=self.kind,
            scale=self.scale,
            seconds_per_interval=self.seconds_per_interval,
            starts=self.starts[chosen],
            facts=_taken(self.facts, chosen),
        )

    def copy(self) -> Batch:
        """Give the same batch in arrays of its own; what rules cannot change is shared."""
        made = Batch(
            values=self.values.copy(),
            valid=self.valid.copy(),
            conditions=self.conditions.copy(),
            set_by=self.set_by.copy(),
            kind=self.kind,
            scale=self.scale,
            seconds_per_interval=self.seconds_per_interval,
            starts=self.starts,
            facts=self.facts,
        )
        made._alike = self._alike
        return made

    def read_only(self) -> Batch:
        """Give the same batch through views that cannot be written to: what rules are handed."""
        made = Batch(
            values=_locked(self.values),
            valid=_locked(self.valid),
            conditions=_locked(self.conditions),
            set_by=_locked(self.set_by),
            kind=self.kind,
            scale=self.scale,
            seconds_per_interval=self.seconds_per_interval,
            starts=_locked(self.starts),
            facts=self.facts,
        )
        made._alike = self._alike
        return made


def _taken(facts: Sequence[ImdFacts], rows: NDArray[np.intp]) -> Sequence[ImdFacts]:
    return facts.take(rows) if isinstance(facts, LazyFacts) else [facts[row] for row in rows.tolist()]


def in_range(conditions: NDArray[np.int32], bounds: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which conditions lie in a range, both ends included."""
    low, high = bounds
    return (conditions >= low) & (conditions <= high)


def distinct(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give each of these rows once; they have to be in ascending order."""
    return rows[np.concatenate(([True], rows[1:] != rows[:-1]))] if len(rows) else rows


def rows_with(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Give the rows of a mask [N, L] in which any interval is true, ascending: fast where few are."""
    return distinct(np.flatnonzero(mask) // max(mask.shape[1], 1))


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
