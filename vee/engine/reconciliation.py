"""
Interval consumption brought to what a register says: the working of the rules that scale intervals to reads.

The reads around an IMD cut it into stretches; over each of them the register knows the consumption. A stretch that
begins before the IMD or ends after it is completed by final interval measurements, when all of them are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.engine.allocation import in_proportion
from vee.engine.batch import Batch
from vee.engine.context import Context, RegisterRead, RegisterReads, Windows
from vee.engine.fixed_point import MAXIMUM_COUNT, row_sums


NO_READ = kept("the register has no read that tells the consumption of the period")
OFF_THE_GRID = kept("a register read does not lie on the border of an interval")
INCOMPLETE = kept("intervals between the register reads are missing")
TOO_LARGE = kept("the result is too large a number")
# What lies between two reads outside the IMD is looked for this far.
MAXIMUM_OUTSIDE_SECONDS = 400 * 86_400


@dataclass(frozen=True, slots=True)
class Stretch:
    """Intervals [first, end) of one IMD, of which a register knows the consumption: a count at the batch's scale."""

    row: int
    first: int
    end: int
    consumption: int


@dataclass(frozen=True, slots=True)
class _Span:
    """The time between two reads, and the consumption over it."""

    row: int
    start: int
    end: int
    consumption: Decimal


def stretches(
    batch: Batch, rows: Sequence[int], reads: Sequence[RegisterReads], context: Context, *, beyond: bool
) -> tuple[list[Stretch], dict[int, str]]:
    """
    Give the stretches of IMDs with known consumption, and why there is none for a row.

    `reads` belong to the rows. With `beyond` the stretch to the first read after the IMD counts as well; what was
    measured outside the IMD is taken off its consumption.
    """
    size = batch.seconds_per_interval or 0
    spans: list[_Span] = []
    refused: dict[int, str] = {}
    for row, around in zip(rows, reads, strict=True):
        listed = [*([around.before] if around.before else []), *around.inside]
        if beyond and around.after:
            listed.append(around.after)
        spans.extend(_spans(row, listed))
    start_of = {row: int(batch.starts[row]) for row in rows}
    outside = _outside(batch, spans, context)
    found: list[Stretch] = []
    for span in spans:
        into, rest = divmod(span.start - start_of[span.row], size)
        until, other_rest = divmod(span.end - start_of[span.row], size)
        if until <= 0 or into >= batch.length:
            continue
        if rest or other_rest:
            refused[span.row] = OFF_THE_GRID
            continue
        known = outside.get((span.row, span.start), 0)
        if known is None:
            refused[span.row] = INCOMPLETE
            continue
        count = int(span.consumption.scaleb(batch.scale).to_integral_value(rounding=ROUND_HALF_EVEN))
        found.append(Stretch(span.row, max(into, 0), min(until, batch.length), count - known))
    covered = {stretch.row for stretch in found}
    refused.update({row: NO_READ for row in rows if row not in covered and row not in refused})
    return found, refused


def _spans(row: int, reads: Sequence[RegisterRead]) -> Iterator[_Span]:
    for before, read in pairwise(reads):
        if read.consumption is not None:
            yield _Span(row, before.read_at, read.read_at, read.consumption)


def _outside(batch: Batch, spans: Sequence[_Span], context: Context) -> dict[tuple[int, int], int | None]:
    """Give the consumption that was measured in the parts of spans outside their IMDs; None where some is missing."""
    size = batch.seconds_per_interval or 0
    parts: list[tuple[_Span, int, int]] = []
    for span in spans:
        start = int(batch.starts[span.row])
        end = start + batch.length * size
        if span.end <= start or span.start >= end or (span.start - start) % size or (span.end - start) % size:
            continue
        parts += [(span, low, high) for low, high in ((span.start, start), (end, span.end)) if low < high]
    known: dict[tuple[int, int], int | None] = {}
    reachable = [part for part in parts if part[2] - part[1] <= MAXIMUM_OUTSIDE_SECONDS]
    known.update({(span.row, span.start): None for span, low, high in parts if high - low > MAXIMUM_OUTSIDE_SECONDS})
    if not reachable:
        return known
    lengths = np.array([(high - low) // size for _, low, high in reachable])
    length = int(lengths.max())
    found = context.measured(
        Windows(
            component_ids=np.array([batch.facts[span.row].component_id for span, _, _ in reachable], dtype=np.int64),
            starts=np.array([low for _, low, _ in reachable], dtype=np.int64),
            length=length,
            seconds_per_interval=size,
            scale=batch.scale,
        )
    )
    for number, (span, _, _) in enumerate(reachable):
        key = (span.row, span.start)
        there = slice(0, int(lengths[number]))
        so_far = known.get(key, 0)
        if so_far is None or not found.valid[number, there].all():
            known[key] = None
        else:
            known[key] = so_far + sum(found.values[number, there].tolist())
    return known


@dataclass(frozen=True, slots=True)
class Adjusted:
    """
    New values of R stretches of one place in their IMDs: all [R, W], W intervals from the first.

    `chosen` tells which intervals were scaled; the values of the others mean nothing.
    """

    stretches: Sequence[Stretch]
    chosen: NDArray[np.bool_]
    values: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.intp]:
        """The rows of the batch."""
        return np.array([stretch.row for stretch in self.stretches], dtype=np.intp)


def adjust(
    batch: Batch, found: Sequence[Stretch], chosen: NDArray[np.bool_], refused: dict[int, str]
) -> Iterator[Adjusted]:
    """
    Scale the chosen intervals of stretches so that all of each adds up to its consumption.

    `chosen` is [N, L]. Intervals that are not chosen keep their values and have to have one. When the chosen ones add
    up to zero each gets the same; otherwise they have to have values. Why a stretch is left is put into `refused`.
    """
    places: dict[tuple[int, int], list[Stretch]] = defaultdict(list)
    for stretch in found:
        if chosen[stretch.row, stretch.first : stretch.end].any():
            places[stretch.first, stretch.end].append(stretch)
    for (first, end), of_place in places.items():
        rows = np.array([stretch.row for stretch in of_place], dtype=np.intp)
        scaled, valid = chosen[rows, first:end], batch.valid[rows, first:end]
        values = np.where(valid, batch.values[rows, first:end], 0)
        some = row_sums(values, scaled) != 0
        incomplete = ~(valid | scaled).all(axis=1) | (some & ~(valid | ~scaled).all(axis=1))
        known = row_sums(values, ~scaled)
        targets = np.array([stretch.consumption for stretch in of_place], dtype=object) - known.astype(object)
        shares = in_proportion(values, scaled, targets)
        too_large = (np.abs(shares) > MAXIMUM_COUNT).any(axis=1).astype(np.bool_)
        refused.update(dict.fromkeys(rows[too_large].tolist(), TOO_LARGE))
        refused.update(dict.fromkeys(rows[incomplete].tolist(), INCOMPLETE))
        kept = np.flatnonzero(~incomplete & ~too_large)
        if len(kept):
            yield Adjusted([of_place[at] for at in kept.tolist()], scaled[kept], shares[kept].astype(np.int64))
