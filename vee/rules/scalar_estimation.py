"""
Scalar Estimation (`vee.md` 5.2): a missing read is estimated from the register's own history.

`C = (hist_sum / hist_covered_days) * days`. History is the same period a month and a year ago, in either order; the
first usable one wins. It is unusable when too little of it is covered, or too much of it estimated or edited.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import numpy as np

from vee.codes import Condition, Severity
from vee.engine import cpuc
from vee.engine.batch import Batch
from vee.engine.calendar import SECONDS_PER_DAY, months_before
from vee.engine.context import Context, Period
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.gaps import MISSING_RANGE
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
from vee.engine.register_history import Usage, usage_in
from vee.engine.rule import ALL_ROLES, SCALAR_ONLY, FailurePoint, Rule
from vee.engine.scalar_estimates import Estimates, can_be_set, missing_rows, number_of, period_of
from vee.engine.sentences import Said, gettext_noop


class LookFirst(enum.StrEnum):
    """Which history is looked at first; the other one is the fallback."""

    LAST_MONTH = "LAST_MONTH"
    LAST_YEAR = "LAST_YEAR"


class PriorInstallations(enum.StrEnum):
    """Whether history from before the present installation is left out."""

    NEVER = "NEVER"
    ALWAYS = "ALWAYS"


class Rounding(enum.StrEnum):
    """How the estimate is rounded: exactly to the register's scale, or by the Californian steps of `vee.md` 9.1."""

    EXACT = "EXACT"
    CPUC_ADU = "CPUC_ADU"


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    historical_look_first: Annotated[LookFirst, described("The history that is looked at first.")] = (
        LookFirst.LAST_MONTH
    )
    required_historical_data_pct: Annotated[
        Decimal, quantity("History covers at least this share of its window.", unit="%", minimum=0)
    ] = Decimal(50)
    historical_pre_window: Annotated[int, described("Days by which the window begins earlier.", ge=0, le=366)] = 0
    historical_post_window: Annotated[int, described("Days by which the window ends later.", ge=0, le=366)] = 0
    exclude_prior_installations: Annotated[
        PriorInstallations, described("Leave out history from before the present installation, of another customer.")
    ] = PriorInstallations.NEVER
    allowed_system_estimated_pct: Annotated[
        Decimal, quantity("History of which more was estimated is not usable.", unit="%", minimum=0)
    ] = Decimal(50)
    allowed_user_edited_pct: Annotated[
        Decimal, quantity("History of which more was edited is not usable.", unit="%", minimum=0)
    ] = Decimal(100)
    interim_reading_high_threshold_pct: Annotated[
        Decimal, quantity("Of the usage up to an interim read: the estimate is at most this.", unit="%", minimum=0)
    ] = Decimal(300)
    interim_reading_low_threshold_pct: Annotated[
        Decimal, quantity("Of the usage up to an interim read: the estimate is at least this.", unit="%", minimum=0)
    ] = Decimal(30)
    rounding: Annotated[Rounding, described("How the estimate is rounded.")] = Rounding.EXACT
    missing_condition_range: Annotated[
        ConditionRange, described("Reads with a condition in this range are estimated.")
    ] = MISSING_RANGE
    estimate_condition: Annotated[ConditionCode, described("The condition that the estimate gets.")] = int(
        Condition.SYSTEM_ESTIMATED
    )
    interim_severity: Annotated[
        PointSeverity, described("When the estimate lies outside the interim thresholds; empty: off.")
    ] = Severity.ISSUE
    interim_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""

    def __post_init__(self) -> None:
        require_ordered(self.missing_condition_range, "missing_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Estimate the missing reads that have a usable history."""
    result, estimates = Result(), Estimates(batch.scale)
    rows = can_be_set(batch, missing_rows(batch, parameters.missing_condition_range), result)
    if not rows:
        return result
    since = _present_installations(batch, rows, parameters, context)
    usable: dict[int, Usage] = {}
    months = {LookFirst.LAST_MONTH: 1, LookFirst.LAST_YEAR: 12}
    first = months[parameters.historical_look_first]
    for back in (first, 13 - first):
        left = [row for row in rows if row not in usable]
        if left:
            usable.update(_history(batch, left, since, back, parameters, context))
    interim = _interim(batch, [row for row in rows if row in usable], context)
    for row in rows:
        if row not in usable:
            result.findings.append(_insufficient(row))
            continue
        amount = _estimate(batch, row, usable[row], parameters)
        finding = _outside(batch, row, amount, interim[row], parameters)
        if finding is None:
            estimates.add(row, amount, parameters.estimate_condition, result)
        else:
            result.leave_out([row], "the estimate lies outside the interim thresholds")
            result.findings.append(finding)
    return estimates.into(result)


def _components(batch: Batch, rows: Sequence[int]) -> np.ndarray:
    return np.array([batch.facts[row].component_id for row in rows], dtype=np.int64)


def _present_installations(
    batch: Batch, rows: Sequence[int], parameters: Parameters, context: Context
) -> dict[int, int]:
    """Give since when each register has been where it is, where that matters and is known."""
    if parameters.exclude_prior_installations == PriorInstallations.NEVER:
        return {}
    found = context.installations(batch.take(rows))
    return {row: there[-1].period.start for row, there in zip(rows, found, strict=True) if there}


def _window(period: Period, zone: str, back: int, parameters: Parameters) -> Period:
    start = months_before(period.start, zone, back) - parameters.historical_pre_window * SECONDS_PER_DAY
    end = months_before(period.end, zone, back) + parameters.historical_post_window * SECONDS_PER_DAY
    return Period(start, min(end, period.start))


def _history(
    batch: Batch,
    rows: Sequence[int],
    since: dict[int, int],
    back: int,
    parameters: Parameters,
    context: Context,
) -> dict[int, Usage]:
    """Give the usable history of so many months ago."""
    windows = [_window(period_of(batch, row), batch.facts[row].time_zone, back, parameters) for row in rows]
    starts = np.array([window.start for window in windows], dtype=np.int64)
    ends = np.array([window.end for window in windows], dtype=np.int64)
    found = {}
    for row, window, reads in zip(
        rows, windows, context.register_reads(_components(batch, rows), starts, ends), strict=True
    ):
        usage = usage_in(reads, window, since=since.get(row))
        enough = usage.covered * 100 >= parameters.required_historical_data_pct * (window.end - window.start)
        estimated = usage.estimated * 100 > parameters.allowed_system_estimated_pct * usage.covered
        edited = usage.edited * 100 > parameters.allowed_user_edited_pct * usage.covered
        if usage.covered and enough and not estimated and not edited:
            found[row] = usage
    return found


def _interim(batch: Batch, rows: Sequence[int], context: Context) -> dict[int, Usage]:
    """Give what was used from the start of each IMD up to the last read inside its period, where there is one."""
    found = {row: Usage() for row in rows}
    within = [row for row in rows if period_of(batch, row).start > int(batch.starts[row])]
    if within:
        periods = [Period(int(batch.starts[row]), period_of(batch, row).start) for row in within]
        starts = np.array([period.start for period in periods], dtype=np.int64)
        ends = np.array([period.end for period in periods], dtype=np.int64)
        reads = context.register_reads(_components(batch, within), starts, ends)
        for row, period, around in zip(within, periods, reads, strict=True):
            found[row] = usage_in(around, period)
    return found


def _estimate(batch: Batch, row: int, history: Usage, parameters: Parameters) -> Fraction:
    period, facts = period_of(batch, row), batch.facts[row]
    seconds = period.end - period.start
    if parameters.rounding == Rounding.EXACT:
        return history.amount * seconds / history.covered
    constant = facts.combined_multiplier if facts.subtractive else Decimal(1)
    told = cpuc.estimate(
        total=history.amount,
        covered_days=Fraction(history.covered, SECONDS_PER_DAY),
        days=Fraction(seconds, SECONDS_PER_DAY),
        constant=constant,
    )
    return told.steps * Fraction(constant)


def _outside(batch: Batch, row: int, amount: Fraction, interim: Usage, parameters: Parameters) -> Finding | None:
    """Give what is wrong with an estimate beside an interim read."""
    if not interim.covered:
        return None
    period = period_of(batch, row)
    expected = interim.amount * (period.end - period.start) / interim.covered
    low = expected * Fraction(parameters.interim_reading_low_threshold_pct) / 100
    high = expected * Fraction(parameters.interim_reading_high_threshold_pct) / 100
    if low <= amount <= high:
        return None
    return Finding(
        row,
        f"The estimate is {number_of(amount, batch.scale)}; by the interim read it lies between "
        f"{number_of(low, batch.scale)} and {number_of(high, batch.scale)}.",
        observed=number_of(amount, batch.scale),
        limit=number_of(low if amount < low else high, batch.scale),
        first_interval=0,
        last_interval=0,
        point="interim",
    )


def _insufficient(row: int) -> Finding:
    message = "Neither a month nor a year ago there is enough usable history to estimate from."
    return Finding(row, message, first_interval=0, last_interval=0)


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    percent = number_text(parameters.required_historical_data_pct)
    if parameters.historical_look_first == LookFirst.LAST_MONTH:
        template = gettext_noop(
            "Estimates a missing read from the average daily usage of a month and then a year ago, of which at least "
            "{percent} % has to be there."
        )
    else:
        template = gettext_noop(
            "Estimates a missing read from the average daily usage of a year and then a month ago, of which at least "
            "{percent} % has to be there."
        )
    return Said(template, percent=percent)


RULE = Rule(
    name="scalar_estimation",
    code="D2-SCALAREST",
    title="Scalar Estimation",
    summary=(
        "Estimates a missing register read from its own average daily usage a month or a year ago, and sets the "
        "reading to what follows from it. Without enough usable history it fails; it never estimates nothing."
    ),
    kinds=SCALAR_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(
        FailurePoint("history is not sufficient", "INSUFFICIENT-HISTORY"),
        FailurePoint("the estimate lies outside the interim thresholds", "ESTIMATE-BESIDE-INTERIM", name="interim"),
    ),
    sentence=sentence,
    evaluate=evaluate,
)
