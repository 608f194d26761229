"""
A small language of formulas over named numbers, safe to take from users: `imd_sum > 3 * history_average and days >= 1`.

Numbers (decimal, as written), names, `+ - * / **`, comparisons (also chained), `and`, `or`, `not`, `min`, `max`, `abs`,
`round(x)` and `round(x, places)` half to even, and `a if condition else b`; nothing else. Where tables of factors are
given, `factor(table, n)` is the table's row n, counted from 1; the last row stands for all that follow. What is a
number and what is a condition is checked when a formula is read, so that one that was read can only fail for the values
it meets: a value that is not there, a division by zero, a number out of bounds. Calculation is decimal with 50
significant digits. A formula has no loops, and its length, depth and numbers are bounded: it ends soon and fits in
memory.

`vee.engine.expression_arrays` evaluates the same formulas for many sets of values at once.
"""

from __future__ import annotations

import ast
import decimal
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast


MAXIMUM_LENGTH = 1_000
MAXIMUM_PARTS = 200
MAXIMUM_DEPTH = 30
MAXIMUM_DIGITS = 30
MAXIMUM_POWER = 10
_LARGEST_EXPONENT = 99

Kind = Literal["number", "condition"]
Value = Decimal | bool

_CONTEXT = decimal.Context(
    prec=50,
    rounding=decimal.ROUND_HALF_EVEN,
    traps=[decimal.DivisionByZero, decimal.InvalidOperation, decimal.Overflow],
)
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)")
_ARITHMETIC: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: _CONTEXT.add,
    ast.Sub: _CONTEXT.subtract,
    ast.Mult: _CONTEXT.multiply,
    ast.Div: _CONTEXT.divide,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Decimal, Decimal], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS = {"min": (1, 20), "max": (1, 20), "abs": (1, 1), "round": (1, 2)}
"""Names with the fewest and the most arguments."""
FACTOR = "factor"

Tables = Mapping[str, Sequence[Decimal]]


class UnableToReadExpression(ValueError):
    """A formula cannot be used; `position` is the place of the first character at fault, from 1."""

    def __init__(self, message: str, *, position: int) -> None:
        super().__init__(f"{message} (at character {position})")
        self.position = position


class UnableToEvaluate(ValueError):
    """A formula has no result for these values; the message says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula that was read: `names` and `tables` are those that it uses, `tree` is what was checked."""

    text: str
    kind: Kind
    names: frozenset[str]
    tree: ast.expr
    tables: frozenset[str] = frozenset()

    def evaluate(self, values: Mapping[str, Decimal | None], tables: Tables | None = None) -> Value:
        """
        Give the result for these values: a number, or for a condition whether it is met.

        Only what decides the result is looked at: `a or b` does not ask for `b` when `a` is met.

        :raises UnableToEvaluate: when a value that is needed is None or not given, or the calculation has no result.
        """
        try:
            return _evaluate(self.tree, _Given(values, tables or {}))
        except decimal.DivisionByZero:
            raise UnableToEvaluate("a division by zero") from None
        except decimal.DecimalException:
            raise UnableToEvaluate("a calculation without a result") from None


@dataclass(frozen=True, slots=True)
class _Given:
    """What a formula is evaluated for."""

    values: Mapping[str, Decimal | None]
    tables: Tables


def read(text: str, *, names: Iterable[str], kind: Kind, tables: Iterable[str] = ()) -> Expression:
    """
    Read a formula that may use these names and tables of factors, and has to give a number or a condition.

    :raises UnableToReadExpression: at the first thing that is wrong, with its position.
    """
    if len(text) > MAXIMUM_LENGTH:
        raise UnableToReadExpression(f"a formula has at most {MAXIMUM_LENGTH} characters", position=MAXIMUM_LENGTH + 1)
    if found := re.search(r"[^\x20-\x7e\t\r\n]", text):
        raise UnableToReadExpression(f"{found[0]!r} is not allowed here", position=found.start() + 1)
    if not text.strip():
        raise UnableToReadExpression("the formula is empty", position=1)
    # Of the same length, so that positions stay; a line break means no more than a space.
    flat = re.sub(r"\s", " ", text)
    offset = len(flat) - len(flat.lstrip())
    tree = _parse(flat.lstrip(), offset)
    reader = _Reader(flat, offset, frozenset(names), frozenset(tables))
    found_kind = reader.check(tree, 1)
    if found_kind != kind:
        wanted = {"number": "a number", "condition": "a condition that is met or not"}
        raise UnableToReadExpression(
            f"the formula has to give {wanted[kind]}, not {wanted[found_kind]}", position=offset + 1
        )
    return Expression(text, kind, frozenset(reader.used), tree, frozenset(reader.used_tables))


