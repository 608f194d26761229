"""
Sum Check (`vee.md` 4.12): the consumption of the IMD equals that of the related components over the same period.

`fail <=> |C - sum of the related| > allowed`. Related are the component's consumption reference, or the components that
refer to it; registers and interval components each have to add up by themselves (`vee.engine.related_sums` says over
which period).

The tolerance is the largest (or smallest) of those that are set: percent of the related sum, a quantity, and the
resolution of a dial, which is a factor times the largest multiplier among the registers (without one: the component's).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from foundation.kept_texts import kept
from vee.codes import Role, Severity
from vee.engine import consumption
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.parameters import ExceptionTypeCode, PointSeverity, RuleParameters, described, quantity
from vee.engine.related_sums import Compared, NotCompared, compare
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop, listed


_SHOWN_PLACES = 6


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set. Without any tolerance the sums have to be equal."""

    percentage_tolerance: Annotated[
        Decimal | None, quantity("How far the sums may differ, in percent of the related sum.", unit="%", minimum=0)
    ] = None
    tolerance: Annotated[
        Decimal | None, quantity("How far the sums may differ, as a quantity.", unit="unit of measure", minimum=0)
    ] = None
    meter_multiplier_tolerance: Annotated[
        Decimal | None,
        quantity("How far the sums may differ, in multiples of the meter's multiplier.", unit="multiplier", minimum=0),
    ] = None
    combine: Annotated[
        Literal["MAX", "MIN"], described("Which of several tolerances counts: the largest or the smallest.")
    ] = "MAX"
    if_related_missing: Annotated[
        Literal["SKIP", "INFO", "ISSUE"],
        described("What to do when the related measurements are not there: nothing, or report it."),
    ] = "SKIP"
    related_missing_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""

    @property
    def related_missing_severity(self) -> PointSeverity:
        """The severity of missing related measurements; None: they are not reported."""
        return None if self.if_related_missing == "SKIP" else Severity(self.if_related_missing)


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Compare each IMD with the components it is related to."""
    result = Result()
    compared, left_out = compare(batch, context)
    for one in compared:
        if finding := _judge(one, parameters):
            result.findings.append(finding)
    for reason in sorted({one.reason for one in left_out}):
        result.leave_out(sorted({one.row for one in left_out if one.reason == reason}), reason)
    if parameters.related_missing_severity is not None:
        missing = {one.row: one for one in left_out if one.related_missing}
        result.findings.extend(map(_missing, missing.values()))
    result.findings.sort(key=lambda finding: finding.row)
    return result


def _judge(compared: Compared, parameters: Parameters) -> Finding | None:
    difference = abs(compared.own - compared.related)
    allowed = _allowed(compared, parameters)
    if difference <= allowed:
        return None
    own, related, off, limit = map(_text, (compared.own, compared.related, difference, allowed))
    share = f" ({consumption.percent_text(difference, abs(compared.related))} %)" if compared.related else ""
    others = kept("registers" if compared.registers else "interval components")
    return Finding(
        compared.row,
        f"The consumption is {own}, that of the related {others} {related}: they differ by {off}{share}; allowed is "
        f"{limit}.",
        observed=off,
        limit=limit,
    )


def _allowed(compared: Compared, parameters: Parameters) -> Fraction:
    tolerances = []
    if parameters.percentage_tolerance is not None:
        tolerances.append(Fraction(parameters.percentage_tolerance) / 100 * abs(compared.related))
    if parameters.tolerance is not None:
        tolerances.append(Fraction(parameters.tolerance))
    if parameters.meter_multiplier_tolerance is not None:
        tolerances.append(Fraction(parameters.meter_multiplier_tolerance) * Fraction(compared.multiplier))
    choose = max if parameters.combine == "MAX" else min
    return choose(tolerances, default=Fraction(0))


def _missing(one: NotCompared) -> Finding:
    return Finding(one.row, f"There is nothing to compare with: {one.reason}.", point="related_missing")


def _text(amount: Fraction) -> str:
    return consumption.quantity_text(amount * 10**_SHOWN_PLACES, _SHOWN_PLACES)


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    words: list[str] = []
    if parameters.percentage_tolerance is not None:
        words.append(f"{number_text(parameters.percentage_tolerance)} %")
    if parameters.tolerance is not None:
        words.append(number_text(parameters.tolerance))
    if parameters.meter_multiplier_tolerance is not None:
        times = number_text(parameters.meter_multiplier_tolerance)
        words.append(Said(gettext_noop("{count} times the meter's multiplier"), count=times))
    if len(words) > 1:
        template = (
            gettext_noop("by more than the largest of {limits}")
            if parameters.combine == "MAX"
            else gettext_noop("by more than the smallest of {limits}")
        )
        allowed = Said(template, limits=listed(words))
    elif words:
        allowed = Said(gettext_noop("by more than {limit}"), limit=words[0])
    else:
        allowed = Said(gettext_noop("at all"))
    return fails(
        gettext_noop("{fails} when the consumption differs {allowed} from the sum of the related components."),
        allowed=allowed,
    )


RULE = Rule(
    name="sum_check",
    code="D2-SUM-CHK",
    title="Sum Check",
    summary=(
        "Compares the consumption with the sum of the related components over the same period: intervals with a "
        "register, or time-of-use registers with a check register. An interval that a read cuts counts in proportion."
    ),
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(
        FailurePoint("the sums differ", "SUM-CHECK"),
        FailurePoint("the related measurements are missing", "RELATED-MISSING", name="related_missing"),
    ),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
