"""
Successful Termination (`vee.md` 3.4): ends the run early, without an exception, when certain exceptions were found.

What was found before it stays: after an Info the IMD is completed, after an Issue it goes to EXCEPTION all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from vee.engine.batch import Batch
from vee.engine.exceptions_found import ExceptionTypes, MatchOption, matching, phrase
from vee.engine.findings import Result, RowFinding
from vee.engine.parameters import RuleParameters
from vee.engine.rule import ALL_KINDS, ALL_ROLES, Rule
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site has to set, and may set."""

    exception_types: ExceptionTypes
    match: MatchOption = "ANY"


def review(batch: Batch, parameters: Parameters, found: Sequence[Sequence[RowFinding]]) -> Result:
    """End the run of each IMD on which the exceptions looked for were found."""
    return Result(
        finished=[
            row
            for row, findings in enumerate(found)
            if matching(findings, parameters.exception_types, parameters.match)
        ]
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return Said(
        gettext_noop("Ends the run here, without an exception, when {found} before it."),
        found=phrase(parameters.exception_types, parameters.match),
    )


RULE = Rule(
    name="successful_termination",
    code="D1-AVEER-EST",
    title="Successful Termination",
    summary=(
        "Ends the run without an exception when the exceptions it looks for were found. Earlier exceptions stay: an "
        "Issue among them still holds the IMD."
    ),
    kinds=ALL_KINDS,
    roles=ALL_ROLES,
    parameters=Parameters,
    sentence=sentence,
    review=review,
)
