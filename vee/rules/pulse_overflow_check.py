"""
Pulse Overflow (`vee.md` 5.4): an interval that the recorder could not count.

An interval overflowed where the head-end system says so by a condition in the overflow range, or where
`value >= max_pulses * pulse_weight`. Its value is taken away and its condition becomes *missing*, so that an estimation
that follows fills it. The pulse weight (units per pulse) is the parameter's, else the one noted as characteristic
`pulse_weight` of the component, its device or its service point.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import Condition, Role
from vee.engine import consumption
from vee.engine.batch import Batch, ImdFacts, in_range
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import INT64_MAXIMUM, as_text, number_text
from vee.engine.gaps import emptied
from vee.engine.parameters import ConditionRange, RuleParameters, described, quantity, require_ordered
from vee.engine.rule import INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


CHARACTERISTIC = "pulse_weight"
_NO_LIMIT = INT64_MAXIMUM


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    max_pulses: Annotated[int, described("How many pulses an interval can hold.", ge=1, le=10**12)] = 65_535
    pulse_weight: Annotated[
        Decimal | None,
        quantity("What one pulse stands for; empty: the characteristic pulse_weight.", unit="unit of measure", above=0),
    ] = None
    overflow_condition_range: Annotated[
        ConditionRange, described("An interval with a condition in this range was reported as overflowed.")
    ] = (int(Condition.MISSING_PULSE_OVERFLOW), int(Condition.MISSING_PULSE_OVERFLOW) + 99)

    def __post_init__(self) -> None:
        require_ordered(self.overflow_condition_range, "overflow_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report the intervals that overflowed, and take their values away."""
    weights = [_weight(facts, parameters) for facts in batch.facts]
    limits = np.array([_limit(weight, parameters, batch.scale) for weight in weights], dtype=np.int64)
    flagged = in_range(batch.conditions, parameters.overflow_condition_range)
    overflowed = flagged | (
        consumption.usable(batch) & (batch.values >= limits[:, None]) & (limits < _NO_LIMIT)[:, None]
    )
    result = Result(changes=emptied(overflowed, int(Condition.MISSING_PULSE_OVERFLOW)))
    unknown = [row for row, weight in enumerate(weights) if weight is None and not overflowed[row].any()]
    result.leave_out(unknown, "the pulse weight is not known")
    for row in np.flatnonzero(overflowed.any(axis=1)).tolist():
        result.findings.append(_finding(batch, row, overflowed[row], weights[row], parameters))
    return result


def _weight(facts: ImdFacts, parameters: Parameters) -> Decimal | None:
    if parameters.pulse_weight is not None:
        return parameters.pulse_weight
    try:
        noted = Decimal(str(facts.characteristics[CHARACTERISTIC]))
    except (KeyError, InvalidOperation):
        return None
    return noted if noted.is_finite() and noted > 0 else None


def _limit(weight: Decimal | None, parameters: Parameters, scale: int) -> int:
    if weight is None:
        return _NO_LIMIT
    limit = (weight * parameters.max_pulses).scaleb(scale).to_integral_value(rounding=ROUND_CEILING)
    return min(int(limit), _NO_LIMIT)


def _finding(
    batch: Batch, row: int, overflowed: NDArray[np.bool_], weight: Decimal | None, parameters: Parameters
) -> Finding:
    intervals = np.flatnonzero(overflowed)
    valued = intervals[batch.valid[row, intervals]]
    observed = as_text(int(batch.values[row, valued].max()), batch.scale) if len(valued) else kept("reported")
    limit = "" if weight is None else number_text(weight * parameters.max_pulses)
    said = f"The pulses of {len(intervals)} intervals overflowed"
    if len(valued):
        said = f"{said}, the highest with {observed}"
    if limit:
        said = f"{said}; {parameters.max_pulses} pulses are {limit}"
    return Finding(
        row,
        kept(f"{said}."),
        observed=observed,
        limit=limit,
        first_interval=int(intervals[0]),
        last_interval=int(intervals[-1]),
        count=len(intervals),
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop(
            "{fails} when an interval holds {pulses} pulses or more or was reported as overflowed, and makes it "
            "missing."
        ),
        pulses=parameters.max_pulses,
    )


RULE = Rule(
    name="pulse_overflow_check",
    code="",
    title="Pulse Overflow Check",
    summary=(
        "Reports intervals whose pulses overflowed: by the head-end system's condition or by their value. They become "
        "missing; put the rule before the estimations."
    ),
    kinds=INTERVAL_ONLY,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("the pulses of an interval overflowed", "PULSE-OVERFLOW"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
