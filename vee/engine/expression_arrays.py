"""
Formulas over many sets of values at once, in floating point, with a bound of the error beside every number.

Each number travels as value and error: what the formula gives in decimal lies at most the error from the value. What
floating point cannot decide (a comparison closer than the errors, a rounding near a half, a division by what may be
zero, a value that is not there, a number near the bounds) is not guessed: the row is *in doubt*, and whoever asked
evaluates it again exactly with `Expression.evaluate`. Sums, products and quotients that are exact have no error, so
that counts and flags compare as they are.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vee.engine.expressions import FACTOR, MAXIMUM_POWER, Expression


Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_EPSILON = 2.0**-52
"""Twice what one operation may err by, so that the rounding of the bounds themselves is covered."""
_SPLITTER = 134_217_729.0
_LARGEST, _SMALLEST = 1e98, 1e-98
_MOST_PLACES = 15
_EXACT_INTEGER = 2.0**52


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number for each row: `values`, NaN where it is not known, and how far from it the exact one may be."""

    values: Floats
    errors: Floats


def exact(counts: NDArray[np.int64], *, scale: int = 0, known: Flags | None = None) -> Numbers:
    """Give counts of 10^-scale as numbers; one that is not `known` makes the rows that use it doubtful."""
    whole = counts.astype(np.float64)
    values = whole / 10.0**scale
    # Only what is a multiple of 5^scale has a binary fraction.
    errors = np.where(counts % 5**scale == 0, 0.0, np.abs(values) * _EPSILON)
    errors = np.where(np.abs(whole) < _EXACT_INTEGER, errors, np.abs(values) * _EPSILON)
    if known is not None:
        values = np.where(known, values, np.nan)
    return Numbers(values, errors)


def _constant(value: Decimal) -> Numbers:
    near = float(value)
    error = 0.0 if Decimal(near) == value else abs(near) * _EPSILON
    return Numbers(np.float64(near), np.float64(error))  # type: ignore[arg-type]


