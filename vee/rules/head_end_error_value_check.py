"""
Head-End Error Value Check: numbers that a head-end system sends in place of a value it does not have.

9999999 is one, the overflow 2^32 - 1 (4294967.295 in thousandths) another. Such an interval is no consumption: its
value is taken away and its condition becomes *missing*, so that an estimation that follows fills it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import numpy as np

from vee.codes import Condition, Role
from vee.engine import consumption
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import UnableToKeepExactly, as_text, number_text, to_fixed
from vee.engine.gaps import emptied
from vee.engine.parameters import RuleParameters, described
from vee.engine.rule import INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    error_values: Annotated[
        tuple[Decimal, ...], described("The numbers that stand for an error.", min_length=1, max_length=100)
    ] = (Decimal(9999999), Decimal("4294967.295"))

    def __post_init__(self) -> None:
        if not all(value.is_finite() for value in self.error_values):
            raise ValueError("error_values have to be finite numbers")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report the intervals with an error value, and take their values away."""
    wrong = consumption.usable(batch) & np.isin(batch.values, _counts(parameters, batch.scale))
    result = Result(changes=emptied(wrong, int(Condition.MISSING_ERROR_VALUE)))
    for row in np.flatnonzero(wrong.any(axis=1)).tolist():
        intervals = np.flatnonzero(wrong[row])
        values = ", ".join(as_text(count, batch.scale) for count in np.unique(batch.values[row, intervals]).tolist())
        result.findings.append(
            Finding(
                row,
                f"{len(intervals)} of {batch.length} intervals have an error value of the head-end system: {values}.",
                observed=values,
                limit=", ".join(number_text(value) for value in parameters.error_values),
                first_interval=int(intervals[0]),
                last_interval=int(intervals[-1]),
                count=len(intervals),
            )
        )
    return result


def _counts(parameters: Parameters, scale: int) -> list[int]:
    """Give the error values as counts; one that no count can stand for matches nothing."""
    counts = []
    for value in parameters.error_values:
        try:
            counts.append(to_fixed(value, scale))
        except UnableToKeepExactly:
            continue
    return counts


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop(
            "{fails} when an interval has an error value of the head-end system ({values}), and makes it missing."
        ),
        values=", ".join(number_text(value) for value in parameters.error_values),
    )


RULE = Rule(
    name="head_end_error_value_check",
    code="",
    title="Head-End Error Value Check",
    summary=(
        "Reports intervals with a number that the head-end system sends in place of a value it does not have. They "
        "become missing; put the rule before the estimations."
    ),
    kinds=INTERVAL_ONLY,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("an interval has an error value", "HEAD-END-ERROR-VALUE"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
