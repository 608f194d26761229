"""
What an IMD and its related components consumed over the same period, ready to be compared.

Registers and interval components are summed up apart. The period is that of the registers' reads: a register's own
begins at its previous read; an interval IMD is compared over the reads in it. An interval that an end of the period
cuts counts in proportion to its part in it. Quantities are exact fractions of the unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import ComponentKind
from vee.engine import calendar, consumption
from vee.engine.batch import Batch, in_range
from vee.engine.context import NEVER, ComponentFacts, Context, RegisterReads, Windows
from vee.engine.gaps import OUTAGE_RANGE


OTHER_PERIODS = kept("the related registers were not read at the same times")
NOT_MEASURED = kept("the related components have no measurements for the whole period")
# A period that is longer was not measured as a whole anyway, and would fill the memory.
LONGEST_PERIOD = 400 * calendar.SECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Compared:
    """The two sums of one IMD, and the largest multiplier among the registers that take part."""

    row: int
    own: Fraction
    related: Fraction
    multiplier: Decimal
    registers: bool
    """Whether the related components are registers."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why an IMD cannot be compared; `related_missing` when that may change once related measurements arrive."""

    row: int
    reason: str
    related_missing: bool = False


@dataclass(frozen=True, slots=True)
class _Span:
    """A component and the period (start, end] of which its consumption is asked."""

    component: ComponentFacts
    start: int
    end: int
    time_zone: str


def compare(batch: Batch, context: Context) -> tuple[list[Compared], list[NotCompared]]:
    """Give, for each IMD with related components, the sums to compare: one each for registers and intervals."""
    related = context.related(batch)
    known = context.components(np.array(sorted({one for each in related for one in each}), dtype=np.int64))
    totals = consumption.totals(batch)
    done: list[Compared] = []
    left_out: list[NotCompared] = []
    registers: dict[int, list[ComponentFacts]] = {}
    intervals: dict[int, list[ComponentFacts]] = {}
    for row, (facts, ids) in enumerate(zip(batch.facts, related, strict=True)):
        components = [known[one] for one in ids if one in known]
        units = {one.uom for one in components} - {facts.component_uom}
        if not components:
            left_out.append(NotCompared(row, "no component has to add up to this one"))
        elif units:
            reason = f"a related component measures {min(units)}, not {facts.component_uom}"
            left_out.append(NotCompared(row, reason))
        elif not totals.complete[row]:
            left_out.append(NotCompared(row, "values are missing"))
        else:
            for kind, rows in ((True, registers), (False, intervals)):
                if chosen := [one for one in components if (one.kind == ComponentKind.SCALAR) == kind]:
                    rows[row] = chosen
    work = _Work(batch, context, totals, done, left_out)
    if batch.kind == ComponentKind.SCALAR:
        work.register_with_registers(registers)
        work.register_with_intervals(intervals)
    else:
        work.intervals_with_registers(registers)
        work.intervals_with_intervals(intervals)
    return sorted(done, key=lambda one: (one.row, one.registers)), left_out


