"""
Test Mode (`vee.md` 5.4): intervals in which the meter was in test mode are no consumption.

The head-end system says so by a condition in the range. The value is taken away and the condition becomes *missing*, so
that the interval is not billed and an estimation that follows fills it.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from vee.codes import Condition, Role
from vee.engine.batch import Batch, in_range
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.gaps import emptied
from vee.engine.parameters import ConditionRange, RuleParameters, described, require_ordered
from vee.engine.rule import INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    test_mode_condition_range: Annotated[
        ConditionRange, described("An interval with a condition in this range was measured in test mode.")
    ] = (int(Condition.MISSING_TEST_MODE), int(Condition.MISSING_TEST_MODE) + 99)

    def __post_init__(self) -> None:
        require_ordered(self.test_mode_condition_range, "test_mode_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report the intervals in test mode, and take their values away."""
    tested = in_range(batch.conditions, parameters.test_mode_condition_range)
    result = Result(changes=emptied(tested, int(Condition.MISSING_TEST_MODE)))
    for row in np.flatnonzero(tested.any(axis=1)).tolist():
        intervals = np.flatnonzero(tested[row])
        result.findings.append(
            Finding(
                row,
                f"The meter was in test mode in {len(intervals)} of {batch.length} intervals.",
                observed=str(len(intervals)),
                limit="0",
                first_interval=int(intervals[0]),
                last_interval=int(intervals[-1]),
                count=len(intervals),
            )
        )
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(gettext_noop("{fails} when the meter was in test mode in an interval, and makes it missing."))


RULE = Rule(
    name="test_mode_check",
    code="",
    title="Test Mode Check",
    summary=(
        "Reports intervals that the head-end system marked as measured in test mode. They become missing; put the rule "
        "before the estimations."
    ),
    kinds=INTERVAL_ONLY,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("the meter was in test mode", "TEST-MODE"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