class Evaluation:
    """
    Formulas over the same N rows, one after another; each may use what the ones before it gave.

    `doubtful` marks the rows whose results so far are not certain.
    """

    def __init__(
        self, size: int, values: Mapping[str, Numbers], tables: Mapping[str, Sequence[Decimal]] | None = None
    ) -> None:
        self.size = size
        self.values = dict(values)
        self.doubtful: Flags = np.zeros(size, dtype=bool)
        self._tables = {
            name: Numbers(
                np.array([_constant(row).values for row in rows], dtype=np.float64),
                np.array([_constant(row).errors for row in rows], dtype=np.float64),
            )
            for name, rows in (tables or {}).items()
        }

    def number(self, expression: Expression) -> Numbers:
        """Give what a formula of a number gives for each row."""
        with np.errstate(all="ignore"):
            found = self._number(expression.tree, np.ones(self.size, dtype=bool))
        return Numbers(self._all_rows(found.values), self._all_rows(found.errors))

    def condition(self, expression: Expression) -> Flags:
        """Give for each row whether a condition is met."""
        with np.errstate(all="ignore"):
            return self._condition(expression.tree, np.ones(self.size, dtype=bool)).copy()

    def counts(self, numbers: Numbers, *, scale: int) -> NDArray[np.int64]:
        """Give numbers in counts of 10^-scale, rounded half to even."""
        active = np.ones(self.size, dtype=bool)
        with np.errstate(all="ignore"):
            nearest = self._nearest(_times(numbers, _constant(Decimal(10) ** scale)), active)
        return np.where(self.doubtful, 0, self._all_rows(nearest)).astype(np.int64)

    def _all_rows(self, array: Floats) -> Floats:
        return np.broadcast_to(array, (self.size,))

    def _doubt(self, where: object, active: Flags) -> None:
        self.doubtful |= np.broadcast_to(np.asarray(where), (self.size,)) & active

    def _condition(self, node: ast.expr, active: Flags) -> Flags:
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ~self._condition(operand, active)
            case ast.BoolOp(op=op, values=parts):
                return self._joined(parts, active, wanted=isinstance(op, ast.Or))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                chosen = self._condition(test, active)
                return np.where(
                    chosen, self._condition(body, active & chosen), self._condition(orelse, active & ~chosen)
                )
            case ast.Compare():
                return self._compared(node, active)
        raise AssertionError(f"the reader let {type(node).__name__} pass")

    def _joined(self, parts: Sequence[ast.expr], active: Flags, *, wanted: bool) -> Flags:
        """Join conditions; what comes after the one that decides is not looked at."""
        decided = np.zeros(self.size, dtype=bool)
        for part in parts:
            decided |= self._condition(part, active & ~decided) == wanted
        return decided if wanted else ~decided

    def _compared(self, node: ast.Compare, active: Flags) -> Flags:
        met = np.ones(self.size, dtype=bool)
        left = self._number(node.left, active)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._number(comparator, active & met)
            apart = np.abs(left.values - right.values)
            slack = left.errors + right.errors
            self._doubt((slack > 0) & ~(apart > slack * (1 + _EPSILON) + apart * _EPSILON), active & met)
            met = met & _decided(op, left.values, right.values)
            left = right
        return met

    def _number(self, node: ast.expr, active: Flags) -> Numbers:
        match node:
            case ast.Constant():
                return _constant(cast("Decimal", node.value))
            case ast.Name(id=name):
                return self._named(name, active)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                chosen = self._condition(test, active)
                first, second = self._number(body, active & chosen), self._number(orelse, active & ~chosen)
                return Numbers(
                    np.where(chosen, first.values, second.values), np.where(chosen, first.errors, second.errors)
                )
        found = self._calculated(node, active)
        size = np.abs(found.values)
        small = ((size > 0) | (found.errors > 0)) & (size <= found.errors + _SMALLEST)
        self._doubt(small | ~(size < _LARGEST), active)
        return found

    def _named(self, name: str, active: Flags) -> Numbers:
        found = self.values.get(name)
        if found is None:
            found = Numbers(np.full(self.size, np.nan), np.zeros(self.size))
        self._doubt(np.isnan(found.values), active)
        return found

    def _calculated(self, node: ast.expr, active: Flags) -> Numbers:
        match node:
            case ast.UnaryOp(op=op, operand=operand):
                number = self._number(operand, active)
                return Numbers(-number.values, number.errors) if isinstance(op, ast.USub) else number
            case ast.BinOp(op=op, left=first, right=second):
                left, right = self._number(first, active), self._number(second, active)
                return self._combined(op, left, right, active)
            case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=table), row]) if name == FACTOR and (
                table in self._tables
            ):
                return self._row(self._tables[table], self._number(row, active), active)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, [self._number(argument, active) for argument in arguments], active)
        raise AssertionError(f"the reader let {type(node).__name__} pass")

    def _combined(self, op: ast.operator, left: Numbers, right: Numbers, active: Flags) -> Numbers:
        match op:
            case ast.Add():
                return _plus(left, right)
            case ast.Sub():
                return _plus(left, Numbers(-right.values, right.errors))
            case ast.Mult():
                return _times(left, right)
            case ast.Div():
                self._doubt(~(np.abs(right.values) > right.errors), active)
                return _over(left, right)
        return self._power(left, right, active)

    def _power(self, base: Numbers, exponent: Numbers, active: Flags) -> Numbers:
        powers = np.abs(exponent.values)
        self._doubt((exponent.errors > 0) | (powers > MAXIMUM_POWER) | (powers != np.rint(powers)), active)
        self._doubt((exponent.values <= 0) & ~(np.abs(base.values) > base.errors), active)
        result = Numbers(np.ones(self.size), np.zeros(self.size))
        for number in range(1, MAXIMUM_POWER + 1):
            more, wanted = _times(result, base), powers >= number
            result = Numbers(np.where(wanted, more.values, result.values), np.where(wanted, more.errors, result.errors))
        turned = _over(_constant(Decimal(1)), result)
        below = exponent.values < 0
        return Numbers(np.where(below, turned.values, result.values), np.where(below, turned.errors, result.errors))

    def _row(self, table: Numbers, row: Numbers, active: Flags) -> Numbers:
        self._doubt((row.errors > 0) | ~(row.values >= 1) | (row.values != np.rint(row.values)), active)
        last = len(table.values)
        index = np.nan_to_num(np.clip(row.values, 1, last), nan=1.0).astype(np.int64) - 1
        return Numbers(table.values[index], table.errors[index])

    def _call(self, name: str, arguments: list[Numbers], active: Flags) -> Numbers:
        if name == "round":
            places = arguments[1] if len(arguments) > 1 else _constant(Decimal(0))
            return self._rounded(arguments[0], places, active)
        if name == "abs":
            return Numbers(np.abs(arguments[0].values), arguments[0].errors)
        chosen = arguments[0]
        for other in arguments[1:]:
            chosen = _lower(chosen, other) if name == "min" else _minus(_lower(_minus(chosen), _minus(other)))
        return chosen

    def _rounded(self, number: Numbers, places: Numbers, active: Flags) -> Numbers:
        self._doubt((places.errors > 0) | (places.values != np.rint(places.values)) | ~(places.values >= 0), active)
        self._doubt(~(places.values <= _MOST_PLACES), active)
        scaling = 10.0 ** np.nan_to_num(np.clip(np.rint(places.values), 0, _MOST_PLACES), nan=0.0)
        factor = Numbers(scaling, np.zeros_like(scaling))
        nearest = self._nearest(_times(number, factor), active)
        return _over(Numbers(nearest, np.zeros_like(nearest)), factor)

    def _nearest(self, number: Numbers, active: Flags) -> Floats:
        """Give whole numbers, halves to even; in doubt where the exact number may lie on the other side of a half."""
        from_half = np.abs(number.values - np.floor(number.values) - 0.5)
        self._doubt((number.errors > 0) & ~(from_half > number.errors * (1 + _EPSILON)), active)
        self._doubt(~(np.abs(number.values) < _EXACT_INTEGER / 4), active)
        return np.rint(number.values)


