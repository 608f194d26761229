"""
Subtractive Interval Adjustment (`vee.md` 5.2): estimated runs of a subtractive interval component are scaled.

Between two actual readings the consumption is known. The eligible intervals (by condition) that lie between them are
multiplied by one factor, so that together with the other intervals they add up to it exactly; where they add up to zero
each gets the same. The readings are those of the component's consumption reference, a register that counts the same. A
reading is actual when its condition lies in a range; one that is not is passed over. The reading that ends a run may
come after the IMD: then the final measurements up to it complete the run.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Annotated

import numpy as np

from vee.codes import ComponentKind
from vee.engine.batch import Batch, in_range
from vee.engine.context import Context, RegisterRead, RegisterReads
from vee.engine.findings import Result
from vee.engine.parameters import ConditionRange, described, require_ordered
from vee.engine.reconciliation import stretches
from vee.engine.rule import ALL_ROLES, Rule
from vee.engine.sentences import Said, gettext_noop
from vee.rules.interval_adjustment_from_scalar import FAILURE_POINTS, Adjustment, adjusted_to, with_register


class Parameters(Adjustment, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    eligible_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are scaled.")
    ] = (200_000, 499_999)
    actual_condition_range: Annotated[
        ConditionRange, described("Readings with a condition in this range are actual; others are passed over.")
    ] = (500_000, 699_999)

    def __post_init__(self) -> None:
        require_ordered(self.eligible_condition_range, "eligible_condition_range")
        require_ordered(self.actual_condition_range, "actual_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Scale the eligible intervals of each IMD to the readings around them."""
    result = Result()
    if batch.seconds_per_interval is None:
        return Result.nothing_to_judge(batch, "the interval size is not known")
    eligible = in_range(batch.conditions, parameters.eligible_condition_range)
    rows, registers = with_register(batch, np.asarray(eligible.any(axis=1)), context, result)
    if not rows:
        return result
    ends = batch.starts[rows] + batch.length * batch.seconds_per_interval
    reads = [
        _actual(around, parameters.actual_condition_range)
        for around in context.register_reads(registers, batch.starts[rows], ends)
    ]
    found, refused = stretches(batch, rows, reads, context, beyond=True)
    found = [stretch for stretch in found if eligible[stretch.row, stretch.first : stretch.end].any()]
    return adjusted_to(batch, found, eligible, parameters, result, refused)


def _actual(around: RegisterReads, actual: ConditionRange) -> RegisterReads:
    """Pass over reads that are not actual: their consumption goes to the next one."""
    kept: list[RegisterRead] = []
    carried: Decimal | None = Decimal(0)
    for read in around.inside:
        carried = None if carried is None or read.consumption is None else carried + read.consumption
        if actual[0] <= read.condition <= actual[1]:
            kept.append(dataclasses.replace(read, consumption=carried))
            carried = Decimal(0)
    before, after = around.before, around.after
    if before is not None and not actual[0] <= before.condition <= actual[1]:
        before = None
    if after is not None:
        whole = None if carried is None or after.consumption is None else carried + after.consumption
        usable = actual[0] <= after.condition <= actual[1]
        after = dataclasses.replace(after, consumption=whole) if usable else None
    return RegisterReads(before, tuple(kept), after)


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    low, high = parameters.eligible_condition_range
    return Said(
        gettext_noop(
            "Scales intervals with conditions from {low} to {high} so that they add up to the consumption between the "
            "actual readings around them."
        ),
        low=low,
        high=high,
    )


RULE = Rule(
    name="subtractive_interval_adjustment",
    code="D2-SUBINADJV",
    title="Subtractive Interval Adjustment",
    summary=(
        "Scales the estimated intervals of a subtractive interval component to the consumption between the actual "
        "readings around them, which the register that it refers to gives."
    ),
    kinds=frozenset({ComponentKind.SUBTRACTIVE_INTERVAL}),
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=FAILURE_POINTS,
    sentence=sentence,
    evaluate=evaluate,
    in_order=True,
)
