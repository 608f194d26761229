"""
Further values of a measurement (`vee.md` 7.3, step 3): the energy of a volume, the demand of an energy, a formula.

They are computed from the final measurement when it is read, never stored: blocks stay as small as they are, and a
correction or a better heating value shows at once.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Annotated, Any

from vee.codes import DerivationMethod
from vee.engine import expressions
from vee.engine import parameters as words
from vee.engine.parameters import RuleParameters, UnableToReadParameters, described, quantity


_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)
SECONDS_PER_HOUR = 3_600
NAMES = ("value", "hours", "multiplier", "condition")
"""What a formula may use besides the values derived before it."""


class HeatingValue(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a volume becomes energy: volume times heating value times correction."""

    heating_value: Annotated[Decimal, quantity("Energy per unit of volume.", unit="energy per volume", above=0)]
    characteristic: Annotated[
        str, described("The characteristic that holds a heating value of the place or meter.", max_length=60)
    ] = ""
    correction: Annotated[
        Decimal, quantity("Factor for pressure, temperature and compressibility.", unit="ratio", above=0)
    ] = Decimal(1)


class Demand(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Energy of an interval by its length in hours: nothing to set."""


class Formula(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A formula of the site's own."""

    formula: Annotated[
        str,
        described(
            "Uses value, hours (of the interval), multiplier, condition, and the names of values before it.",
            min_length=1,
            max_length=expressions.MAXIMUM_LENGTH,
        ),
    ]


PARAMETERS: Mapping[DerivationMethod, type[RuleParameters]] = {
    DerivationMethod.HEATING_VALUE: HeatingValue,
    DerivationMethod.DEMAND: Demand,
    DerivationMethod.FORMULA: Formula,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the measuring component besides the measurement."""

    seconds_per_interval: int | None
    multiplier: Decimal
    characteristics: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Derivation:
    """One derived value, ready to be computed."""

    name: str
    uom: str
    scale: int
    method: DerivationMethod
    parameters: Any
    expression: expressions.Expression | None = None

    def compute(
        self, value: Decimal, condition: int, facts: Facts, before: Mapping[str, Decimal | None]
    ) -> Decimal | None:
        """Give the derived value of a measurement, rounded half-even; None where it has none."""
        try:
            found = self._compute(value, condition, facts, before)
            return None if found is None else found.quantize(Decimal(1).scaleb(-self.scale), context=_CONTEXT)
        except (InvalidOperation, expressions.UnableToEvaluate):
            return None

    def _compute(
        self, value: Decimal, condition: int, facts: Facts, before: Mapping[str, Decimal | None]
    ) -> Decimal | None:
        if self.method == DerivationMethod.HEATING_VALUE:
            heat = self.parameters.heating_value
            if self.parameters.characteristic in facts.characteristics:
                heat = Decimal(facts.characteristics[self.parameters.characteristic])
            return _CONTEXT.multiply(_CONTEXT.multiply(value, heat), self.parameters.correction)
        if self.method == DerivationMethod.DEMAND:
            size = facts.seconds_per_interval
            return (
                None
                if size is None
                else _CONTEXT.divide(_CONTEXT.multiply(value, Decimal(SECONDS_PER_HOUR)), Decimal(size))
            )
        if self.expression is None:
            return None
        size = facts.seconds_per_interval
        hours = None if size is None else _CONTEXT.divide(Decimal(size), Decimal(SECONDS_PER_HOUR))
        known = {"value": value, "hours": hours, "multiplier": facts.multiplier, "condition": Decimal(condition)}
        return Decimal(self.expression.evaluate({**before, **known}))


def read(
    *, name: str, uom: str, scale: int, method: str, parameters: Mapping[str, Any], before: Sequence[str] = ()
) -> Derivation:
    """
    Read a configured derivation; `before` are the names of the values derived before it.

    :raises UnableToReadParameters: when parameters or formula do not fit, with a pointer into the parameters.
    """
    kind = DerivationMethod(method)
    given = words.read(PARAMETERS[kind], words.canonical(dict(parameters)))
    expression = None
    if isinstance(given, Formula):
        try:
            expression = _formula(given.formula, (*NAMES, *map(formula_name, before)))
        except expressions.UnableToReadExpression as error:
            raise UnableToReadParameters(str(error), pointer="/formula") from None
    return Derivation(name, uom, scale, kind, given, expression)


@functools.lru_cache(maxsize=256)
def _formula(text: str, names: tuple[str, ...]) -> expressions.Expression:
    return expressions.read(text, names=names, kind="number")


def formula_name(name: str) -> str:
    """Give the name by which a formula uses a derived value: lower case, with underscores."""
    plain = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII)
    return plain if not plain[:1].isdigit() else f"_{plain}"


def compute_all(
    derivations: Sequence[Derivation], *, value: Decimal | None, condition: int, facts: Facts
) -> dict[str, Decimal | None]:
    """Give all derived values of a measurement by name; without a value there are none."""
    found: dict[str, Decimal | None] = {}
    before: dict[str, Decimal | None] = {}
    for derivation in derivations:
        derived = None if value is None else derivation.compute(value, condition, facts, before)
        found[derivation.name] = before[formula_name(derivation.name)] = derived
    return found
