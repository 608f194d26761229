"""
Zero Consumption Check (`vee.md` 5.1): nothing was consumed.

`fail <=> C = 0`. An outage explains it: then the finding has an exception type of its own, and a severity of its own so
that nobody need look. An outage is a record of one that overlaps the IMD's period, or an interval whose condition lies
in the outage range. An IMD with missing intervals is judged by the values that are there.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from foundation.kept_texts import kept
from vee.codes import Band, Role, Severity
from vee.engine import consumption
from vee.engine.batch import Batch, in_range
from vee.engine.context import Context
from vee.engine.findings import MAIN, Finding, Result
from vee.engine.parameters import (
    ConditionRange,
    ExceptionTypeCode,
    PointSeverity,
    RuleParameters,
    described,
    require_ordered,
)
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    outage_exception_type: Annotated[
        ExceptionTypeCode, described("The exception type when an outage explains the zero.")
    ] = ""
    outage_severity: Annotated[PointSeverity, described("Report a zero that an outage explains; empty: do not.")] = (
        Severity.INFO
    )
    outage_condition_range: Annotated[
        ConditionRange, described("An interval with a condition in this range is an outage.")
    ] = Band.OUTAGE.value

    def __post_init__(self) -> None:
        require_ordered(self.outage_condition_range, "outage_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD whose total is zero, apart for those with an outage."""
    result = Result()
    totals = consumption.totals(batch)
    outage = np.asarray(in_range(batch.conditions, parameters.outage_condition_range).any(axis=1))
    unknown = ~totals.known & ~outage
    result.leave_out(np.flatnonzero(unknown), "there is no value")
    zero = np.flatnonzero((totals.counts == 0) & ~unknown)
    asked = zero[~outage[zero]]
    if len(asked):
        outage[asked] = [bool(periods) for periods in context.outages(batch.take(asked))]
    for row in zero.tolist():
        if outage[row]:
            message, point = kept("The consumption is zero, and there was an outage."), "outage"
        else:
            message, point = kept("The consumption is zero."), MAIN
        result.findings.append(Finding(row, message, observed="0", limit=kept("above 0"), point=point))
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop("{fails} when the total consumption is zero; where there was an outage it says so instead.")
    )


RULE = Rule(
    name="zero_consumption_check",
    code="D2-ZEROCNCHK",
    title="Zero Consumption Check",
    summary=(
        "Reports a total consumption of zero. A zero that an outage explains has its own exception type and severity."
    ),
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(
        FailurePoint("the consumption is zero", "ZERO-CONSUMPTION"),
        FailurePoint("the consumption is zero and there was an outage", "ZERO-DURING-OUTAGE", name="outage"),
    ),
    sentence=sentence,
    evaluate=evaluate,
)
