"""
Exception Handler (`vee.md` 3.4): ends the run when certain exceptions were found, and decides on the To Do.

It looks at the exceptions of the run so far. When its criteria are met it raises one exception of its own, always a
Terminate. That exception alone decides whether there is a To Do, and of which type: sites use it to gather many
exceptions in few To Dos.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from foundation.kept_texts import kept
from vee.codes import Severity
from vee.engine.batch import Batch
from vee.engine.exceptions_found import ExceptionTypes, MatchOption, matching, phrase
from vee.engine.findings import Finding, Result, RowFinding
from vee.engine.parameters import RuleParameters, described
from vee.engine.rule import ALL_KINDS, ALL_ROLES, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site has to set, and may set."""

    exception_types: ExceptionTypes
    match: MatchOption = "ANY"
    todo_type: Annotated[
        str, described("The type of the To Do; empty: that of the rule's own exception type.", max_length=40)
    ] = ""


def review(batch: Batch, parameters: Parameters, found: Sequence[Sequence[RowFinding]]) -> Result:
    """Raise one exception on each IMD on which the exceptions looked for were found."""
    result = Result()
    wanted = ", ".join(parameters.exception_types)
    for row, findings in enumerate(found):
        there = matching(findings, parameters.exception_types, parameters.match)
        if there:
            result.findings.append(
                Finding(
                    row,
                    f"These exceptions were found: {', '.join(there)}.",
                    observed=", ".join(there),
                    limit=kept(f"any of {wanted}" if parameters.match == "ANY" else f"all of {wanted}"),
                    count=sum(finding.exception_type in there for finding in findings),
                    todo_type=parameters.todo_type,
                )
            )
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    said = fails(
        gettext_noop("{fails} when {found} before it."), found=phrase(parameters.exception_types, parameters.match)
    )
    if not parameters.todo_type:
        return said
    return said.with_ending(Said(gettext_noop("The To Do is of type {type}."), type=parameters.todo_type))


RULE = Rule(
    name="exception_handler",
    code="D1-AVEER-EEH",
    title="Exception Handler",
    summary=(
        "Looks at the exceptions of the run so far; when the ones it looks for are there, it ends the run with one "
        "exception of its own, which alone decides on the To Do. Its severity is always Terminate."
    ),
    kinds=ALL_KINDS,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("the exceptions looked for were found", "EXCEPTION-HANDLER"),),
    severity=Severity.TERMINATE,
    sentence=sentence,
    review=review,
)
