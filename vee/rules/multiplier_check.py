"""
Multiplier Check (`vee.md` 4.1): the multiplier delivered with the readings equals the measuring component's.

`fail <=> imd.multiplier is not None and imd.multiplier != component.multiplier`, compared as numbers (10 equals 10.0).
Where none was delivered there is nothing to compare, unless one is required.
"""

from __future__ import annotations

from typing import Annotated

from foundation.kept_texts import kept
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Result
from vee.engine.fixed_point import number_text
from vee.engine.parameters import RuleParameters, described
from vee.engine.rule import ALL_KINDS, ALL_ROLES, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    require_multiplier: Annotated[bool, described("Readings without a multiplier fail.")] = False


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Compare each IMD's multiplier with its component's."""
    result = Result()
    undelivered: list[int] = []
    for facts, rows in batch.alike():
        expected = facts.component_multiplier
        if facts.multiplier is None:
            if parameters.require_multiplier:
                message = f"No multiplier was delivered; the measuring component has {number_text(expected)}."
                result.find_in(rows, message, observed=kept("none"), limit=number_text(expected))
            else:
                undelivered += rows.tolist()
        elif facts.multiplier != expected:
            observed, limit = number_text(facts.multiplier), number_text(expected)
            message = f"The multiplier delivered is {observed}; the measuring component has {limit}."
            result.find_in(rows, message, observed=observed, limit=limit)
    result.leave_out(sorted(undelivered), "no multiplier was delivered")
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    if parameters.require_multiplier:
        return fails(
            gettext_noop("{fails} when the multiplier delivered differs from the measuring component's or is missing.")
        )
    return fails(gettext_noop("{fails} when the multiplier delivered differs from the measuring component's."))


RULE = Rule(
    name="multiplier_check",
    code="D2-REGMULCHK",
    title="Multiplier Check",
    summary="Compares the multiplier delivered with the readings with the one of the measuring component.",
    kinds=ALL_KINDS,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("the multipliers differ", "MULTIPLIER-MISMATCH"),),
    sentence=sentence,
    evaluate=evaluate,
)
