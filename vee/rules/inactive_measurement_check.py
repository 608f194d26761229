"""
Inactive Measurement Check (`vee.md` 5.1): consumption where there should be none. Three switches:

* *disconnected*: more than the threshold was consumed while the device was switched off or outside its installations.
  Of intervals those are added up that lie wholly in such a time; a register is judged when its whole period does.
* *uninstalled*: no installation of the device overlaps the period.
* *missing usage subscription*: the service point has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import ComponentKind, Role
from vee.engine import consumption
from vee.engine.batch import Batch
from vee.engine.context import FOREVER, NEVER, Context, Installation, Period
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import as_text, number_text, row_sums
from vee.engine.parameters import ExceptionTypeCode, RuleParameters, described, quantity
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import LIST_OF_COMMA_OR, Said, fails, gettext_noop, listed


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    disconnected: Annotated[bool, described("Fail consumption while the device was switched off or not installed.")] = (
        True
    )
    threshold: Annotated[
        Decimal, quantity("Consumption up to this is tolerated while switched off.", unit="unit of measure", minimum=0)
    ] = Decimal(0)
    uninstalled: Annotated[bool, described("Fail readings of a device that was not installed in the period.")] = True
    uninstalled_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""
    missing_usage_subscription: Annotated[
        bool, described("Fail readings of a service point without a usage subscription.")
    ] = False
    missing_usage_subscription_exception_type: Annotated[
        ExceptionTypeCode, described("The exception type for that.")
    ] = ""

    def __post_init__(self) -> None:
        if not (self.disconnected or self.uninstalled or self.missing_usage_subscription):
            raise ValueError("one of disconnected, uninstalled and missing_usage_subscription has to be on")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD of a device that should not have measured."""
    result = Result()
    if parameters.disconnected or parameters.uninstalled:
        _judge_installations(batch, parameters, context, result)
    if parameters.missing_usage_subscription:
        for row in np.flatnonzero(~context.has_usage_subscription(batch)).tolist():
            message = "The service point has no usage subscription."
            result.findings.append(Finding(row, message, observed=kept("none"), point="missing_usage_subscription"))
    result.findings.sort(key=lambda finding: finding.row)
    return result


def _judge_installations(batch: Batch, parameters: Parameters, context: Context, result: Result) -> None:
    homeless = [row for row, facts in enumerate(batch.facts) if facts.device_id is None]
    result.leave_out(homeless, "the measuring component belongs to no device")
    asked = np.array([row for row, facts in enumerate(batch.facts) if facts.device_id is not None], dtype=np.intp)
    if not len(asked):
        return
    part = batch.take(asked)
    installations = context.installations(part)
    if parameters.uninstalled:
        for at, installed in enumerate(installations):
            if not installed:
                message = "The device was not installed in this period."
                result.findings.append(Finding(int(asked[at]), message, observed=kept("none"), point="uninstalled"))
    if parameters.disconnected:
        inactive = [_inactive(installed) for installed in installations]
        # A device that was never installed is said to be so once.
        judged = [at for at, installed in enumerate(installations) if installed or not parameters.uninstalled]
        of_kind = _judge_register if batch.kind == ComponentKind.SCALAR else _judge_intervals
        of_kind(part, asked, judged, inactive, parameters, context, result)


def _inactive(installations: Sequence[Installation]) -> list[Period]:
    """Give the times in which a device was not installed or was switched off, in order."""
    active_until, periods = 0, []
    for installed in installations:
        if installed.period.start > active_until:
            periods.append(Period(active_until, installed.period.start))
        periods += [Period(off.start, min(off.end, installed.period.end)) for off in installed.off]
        active_until = max(active_until, installed.period.end)
    if active_until < FOREVER:
        periods.append(Period(active_until, FOREVER))
    return _joined(periods)


def _joined(periods: list[Period]) -> list[Period]:
    """Join periods that overlap or touch."""
    joined: list[Period] = []
    for period in sorted(periods, key=lambda one: one.start):
        if joined and period.start <= joined[-1].end:
            joined[-1] = Period(joined[-1].start, max(joined[-1].end, period.end))
        else:
            joined.append(period)
    return joined


