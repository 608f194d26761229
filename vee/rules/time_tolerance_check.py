"""
Time Tolerance (`vee.md` 5.4): the meter's clock is right.

`fail <=> |deviation| > tolerance_s`. Readings do not carry the meter's clock: the head-end system notes how far it was
from its own at the last visit as a characteristic of the device (or its component), `clock_deviation_seconds`, positive
when the meter is ahead. Without one the rule cannot judge.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from foundation.kept_texts import kept
from vee.codes import Role
from vee.engine.batch import Batch, ImdFacts
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.parameters import RuleParameters, described, quantity
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    tolerance_s: Annotated[Decimal, quantity("How far the meter's clock may be off.", unit="s", minimum=0)] = Decimal(
        180
    )
    characteristic: Annotated[
        str,
        described("The characteristic that says by how many seconds the meter's clock is ahead.", min_length=1),
    ] = "clock_deviation_seconds"


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD of a meter whose clock is off."""
    result = Result()
    unknown = []
    for row, facts in enumerate(batch.facts):
        deviation = _deviation(facts, parameters.characteristic)
        if deviation is None:
            unknown.append(row)
        elif abs(deviation) > parameters.tolerance_s:
            observed, limit = number_text(abs(deviation)), number_text(parameters.tolerance_s)
            way = kept("ahead" if deviation > 0 else "behind")
            message = f"The meter's clock is {observed} s {way}; allowed are {limit} s."
            result.findings.append(Finding(row, message, observed=f"{number_text(deviation)} s", limit=f"{limit} s"))
    result.leave_out(unknown, f"the characteristic {parameters.characteristic} is not noted as a number")
    return result


def _deviation(facts: ImdFacts, characteristic: str) -> Decimal | None:
    try:
        deviation = Decimal(str(facts.characteristics[characteristic]))
    except (KeyError, InvalidOperation):
        return None
    return deviation if deviation.is_finite() else None


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop("{fails} when the meter's clock is off by more than {seconds} s."),
        seconds=number_text(parameters.tolerance_s),
    )


RULE = Rule(
    name="time_tolerance_check",
    code="",
    title="Time Tolerance Check",
    summary=(
        "Compares how far the meter's clock is off, which the head-end system notes as a characteristic of the device, "
        "with a tolerance."
    ),
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("the meter's clock is off", "TIME-TOLERANCE"),),
    sentence=sentence,
    evaluate=evaluate,
)
