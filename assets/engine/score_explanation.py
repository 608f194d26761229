"""Everything that a score came from, for a person: variables, rows of tables, formulas, conditions. Plain Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from assets.engine import score_words, scores
from vee.engine import expressions
from vee.engine.expressions import FACTOR, Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableLine:
    """A variable with its value."""

    variable: score_words.Variable
    value: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaLine:
    """A formula with what it gave; None where it gave nothing, or was not reached."""

    name: str
    meaning: str
    text: str
    value: Decimal | None
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """A table of factors: `used` are the numbers of the rows that formulas took, from 1; the last repeats."""

    name: str
    rows: tuple[Decimal, ...]
    used: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionLine:
    """A condition and whether it is met; None where that cannot be told. `decided` when it gave the reason."""

    name: str
    text: str
    met: bool | None
    decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A score with all of its parts."""

    found: scores.Explained
    variables: tuple[VariableLine, ...]
    tables: tuple[TableLine, ...]
    formulas: tuple[FormulaLine, ...]
    eligible: tuple[ConditionLine, ...]
    reasons: tuple[ConditionLine, ...]


def explain(calculation: scores.Calculation, inputs: Mapping[str, Decimal | None]) -> Explanation:
    """Calculate a score once more, exactly, and give everything that it came from."""
    found = scores.explain(calculation, inputs)
    values: dict[str, Decimal | None] = {**inputs, **found.results}
    return Explanation(
        found=found,
        variables=tuple(VariableLine(variable=each, value=inputs.get(each.name)) for each in score_words.VARIABLES),
        tables=tuple(
            TableLine(name=name, rows=rows, used=frozenset(_used(calculation, name, values)))
            for name, rows in calculation.tables.items()
        ),
        formulas=tuple(
            FormulaLine(
                name=each.name,
                meaning=score_words.RESULTS.get(each.name, ""),
                text=each.expression.text,
                value=_shown(found.results.get(each.name)),
                failed=each.name == found.failed,
            )
            for each in calculation.formulas
        ),
        eligible=tuple(_clauses(calculation, values)),
        reasons=tuple(
            ConditionLine(
                name=each.name,
                text=each.expression.text,
                met=_met(each.expression, values, calculation),
                decided=each.name == found.reason,
            )
            for each in calculation.reasons
        ),
    )


def _shown(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    short = round(value, 4)
    return value if value == short else short


def _clauses(calculation: scores.Calculation, values: Mapping[str, Decimal | None]) -> Iterator[ConditionLine]:
    """Give what has to be met together for a device to be eligible, one by one."""
    whole = calculation.eligible
    tree = whole.tree
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    for part in parts:
        expression = Expression(_text(whole, part), "condition", whole.names, part, whole.tables)
        yield ConditionLine(name="", text=expression.text, met=_met(expression, values, calculation))


def _met(expression: Expression, values: Mapping[str, Decimal | None], calculation: scores.Calculation) -> bool | None:
    try:
        return bool(expression.evaluate(values, calculation.tables))
    except expressions.UnableToEvaluate:
        return None


def _used(calculation: scores.Calculation, table: str, values: Mapping[str, Decimal | None]) -> Iterator[int]:
    last = len(calculation.tables[table])
    for formula in calculation.formulas:
        for node in ast.walk(formula.expression.tree):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=of), row]) if name == FACTOR and of == table:
                    number = Expression("", "number", frozenset(), row)
                    try:
                        yield min(int(number.evaluate(values, calculation.tables)), last)
                    except expressions.UnableToEvaluate:
                        continue


def _text(whole: Expression, part: ast.expr) -> str:
    """Give the characters of a part; where it begins is counted from the first that is no space."""
    start = len(whole.text) - len(whole.text.lstrip())
    return " ".join(whole.text[start + part.col_offset : start + (part.end_col_offset or 0)].split())
