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
from vee.engine.sentences import Said, gettext_noop


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
    parts: list[Changes] = []
    for adjusted in adjust(batch, found, chosen, refused):
        negative = _turned_negative(batch, adjusted)
        result.findings.extend(_findings(batch, adjusted, negative))
        parts.append(_changes(batch, adjusted, ~negative, parameters))
    for row, reason in sorted(refused.items()):
        result.leave_out([row], reason)
        result.findings.append(Finding(row, f"Nothing was adjusted: {reason}.", point="not_adjusted"))
    result.findings.sort(key=lambda finding: (finding.row, finding.first_interval or 0))
    return Result(findings=result.findings, changes=Changes.joined(parts), not_evaluated=result.not_evaluated)


def _changes(batch: Batch, adjusted: Adjusted, kept: NDArray[np.bool_], parameters: Adjustment) -> Changes:
    """Give what is not what it was already."""
    at, columns = np.nonzero(adjusted.chosen & kept[:, np.newaxis])
    rows, intervals = adjusted.rows[at], adjusted.stretches[0].first + columns
    values = adjusted.values[at, columns]
    was = batch.conditions[rows, intervals]
    missing = ~batch.valid[rows, intervals] | in_range(was, MISSING_RANGE)
    others = was if parameters.adjusted_condition is None else parameters.adjusted_condition
    conditions = np.where(missing, parameters.estimate_condition, others).astype(np.int32)
    changed = missing | (batch.values[rows, intervals] != values)
    return Changes(rows[changed], intervals[changed], values[changed], conditions[changed])


def _turned_negative(batch: Batch, adjusted: Adjusted) -> NDArray[np.bool_]:
    """Tell which stretches would get negative intervals and had none, where one direction only is measured."""
    stretch, rows = adjusted.stretches[0], adjusted.rows
    before = np.where(batch.valid[rows], batch.values[rows], 0)[:, stretch.first : stretch.end]
    one_way = np.array([not batch.facts[row].allow_negative for row in rows.tolist()], dtype=np.bool_)
    turned = (np.where(adjusted.chosen, adjusted.values, 0) < 0).any(axis=1)
    return one_way & turned & ~((before < 0) & adjusted.chosen).any(axis=1)


def _findings(batch: Batch, adjusted: Adjusted, negative: NDArray[np.bool_]) -> list[Finding]:
    found = []
    for at in np.flatnonzero(negative).tolist():
        stretch, scaled = adjusted.stretches[at], adjusted.chosen[at]
        consumption = as_text(stretch.consumption, batch.scale)
        found.append(
            Finding(
                stretch.row,
                f"The register says {consumption}, which is less than the intervals that are not to be adjusted.",
                observed=as_text(int(adjusted.values[at][scaled].min()), batch.scale),
                limit="0",
                first_interval=stretch.first,
                last_interval=stretch.end - 1,
                count=int(scaled.sum()),
            )
        )
    return found


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    if parameters.adjust_intervals == "ALL":
        which = Said(gettext_noop("all intervals"))
    else:
        low, high = parameters.condition_range
        which = Said(gettext_noop("the intervals with conditions from {low} to {high}"), low=low, high=high)
    return Said(gettext_noop("Scales {which} so that the IMD adds up to what its register measured."), which=which)


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
