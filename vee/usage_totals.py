"""
What the measurements of one component in a period add up to: exactly, with how good they are.

Plain Python and arrays: no database, no clock. Values count 10^-scale of the unit; their sum is taken in whole numbers.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from vee.codes import Band, ComponentKind, UsageIssue
from vee.engine.fixed_point import number_text, to_decimal


_NO_VALUE = np.iinfo(np.int64).min


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ComponentFacts:
    """What a total needs to know of its measuring component."""

    id: int
    identifier: str
    kind: str
    uom: str
    allow_negative: bool
    seconds_per_interval: int | None
    standard_offset: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ComponentTotal:
    """
    The total of one component: `total` in its unit, None when there is no measurement.

    `expected` is how many measurements the complete period has; of them `missing` have no value. `estimated`,
    `user_edited` and `negative` (of a component that allows none) are counts among those that have one. `conditions`
    counts all by condition code.
    """

    component: ComponentFacts
    total: Decimal | None
    expected: int
    missing: int
    estimated: int
    user_edited: int
    negative: int
    conditions: dict[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class RegisterRead:
    """One read in the period: the consumption since the one before, None where there is none."""

    consumption: Decimal | None
    condition: int
    user_edited: bool


def expected_intervals(*, start: int, end: int, seconds_per_interval: int, standard_offset: int) -> int:
    """
    Give how many intervals have their end in `start < end label ≤ end`, all in epoch seconds.

    The grid of intervals begins with the component's standard-time day, so a local day has 92, 96 or 100 quarter-hours.
    """
    return (end + standard_offset) // seconds_per_interval - (start + standard_offset) // seconds_per_interval


def total_of_intervals(
    *,
    component: ComponentFacts,
    expected: int,
    values: np.ndarray,
    conditions: np.ndarray,
    edited: np.ndarray,
    scale: int,
) -> ComponentTotal:
    """Add up the intervals of a period: their counts, condition codes, and which of them a person set."""
    there = values != _NO_VALUE
    counts: list[int] = values[there].tolist()
    estimated = (conditions >= Band.SYSTEM_ESTIMATE.low) & (conditions <= Band.EXTERNAL_ESTIMATE.high)
    return ComponentTotal(
        component=component,
        # Of Python's integers, which no period is too long for.
        total=to_decimal(sum(counts), scale) if counts else None,
        expected=expected,
        missing=max(expected - len(counts), 0),
        estimated=int((there & estimated).sum()),
        user_edited=int((there & edited).sum()),
        negative=0 if component.allow_negative else int((values[there] < 0).sum()),
        conditions=_counted(conditions.tolist()),
    )


def total_of_reads(*, component: ComponentFacts, reads: Sequence[RegisterRead], begins: bool) -> ComponentTotal:
    """
    Add up the consumption of the reads of a register in a period, in order.

    `begins` says that no read lies before the first one: it is what later ones are subtracted from, and no gap. A
    period without any consumption lacks at least one read.
    """
    counted = reads[1:] if begins and reads and reads[0].consumption is None else reads
    consumptions = [read.consumption for read in counted if read.consumption is not None]
    expected = max(len(counted), 1)
    return ComponentTotal(
        component=component,
        total=sum(consumptions, Decimal(0)) if consumptions else None,
        expected=expected,
        missing=expected - len(consumptions),
        estimated=sum(
            Band.SYSTEM_ESTIMATE.low <= read.condition <= Band.EXTERNAL_ESTIMATE.high
            for read in counted
            if read.consumption is not None
        ),
        user_edited=sum(read.user_edited for read in counted if read.consumption is not None),
        negative=0 if component.allow_negative else sum(consumption < 0 for consumption in consumptions),
        conditions=_counted([read.condition for read in reads]),
    )


def no_measurement(*, component: ComponentFacts, expected: int) -> ComponentTotal:
    """Give the total of a component that has no measurement in the period."""
    return ComponentTotal(
        component=component, total=None, expected=expected, missing=expected, estimated=0, user_edited=0, negative=0,
        conditions={},
    )  # fmt: skip


def issues_of(totals: Sequence[ComponentTotal]) -> list[dict[str, str]]:
    """Give what stands against sending these totals: `code` of `UsageIssue`, `component` and `message`."""
    if not totals:
        return [_issue(UsageIssue.NO_COMPONENT, "", "The service point has no measuring component.")]
    found = []
    for one in totals:
        name, unit = one.component.identifier, "reads" if one.component.kind == ComponentKind.SCALAR else "intervals"
        if one.total is None:
            found.append(_issue(UsageIssue.NO_MEASUREMENT, name, f"{name} has no measurement in the period."))
        elif one.missing:
            text = f"{name}: {one.missing} of {one.expected} {unit} are missing."
            found.append(_issue(UsageIssue.MISSING_DATA, name, text))
        if one.negative:
            text = f"{name}: {one.negative} {unit} are negative, which its type does not allow."
            found.append(_issue(UsageIssue.NEGATIVE, name, text))
    return found


def without_trailing_zeros(value: Decimal) -> Decimal:
    """Give a total as people write it: no trailing zeros, no exponent, no digit lost."""
    return Decimal(number_text(value))


def _issue(code: UsageIssue, component: str, message: str) -> dict[str, str]:
    return {"code": code.value, "component": component, "message": message}


def _counted(conditions: Sequence[int]) -> dict[str, int]:
    return {str(code): count for code, count in sorted(Counter(conditions).items())}
