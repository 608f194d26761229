"""
Interval Create Estimation IMD for Gap (`vee.md` 5.2): a hole before the IMD gets an estimation IMD of its own.

The hole lies between the last final measurement of the component and the IMD's start. One of up to `max_hours` is asked
to be filled: whole, or only where the device was installed and switched on (`CONDITIONAL`); where nothing is known of
installations that is the whole hole. A component that was never measured has no hole. The request becomes an IMD once
this one's run is kept; whoever makes it looks at what is in progress for the hole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np

from vee.codes import Role
from vee.engine.batch import Batch
from vee.engine.calendar import label_text
from vee.engine.context import NEVER, Context, Installation, Period
from vee.engine.findings import EstimationRequest, Finding, Result
from vee.engine.fixed_point import divide_half_even, number_text, to_decimal
from vee.engine.parameters import ExceptionTypeCode, PointSeverity, RuleParameters, described, quantity
from vee.engine.rule import INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    max_hours: Annotated[Decimal, quantity("The longest hole that is filled, in hours.", unit="h", above=0)] = Decimal(
        744
    )
    gap_fill: Annotated[
        Literal["ALWAYS", "CONDITIONAL"],
        described("Fill the whole hole, or only where the device was installed and switched on."),
    ] = "ALWAYS"
    gap_found_severity: Annotated[PointSeverity, described("Report holes that are to be filled; empty: do not.")] = None
    gap_found_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""
    gap_too_long_severity: Annotated[PointSeverity, described("Report holes over the limit; empty: do not.")] = None
    gap_too_long_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Find the holes before the IMDs and ask for estimation IMDs."""
    size = batch.seconds_per_interval
    if size is None:
        return Result.nothing_to_judge(batch, "the interval size is not known")
    result = Result()
    last = context.last_measured(batch)
    result.leave_out(np.flatnonzero(last == NEVER), "the component was never measured before")
    holes = np.flatnonzero((last != NEVER) & (last < batch.starts))
    fits = (batch.starts[holes] - last[holes]) <= int(parameters.max_hours * 3600)
    result.leave_out(holes[~fits], f"the hole before the IMD is longer than {number_text(parameters.max_hours)} hours")
    for row in holes[~fits].tolist():
        result.findings.append(_finding(batch, row, int(last[row]), parameters, "gap_too_long"))
    rows = holes[fits]
    if not len(rows):
        return result
    parts = _parts(batch, rows.tolist(), last[rows].tolist(), parameters, context)
    for row, periods in zip(rows.tolist(), parts, strict=True):
        result.requests.extend(EstimationRequest(row, period.start, period.end) for period in periods)
        if periods:
            result.findings.append(_finding(batch, row, int(last[row]), parameters, "gap_found"))
    result.findings.sort(key=lambda finding: finding.row)
    return result


def _parts(
    batch: Batch, rows: list[int], begins: list[int], parameters: Parameters, context: Context
) -> list[list[Period]]:
    """Give the parts of each row's hole that are to be filled, on the grid of intervals."""
    whole = [Period(begin, int(batch.starts[row])) for row, begin in zip(rows, begins, strict=True)]
    if parameters.gap_fill == "ALWAYS":
        return [[period] for period in whole]
    # The questions about places are about an IMD's period: here the hole's.
    holes = batch.take(rows)
    holes.starts = np.array(begins, dtype=np.int64)
    holes.facts = [dataclasses.replace(facts, end=period.end) for facts, period in zip(holes.facts, whole, strict=True)]
    in_holes, in_imds = context.installations(holes), context.installations(batch.take(rows))
    size = batch.seconds_per_interval or 0
    return [
        _in_service(period, of_hole, size) if of_hole or of_imd else [period]
        for period, of_hole, of_imd in zip(whole, in_holes, in_imds, strict=True)
    ]


def _in_service(hole: Period, installations: Sequence[Installation], size: int) -> list[Period]:
    """Give the parts of a hole, in whole intervals, in which a device was installed and switched on."""
    parts = []
    for installation in installations:
        start, end = max(hole.start, installation.period.start), min(hole.end, installation.period.end)
        for off in [*sorted(installation.off, key=lambda period: period.start), Period(end, end)]:
            first = hole.start + -(-(start - hole.start) // size) * size
            last = hole.start + (min(off.start, end) - hole.start) // size * size
            if first < last:
                parts.append(Period(first, last))
            start = max(start, off.end)
    return parts


def _finding(batch: Batch, row: int, begin: int, parameters: Parameters, point: str) -> Finding:
    hours = _hours(int(batch.starts[row]) - begin)
    since = label_text(begin, 0, 0, batch.facts[row].time_zone)
    return Finding(
        row,
        f"Nothing was measured for {hours} hours before the IMD, since {since}.",
        observed=hours,
        limit=number_text(parameters.max_hours),
        point=point,
    )


def _hours(seconds: int) -> str:
    return number_text(to_decimal(divide_half_even(seconds * 100, 3600), 2))


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    hours = number_text(parameters.max_hours)
    if parameters.gap_fill == "ALWAYS":
        return Said(
            gettext_noop("Asks for an estimation IMD for a hole of up to {hours} hours before the IMD."), hours=hours
        )
    return Said(
        gettext_noop(
            "Asks for an estimation IMD for a hole of up to {hours} hours before the IMD, where the device was "
            "installed and switched on."
        ),
        hours=hours,
    )


RULE = Rule(
    name="interval_create_estimation_imd_for_gap",
    code="D2-CREESTIMD",
    title="Interval Create Estimation IMD for Gap",
    summary=(
        "Looks before the IMD: when measurements are missing between the last one and its start, an estimation IMD is "
        "created for the hole. The IMD itself is not touched."
    ),
    kinds=INTERVAL_ONLY,
    roles=frozenset({Role.INITIAL_LOAD, Role.MANUAL_OVERRIDE}),
    parameters=Parameters,
    failure_points=(
        FailurePoint("a hole is to be filled", "GAP-FOUND", name="gap_found"),
        FailurePoint("a hole is longer than the limit", "GAP-TOO-LONG", name="gap_too_long"),
    ),
    sentence=sentence,
    evaluate=evaluate,
    in_order=True,
)