def _judge_intervals(
    batch: Batch,
    rows: NDArray[np.intp],
    judged: Sequence[int],
    inactive: Sequence[Sequence[Period]],
    parameters: Parameters,
    context: Context,
    result: Result,
) -> None:
    size = batch.seconds_per_interval
    if size is None:
        result.leave_out(rows[list(judged)], "the interval size is not known")
        return
    within = np.zeros(batch.values.shape, dtype=np.bool_)
    for at in judged:
        for period in inactive[at]:
            first = max(0, -(-(period.start - int(batch.starts[at])) // size))
            last = min(batch.length, (period.end - int(batch.starts[at])) // size)
            within[at, first : max(first, last)] = True
    within &= consumption.usable(batch)
    sums = row_sums(batch.values, within)
    for at in np.flatnonzero(within.any(axis=1)).tolist():
        if _exceeds(int(sums[at]), batch.scale, parameters):
            intervals = np.flatnonzero(within[at])
            result.findings.append(_finding(int(rows[at]), int(sums[at]), batch.scale, parameters, intervals=intervals))


def _judge_register(
    batch: Batch,
    rows: NDArray[np.intp],
    judged: Sequence[int],
    inactive: Sequence[Sequence[Period]],
    parameters: Parameters,
    context: Context,
    result: Result,
) -> None:
    totals = consumption.totals(batch)
    starts, ends = consumption.periods(batch, context)
    unknown, partly = [], []
    for at in judged:
        if not totals.known[at] or starts[at] == NEVER:
            unknown.append(int(rows[at]))
            continue
        start, end = int(starts[at]), int(ends[at])
        overlapping = [period for period in inactive[at] if period.start < end and start < period.end]
        if not overlapping or not _exceeds(totals.of(at), batch.scale, parameters):
            continue
        if overlapping[0].start <= start and end <= overlapping[0].end:
            result.findings.append(_finding(int(rows[at]), totals.of(at), batch.scale, parameters))
        else:
            partly.append(int(rows[at]))
    result.leave_out(unknown, "there is no consumption")
    result.leave_out(partly, "the device was active for a part of the register's period")


def _exceeds(total: int, scale: int, parameters: Parameters) -> bool:
    return Fraction(total, 10**scale) > Fraction(parameters.threshold)


def _finding(
    row: int, total: int, scale: int, parameters: Parameters, intervals: NDArray[np.intp] | None = None
) -> Finding:
    observed, limit = as_text(total, scale), number_text(parameters.threshold)
    message = f"{observed} was consumed while the device was switched off or not installed; allowed is {limit}."
    if intervals is None:
        return Finding(row, message, observed=observed, limit=limit)
    return Finding(
        row,
        message,
        observed=observed,
        limit=limit,
        first_interval=int(intervals[0]),
        last_interval=int(intervals[-1]),
        count=len(intervals),
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    reasons = []
    if parameters.disconnected:
        threshold = number_text(parameters.threshold)
        reasons.append(
            Said(
                gettext_noop("more than {threshold} was consumed while the device was switched off or not installed"),
                threshold=threshold,
            )
        )
    if parameters.uninstalled:
        reasons.append(Said(gettext_noop("the device was not installed in the period")))
    if parameters.missing_usage_subscription:
        reasons.append(Said(gettext_noop("the service point has no usage subscription")))
    return fails(gettext_noop("{fails} when {reasons}."), reasons=listed(reasons, LIST_OF_COMMA_OR))


RULE = Rule(
    name="inactive_measurement_check",
    code="D2-INACTVCHK",
    title="Inactive Measurement Check",
    summary="Reports consumption of a device that is switched off, not installed, or that nobody is billed for.",
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(
        FailurePoint("consumption while switched off or not installed", "INACTIVE-CONSUMPTION"),
        FailurePoint("the device was not installed", "DEVICE-NOT-INSTALLED", name="uninstalled"),
        FailurePoint(
            "the service point has no usage subscription",
            "NO-USAGE-SUBSCRIPTION",
            name="missing_usage_subscription",
        ),
    ),
    sentence=sentence,
    evaluate=evaluate,
)
