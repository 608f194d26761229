"""
Final Measurement Replacement (`vee.md` 5.1, 6.3): which readings replace what has been measured, interval by interval.

For each reading with an existing final measurement the first step that decides counts:

1. *User-edited guard.* What a person set is kept; or it is kept unless its condition ranks lower; or it is no concern.
2. *Ranking of conditions.* A higher one replaces a lower one, a lower one never a higher one. Without a configured
   ranking the bands rank by number. A condition outside a configured ranking ranks lowest.
3. *Change.* Of equal rank, a reading replaces when its value differs enough: by `min_value_change` and by
   `min_pct_change` percent of the old one (of zero any change is enough). Where neither is set it replaces, unless a
   ranking is configured: then only what ranks lower is replaced.

Kept intervals take the existing value and condition; the others are replaced when the IMD completes. A reading that is
missing never replaces anything. Of a register the consumption of the read at the same time is compared and kept; a
register's first read has none, and is replaced.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from vee.engine.batch import Batch, distinct, in_range
from vee.engine.context import Context, Measured
from vee.engine.existing import NO_INTERVAL_SIZE, existing, kept
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import INT64_MAXIMUM, number_text, ratio_exceeds
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, missing_mask
from vee.engine.parameters import (
    ConditionRange,
    ExceptionTypeCode,
    PointSeverity,
    RuleParameters,
    described,
    quantity,
    require_ordered,
)
from vee.engine.rule import ALL_KINDS, ALL_ROLES, FailurePoint, Rule
from vee.engine.sentences import LIST_OF_AND, LIST_OF_CLAUSES, Said, gettext_noop, listed


_BAND = 100_000


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    min_value_change: Annotated[
        Decimal | None,
        quantity(
            "Of equal rank, a value replaces when it differs by this at least.", unit="unit of measure", minimum=0
        ),
    ] = None
    min_pct_change: Annotated[
        Decimal | None,
        quantity("Of equal rank, a value replaces when it differs by this share of the old one at least.",
                 unit="%", minimum=0),
    ] = None  # fmt: skip
    condition_ranking: Annotated[
        tuple[ConditionRange, ...],
        described("Ranges of conditions from the lowest rank to the highest; empty: the bands by number."),
    ] = ()
    protect_user_edited: Annotated[
        Literal["YES", "UNLESS_LOWER", "NO"],
        described("Whether what a person set is kept: always, unless its condition ranks lower, or not for that."),
    ] = "YES"
    kept_severity: Annotated[PointSeverity, described("Report measurements that were kept; empty: do not.")] = None
    kept_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""

    def __post_init__(self) -> None:
        for bounds in self.condition_ranking:
            require_ordered(bounds, "condition_ranking")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Keep the existing measurements that are not to be replaced."""
    found = existing(batch, context)
    if found is None:
        return Result.nothing_to_judge(batch, NO_INTERVAL_SIZE)
    old, new = _ranks(found.conditions, parameters), _ranks(batch.conditions, parameters)
    replaces = (new > old) | ((new == old) & _differs_enough(batch, found, parameters))
    if parameters.protect_user_edited == "YES":
        replaces &= ~found.edited
    elif parameters.protect_user_edited == "UNLESS_LOWER":
        replaces &= ~found.edited | (new > old)
    compared = found.present & found.valid & ~missing_mask(batch, MISSING_RANGE, OUTAGE_RANGE)
    changes = kept(found, compared & ~replaces, batch)
    if parameters.kept_severity is None:
        return Result(changes=changes)
    mask = np.zeros(compared.shape, dtype=np.bool_)
    mask[changes.rows, changes.intervals] = True
    return Result(findings=_findings(mask), changes=changes)


def _ranks(conditions: NDArray[np.int32], parameters: Parameters) -> NDArray[np.int32]:
    if not parameters.condition_ranking:
        return conditions // _BAND
    ranks = np.full(conditions.shape, -1, dtype=np.int32)
    for rank, bounds in enumerate(parameters.condition_ranking):
        ranks[in_range(conditions, bounds)] = rank
    return ranks


