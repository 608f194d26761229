"""
Interval Spike Check (`vee.md` 4.9): the highest interval against the third-highest.

`ratio = (p1 - p3) / p3; fail <=> ratio > tolerance`, in each 24 hours from the IMD's start or over the whole IMD; equal
passes. A spike of one or two intervals is found, a plateau of three hides itself. Where `p3 <= 0 < p1` it fails if
`p1 > minimum_peak`; all zero passes; fewer than three usable intervals are not evaluated.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import Role
from vee.engine import calendar
from vee.engine.batch import Batch, in_range
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import INT64_MAXIMUM, as_text, divide_half_even, number_text
from vee.engine.lone_peaks import lone_peaks
from vee.engine.parameters import ConditionRange, RuleParameters, described, quantity, require_ordered
from vee.engine.rule import INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


TOO_FEW = kept("fewer than 3 usable intervals")
_NOTHING = np.iinfo(np.int64).min


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    tolerance: Annotated[
        Decimal,
        quantity("How far the highest may lie above the third-highest: 1.8 is 180 %.", unit="ratio", minimum=0),
    ] = Decimal("1.8")
    mode: Annotated[
        Literal["PER_24H", "WHOLE_IMD"],
        described("Rank the intervals of each 24 hours from the IMD's start, or of the whole IMD."),
    ] = "PER_24H"
    minimum_peak: Annotated[
        Decimal, quantity("Peaks below this value are ignored.", unit="unit of measure", minimum=0)
    ] = Decimal(0)
    exclude_condition_range: Annotated[
        ConditionRange | None,
        described("Intervals with a condition in this range are not ranked; those without a value never are."),
    ] = (100_000, 299_999)

    def __post_init__(self) -> None:
        require_ordered(self.exclude_condition_range, "exclude_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Rank each IMD's intervals, day by day or as a whole."""
    size = batch.length
    if parameters.mode == "PER_24H":
        seconds = batch.seconds_per_interval
        if seconds is None or calendar.SECONDS_PER_DAY % seconds:
            return Result.nothing_to_judge(batch, "the interval size does not divide 24 hours")
        size = calendar.SECONDS_PER_DAY // seconds
    whole_days = batch.length - batch.length % size
    stretches = [
        (first, last, width)
        for first, last, width in ((0, whole_days, size), (whole_days, batch.length, batch.length - whole_days))
        if last > first and width >= 3
    ]
    if not stretches:
        return Result.nothing_to_judge(batch, TOO_FEW)
    result = Result()
    partial, usable = _partly_usable(batch, parameters.exclude_condition_range)
    values, enough = batch.values, None
    if len(partial):
        values = values.copy()
        values[partial] = np.where(usable, values[partial], _NOTHING)
    judged = np.zeros(len(partial), dtype=np.bool_)
    for first, last, width in stretches:
        if len(partial):
            some = _enough(usable[:, first:last], width)
            judged |= some.any(axis=1)
            enough = np.ones((batch.size, some.shape[1]), dtype=np.bool_)
            enough[partial] = some
        _judge(batch, parameters, result, first, width, values[:, first:last], enough)
    if len(stretches) > 1:
        result.findings.sort(key=lambda finding: (finding.row, finding.first_interval))
    result.leave_out(partial[~judged], TOO_FEW)
    return result


def _partly_usable(batch: Batch, exclude: ConditionRange | None) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Give the rows that have intervals that are not usable, and which of their intervals are."""
    rows = batch.rows_within(*([] if exclude is None else [exclude]))
    usable = batch.valid[rows]
    if exclude is not None:
        usable &= ~in_range(batch.conditions[rows], exclude)
    partly = ~usable.all(axis=1)
    return rows[partly], usable[partly]


def _enough(usable: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Tell which stretches of `width` intervals have three usable ones: [rows, stretches per row]."""
    return usable.reshape(usable.shape[0], -1, width).sum(axis=2) >= 3


def _judge(
    batch: Batch,
    parameters: Parameters,
    result: Result,
    offset: int,
    width: int,
    values: NDArray[np.int64],
    enough: NDArray[np.bool_] | None,
) -> None:
    """Judge each row's stretches that start at `offset` and follow each other, where there are enough values."""
    per_row = values.shape[1] // width
    stretches = values.reshape(batch.size * per_row, width)
    peaks, failed = lone_peaks(stretches, parameters.tolerance)
    if enough is not None:
        failed &= enough.ravel()
    lowest_peak = parameters.minimum_peak.scaleb(batch.scale).to_integral_value(rounding=ROUND_CEILING)
    if lowest_peak > 0:
        failed &= peaks >= min(int(lowest_peak), INT64_MAXIMUM)
    for at in np.flatnonzero(failed).tolist():
        row, day = divmod(at, per_row)
        finding = _finding(batch, parameters, row, offset + day * width, stretches[at].tolist())
        if finding:
            result.findings.append(finding)


def _finding(batch: Batch, parameters: Parameters, row: int, offset: int, values: list[int]) -> Finding | None:
    third, _, highest = sorted(values)[-3:]
    times, parts = parameters.tolerance.as_integer_ratio()
    peak, compared = as_text(highest, batch.scale), as_text(third, batch.scale)
    if third > 0:
        spikes = [at for at, value in enumerate(values) if value > third and (value - third) * parts > times * third]
        observed = as_text(divide_half_even((highest - third) * 10_000, third), 4)
        said = f"The highest value, {peak}, exceeds the third-highest, {compared}, by {observed} times the latter"
    else:
        least = parameters.minimum_peak.scaleb(batch.scale)
        if highest <= least:
            return None
        spikes = [at for at, value in enumerate(values) if value > least]
        observed = kept(f"{peak} against {compared}")
        said = f"The highest value is {peak}, the third-highest {compared}"
    limit = number_text(parameters.tolerance)
    return Finding(
        row,
        f"{_when(batch, row, offset + values.index(highest), said)}; the tolerance is {limit}.",
        observed=observed,
        limit=limit,
        first_interval=offset + spikes[0],
        last_interval=offset + spikes[-1],
        count=len(spikes),
    )


def _when(batch: Batch, row: int, interval: int, said: str) -> str:
    if batch.seconds_per_interval is None:
        return said
    label = calendar.label_text(
        int(batch.starts[row]), batch.seconds_per_interval, interval, batch.facts[row].time_zone
    )
    return kept(f"{said}, in the interval to {label}")


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    said = fails(
        gettext_noop("{fails} when the highest interval {scope} lies more than {percent} % above the third-highest"),
        scope=Said(gettext_noop("of any 24 hours") if parameters.mode == "PER_24H" else gettext_noop("of the IMD")),
        percent=number_text(parameters.tolerance * 100),
    )
    peak = parameters.minimum_peak
    if not peak:
        return said.inside(gettext_noop("{what}."))
    return said.inside(gettext_noop("{what} and reaches {peak}."), peak=number_text(peak))


RULE = Rule(
    name="interval_spike_check",
    code="D2-INTSPKCHK",
    title="Interval Spike Check",
    summary=(
        "Compares the highest interval with the third-highest. A spike of one or two intervals is found; a plateau of "
        "three hides itself."
    ),
    kinds=INTERVAL_ONLY,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("the highest lies too far above the third-highest", "SPIKE"),),
    sentence=sentence,
    evaluate=evaluate,
)
