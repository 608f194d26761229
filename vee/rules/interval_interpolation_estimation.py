"""
Interval Interpolation Estimation (`vee.md` 4.5): short gaps become a straight line between their neighbours.

A gap is a maximal run of missing intervals; a longer one than the limit is left alone. Its references are the intervals
next to it; where it touches an edge of the IMD, the final measurement immediately before or after. A reference has a
value and a condition in neither the missing nor the outage range. `v_k = a + (b - a) * k / (n + 1)`, k = 1…n, rounded
half-even to the scale; one reference only: its value is repeated; none: the gap stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vee.codes import Condition
from vee.engine.batch import Batch, distinct, in_range
from vee.engine.context import Context
from vee.engine.findings import Changes, Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, Runs, missing_runs
from vee.engine.parameters import (
    ConditionCode,
    ConditionRange,
    ExceptionTypeCode,
    PointSeverity,
    RuleParameters,
    described,
    quantity,
    require_ordered,
)
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, gettext_noop
from vee.engine.straight_lines import straight_lines


DEFAULT_HOURS = Decimal(2)


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set. At most one of the two limits; without one, gaps of up to 2 hours are filled."""

    max_consecutive_intervals: Annotated[
        Annotated[int, msgspec.Meta(ge=1, extra_json_schema={"unit": "intervals"})] | None,
        described("The longest gap that is filled, in intervals."),
    ] = None
    max_hours: Annotated[Decimal | None, quantity("The longest gap that is filled, in hours.", unit="h", above=0)] = (
        None
    )
    missing_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are missing, as are those without a value.")
    ] = MISSING_RANGE
    outage_condition_range: Annotated[
        ConditionRange,
        described("Values with a condition in this range are neither estimated nor used as a reference."),
    ] = OUTAGE_RANGE
    estimate_condition: Annotated[ConditionCode, described("The condition that estimated intervals get.")] = int(
        Condition.ESTIMATED_INTERPOLATED
    )
    interpolated_severity: Annotated[PointSeverity, described("Report interpolated intervals; empty: do not.")] = None
    interpolated_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""
    gap_too_long_severity: Annotated[PointSeverity, described("Report gaps over the limit; empty: do not.")] = None
    gap_too_long_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""

    def __post_init__(self) -> None:
        if self.max_consecutive_intervals is not None and self.max_hours is not None:
            raise ValueError("max_consecutive_intervals and max_hours exclude each other")
        require_ordered(self.missing_condition_range, "missing_condition_range")
        require_ordered(self.outage_condition_range, "outage_condition_range")

    def for_interval_size(self, seconds_per_interval: int) -> Self:
        """Give the parameters with the limit in intervals."""
        if self.max_consecutive_intervals is not None:
            return self
        hours = DEFAULT_HOURS if self.max_hours is None else self.max_hours
        limit = int((hours * 3600 / seconds_per_interval).to_integral_value(rounding=ROUND_FLOOR))
        return msgspec.structs.replace(self, max_consecutive_intervals=limit, max_hours=None)


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Fill the gaps that are short enough and have a reference."""
    if batch.seconds_per_interval is None:
        return Result.nothing_to_judge(batch, "the interval size is not known")
    gaps = missing_runs(batch, parameters.missing_condition_range, parameters.outage_condition_range)
    if not len(gaps):
        return Result()
    limit = parameters.for_interval_size(batch.seconds_per_interval).max_consecutive_intervals or 0
    fits = gaps.lengths <= limit
    short, result = gaps, Result()
    if not fits.all():
        short, long = gaps.pick(fits), gaps.pick(~fits)
        result.findings.extend(_too_long(long, parameters, limit))
        result.leave_out(distinct(long.rows), f"a gap is longer than {limit} intervals")
    if not len(short):
        return result
    left, right = _references(batch, short, parameters, context)
    known = left.usable | right.usable
    if not known.all():
        result.leave_out(distinct(short.rows[~known]), "a gap has no reference on either side")
        if not known.any():
            return result
    filled = short.pick(known)
    first = np.where(left.usable, left.values, right.values)[known]
    last = np.where(right.usable, right.values, left.values)[known]
    changes = straight_lines(filled, first, last, parameters.estimate_condition)
    return Result(
        findings=result.findings + _interpolated(changes, parameters),
        changes=changes,
        not_evaluated=result.not_evaluated,
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """The reference at one side of each gap."""

    values: NDArray[np.int64]
    usable: NDArray[np.bool_]


def _references(batch: Batch, gaps: Runs, parameters: Parameters, context: Context) -> tuple[_Side, _Side]:
    """Give the references before and after each gap: neighbours inside the IMD, final measurements at its edges."""
    at_start, at_end = gaps.firsts == 0, gaps.ends == batch.length
    before = _neighbours(batch, gaps.rows, np.maximum(gaps.firsts - 1, 0), parameters)
    after = _neighbours(batch, gaps.rows, np.minimum(gaps.ends, batch.length - 1), parameters)
    touching = distinct(gaps.rows[at_start | at_end])
    if not len(touching):
        return before, after
    edges = context.boundaries(batch.take(touching))
    position = np.searchsorted(touching, gaps.rows)
    position[~(at_start | at_end)] = 0

    def outside(values: NDArray[np.int64], conditions: NDArray[np.int32], present: NDArray[np.bool_]) -> _Side:
        return _Side(values[position], (present & _can_refer(conditions, parameters))[position])

    earlier = outside(edges.before_value, edges.before_condition, edges.before_present)
    later = outside(edges.after_value, edges.after_condition, edges.after_present)
    return _either(at_start, earlier, before), _either(at_end, later, after)


def _neighbours(batch: Batch, rows: NDArray[np.intp], at: NDArray[np.intp], parameters: Parameters) -> _Side:
    usable = batch.valid[rows, at] & _can_refer(batch.conditions[rows, at], parameters)
    return _Side(batch.values[rows, at], usable)


def _can_refer(conditions: NDArray[np.int32], parameters: Parameters) -> NDArray[np.bool_]:
    barred = in_range(conditions, parameters.missing_condition_range)
    return ~(barred | in_range(conditions, parameters.outage_condition_range))


def _either(chosen: NDArray[np.bool_], first: _Side, second: _Side) -> _Side:
    return _Side(np.where(chosen, first.values, second.values), np.where(chosen, first.usable, second.usable))


def _too_long(gaps: Runs, parameters: Parameters, limit: int) -> list[Finding]:
    if parameters.gap_too_long_severity is None:
        return []
    return [
        Finding(
            row,
            f"A gap of {length} intervals is longer than the limit of {limit}.",
            observed=str(length),
            limit=str(limit),
            first_interval=first,
            last_interval=first + length - 1,
            count=length,
            point="gap_too_long",
        )
        for row, first, length in zip(gaps.rows.tolist(), gaps.firsts.tolist(), gaps.lengths.tolist(), strict=True)
    ]


def _interpolated(changes: Changes, parameters: Parameters) -> list[Finding]:
    if parameters.interpolated_severity is None:
        return []
    findings = []
    for row in distinct(changes.rows).tolist():
        intervals = changes.intervals[changes.rows == row]
        findings.append(
            Finding(
                row,
                f"{len(intervals)} missing intervals were interpolated.",
                observed=str(len(intervals)),
                first_interval=int(intervals.min()),
                last_interval=int(intervals.max()),
                count=len(intervals),
                point="interpolated",
            )
        )
    return findings


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    if parameters.max_consecutive_intervals is not None:
        limit = Said(gettext_noop("{count} intervals"), count=parameters.max_consecutive_intervals)
    else:
        limit = Said(gettext_noop("{hours} hours"), hours=number_text(parameters.max_hours or DEFAULT_HOURS))
    return Said(
        gettext_noop("Fills gaps of up to {limit} with a straight line between the values next to them."), limit=limit
    )


RULE = Rule(
    name="interval_interpolation_estimation",
    code="D2-INTINTEST",
    title="Interval Interpolation Estimation",
    summary=(
        "Fills short gaps with a straight line between their neighbours; at an edge of the IMD the final measurement "
        "beside it is the neighbour. With one neighbour only its value is repeated; with none the gap stays."
    ),
    kinds=INTERVAL_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(
        FailurePoint("intervals were interpolated", "INTERPOLATED", name="interpolated"),
        FailurePoint("a gap is longer than the limit", "GAP-TOO-LONG", name="gap_too_long"),
    ),
    sentence=sentence,
    evaluate=evaluate,
)