def _parse(text: str, offset: int) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        # Where a formula breaks off there is no offset.
        place = min(error.offset or len(text), len(text.rstrip()))
        raise UnableToReadExpression("this is not a formula", position=offset + place) from None
    except (ValueError, RecursionError, MemoryError):
        raise UnableToReadExpression("the formula is too deeply nested", position=offset + 1) from None


class _Reader:
    """Checks a tree against the language, and turns its literals into exact decimals."""

    def __init__(self, text: str, offset: int, names: frozenset[str], tables: frozenset[str]) -> None:
        self.text = text
        self.offset = offset
        self.names = names
        self.tables = tables
        self.used: set[str] = set()
        self.used_tables: set[str] = set()
        self._parts = 0

    def check(self, node: ast.expr, depth: int) -> Kind:
        """Give what the node gives."""
        self._parts += 1
        if self._parts > MAXIMUM_PARTS:
            raise self._refuse(node, f"a formula has at most {MAXIMUM_PARTS} parts")
        if depth > MAXIMUM_DEPTH:
            raise self._refuse(node, f"a formula is nested at most {MAXIMUM_DEPTH} deep")
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.UnaryOp(op=ast.Not()):
                return self._all("condition", [node.operand], depth)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._all("number", [node.operand], depth)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow()):
                return self._all("number", [node.left, node.right], depth)
            case ast.BoolOp():
                return self._all("condition", node.values, depth)
            case ast.Compare() if all(type(op) in _COMPARISONS for op in node.ops):
                self._all("number", [node.left, *node.comparators], depth)
                return "condition"
            case ast.IfExp():
                self._all("condition", [node.test], depth)
                kind = self.check(node.body, depth + 1)
                return self._all(kind, [node.orelse], depth)
            case ast.Call():
                return self._call(node, depth)
        raise self._refuse(node, "this is not part of the language of formulas")

    def _all(self, kind: Kind, nodes: Iterable[ast.expr], depth: int) -> Kind:
        for node in nodes:
            found = self.check(node, depth + 1)
            if found != kind:
                raise self._refuse(node, f"here a {kind} has to stand, not a {found}")
        return kind

    def _constant(self, node: ast.Constant) -> Kind:
        start, end = self._position(node) - 1, self.offset + (node.end_col_offset or 0)
        written = self.text[start:end]
        if not _NUMBER.fullmatch(written):
            raise self._refuse(node, f"{written} is no number: write digits and a decimal point")
        if len(written.replace(".", "")) > MAXIMUM_DIGITS:
            raise self._refuse(node, f"a number has at most {MAXIMUM_DIGITS} digits")
        # A literal's own value is a binary float; what was written is what is meant.
        node.value = cast("int", Decimal(written))
        return "number"

    def _name(self, node: ast.Name) -> Kind:
        if node.id in _FUNCTIONS and node.id not in self.names:
            raise self._refuse(node, f"{node.id} is a function: write {node.id}(…)")
        if node.id not in self.names:
            raise self._refuse(node, f"there is no value named {node.id}")
        self.used.add(node.id)
        return "number"

    def _call(self, node: ast.Call, depth: int) -> Kind:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == FACTOR and self.tables:
            return self._factor(node, depth)
        if name not in _FUNCTIONS:
            functions = [*_FUNCTIONS, FACTOR] if self.tables else _FUNCTIONS
            raise self._refuse(node, f"functions are {', '.join(functions)}")
        fewest, most = _FUNCTIONS[name]
        if node.keywords or not fewest <= len(node.args) <= most:
            many = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise self._refuse(node, f"{name} takes {many} numbers")
        return self._all("number", node.args, depth)

    def _factor(self, node: ast.Call, depth: int) -> Kind:
        if node.keywords or len(node.args) != 2:
            raise self._refuse(node, f"{FACTOR} takes a table and the number of a row")
        table, row = node.args
        if not isinstance(table, ast.Name) or table.id not in self.tables:
            known = ", ".join(sorted(self.tables))
            raise self._refuse(table, f"here the name of a table has to stand: {known}")
        self.used_tables.add(table.id)
        return self._all("number", [row], depth)

    def _position(self, node: ast.expr) -> int:
        return self.offset + node.col_offset + 1

    def _refuse(self, node: ast.expr, message: str) -> UnableToReadExpression:
        return UnableToReadExpression(message, position=self._position(node))


