"""
Interval Profile Estimation (`vee.md` 5.2): missing intervals take the values of a profile.

The profile is the measuring component that a factor names for the IMD, of the same interval size and unit. Its final
measurements at the labels of the missing intervals are multiplied by `scale`, or, with `scale_to_measured`, by what
makes the profile equal in sum to the intervals of the IMD that are not missing. An interval for which the profile has
no value stays missing, and that is reported.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from vee.codes import Condition
from vee.engine.batch import Batch, in_range
from vee.engine.context import NO_COMPONENT, Context, Measured, Windows
from vee.engine.findings import Changes, Finding, Result
from vee.engine.fixed_point import INT64_MAXIMUM, MAXIMUM_COUNT, divide_half_even, number_text
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, missing_mask
from vee.engine.parameters import (
    ConditionCode,
    ConditionRange,
    RuleParameters,
    described,
    quantity,
    require_ordered,
)
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    profile_factor: Annotated[
        str, described("The factor that names the profile's measuring component.", min_length=1, max_length=40)
    ] = "PROFILE"
    scale: Annotated[Decimal, quantity("What the profile's values are multiplied by.", unit="ratio", above=0)] = (
        Decimal(1)
    )
    scale_to_measured: Annotated[
        bool,
        described("Multiply so that the profile adds up to what was measured in the IMD, where both have values."),
    ] = False
    missing_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are missing, as are those without a value.")
    ] = MISSING_RANGE
    outage_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are never missing.")
    ] = OUTAGE_RANGE
    estimate_condition: Annotated[ConditionCode, described("The condition that estimated intervals get.")] = int(
        Condition.ESTIMATED_PROFILE
    )

    def __post_init__(self) -> None:
        require_ordered(self.missing_condition_range, "missing_condition_range")
        require_ordered(self.outage_condition_range, "outage_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Give the missing intervals of each IMD the values of its profile."""
    if batch.seconds_per_interval is None:
        return Result.nothing_to_judge(batch, "the interval size is not known")
    missing = missing_mask(batch, parameters.missing_condition_range, parameters.outage_condition_range)
    rows = np.flatnonzero(missing.any(axis=1))
    if not len(rows):
        return Result()
    part, gaps = batch.take(rows), missing[rows]
    profiles = _profiles(part, parameters, context)
    found = context.measured(Windows(profiles, part.starts, batch.length, batch.seconds_per_interval, batch.scale))
    unread = in_range(found.conditions, MISSING_RANGE) | in_range(found.conditions, OUTAGE_RANGE)
    usable = found.present & found.valid & ~unread
    scaled, fits = found.values.copy(), usable.copy()
    for row in np.flatnonzero((gaps & usable).any(axis=1)).tolist():
        ratio = _ratio(part, found, row, usable[row] & part.valid[row] & ~gaps[row], parameters)
        values = _times(found.values[row], *ratio)
        fits[row] &= np.abs(values) <= MAXIMUM_COUNT
        scaled[row, fits[row]] = values[fits[row]]
    which, intervals = np.nonzero(gaps & fits)
    conditions = np.full(len(which), parameters.estimate_condition, dtype=np.int32)
    return Result(
        findings=_without_profile(rows, gaps & ~fits, profiles, parameters),
        changes=Changes(rows[which], intervals, scaled[which, intervals], conditions),
    )


def _profiles(part: Batch, parameters: Parameters, context: Context) -> NDArray[np.int64]:
    """Give the profile of each IMD; one of another unit is none."""
    profiles = context.factor_components(part, parameters.profile_factor).copy()
    known = context.components(profiles)
    for row, profile in enumerate(profiles.tolist()):
        if profile not in known or known[profile].uom != part.facts[row].component_uom:
            profiles[row] = NO_COMPONENT
    return profiles


def _ratio(part: Batch, found: Measured, row: int, both: NDArray[np.bool_], parameters: Parameters) -> tuple[int, int]:
    """Give what the profile is multiplied by for an IMD; `both` are the intervals that it and the IMD have."""
    if parameters.scale_to_measured:
        own, of_profile = sum(part.values[row, both].tolist()), sum(found.values[row, both].tolist())
        if own >= 0 and of_profile > 0:
            return own, of_profile
    return parameters.scale.as_integer_ratio()


def _times(values: NDArray[np.int64], times: int, parts: int) -> NDArray[Any]:
    """Give values times a ratio, rounded half-even: int64, or Python ints where these might not do."""
    if times == parts:
        return values
    factors: NDArray[Any] = values
    if max(int(values.max()), -int(values.min())) * times > INT64_MAXIMUM or parts > INT64_MAXIMUM:
        factors = values.astype(object)
    return divide_half_even(factors * times, parts)


def _without_profile(
    rows: NDArray[np.intp], left: NDArray[np.bool_], profiles: NDArray[np.int64], parameters: Parameters
) -> list[Finding]:
    findings = []
    for position in np.flatnonzero(left.any(axis=1)).tolist():
        intervals = np.flatnonzero(left[position])
        if profiles[position] == NO_COMPONENT:
            why = f"the factor {parameters.profile_factor} names no profile of the component's unit"
        else:
            why = "the profile has no usable value for them"
        findings.append(
            Finding(
                int(rows[position]),
                f"{len(intervals)} missing intervals were not estimated: {why}.",
                observed=str(len(intervals)),
                limit="0",
                first_interval=int(intervals[0]),
                last_interval=int(intervals[-1]),
                count=len(intervals),
            )
        )
    return findings


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    factor = parameters.profile_factor
    if parameters.scale_to_measured:
        return Said(
            gettext_noop(
                "Fills missing intervals with the profile that the factor {factor} names, scaled to what was measured "
                "in the IMD."
            ),
            factor=factor,
        )
    if parameters.scale == 1:
        return Said(
            gettext_noop("Fills missing intervals with the profile that the factor {factor} names."), factor=factor
        )
    return Said(
        gettext_noop("Fills missing intervals with the profile that the factor {factor} names times {scale}."),
        factor=factor,
        scale=number_text(parameters.scale),
    )


RULE = Rule(
    name="interval_profile_estimation",
    code="",
    title="Interval Profile Estimation",
    summary=(
        "Fills missing intervals with the values of a profile component that a factor names, scaled if need be. An "
        "interval for which there is no profile value stays missing and is reported."
    ),
    kinds=INTERVAL_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("the profile gives no value", "NO-PROFILE"),),
    sentence=sentence,
    evaluate=evaluate,
)
