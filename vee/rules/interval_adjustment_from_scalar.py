"""
Interval Adjustment From Scalar (`vee.md` 5.2): intervals are scaled so that they add up to the register.

The register is the component's consumption reference. Over each stretch between two of its reads that lies in the IMD
either all intervals are scaled, `v' = v * S / C`, or only those with a condition in a range, by
`(S - the other intervals) / the intervals in range`; where what is scaled adds up to zero each interval gets the same.
What rounding leaves over is spread, so that the sum equals the register to the last digit that is kept.

A stretch that began before the IMD is completed by final measurements. Where some of them are missing, or intervals of
the stretch are, nothing is adjusted.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from vee.codes import ComponentKind, Condition
from vee.engine.batch import Batch, in_range
from vee.engine.context import NO_COMPONENT, Context
from vee.engine.findings import Changes, Finding, Result
from vee.engine.fixed_point import as_text
from vee.engine.gaps import MISSING_RANGE
from vee.engine.parameters import (
    ConditionCode,
    ConditionRange,
    ExceptionTypeCode,
    PointSeverity,
    RuleParameters,
    described,
    require_ordered,
)
from vee.engine.reconciliation import Adjusted, Stretch, adjust, stretches
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, FailurePoint, Rule


FAILURE_POINTS = (
    FailurePoint("intervals would become negative", "ADJUSTMENT-NEGATIVE"),
    FailurePoint("the consumption to adjust to is not known", "NOT-ADJUSTED", name="not_adjusted"),
)


class Adjustment(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set of every adjustment to a register."""

    estimate_condition: Annotated[
        ConditionCode, described("The condition of intervals that were missing and got a share.")
    ] = int(Condition.ESTIMATED_PRORATED)
    adjusted_condition: Annotated[
        ConditionCode | None, described("The condition of other intervals that were scaled; empty: they keep theirs.")
    ] = None
    not_adjusted_severity: Annotated[
        PointSeverity, described("Report IMDs whose register does not tell their consumption; empty: do not.")
    ] = None
    not_adjusted_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""


