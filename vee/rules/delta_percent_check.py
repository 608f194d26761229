"""
Delta Percent Check (`vee.md` 5.3): how far a value lies from the one before it, in percent of itself.

`fail <=> 100 * |current - previous| / |current| > tolerance_pct`, Itron's *demand tolerance of consecutive intervals*
and, for registers, its *delta percent difference*. Previous is the last value that is neither missing nor of an outage;
before the first interval of an IMD it is the final measurement beside it, and for a register the consumption of the
read before. A current value of zero has no percentage and is not compared.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import ComponentKind, Role
from vee.engine import consumption
from vee.engine.batch import Batch, in_range
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import (
    MAXIMUM_COUNT,
    UnableToKeepExactly,
    as_text,
    number_text,
    ratio_exceeds,
    to_fixed,
)
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE
from vee.engine.parameters import RuleParameters, quantity
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


NOTHING_BEFORE = kept("there is no value before to compare with")


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    tolerance_pct: Annotated[
        Decimal, quantity("How far a value may lie from the one before it, in percent of itself.", unit="%", minimum=0)
    ] = Decimal(500)
    minimum_difference: Annotated[
        Decimal, quantity("Smaller differences are ignored.", unit="unit of measure", minimum=0)
    ] = Decimal(0)


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Compare each value with the one before it."""
    result = Result()
    there = batch.valid & ~in_range(batch.conditions, (OUTAGE_RANGE[0], MISSING_RANGE[1]))
    rows = np.flatnonzero(there.any(axis=1))
    result.leave_out(np.flatnonzero(~there.any(axis=1)), "there is no value")
    if not len(rows):
        return result
    part, there = batch.take(rows), there[rows]
    values, known = _value_before(part, context)
    previous, has_previous = _previous(part.values, there, values, known)
    compared = there & has_previous
    result.leave_out(rows[~compared.any(axis=1)], NOTHING_BEFORE)
    for at, exceeding in _exceeding(part, previous, compared, parameters):
        result.findings.append(_finding(part, int(rows[at]), at, exceeding, previous, parameters))
    return result


def _value_before(batch: Batch, context: Context) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give what was measured before each IMD."""
    if batch.kind != ComponentKind.SCALAR:
        edges = context.boundaries(batch)
        unusable = in_range(edges.before_condition, (OUTAGE_RANGE[0], MISSING_RANGE[1]))
        return edges.before_value, edges.before_present & ~unusable
    values, known = np.zeros(batch.size, dtype=np.int64), np.zeros(batch.size, dtype=np.bool_)
    ids = batch.component_ids
    before = consumption.ends(batch) - 1
    for row, reads in enumerate(context.register_reads(ids, before, before)):
        if reads.before is not None and reads.before.consumption is not None:
            try:
                values[row], known[row] = to_fixed(reads.before.consumption, batch.scale), True
            except UnableToKeepExactly:
                continue
    return values, known


def _previous(
    values: NDArray[np.int64],
    there: NDArray[np.bool_],
    before: NDArray[np.int64],
    before_known: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give for each interval the last usable value before it, and whether there is one."""
    numbered = np.concatenate([before[:, None], values], axis=1)
    usable = np.concatenate([before_known[:, None], there], axis=1)
    last = np.maximum.accumulate(np.where(usable, np.arange(usable.shape[1]), -1), axis=1)[:, :-1]
    return np.take_along_axis(numbered, np.maximum(last, 0), axis=1), last >= 0


def _exceeding(
    batch: Batch, previous: NDArray[np.int64], compared: NDArray[np.bool_], parameters: Parameters
) -> list[tuple[int, NDArray[np.intp]]]:
    """Give each row with the intervals that differ too much."""
    differences = np.abs(np.where(compared, batch.values - previous, 0))
    sizes = np.abs(batch.values)
    least = int(parameters.minimum_difference.scaleb(batch.scale).to_integral_value(rounding=ROUND_CEILING))
    judged = compared & (sizes > 0) & (differences >= min(least, 2 * MAXIMUM_COUNT + 1))
    limit = parameters.tolerance_pct / 100
    exceeds = judged & ratio_exceeds(differences, np.where(judged, sizes, 1), limit)
    return [(row, np.flatnonzero(exceeds[row])) for row in np.flatnonzero(exceeds.any(axis=1)).tolist()]


def _finding(
    batch: Batch,
    row: int,
    at: int,
    exceeding: NDArray[np.intp],
    previous: NDArray[np.int64],
    parameters: Parameters,
) -> Finding:
    shares = [
        (abs(int(batch.values[at, interval]) - int(previous[at, interval])), abs(int(batch.values[at, interval])))
        for interval in exceeding.tolist()
    ]
    worst = max(range(len(shares)), key=lambda number: Fraction(*shares[number]))
    interval = int(exceeding[worst])
    observed = consumption.percent_text(*shares[worst])
    value, before = (as_text(int(array[at, interval]), batch.scale) for array in (batch.values, previous))
    limit = number_text(parameters.tolerance_pct)
    return Finding(
        row,
        f"{value} after {before} differs by {observed} %; allowed are {limit} %.",
        observed=f"{observed} %",
        limit=f"{limit} %",
        first_interval=int(exceeding[0]),
        last_interval=int(exceeding[-1]),
        count=len(exceeding),
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop("{fails} when a value differs by more than {percent} % of itself from the value before it."),
        percent=number_text(parameters.tolerance_pct),
    )


RULE = Rule(
    name="delta_percent_check",
    code="",
    title="Delta Percent Check",
    summary=(
        "Compares each value with the last one before it, in percent of itself: consecutive intervals, or the "
        "consumption of consecutive reads of a register."
    ),
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("a value lies too far from the one before it", "DELTA-PERCENT"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
