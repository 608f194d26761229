"""
Negative Consumption Check (`vee.md` 4.11): a consumption below zero where the component's type does not allow it.

`fail <=> C < 0 and (not type.allow_negative or override_mct_allow_negative)`. C is the total of the IMD, or any single
interval. Values whose condition says missing are not counted.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from vee.codes import Role
from vee.engine import consumption
from vee.engine.batch import Batch, ImdFacts
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import as_text
from vee.engine.parameters import RuleParameters, described
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    scope: Annotated[
        Literal["TOTAL", "ANY_INTERVAL"], described("What may not be negative: the IMD's total, or any interval.")
    ] = "TOTAL"
    override_mct_allow_negative: Annotated[
        bool, described("Fail negative consumption even where the measuring component's type allows it.")
    ] = False


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD whose consumption is negative and may not be."""
    result = Result()
    judged = np.zeros(batch.size, dtype=np.bool_)
    for facts, rows in batch.alike():
        judged[rows] = _may_not_be_negative(facts, parameters)
    there = consumption.usable(batch)
    result.leave_out(np.flatnonzero(judged & ~there.any(axis=1)), "there is no value")
    if parameters.scope == "ANY_INTERVAL":
        result.findings.extend(_intervals(batch, there & (batch.values < 0) & judged[:, None]))
        return result
    totals = consumption.totals(batch)
    for row in np.flatnonzero((totals.counts < 0) & judged).tolist():
        total = as_text(totals.of(row), batch.scale)
        result.findings.append(Finding(row, f"The consumption is negative: {total}.", observed=total, limit="0"))
    return result


def _may_not_be_negative(facts: ImdFacts, parameters: Parameters) -> bool:
    return parameters.override_mct_allow_negative or not facts.allow_negative


def _intervals(batch: Batch, negative: NDArray[np.bool_]) -> list[Finding]:
    findings = []
    for row in np.flatnonzero(negative.any(axis=1)).tolist():
        intervals = np.flatnonzero(negative[row])
        lowest = as_text(int(batch.values[row, intervals].min()), batch.scale)
        findings.append(
            Finding(
                row,
                f"{len(intervals)} of {batch.length} values are negative; the lowest is {lowest}.",
                observed=lowest,
                limit="0",
                first_interval=int(intervals[0]),
                last_interval=int(intervals[-1]),
                count=len(intervals),
            )
        )
    return findings


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    what = Said(gettext_noop("the total consumption") if parameters.scope == "TOTAL" else gettext_noop("any value"))
    if parameters.override_mct_allow_negative:
        return fails(gettext_noop("{fails} when {what} is negative."), what=what)
    return fails(
        gettext_noop("{fails} when {what} is negative, unless the measuring component's type allows it."), what=what
    )


RULE = Rule(
    name="negative_consumption_check",
    code="D2-NCON-CHK",
    title="Negative Consumption Check",
    summary="Reports consumption below zero where the type of the measuring component does not allow it.",
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("the consumption is negative", "NEGATIVE-CONSUMPTION"),),
    sentence=sentence,
    evaluate=evaluate,
)
