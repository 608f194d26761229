"""
Ensure IMD Exists for Sibling MCs (`vee.md` 5.1): every other component of the device has an IMD for the period.

Siblings often arrive later; the rule's usual severity is Issue, and the IMD is taken up again when they have come.
"""

from __future__ import annotations

from foundation.kept_texts import kept
from vee.codes import Role
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.parameters import RuleParameters
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


_NAMED = 5


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing to set."""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD whose siblings have none for its period."""
    result = Result()
    homeless = [row for row, facts in enumerate(batch.facts) if facts.device_id is None]
    result.leave_out(homeless, "the measuring component belongs to no device")
    asked = [row for row, facts in enumerate(batch.facts) if facts.device_id is not None]
    if not asked:
        return result
    for row, missing in zip(asked, context.siblings_without_imd(batch.take(asked)), strict=True):
        if missing:
            named = ", ".join(missing[:_NAMED])
            if len(missing) > _NAMED:
                named = kept(f"{named} and {len(missing) - _NAMED} more")
            message = f"There is no IMD for this period of {named}."
            result.findings.append(Finding(row, message, observed=kept(f"{len(missing)} missing"), limit="0"))
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(gettext_noop("{fails} when another measuring component of the same device has no IMD for the period."))


RULE = Rule(
    name="ensure_imd_exists_for_sibling_mcs",
    code="",
    title="Ensure IMD Exists for Sibling MCs",
    summary="Reports IMDs where other measuring components of the same device have no IMD for the period.",
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("siblings have no IMD", "SIBLING-IMD-MISSING"),),
    sentence=sentence,
    evaluate=evaluate,
)
