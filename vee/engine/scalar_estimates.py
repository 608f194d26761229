"""
What the rules that give a register a consumption share: which reads, for which period, and sums of what was measured.

Sums are fractions: exact until they become a count of the batch's scale.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from vee.codes import ComponentKind
from vee.engine.batch import EDITED, Batch
from vee.engine.context import NO_COMPONENT, ComponentFacts, Context, Period, RegisterReads, Windows
from vee.engine.findings import Changes, Result
from vee.engine.fixed_point import MAXIMUM_COUNT, divide_half_even, row_sums, to_decimal
from vee.engine.parameters import ConditionRange


INTERVAL_KINDS = frozenset({ComponentKind.INTERVAL, ComponentKind.SUBTRACTIVE_INTERVAL})


def period_of(batch: Batch, row: int) -> Period:
    """Give the period of a read's consumption: from the read before it, else from the IMD's start, to its end."""
    facts = batch.facts[row]
    start = int(batch.starts[row]) if facts.previous_read_at is None else facts.previous_read_at
    return Period(start, facts.end)


def can_be_set(batch: Batch, rows: Iterable[int], result: Result) -> list[int]:
    """Give the rows whose consumption a rule may set, and say of the others why it may not."""
    usable, edited, first, empty = [], [], [], []
    for row in rows:
        facts, period = batch.facts[row], period_of(batch, row)
        if batch.set_by[row, 0] == EDITED:
            edited.append(row)
        elif facts.subtractive and facts.previous_reading is None:
            first.append(row)
        elif period.start >= period.end:
            empty.append(row)
        else:
            usable.append(row)
    result.leave_out(edited, "a person set the reading")
    result.leave_out(first, "there is no earlier reading to count from")
    result.leave_out(empty, "the period has no length")
    return usable


def missing_rows(batch: Batch, missing: ConditionRange) -> list[int]:
    """Give the rows whose condition says that the read is missing."""
    low, high = missing
    conditions = batch.conditions[:, 0]
    found: list[int] = np.flatnonzero((conditions >= low) & (conditions <= high)).tolist()
    return found


@dataclass(slots=True)
class Estimates:
    """The consumptions that a rule sets, on their way into its result."""

    scale: int
    rows: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    conditions: list[int] = field(default_factory=list)

    def add(self, row: int, amount: Fraction, condition: int, result: Result) -> None:
        """Set one, rounded half-even to the scale; one that is too large for a count is left out."""
        count = divide_half_even(amount.numerator * 10**self.scale, amount.denominator)
        if abs(count) > MAXIMUM_COUNT:
            result.leave_out([row], "the estimate is too large")
            return
        self.rows.append(row)
        self.counts.append(count)
        self.conditions.append(condition)

    def into(self, result: Result) -> Result:
        """Give a rule's result with them as its changes."""
        if not self.rows:
            return result
        changes = Changes(
            rows=np.array(self.rows, dtype=np.intp),
            intervals=np.zeros(len(self.rows), dtype=np.intp),
            values=np.array(self.counts, dtype=np.int64),
            conditions=np.array(self.conditions, dtype=np.int32),
        )
        return dataclasses.replace(result, changes=changes)


@dataclass(frozen=True, slots=True)
class Total:
    """What was measured in a period: its sum, how many of the period's seconds it covers, and the lowest condition."""

    amount: Fraction = Fraction(0)
    covered: int = 0
    lowest_condition: int | None = None


def interval_totals(
    asked: Sequence[tuple[ComponentFacts, Period]], context: Context, *, minimum_condition: int = 0
) -> list[Total]:
    """
    Give the sum of interval measurements of components in periods (start, end].

    Measurements without a value, or of a condition below the minimum, do not count. An interval that lies in the
    period only in part counts in that part.
    """
    totals = [Total()] * len(asked)
    shapes: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for place, (facts, period) in enumerate(asked):
        size = facts.seconds_per_interval
        if size is not None and period.start < period.end:
            length = -(-period.end // size) - period.start // size
            shapes[size, length, facts.scale].append(place)
    for (size, length, scale), places in shapes.items():
        firsts = np.array([asked[place][1].start // size * size for place in places], dtype=np.int64)
        found = context.measured(
            Windows(
                component_ids=np.array([asked[place][0].component_id for place in places], dtype=np.int64),
                starts=firsts,
                length=length,
                seconds_per_interval=size,
                scale=scale,
            )
        )
        usable = found.present & found.valid & (found.conditions >= minimum_condition)
        for row, place in enumerate(places):
            seconds = _seconds_inside(int(firsts[row]), size, length, asked[place][1])
            whole = usable[row] & (seconds == size)
            parts = np.flatnonzero(usable[row] & (seconds != size)).tolist()
            amount = int(row_sums(found.values[row : row + 1], whole[np.newaxis])[0]) * size
            amount += sum(int(found.values[row, at]) * int(seconds[at]) for at in parts)
            conditions = found.conditions[row][found.present[row]]
            totals[place] = Total(
                amount=Fraction(amount, size * 10**scale),
                covered=int(seconds[usable[row]].sum()),
                lowest_condition=int(conditions.min()) if len(conditions) else None,
            )
    return totals


def _seconds_inside(first: int, size: int, length: int, period: Period) -> np.ndarray:
    """Give how many seconds of each interval lie in a period."""
    begins = first + np.arange(length, dtype=np.int64) * size
    inside: np.ndarray = np.minimum(begins + size, period.end) - np.maximum(begins, period.start)
    return inside


def related_intervals(batch: Batch, rows: list[int], context: Context) -> list[list[ComponentFacts]]:
    """Give the interval components that are related to each of these rows and measure in its unit."""
    part = batch.take(rows)
    related = context.related(part)
    ids = sorted({component for each in related for component in each} or {NO_COMPONENT})
    known = context.components(np.array(ids, dtype=np.int64))
    return [
        [
            known[component]
            for component in each
            if component in known
            and known[component].kind in INTERVAL_KINDS
            and known[component].uom == part.facts[row].component_uom
        ]
        for row, each in enumerate(related)
    ]


def register_total(reads: RegisterReads, period: Period) -> Total:
    """Give the consumption of a register between two reads at the very ends of a period; nothing without both."""
    steps = [read.consumption for read in reads.inside]
    at_start = reads.before is not None and reads.before.read_at == period.start
    at_end = bool(reads.inside) and reads.inside[-1].read_at == period.end
    if not (at_start and at_end) or any(step is None for step in steps):
        return Total()
    return Total(
        amount=sum((Fraction(step) for step in steps if step is not None), Fraction(0)),
        covered=period.end - period.start,
        lowest_condition=min(read.condition for read in reads.inside),
    )


def number_of(amount: Fraction, scale: int) -> str:
    """Give a sum as people read it, rounded to a scale."""
    number = to_decimal(divide_half_even(amount.numerator * 10**scale, amount.denominator), scale)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
