"""
Unit of Measure Check (`vee.md` 4.2): the unit delivered equals the primary unit of the measuring component's type.

Units are compared as Tieline names them: whoever read the message has translated the sender's codes. Where no unit was
delivered there is nothing to compare.
"""

from __future__ import annotations

from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Result
from vee.engine.parameters import RuleParameters
from vee.engine.rule import ALL_KINDS, ALL_ROLES, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing to set."""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Compare each IMD's unit with its component's."""
    result = Result()
    undelivered: list[int] = []
    for facts, rows in batch.alike():
        if facts.uom == facts.component_uom:
            continue
        if not facts.uom:
            undelivered += rows.tolist()
            continue
        message = f"The unit delivered is {facts.uom}; the measuring component's type has {facts.component_uom}."
        result.find_in(rows, message, observed=facts.uom, limit=facts.component_uom)
    result.leave_out(sorted(undelivered), "no unit was delivered")
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop("{fails} when the unit delivered differs from the unit of the measuring component's type.")
    )


RULE = Rule(
    name="uom_check",
    code="D2-UOMCHK",
    title="Unit of Measure Check",
    summary="Compares the unit delivered with the readings with the unit of the measuring component's type.",
    kinds=ALL_KINDS,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("the units differ", "UOM-MISMATCH"),),
    sentence=sentence,
    evaluate=evaluate,
)
