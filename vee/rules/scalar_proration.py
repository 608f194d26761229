"""
Scalar Proration (`vee.md` 5.2): a missing read between two others gets its share of what was used between them.

`est = (Q - Q_int) * d / (D - D_int)`: Q and D are quantity and time between the reads, Q_int and D_int what related
intervals tell of that time, d is the time of this read. What the intervals tell of d itself is known and is not
prorated: it is added, and its time taken from d.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

import numpy as np

from vee.codes import Band, Condition
from vee.engine.batch import Batch
from vee.engine.context import ComponentFacts, Context, Period, RegisterReads
from vee.engine.findings import Finding, Result
from vee.engine.gaps import MISSING_RANGE
from vee.engine.parameters import (
    ConditionCode,
    ConditionRange,
    ExceptionTypeCode,
    PointSeverity,
    RuleParameters,
    described,
    require_ordered,
)
from vee.engine.rule import ALL_ROLES, SCALAR_ONLY, FailurePoint, Rule
from vee.engine.scalar_estimates import (
    Estimates,
    Total,
    can_be_set,
    interval_totals,
    missing_rows,
    period_of,
    related_intervals,
)
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    minimum_related_measurement_condition: Annotated[
        ConditionCode, described("Related intervals below this condition do not count.")
    ] = int(Condition.REGULAR)
    minimum_read_condition: Annotated[ConditionCode, described("The next read has at least this condition.")] = (
        Band.REGULAR.low
    )
    missing_condition_range: Annotated[
        ConditionRange, described("Reads with a condition in this range are estimated.")
    ] = MISSING_RANGE
    estimate_condition: Annotated[ConditionCode, described("The condition that the estimate gets.")] = int(
        Condition.ESTIMATED_PRORATED
    )
    no_next_read_severity: Annotated[
        PointSeverity, described("When there is no good read after it; empty: do not report it.")
    ] = None
    no_next_read_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""

    def __post_init__(self) -> None:
        require_ordered(self.missing_condition_range, "missing_condition_range")


@dataclass(frozen=True, slots=True)
class _Between:
    """A missing read between two others: its own period, theirs, and what was used in theirs."""

    row: int
    own: Period
    whole: Period
    quantity: Fraction


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Give each missing read between two others its share."""
    result, estimates = Result(), Estimates(batch.scale)
    rows = can_be_set(batch, missing_rows(batch, parameters.missing_condition_range), result)
    if not rows:
        return result
    ends = np.array([batch.facts[row].end for row in rows], dtype=np.int64)
    components = np.array([batch.facts[row].component_id for row in rows], dtype=np.int64)
    between, without = [], []
    for row, reads in zip(rows, context.register_reads(components, ends, ends), strict=True):
        found = _between(batch, row, reads, parameters)
        if found is None:
            without.append(row)
        else:
            between.append(found)
    result.leave_out(without, "there is no good read after it")
    result.findings.extend(
        Finding(row, "There is no good read after this one to prorate.", point="no_next_read") for row in without
    )
    if not between:
        return result
    known = related_intervals(batch, [found.row for found in between], context)
    for found, (inside, whole) in zip(between, _known(between, known, parameters, context), strict=True):
        amount = _share(found, inside, whole)
        estimates.add(found.row, amount, parameters.estimate_condition, result)
    return estimates.into(result)


def _between(batch: Batch, row: int, reads: RegisterReads, parameters: Parameters) -> _Between | None:
    following = reads.after
    if following is None or following.consumption is None or following.condition < parameters.minimum_read_condition:
        return None
    own = period_of(batch, row)
    return _Between(row, own, Period(own.start, following.read_at), Fraction(following.consumption))


def _known(
    between: list[_Between], related: list[list[ComponentFacts]], parameters: Parameters, context: Context
) -> list[tuple[Total, Total]]:
    """Give what related intervals tell of each own period and of the whole one; the first component that tells any."""
    asked = [(facts, period) for found, each in zip(between, related, strict=True) for facts in each
             for period in (found.own, found.whole)]  # fmt: skip
    minimum = parameters.minimum_related_measurement_condition
    totals = iter(interval_totals(asked, context, minimum_condition=minimum))
    known = []
    for each in related:
        pairs = [(next(totals), next(totals)) for _ in each]
        known.append(next((pair for pair in pairs if pair[1].covered), (Total(), Total())))
    return known


def _share(found: _Between, inside: Total, whole: Total) -> Fraction:
    left = found.whole.end - found.whole.start - whole.covered
    own = found.own.end - found.own.start - inside.covered
    if not left or not own:
        return inside.amount
    return inside.amount + (found.quantity - whole.amount) * own / left


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return Said(
        gettext_noop(
            "Gives a missing read its share, by time, of what was used between the reads before and after it, less "
            "what related intervals account for."
        )
    )


RULE = Rule(
    name="scalar_proration",
    code="D2-SCLRPRORT",
    title="Scalar Proration",
    summary=(
        "Prorates what was used between the reads before and after a missing one by time. What related intervals tell "
        "is taken as it is: only the rest is prorated over the rest of the time."
    ),
    kinds=SCALAR_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("there is no good read after it", "NO-NEXT-READ", name="no_next_read"),),
    sentence=sentence,
    evaluate=evaluate,
)