class Parameters(Adjustment, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    adjust_intervals: Annotated[
        Literal["ALL", "IN_CONDITION_RANGE"],
        described("Scale all intervals, or only those with a condition in the range."),
    ] = "ALL"
    condition_range: Annotated[
        ConditionRange, described("With IN_CONDITION_RANGE: the conditions of the intervals that are scaled.")
    ] = (200_000, 499_999)

    def __post_init__(self) -> None:
        require_ordered(self.condition_range, "condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Scale the intervals of each IMD to its register."""
    result = Result()
    if batch.seconds_per_interval is None:
        return Result.nothing_to_judge(batch, "the interval size is not known")
    rows, registers = with_register(batch, np.ones(batch.size, dtype=np.bool_), context, result)
    if not rows:
        return result
    ends = batch.starts[rows] + batch.length * batch.seconds_per_interval
    reads = context.register_reads(registers, batch.starts[rows], ends)
    found, refused = stretches(batch, rows, reads, context, beyond=False)
    if parameters.adjust_intervals == "ALL":
        chosen = np.ones(batch.values.shape, dtype=np.bool_)
    else:
        chosen = in_range(batch.conditions, parameters.condition_range)
    return adjusted_to(batch, found, chosen, parameters, result, refused)


def with_register(
    batch: Batch, wanted: NDArray[np.bool_], context: Context, result: Result
) -> tuple[list[int], NDArray[np.int64]]:
    """Give the wanted rows whose consumption reference is a register of the same unit, and the register of each."""
    references = np.array([facts.consumption_reference_id or NO_COMPONENT for facts in batch.facts], dtype=np.int64)
    result.leave_out(
        np.flatnonzero(wanted & (references == NO_COMPONENT)), "the component has no consumption reference"
    )
    rows = np.flatnonzero(wanted & (references != NO_COMPONENT))
    known = context.components(references[rows]) if len(rows) else {}
    usable = []
    for row in rows.tolist():
        register = known.get(int(references[row]))
        if register is None or register.kind != ComponentKind.SCALAR:
            result.leave_out([row], "the consumption reference is no register")
        elif register.uom != batch.facts[row].component_uom:
            result.leave_out([row], "the consumption reference has another unit")
        else:
            usable.append(row)
    return usable, references[usable]


def adjusted_to(
    batch: Batch,
    found: list[Stretch],
    chosen: NDArray[np.bool_],
    parameters: Adjustment,
    result: Result,
    refused: dict[int, str],
) -> Result:
    """Put the chosen intervals of stretches to the consumption of each: changes, findings, and what was left out."""
    every: list[Adjusted] = []
    for stretch in found:
        one = adjust(batch, stretch, chosen[stretch.row])
        if isinstance(one, str):
            refused[stretch.row] = one
        elif finding := _turned_negative(batch, one):
            result.findings.append(finding)
        else:
            every.append(one)
    for row, reason in sorted(refused.items()):
        result.leave_out([row], reason)
        result.findings.append(Finding(row, f"Nothing was adjusted: {reason}.", point="not_adjusted"))
    result.findings.sort(key=lambda finding: (finding.row, finding.first_interval or 0))
    return Result(
        findings=result.findings, changes=_changes(batch, every, parameters), not_evaluated=result.not_evaluated
    )


def _changes(batch: Batch, every: list[Adjusted], parameters: Adjustment) -> Changes:
    """Give what is not what it was already."""
    rows = np.concatenate([np.zeros(0), *(np.full(len(one.values), one.stretch.row) for one in every)]).astype(np.intp)
    intervals = np.concatenate([np.zeros(0), *(one.intervals for one in every)]).astype(np.intp)
    values = np.array([value for one in every for value in one.values], dtype=np.int64)
    was = batch.conditions[rows, intervals]
    missing = ~batch.valid[rows, intervals] | in_range(was, MISSING_RANGE)
    others = was if parameters.adjusted_condition is None else parameters.adjusted_condition
    conditions = np.where(missing, parameters.estimate_condition, others).astype(np.int32)
    changed = missing | (batch.values[rows, intervals] != values)
    return Changes(rows[changed], intervals[changed], values[changed], conditions[changed])


def _turned_negative(batch: Batch, one: Adjusted) -> Finding | None:
    """Report a stretch whose intervals would change their sign, where the component measures one direction only."""
    lowest = min(one.values, default=0)
    before = np.where(batch.valid[one.stretch.row, one.intervals], batch.values[one.stretch.row, one.intervals], 0)
    if lowest >= 0 or batch.facts[one.stretch.row].allow_negative or before.min(initial=0) < 0:
        return None
    shown = as_text(one.stretch.consumption, batch.scale)
    return Finding(
        one.stretch.row,
        f"The register says {shown}, which is less than the intervals that are not to be adjusted.",
        observed=as_text(lowest, batch.scale),
        limit="0",
        first_interval=one.stretch.first,
        last_interval=one.stretch.end - 1,
        count=len(one.values),
    )


def sentence(parameters: Parameters) -> str:
    """Say what the rule does."""
    if parameters.adjust_intervals == "ALL":
        which = "all intervals"
    else:
        low, high = parameters.condition_range
        which = f"the intervals with conditions from {low} to {high}"
    return f"Scales {which} so that the IMD adds up to what its register measured."


RULE = Rule(
    name="interval_adjustment_from_scalar",
    code="D2-INTADJSCA",
    title="Interval Adjustment From Scalar",
    summary=(
        "Scales intervals so that they add up exactly to the consumption of the register that the component refers "
        "to: all of them, or those with conditions in a range."
    ),
    kinds=INTERVAL_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=FAILURE_POINTS,
    sentence=sentence,
    evaluate=evaluate,
    in_order=True,
)
