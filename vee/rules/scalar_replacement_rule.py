"""
Scalar Replacement Rule (`vee.md` 4.4): whether a register read may replace the final one of the same time.

It is rejected always, or only when a person edited the existing one. What is rejected is an exception, or the existing
measurement is kept in its place. What is not rejected replaces the existing measurement in normalization.
"""

from __future__ import annotations

import enum
from fractions import Fraction
from typing import Annotated

from foundation.kept_texts import kept
from vee.codes import Severity
from vee.engine.batch import Batch
from vee.engine.context import Context, RegisterRead
from vee.engine.findings import MAIN, Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.parameters import ExceptionTypeCode, PointSeverity, RuleParameters, described
from vee.engine.rule import ALL_ROLES, SCALAR_ONLY, FailurePoint, Rule
from vee.engine.scalar_estimates import Estimates
from vee.engine.sentences import Said, fails, gettext_noop


class RejectionMode(enum.StrEnum):
    """When a new reading is rejected."""

    REJECT_ALWAYS = "REJECT_ALWAYS"
    REJECT_IF_USER_EDITED = "REJECT_IF_USER_EDITED"


class OnReject(enum.StrEnum):
    """What becomes of a rejected reading."""

    EXCEPTION = "EXCEPTION"
    KEEP_EXISTING = "KEEP_EXISTING"


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    rejection_mode: Annotated[RejectionMode, described("When a reading of a time that has one is rejected.")] = (
        RejectionMode.REJECT_IF_USER_EDITED
    )
    on_reject: Annotated[OnReject, described("Raise an exception, or keep the measurement that is there.")] = (
        OnReject.EXCEPTION
    )
    kept_severity: Annotated[PointSeverity, described("Report a measurement that was kept; empty: do not.")] = (
        Severity.INFO
    )
    kept_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Reject the reads that may not replace what is there."""
    result, estimates = Result(), Estimates(batch.scale)
    ends = batch.ends
    components = batch.component_ids
    for row, reads in enumerate(context.register_reads(components, ends - 1, ends)):
        there = reads.inside[-1] if reads.inside else None
        if there is None or (
            parameters.rejection_mode == RejectionMode.REJECT_IF_USER_EDITED and not there.user_edited
        ):
            continue
        if parameters.on_reject == OnReject.KEEP_EXISTING and there.consumption is not None:
            estimates.add(row, Fraction(there.consumption), there.condition, result)
            result.findings.append(_finding(batch, row, there, kept("is kept"), point="kept"))
        else:
            result.findings.append(_finding(batch, row, there, kept("may not be replaced")))
    return estimates.into(result)


def _finding(batch: Batch, row: int, there: RegisterRead, what: str, *, point: str = MAIN) -> Finding:
    reading = batch.facts[row].reading
    said = "There is a measurement of this time"
    if there.user_edited:
        said = "There is a measurement of this time that a person edited"
    return Finding(
        row,
        f"{said}, with the reading {number_text(there.reading)}; it {what}.",
        observed=kept("none") if reading is None else number_text(reading),
        limit=number_text(there.reading),
        first_interval=0,
        last_interval=0,
        point=point,
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    which = Said(
        gettext_noop("a final one")
        if parameters.rejection_mode == RejectionMode.REJECT_ALWAYS
        else gettext_noop("a final one that was edited")
    )
    if parameters.on_reject == OnReject.KEEP_EXISTING:
        return Said(gettext_noop("Keeps {which} of the same time in place of the new reading."), which=which)
    return fails(gettext_noop("{fails} when there is {which} of the same time."), which=which)


RULE = Rule(
    name="scalar_replacement_rule",
    code="D2-SCAREPRL",
    title="Scalar Replacement Rule",
    summary=(
        "Rejects a register read where there is a final one of the same time: always, or only when a person edited "
        "that. Every other read replaces what is there."
    ),
    kinds=SCALAR_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(
        FailurePoint("a measurement of the same time may not be replaced", "REPLACEMENT-REJECTED"),
        FailurePoint("the measurement of the same time was kept", "EXISTING-KEPT", name="kept"),
    ),
    sentence=sentence,
    evaluate=evaluate,
)
