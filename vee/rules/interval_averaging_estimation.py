"""
Interval Averaging Estimation (`vee.md` 4.6): missing intervals become the average of the same time on other days.

The comparison days of a local day are searched in the configured order; nearer ones come first. For each missing
interval the first `days_to_average` of them that have a usable final measurement in its slot (the local time of day)
are averaged: `estimate = total of the slot / number of its intervals`, rounded half-even to the scale. Where fewer than
`min_comparison_days` have one the interval stays missing, and that is reported.

Runs only where the percentage of missing intervals is *below* `max_pct_missing`, and where the component is attached to
a service point unless the site says otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import Condition
from vee.engine.batch import Batch, distinct
from vee.engine.context import Context
from vee.engine.day_history import Candidates, DayHistory
from vee.engine.findings import Changes, Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, missing_mask
from vee.engine.like_days import Search, comparison_days, reach
from vee.engine.parameters import (
    ConditionCode,
    ConditionRange,
    RuleParameters,
    described,
    quantity,
    require_ordered,
)
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import LIST_OF_THEN, Said, gettext_noop, listed


ACTUAL_RANGE = (500_000, 699_999)
_DAYS = (kept("comparison day has"), kept("comparison days have"))


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    max_pct_missing: Annotated[
        Decimal,
        quantity("Runs only when fewer intervals than this are missing, in percent; 101: always.", unit="%", minimum=0),
    ] = Decimal(101)
    comparison_search: Annotated[
        tuple[Search, ...],
        described(
            "Where comparison days are searched, in this order: HOLIDAY, SAME_WEEKDAY, LIKE_DAY (nearest earlier "
            "working days, Saturdays, or Sundays and holidays), NEIGHBOUR_DAY, NEM_LIKE_DAY.",
            min_length=1,
        ),
    ] = (Search.HOLIDAY, Search.SAME_WEEKDAY)
    days_to_average: Annotated[int, described("Over how many days is averaged at most.", ge=1, le=60)] = 3
    max_days_back: Annotated[int, described("How many days before its own a comparison day may lie.", ge=0, le=400)] = (
        28
    )
    max_days_forward: Annotated[
        int, described("How many days after its own a comparison day may lie.", ge=0, le=400)
    ] = 0
    min_comparison_days: Annotated[
        int, described("With fewer comparison days than this an interval stays missing.", ge=1, le=60)
    ] = 1
    eligible_condition_range: Annotated[
        ConditionRange, described("Measurements with a condition in this range are averaged, no others.")
    ] = ACTUAL_RANGE
    exclude_user_edited: Annotated[bool, described("Leave out measurements that a person has set.")] = False
    estimate_if_not_attached_to_sp: Annotated[
        bool, described("Estimate also for components that are attached to no service point.")
    ] = False
    missing_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are missing, as are those without a value.")
    ] = MISSING_RANGE
    outage_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are never missing.")
    ] = OUTAGE_RANGE
    estimate_condition: Annotated[ConditionCode, described("The condition that estimated intervals get.")] = int(
        Condition.ESTIMATED_AVERAGED
    )

    def __post_init__(self) -> None:
        if self.max_pct_missing > 101:
            raise ValueError("max_pct_missing is at most 101")
        if self.min_comparison_days > self.days_to_average:
            raise ValueError("min_comparison_days lies above days_to_average")
        require_ordered(self.eligible_condition_range, "eligible_condition_range")
        require_ordered(self.missing_condition_range, "missing_condition_range")
        require_ordered(self.outage_condition_range, "outage_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Estimate the missing intervals of the IMDs that the rule runs on."""
    missing = missing_mask(batch, parameters.missing_condition_range, parameters.outage_condition_range)
    result = Result()
    rows = _chosen(batch, missing, parameters, result)
    if not len(rows):
        return result
    back, forward = reach(
        parameters.comparison_search, back=parameters.max_days_back, forward=parameters.max_days_forward
    )
    try:
        history = DayHistory(
            batch, rows, context, back=back, forward=forward,
            condition_range=parameters.eligible_condition_range, exclude_edited=parameters.exclude_user_edited,
        )  # fmt: skip
    except ValueError as error:
        result.leave_out(rows, str(error))
        return result
    holidays = context.holidays(batch.take(rows))
    of_row = dict(zip(rows.tolist(), holidays, strict=True))

    def candidates_of(row: int) -> tuple[frozenset[int], Candidates]:
        known = of_row[row]
        return known, lambda day: comparison_days(
            day, parameters.comparison_search, holidays=known,
            back=parameters.max_days_back, forward=parameters.max_days_forward,
        )  # fmt: skip

    estimates = history.average(
        missing, candidates_of,
        days_to_average=parameters.days_to_average, minimum_days=parameters.min_comparison_days,
    )  # fmt: skip
    result.findings.extend(too_little_history(estimates.left, parameters.min_comparison_days, _DAYS))
    changes = Changes(
        estimates.rows, estimates.intervals, estimates.values,
        np.full(len(estimates.rows), parameters.estimate_condition, dtype=np.int32),
    )  # fmt: skip
    return Result(findings=result.findings, changes=changes, not_evaluated=result.not_evaluated)