@dataclass(frozen=True, slots=True)
class _Work:
    batch: Batch
    context: Context
    totals: consumption.Totals
    done: list[Compared]
    left_out: list[NotCompared]

    def register_with_registers(self, related: Mapping[int, list[ComponentFacts]]) -> None:
        """Compare a register's consumption with that of registers that were read with it."""
        for row, start, end, reads in self._reads_in_own_periods(related):
            parts = [consumption.register_total(each, start, end) for each in reads]
            amounts = [Fraction(part) for part in parts if part is not None]
            if len(amounts) < len(parts):
                self._missing(row)
            else:
                self._compared(row, self._own(row), sum(amounts, Fraction(0)), related[row], registers=True)

    def register_with_intervals(self, related: Mapping[int, list[ComponentFacts]]) -> None:
        """Compare a register's consumption with the intervals of its period."""
        periods = self._own_periods(related)
        self._compare_with_spans(related, periods)

    def intervals_with_intervals(self, related: Mapping[int, list[ComponentFacts]]) -> None:
        """Compare an interval IMD with the intervals of the same period."""
        ends = consumption.ends(self.batch)
        periods = {row: (int(self.batch.starts[row]), int(ends[row])) for row in related}
        self._compare_with_spans(related, periods)

    def intervals_with_registers(self, related: Mapping[int, list[ComponentFacts]]) -> None:
        """Compare intervals with registers, from the read before the IMD, if any, to the last one in it."""
        size = self.batch.seconds_per_interval
        if size is None or not related:
            return
        ends = consumption.ends(self.batch)
        sums: dict[int, tuple[int, int, Fraction]] = {}
        reads = self._register_reads(related, {row: (int(self.batch.starts[row]), int(ends[row])) for row in related})
        for row, of_row in reads.items():
            counted = [_counted(each) for each in of_row]
            known = [one for one in counted if one is not None]
            if len(known) < len(counted):
                self._missing(row)
            elif len({(first, last) for first, last, _ in known}) > 1:
                self.left_out.append(NotCompared(row, OTHER_PERIODS, related_missing=True))
            else:
                sums[row] = (*known[0][:2], sum((amount for *_, amount in known), Fraction(0)))
        # What lies before the IMD was measured already.
        before = {row: first for row, (first, _, _) in sums.items() if first < int(self.batch.starts[row])}
        earlier = dict(zip(before, self._measured([self._before(row, at) for row, at in before.items()]), strict=True))
        for row, (first, last, amount) in sums.items():
            part = earlier.get(row, Fraction(0))
            if part is None:
                self.left_out.append(NotCompared(row, "intervals before the IMD are missing"))
                continue
            own = part + self._own_between(row, first, last, size)
            self._compared(row, own, amount, related[row], registers=True)

    def _before(self, row: int, first: int) -> _Span:
        facts, size = self.batch.facts[row], self.batch.seconds_per_interval
        own = ComponentFacts(
            facts.component_id, self.batch.kind, size, facts.component_uom, self.batch.scale, facts.component_multiplier
        )
        return _Span(own, first, int(self.batch.starts[row]), facts.time_zone)

    def _own(self, row: int) -> Fraction:
        return Fraction(self.totals.of(row), 10**self.batch.scale)

    def _own_between(self, row: int, first: int, last: int, size: int) -> Fraction:
        values = np.where(consumption.usable(self.batch.take([row]))[0], self.batch.values[row], 0)
        start = int(self.batch.starts[row])
        return _prorated(values, start, size, max(first, start), last) / 10**self.batch.scale

    def _own_periods(self, rows: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Give the periods of registers that have a read before."""
        wanted = sorted(rows)
        if not wanted:
            return {}
        starts, ends = consumption.periods(self.batch.take(wanted), self.context)
        found = {}
        for row, start, end in zip(wanted, starts.tolist(), ends.tolist(), strict=True):
            if start == NEVER:
                self.left_out.append(NotCompared(row, "the register has no read before"))
            else:
                found[row] = (start, end)
        return found

    def _reads_in_own_periods(
        self, related: Mapping[int, list[ComponentFacts]]
    ) -> Iterable[tuple[int, int, int, list[RegisterReads]]]:
        periods = self._own_periods(related)
        reads = self._register_reads({row: related[row] for row in periods}, periods)
        return [(row, *periods[row], of_row) for row, of_row in reads.items()]

    def _register_reads(
        self, related: Mapping[int, list[ComponentFacts]], periods: Mapping[int, tuple[int, int]]
    ) -> dict[int, list[RegisterReads]]:
        pairs = [(row, one.component_id, *periods[row]) for row, chosen in related.items() for one in chosen]
        if not pairs:
            return {}
        ids, starts, ends = (np.array([pair[at] for pair in pairs], dtype=np.int64) for at in (1, 2, 3))
        found: dict[int, list[RegisterReads]] = defaultdict(list)
        for (row, *_), reads in zip(pairs, self.context.register_reads(ids, starts, ends), strict=True):
            found[row].append(reads)
        return found

    def _compare_with_spans(
        self, related: Mapping[int, list[ComponentFacts]], periods: Mapping[int, tuple[int, int]]
    ) -> None:
        spans = [
            (row, _Span(one, start, end, self.batch.facts[row].time_zone))
            for row, (start, end) in periods.items()
            for one in related[row]
        ]
        amounts: dict[int, list[Fraction | None]] = defaultdict(list)
        for (row, _), amount in zip(spans, self._measured([span for _, span in spans]), strict=True):
            amounts[row].append(amount)
        for row, parts in amounts.items():
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                self._missing(row)
            else:
                self._compared(row, self._own(row), sum(known, Fraction(0)), related[row], registers=False)

    def _measured(self, spans: Sequence[_Span]) -> list[Fraction | None]:
        """Give what interval components measured in periods; None where an interval is missing."""
        answers: list[Fraction | None] = [None] * len(spans)
        alike: dict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
        for number, span in enumerate(spans):
            size = span.component.seconds_per_interval
            if size and span.end - span.start <= LONGEST_PERIOD:
                first = span.start - (span.start + calendar.standard_offset_seconds(span.time_zone)) % size
                alike[size, span.component.scale, -(-(span.end - first) // size)].append((number, first))
        for (size, scale, length), places in alike.items():
            found = self.context.measured(
                Windows(
                    component_ids=np.array([spans[number].component.component_id for number, _ in places]),
                    starts=np.array([first for _, first in places], dtype=np.int64),
                    length=length,
                    seconds_per_interval=size,
                    scale=scale,
                )
            )
            there = consumption.meant(found.valid, found.conditions)
            explained = found.present & ~found.valid & in_range(found.conditions, OUTAGE_RANGE)
            for at, (number, first) in enumerate(places):
                if (there[at] | explained[at]).all():
                    values = np.where(there[at], found.values[at], 0)
                    span = spans[number]
                    answers[number] = _prorated(values, first, size, span.start, span.end) / 10**scale
        return answers

    def _missing(self, row: int) -> None:
        self.left_out.append(NotCompared(row, NOT_MEASURED, related_missing=True))

    def _compared(
        self, row: int, own: Fraction, related: Fraction, components: Sequence[ComponentFacts], *, registers: bool
    ) -> None:
        facts = self.batch.facts[row]
        multipliers = [one.multiplier for one in components] if registers else []
        if self.batch.kind == ComponentKind.SCALAR or not multipliers:
            multipliers.append(facts.component_multiplier)
        self.done.append(Compared(row, own, related, max(multipliers), registers))


def _counted(reads: RegisterReads) -> tuple[int, int, Fraction] | None:
    """Give first and last read around and in a period, and what was counted between; None without two."""
    # A first read of a register has no consumption: counting begins with it.
    series = [read for read in (reads.before, *reads.inside) if read is not None]
    if len(series) < 2 or not reads.inside:
        return None
    amounts = [read.consumption for read in series[1:] if read.consumption is not None]
    if len(amounts) < len(series) - 1:
        return None
    return series[0].read_at, series[-1].read_at, Fraction(sum(amounts, Decimal(0)))


def _prorated(values: NDArray[np.int64], first: int, size: int, start: int, end: int) -> Fraction:
    """Add up the intervals from `first` as far as they lie in (start, end], in proportion at its ends; in counts."""
    if end <= start:
        return Fraction(0)
    begins, last = (start - first) // size, -(-(end - first) // size)
    numbers = [int(value) for value in values[begins:last].tolist()]
    total = Fraction(sum(numbers))
    total -= Fraction(numbers[0] * (start - first - begins * size), size)
    return total - Fraction(numbers[-1] * (last * size - (end - first)), size)