def _decided(op: ast.cmpop, left: Floats, right: Floats) -> Flags:
    match op:
        case ast.Eq():
            return np.asarray(left == right)
        case ast.NotEq():
            return np.asarray(left != right)
        case ast.Lt():
            return np.asarray(left < right)
        case ast.LtE():
            return np.asarray(left <= right)
        case ast.Gt():
            return np.asarray(left > right)
    return np.asarray(left >= right)


def _minus(number: Numbers) -> Numbers:
    return Numbers(-number.values, number.errors)


def _lower(left: Numbers, right: Numbers) -> Numbers:
    """Give the lower one; its error is that of both only where it is not certain which one that is."""
    surely_left = left.values + left.errors < right.values - right.errors
    surely_right = right.values + right.errors < left.values - left.errors
    either = np.maximum(left.errors, right.errors)
    return Numbers(
        np.minimum(left.values, right.values),
        np.where(surely_left, left.errors, np.where(surely_right, right.errors, either)),
    )


def _plus(left: Numbers, right: Numbers) -> Numbers:
    total = left.values + right.values
    # What the rounding of a sum lost is itself a floating point number (Knuth).
    part = total - left.values
    lost = (left.values - (total - part)) + (right.values - part)
    return Numbers(total, left.errors + right.errors + 2 * np.abs(lost))


def _product(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Give a product and what its rounding lost (Dekker)."""
    product = left * right
    a, b = _SPLITTER * left, _SPLITTER * right
    a_high, b_high = a - (a - left), b - (b - right)
    a_low, b_low = left - a_high, right - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _times(left: Numbers, right: Numbers) -> Numbers:
    product, lost = _product(left.values, right.values)
    carried = np.abs(left.values) * right.errors + np.abs(right.values) * left.errors + left.errors * right.errors
    return Numbers(product, carried + 2 * np.abs(lost))


def _over(left: Numbers, right: Numbers) -> Numbers:
    quotient = left.values / right.values
    back, lost = _product(quotient, right.values)
    rest = (left.values - back) - lost
    closest = np.abs(right.values) - right.errors
    carried = (left.errors + np.abs(quotient) * right.errors) / closest
    return Numbers(quotient, carried + 2 * np.abs(rest / right.values))
