"""
Interval Replacement Rule (`vee.md` 4.3): what happens when readings come for intervals that have been measured.

An interval is rejected when a final measurement with its label exists and the rule rejects always, or rejects what
would replace a person's edit and a person has set it. A reading that is missing has nothing to reject. Rejected
intervals either hold the IMD, or take the existing value and condition and go on. What is not rejected replaces the
existing measurement when the IMD completes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from foundation import kept_texts
from vee.codes import Severity
from vee.engine.batch import Batch, distinct
from vee.engine.context import Context
from vee.engine.existing import NO_INTERVAL_SIZE, existing, kept
from vee.engine.findings import MAIN, Finding, Result
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, missing_mask
from vee.engine.parameters import ExceptionTypeCode, PointSeverity, RuleParameters, described
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    rejection_mode: Annotated[
        Literal["REJECT_ALWAYS", "REJECT_IF_USER_EDITED"],
        described("Whether a reading is rejected whenever its interval has been measured, or only if a person set it."),
    ] = "REJECT_IF_USER_EDITED"
    on_reject: Annotated[
        Literal["EXCEPTION", "KEEP_EXISTING"],
        described("Hold the IMD, or keep the existing value and condition of the rejected intervals and go on."),
    ] = "EXCEPTION"
    kept_severity: Annotated[PointSeverity, described("Report intervals that were kept; empty: do not.")] = (
        Severity.INFO
    )
    kept_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Find the intervals whose readings are rejected."""
    found = existing(batch, context)
    if found is None:
        return Result.nothing_to_judge(batch, NO_INTERVAL_SIZE)
    rejected = found.present & (found.valid | found.edited) & ~missing_mask(batch, MISSING_RANGE, OUTAGE_RANGE)
    if parameters.rejection_mode == "REJECT_IF_USER_EDITED":
        rejected &= found.edited
    if parameters.on_reject == "EXCEPTION":
        return Result(findings=_findings(rejected, MAIN, "an existing measurement must not be replaced"))
    # Where a person took a value away there is none to go on with.
    keep = rejected & found.valid
    return Result(
        findings=[
            *_findings(rejected & ~found.valid, MAIN, kept_texts.kept("a person took the existing value away")),
            *_findings(keep, "kept", kept_texts.kept("the existing measurement is kept")),
        ],
        changes=kept(found, keep, batch),
    )


def _findings(mask: NDArray[np.bool_], point: str, why: str) -> list[Finding]:
    found = []
    for row in distinct(np.flatnonzero(mask) // mask.shape[1]).tolist():
        intervals = np.flatnonzero(mask[row])
        found.append(
            Finding(
                row,
                f"The readings of {len(intervals)} intervals are rejected: {why}.",
                observed=str(len(intervals)),
                limit="0",
                first_interval=int(intervals[0]),
                last_interval=int(intervals[-1]),
                count=len(intervals),
                point=point,
            )
        )
    return found


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    edited = parameters.rejection_mode == "REJECT_IF_USER_EDITED"
    if parameters.on_reject == "KEEP_EXISTING":
        return Said(
            gettext_noop(
                "Keeps measurements that were set by a person before, instead of the readings that come for them."
            )
            if edited
            else gettext_noop("Keeps measurements that were set before, instead of the readings that come for them.")
        )
    return fails(
        gettext_noop("{fails} when readings come for intervals that were set by a person before.")
        if edited
        else gettext_noop("{fails} when readings come for intervals that were set before.")
    )


RULE = Rule(
    name="interval_replacement_rule",
    code="D2-INTREPRL",
    title="Interval Replacement Rule",
    summary=(
        "Rejects readings of intervals that have a final measurement already, always or only where a person has set "
        "it: the IMD is held, or the existing measurements are kept."
    ),
    kinds=INTERVAL_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(
        FailurePoint("an existing measurement would be replaced", "REPLACEMENT-REJECTED"),
        FailurePoint("existing measurements were kept", "MEASUREMENT-KEPT", name="kept"),
    ),
    sentence=sentence,
    evaluate=evaluate,
    in_order=True,
)