def _evaluate(node: ast.expr, given: _Given) -> Value:
    """Give what a node gives; the reader has seen that it is part of the language and of the right kind."""
    match node:
        case ast.Constant():
            return cast("Decimal", node.value)
        case ast.Name(id=name):
            value = given.values.get(name)
            if value is None:
                raise UnableToEvaluate(f"{name} is not known")
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, given)
        case ast.BoolOp(op=op, values=parts):
            decide = any if isinstance(op, ast.Or) else all
            return decide(bool(_evaluate(part, given)) for part in parts)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _evaluate(body if _evaluate(test, given) else orelse, given)
        case ast.Compare():
            return _compare(node, given)
    return _bounded(_calculate(node, given))


def _number(node: ast.expr, given: _Given) -> Decimal:
    return cast("Decimal", _evaluate(node, given))


def _compare(node: ast.Compare, given: _Given) -> bool:
    left = _number(node.left, given)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _number(comparator, given)
        if not _COMPARISONS[type(op)](left, right):
            return False
        left = right
    return True


def _calculate(node: ast.expr, given: _Given) -> Decimal:
    match node:
        case ast.UnaryOp(op=op, operand=operand):
            number = _number(operand, given)
            return _CONTEXT.minus(number) if isinstance(op, ast.USub) else number
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return _power(_number(left, given), _number(right, given))
        case ast.BinOp(op=op, left=left, right=right):
            return _ARITHMETIC[type(op)](_number(left, given), _number(right, given))
        case ast.Call(func=ast.Name(id="factor"), args=[ast.Name(id=table), row]) if table in given.tables:
            return _row(given.tables[table], table, _number(row, given))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, [_number(argument, given) for argument in arguments])
    raise AssertionError(f"the reader let {type(node).__name__} pass")


def _row(factors: Sequence[Decimal], table: str, row: Decimal) -> Decimal:
    if row != row.to_integral_value() or row < 1:
        raise UnableToEvaluate(f"row {row} of {table}: rows are whole numbers from 1")
    return factors[min(int(row), len(factors)) - 1]


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if exponent != exponent.to_integral_value() or abs(exponent) > MAXIMUM_POWER:
        raise UnableToEvaluate(f"a power of {exponent}: whole numbers from -{MAXIMUM_POWER} to {MAXIMUM_POWER} are")
    if not base and exponent < 0:
        raise UnableToEvaluate("a division by zero")
    return _CONTEXT.power(base, exponent)


def _call(name: str, arguments: list[Decimal]) -> Decimal:
    if name == "round":
        places = arguments[1] if len(arguments) > 1 else Decimal(0)
        if places != places.to_integral_value() or not 0 <= places <= MAXIMUM_DIGITS:
            raise UnableToEvaluate(f"places to round to are a whole number up to {MAXIMUM_DIGITS}, not {places}")
        return arguments[0].quantize(Decimal(1).scaleb(-int(places)), context=_CONTEXT)
    if name == "abs":
        return _CONTEXT.abs(arguments[0])
    return max(arguments) if name == "max" else min(arguments)


def _bounded(number: Decimal) -> Decimal:
    if number and abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise UnableToEvaluate("a number out of bounds")
    return number
