"""
Scalar Calculation From Interval (`vee.md` 5.2): a register's consumption becomes the total of its related intervals.

The total over the same period replaces the value after VEE. Its condition is a high one when all intervals are good
enough (and, if configured, the register's read before as well), else that of a created value.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import numpy as np

from vee.codes import Condition
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.parameters import ConditionCode, ExceptionTypeCode, PointSeverity, RuleParameters, described
from vee.engine.rule import ALL_ROLES, SCALAR_ONLY, FailurePoint, Rule
from vee.engine.scalar_estimates import Estimates, can_be_set, interval_totals, period_of, related_intervals
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    minimum_condition_quality: Annotated[
        ConditionCode, described("What every interval's condition has to reach for the high one.")
    ] = int(Condition.REGULAR)
    check_previous_scalar: Annotated[bool, described("The register's read before has to reach it as well.")] = False
    high_quality_condition: Annotated[ConditionCode, described("The condition when all of them reach it.")] = int(
        Condition.REGULAR
    )
    imd_created_condition: Annotated[ConditionCode, described("The condition when one does not.")] = int(
        Condition.SYSTEM_ESTIMATED
    )
    incomplete_severity: Annotated[
        PointSeverity, described("When intervals have no value; empty: do not report it.")
    ] = None
    incomplete_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Replace each read's consumption by the total of its related intervals, where that is complete."""
    result, estimates = Result(), Estimates(batch.scale)
    rows = can_be_set(batch, range(batch.size), result)
    if not rows:
        return result
    related = dict(zip(rows, related_intervals(batch, rows, context), strict=True))
    result.leave_out([row for row in rows if not related[row]], "there are no related intervals")
    asked = [(row, facts) for row in rows for facts in related[row]]
    totals = interval_totals([(facts, period_of(batch, row)) for row, facts in asked], context)
    amounts = dict.fromkeys(rows, Fraction(0))
    lowest: dict[int, int] = {}
    incomplete: dict[int, int] = {}
    for (row, _), total in zip(asked, totals, strict=True):
        period = period_of(batch, row)
        amounts[row] += total.amount
        if total.covered != period.end - period.start:
            incomplete[row] = min(total.covered, incomplete.get(row, total.covered))
        elif total.lowest_condition is not None:
            lowest[row] = min(total.lowest_condition, lowest.get(row, total.lowest_condition))
    for row, covered in incomplete.items():
        result.leave_out([row], "the related intervals are incomplete")
        period = period_of(batch, row)
        if parameters.incomplete_severity is not None:
            message = "The related intervals do not cover the whole period."
            limit = f"{period.end - period.start} s"
            result.findings.append(Finding(row, message, observed=f"{covered} s", limit=limit, point="incomplete"))
    complete = [row for row in rows if related[row] and row not in incomplete]
    before = _before(batch, complete, parameters, context)
    for row in complete:
        high = min(lowest[row], before.get(row, lowest[row])) >= parameters.minimum_condition_quality
        condition = parameters.high_quality_condition if high else parameters.imd_created_condition
        estimates.add(row, amounts[row], condition, result)
    return estimates.into(result)


def _before(batch: Batch, rows: list[int], parameters: Parameters, context: Context) -> dict[int, int]:
    """Give the condition of the read before each row, where that counts."""
    if not parameters.check_previous_scalar or not rows:
        return {}
    components = np.array([batch.facts[row].component_id for row in rows], dtype=np.int64)
    starts = np.array([period_of(batch, row).start for row in rows], dtype=np.int64)
    reads = context.register_reads(components, starts, starts)
    return {
        row: 0 if around.before is None else around.before.condition for row, around in zip(rows, reads, strict=True)
    }


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return Said(
        gettext_noop(
            "Sets the consumption to the total of the related intervals, {good} when all of them reach {least}, "
            "else {otherwise}."
        ),
        good=parameters.high_quality_condition,
        least=parameters.minimum_condition_quality,
        otherwise=parameters.imd_created_condition,
    )


RULE = Rule(
    name="scalar_calculation_from_interval",
    code="D2-SCACALINT",
    title="Scalar Calculation From Interval",
    summary=(
        "Sets a register's consumption to the total of its related interval components over the same period, and its "
        "reading to what follows from it. The condition tells whether all intervals were good."
    ),
    kinds=SCALAR_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("related intervals are incomplete", "INTERVALS-INCOMPLETE", name="incomplete"),),
    sentence=sentence,
    evaluate=evaluate,
)