def _chosen(batch: Batch, missing: NDArray[np.bool_], parameters: Parameters, result: Result) -> NDArray[np.intp]:
    """Give the rows with gaps that the rule runs on, and say of the others why it does not."""
    counts = missing.sum(axis=1)
    times, parts = parameters.max_pct_missing.as_integer_ratio()
    most = (times * batch.length - 1) // (100 * parts)
    few = counts <= most
    rows = np.flatnonzero(counts)
    result.leave_out(
        rows[~few[rows]], f"{number_text(parameters.max_pct_missing)} % of the intervals or more are missing"
    )
    rows = rows[few[rows]]
    if parameters.estimate_if_not_attached_to_sp:
        return rows
    attached = np.array([batch.facts[row].service_point_id is not None for row in rows.tolist()], dtype=np.bool_)
    result.leave_out(rows[~attached], "the component is attached to no service point")
    return rows[attached]


def too_little_history(left: NDArray[np.bool_], wanted: int, days: tuple[str, str]) -> list[Finding]:
    """Report the missing intervals of each IMD that have fewer than `wanted` of these days, one or several."""
    findings = []
    have = days[wanted != 1]
    for row in distinct(np.flatnonzero(left) // left.shape[1]).tolist():
        intervals = np.flatnonzero(left[row])
        findings.append(
            Finding(
                row,
                f"{len(intervals)} missing intervals were not estimated: fewer than {wanted} {have} a usable "
                "measurement at their time of day.",
                observed=str(len(intervals)),
                limit=str(wanted),
                first_interval=int(intervals[0]),
                last_interval=int(intervals[-1]),
                count=len(intervals),
            )
        )
    return findings


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    many = parameters.days_to_average
    over = (
        Said(gettext_noop("the nearest comparison day"))
        if many == 1
        else Said(gettext_noop("up to {count} comparison days"), count=many)
    )
    said = Said(
        gettext_noop(
            "Fills missing intervals with the average of the same time on {days} ({where}; at most {back} days before "
            "and {forward} days after)"
        ),
        days=over,
        where=listed([search.value for search in parameters.comparison_search], LIST_OF_THEN),
        back=parameters.max_days_back,
        forward=parameters.max_days_forward,
    )
    if parameters.max_pct_missing > 100:
        return Said(gettext_noop("{what}."), what=said)
    percent = number_text(parameters.max_pct_missing)
    return Said(gettext_noop("{what} when less than {percent} % is missing."), what=said, percent=percent)


RULE = Rule(
    name="interval_averaging_estimation",
    code="D2-INTAVGEST",
    title="Interval Averaging Estimation",
    summary=(
        "Fills missing intervals with the average of the same local time on comparable days: holidays, the same day of "
        "the week, days of the same class, neighbouring days, or the like-day table of the Australian market. An "
        "interval without enough comparison days stays missing and is reported."
    ),
    kinds=INTERVAL_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("there are too few comparison days", "INSUFFICIENT-HISTORY"),),
    sentence=sentence,
    evaluate=evaluate,
)