def _differs_enough(batch: Batch, found: Measured, parameters: Parameters) -> NDArray[np.bool_]:
    """Tell where a reading of equal rank differs enough from the existing value to replace it."""
    if parameters.min_value_change is None and parameters.min_pct_change is None:
        return np.full(batch.values.shape, not parameters.condition_ranking, dtype=np.bool_)
    # A reading without a value (an outage, say) is no small change.
    enough = np.ones(batch.values.shape, dtype=np.bool_)
    change = np.abs(np.where(batch.valid, batch.values, 0) - found.values)
    if parameters.min_value_change is not None:
        least = parameters.min_value_change.scaleb(batch.scale).to_integral_value(rounding=ROUND_CEILING)
        enough &= change >= min(int(least), INT64_MAXIMUM)
    if parameters.min_pct_change is not None:
        enough &= _by_share(change, np.abs(found.values), parameters.min_pct_change.scaleb(-2))
    return enough | ~batch.valid


def _by_share(change: NDArray[np.int64], old: NDArray[np.int64], share: Decimal) -> NDArray[np.bool_]:
    """Tell where `change / old >= share`, exactly; of zero any change is enough."""
    if not share:
        return np.ones(change.shape, dtype=np.bool_)
    enough = (change > 0) & (old == 0)
    there = (change > 0) & (old > 0)
    enough[there] = ~_below(change[there], old[there], share)
    return enough


def _below(numerator: NDArray[np.int64], denominator: NDArray[np.int64], limit: Decimal) -> NDArray[np.bool_]:
    """Tell where `numerator / denominator < limit`, exactly: minus both sides it is an excess."""
    return ratio_exceeds(-numerator, denominator, -limit)


def _findings(mask: NDArray[np.bool_]) -> list[Finding]:
    found = []
    for row in distinct(np.flatnonzero(mask) // mask.shape[1]).tolist():
        intervals = np.flatnonzero(mask[row])
        found.append(
            Finding(
                row,
                f"{len(intervals)} existing measurements were kept.",
                observed=str(len(intervals)),
                first_interval=int(intervals[0]),
                last_interval=int(intervals[-1]),
                count=len(intervals),
                point="kept",
            )
        )
    return found


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    steps = {
        "YES": [Said(gettext_noop("what a person set is kept"))],
        "UNLESS_LOWER": [Said(gettext_noop("what a person set is kept unless its condition ranks lower"))],
        "NO": [],
    }[parameters.protect_user_edited]
    if parameters.condition_ranking:
        steps.append(Said(gettext_noop("the better condition counts, as ranked")))
    else:
        steps.append(Said(gettext_noop("the better condition counts")))
    limits = []
    if parameters.min_value_change is not None:
        limits.append(number_text(parameters.min_value_change))
    if parameters.min_pct_change is not None:
        limits.append(f"{number_text(parameters.min_pct_change)} %")
    if limits:
        least = listed(limits, LIST_OF_AND)
        steps.append(Said(gettext_noop("between equal ones a change of {limits} at least"), limits=least))
    return Said(
        gettext_noop("Decides for each interval whether a reading replaces what was measured: {steps}."),
        steps=listed(steps, LIST_OF_CLAUSES),
    )


RULE = Rule(
    name="final_measurement_replacement",
    code="D2-VLMSRCOND",
    title="Final Measurement Replacement",
    summary=(
        "Decides interval by interval whether readings replace final measurements: by who set them, by a ranking of "
        "conditions, and by how much the value changes. What is not to be replaced is kept."
    ),
    kinds=ALL_KINDS,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("existing measurements were kept", "MEASUREMENT-KEPT", name="kept"),),
    sentence=sentence,
    evaluate=evaluate,
    in_order=True,
)
