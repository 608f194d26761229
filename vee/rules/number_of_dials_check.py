"""
Number of Dials (`vee.md` 5.4): a register's reading fits its dials.

`fail <=> reading < 0 or reading >= 10^dials`. The dials are those of the measuring component's type.
"""

from __future__ import annotations

from decimal import Decimal

from vee.codes import ComponentKind, Role
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.parameters import RuleParameters
from vee.engine.rule import FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing to set."""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each reading that the register cannot show."""
    result = Result()
    unreadable, without_dials = [], []
    for row, facts in enumerate(batch.facts):
        if facts.dials is None:
            without_dials.append(row)
        elif facts.reading is None:
            unreadable.append(row)
        elif not 0 <= facts.reading < Decimal(10) ** facts.dials:
            reading, limit = number_text(facts.reading), "9" * facts.dials
            message = f"The reading {reading} does not fit a register of {facts.dials} dials."
            result.findings.append(Finding(row, message, observed=reading, limit=limit))
    result.leave_out(without_dials, "the dials of the register are not known")
    result.leave_out(unreadable, "there is no reading")
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(gettext_noop("{fails} when the reading has more digits than the register has dials, or is negative."))


RULE = Rule(
    name="number_of_dials_check",
    code="",
    title="Number of Dials Check",
    summary="Compares a register's reading with the dials that the measuring component's type names.",
    kinds=frozenset({ComponentKind.SCALAR}),
    roles=frozenset({Role.INITIAL_LOAD, Role.MANUAL_OVERRIDE}),
    parameters=Parameters,
    failure_points=(FailurePoint("the reading does not fit the register", "NUMBER-OF-DIALS"),),
    sentence=sentence,
    evaluate=evaluate,
)
