"""
Raise Missing Quantity Exception (`vee.md` 5.1): intervals that are still missing.

Belongs at the end of a group, after the estimations. Missing is a condition in the missing range, or no value, unless
the condition says outage.
"""

from __future__ import annotations

from typing import Annotated

from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, missing_runs
from vee.engine.parameters import ConditionRange, RuleParameters, described, require_ordered
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    missing_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are missing, as are those without a value.")
    ] = MISSING_RANGE
    outage_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are never missing.")
    ] = OUTAGE_RANGE

    def __post_init__(self) -> None:
        require_ordered(self.missing_condition_range, "missing_condition_range")
        require_ordered(self.outage_condition_range, "outage_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD that still has missing intervals, once."""
    gaps = missing_runs(batch, parameters.missing_condition_range, parameters.outage_condition_range)
    spans: dict[int, list[int]] = {}
    for row, first, length in zip(gaps.rows.tolist(), gaps.firsts.tolist(), gaps.lengths.tolist(), strict=True):
        span = spans.setdefault(row, [first, first, 0])
        span[1] = first + length - 1
        span[2] += length
    return Result(
        findings=[
            Finding(
                row,
                f"{count} of {batch.length} intervals are missing.",
                observed=str(count),
                limit="0",
                first_interval=first,
                last_interval=last,
                count=count,
            )
            for row, (first, last, count) in spans.items()
        ]
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(gettext_noop("{fails} when intervals are still missing."))


RULE = Rule(
    name="raise_missing_quantity_exception",
    code="",
    title="Raise Missing Quantity Exception",
    summary="Reports intervals that are still missing. Put it after the estimations.",
    kinds=INTERVAL_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("intervals are missing", "MISSING-QUANTITY"),),
    sentence=sentence,
    evaluate=evaluate,
)
