"""
Scalar Profile Estimation (`vee.md` 4.7): a register's consumption becomes the sum of a profile's measurements.

`C = scale * sum(profile.v in (start, end])`. The profile's component comes from a factor; normally it has intervals, a
register will do where it was read at both ends of the period. Nothing is done where a value is regular or estimated.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import numpy as np

from vee.codes import Band, Condition, Role, Severity
from vee.engine.batch import Batch, in_range
from vee.engine.context import ComponentFacts, Context, Period
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import number_text
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
from vee.engine.rule import SCALAR_ONLY, FailurePoint, Rule
from vee.engine.scalar_estimates import (
    INTERVAL_KINDS,
    Estimates,
    Total,
    can_be_set,
    interval_totals,
    period_of,
    register_total,
)
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    factor: Annotated[str, described("The factor that names the profile's measuring component.", min_length=1)] = (
        "PROFILE"
    )
    scale: Annotated[Decimal, quantity("The profile is multiplied by this.", unit="", above=0)] = Decimal(1)
    regular_condition_range: Annotated[
        ConditionRange, described("A value with a condition in this range is left alone.")
    ] = Band.REGULAR.value
    system_estimate_condition_range: Annotated[
        ConditionRange, described("And so is one with a condition in this range.")
    ] = Band.SYSTEM_ESTIMATE.value
    estimate_condition: Annotated[ConditionCode, described("The condition that the estimate gets.")] = int(
        Condition.ESTIMATED_PROFILE
    )
    no_profile_severity: Annotated[PointSeverity, described("When the factor names no component; empty: off.")] = (
        Severity.ISSUE
    )
    no_profile_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""
    incomplete_profile_severity: Annotated[
        PointSeverity, described("When the profile does not cover the whole period; empty: off.")
    ] = Severity.ISSUE
    incomplete_profile_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""

    def __post_init__(self) -> None:
        require_ordered(self.regular_condition_range, "regular_condition_range")
        require_ordered(self.system_estimate_condition_range, "system_estimate_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Give the reads that have no good value the consumption of their profile."""
    result, estimates = Result(), Estimates(batch.scale)
    good = batch.valid & (
        in_range(batch.conditions, parameters.regular_condition_range)
        | in_range(batch.conditions, parameters.system_estimate_condition_range)
    )
    rows = can_be_set(batch, np.flatnonzero(~good[:, 0]).tolist(), result)
    if not rows:
        return result
    named = context.factor_components(batch.take(rows), parameters.factor)
    known = context.components(named)
    asked, without = [], []
    for row, component in zip(rows, named.tolist(), strict=True):
        if component in known:
            asked.append((row, known[component], period_of(batch, row)))
        else:
            without.append(row)
    result.leave_out(without, "there is no profile")
    result.findings.extend(
        Finding(row, f"The factor {parameters.factor} names no profile for this register.", point="no_profile")
        for row in without
    )
    for (row, _, period), total in zip(asked, _totals(asked, context), strict=True):
        if total.covered == period.end - period.start:
            estimates.add(row, total.amount * Fraction(parameters.scale), parameters.estimate_condition, result)
            continue
        result.leave_out([row], "the profile is incomplete")
        result.findings.append(
            Finding(
                row,
                "The profile does not cover the whole period.",
                observed=f"{total.covered} s",
                limit=f"{period.end - period.start} s",
                point="incomplete_profile",
            )
        )
    return estimates.into(result)


def _totals(asked: list[tuple[int, ComponentFacts, Period]], context: Context) -> list[Total]:
    """Give the profiles' totals, in order."""
    totals = [Total()] * len(asked)
    intervals = [place for place, (_, facts, _) in enumerate(asked) if facts.kind in INTERVAL_KINDS]
    found = interval_totals([asked[place][1:] for place in intervals], context)
    for place, total in zip(intervals, found, strict=True):
        totals[place] = total
    registers = [place for place, (_, facts, _) in enumerate(asked) if facts.kind not in INTERVAL_KINDS]
    if registers:
        reads = context.register_reads(
            np.array([asked[place][1].component_id for place in registers], dtype=np.int64),
            np.array([asked[place][2].start for place in registers], dtype=np.int64),
            np.array([asked[place][2].end for place in registers], dtype=np.int64),
        )
        for place, around in zip(registers, reads, strict=True):
            totals[place] = register_total(around, asked[place][2])
    return totals


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    if parameters.scale == 1:
        return Said(
            gettext_noop("Sets a missing consumption to the sum of the profile that the factor {factor} names."),
            factor=parameters.factor,
        )
    return Said(
        gettext_noop(
            "Sets a missing consumption to the sum of the profile that the factor {factor} names times {scale}."
        ),
        factor=parameters.factor,
        scale=number_text(parameters.scale),
    )


RULE = Rule(
    name="scalar_profile_estimation",
    code="D2-SCAPROEST",
    title="Scalar Profile Estimation",
    summary=(
        "Sets a register's consumption to the sum of a profile's final measurements over the same period, and its "
        "reading to what follows from it. A value that is regular or estimated already is left alone."
    ),
    kinds=SCALAR_ONLY,
    roles=frozenset({Role.ESTIMATION}),
    parameters=Parameters,
    failure_points=(
        FailurePoint("the factor names no profile", "NO-PROFILE", name="no_profile"),
        FailurePoint("the profile is incomplete", "PROFILE-INCOMPLETE", name="incomplete_profile"),
    ),
    sentence=sentence,
    evaluate=evaluate,
)
