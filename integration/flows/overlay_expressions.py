"""
JMESPath expressions of overlays: compiled, checked, and evaluated within limits. Plain Python.

Time is limited by counting: each node that is evaluated and each item that it goes through is a step. So the same
message passes or fails on a busy machine as on an idle one, in the preview as in a worker. Text and lists that an
expression makes are limited as well.

Beside JMESPath's own functions an expression has `message()`, `target()` and `context()`, `lookupValue(table, source
column, value, target column[, default])`, and `substring`, `upper`, `lower`, `trim` and `replace` for texts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import jmespath.exceptions
import jmespath.parser
import jmespath.visitor

from integration.flows.mapping_declarations import kind_of
from integration.flows.overlay_functions import Functions, Surroundings
from integration.flows.overlay_limits import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_LENGTH,
    MAX_STEPS,
    MAX_TEXT,
    Budget,
    ExpressionFailed,
    ExpressionTooCostly,
    weigh,
)


# Functions that go through everything below their arguments; the others look at one level.
_READ_TO_THE_END = frozenset({"to_string", "contains"})


class UnusableExpression(ValueError):
    """The expression cannot be used, whatever the message: no JMESPath, a function that is not there, or too big."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A checked expression. `lookups` are tables that it names literally, each with its two columns."""

    text: str
    node: Any
    lookups: tuple[tuple[str, str, str], ...]


@functools.lru_cache(maxsize=1_024)
def compiled(text: str) -> Compiled:
    """
    Parse and check an expression.

    :raises UnusableExpression: saying what is wrong, and where as far as that is known.
    """
    if not text.strip():
        raise UnusableExpression("An expression is needed, such as locationInfo.address2.")
    if len(text) > MAX_LENGTH:
        raise UnusableExpression(f"The expression has {len(text)} characters; {MAX_LENGTH} are allowed.")
    try:
        node = jmespath.parser.Parser().parse(text).parsed
    except jmespath.exceptions.ParseError as error:
        raise UnusableExpression(_parse_problem(error, text)) from None
    except jmespath.exceptions.JMESPathError as error:
        raise UnusableExpression(str(error)) from None
    except (RecursionError, ValueError):
        # The parser goes one call deeper for each bracket; a literal may hold numbers that Python refuses to read.
        raise UnusableExpression("The expression is nested too deeply, or holds a literal that is no JSON.") from None
    _check_nodes(node)
    calls = list(_calls(node))
    for call in calls:
        _check_call(call)
    return Compiled(text=text, node=node, lookups=tuple(_tables(calls)))


def evaluate(expression: Compiled, element: Any, *, surroundings: Surroundings, budget: Budget | None = None) -> Any:
    """
    Evaluate an expression, starting at an element of the source.

    :raises ExpressionTooCostly: when it goes over a limit.
    :raises ExpressionFailed: when it cannot be evaluated on this message.
    """
    own = Budget()
    evaluation = _Evaluation(surroundings, own)
    try:
        result = evaluation.visit(expression.node, element)
        weigh(result, own)
    except jmespath.exceptions.JMESPathTypeError as error:
        raise ExpressionFailed(
            f"{error.function_name}() takes {_any_of(error.expected_types)}, it got {kind_of(error.current_value)}"
        ) from None
    except jmespath.exceptions.JMESPathError as error:
        raise ExpressionFailed(str(error)) from None
    finally:
        if budget is not None:
            budget.spend(MAX_STEPS - max(own.left, 0))
    return result


class _Evaluation(jmespath.visitor.TreeInterpreter):  # type: ignore[misc]
    """The library's interpreter, counting its steps."""

    def __init__(self, surroundings: Surroundings, budget: Budget) -> None:
        functions = Functions()
        functions.surroundings = surroundings
        super().__init__(jmespath.visitor.Options(custom_functions=functions))
        self._budget = budget

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._budget.spend(1)
        result = super().visit(node, *args, **kwargs)
        if isinstance(result, str):
            if len(result) > MAX_TEXT:
                raise ExpressionTooCostly(f"it makes a text of more than {MAX_TEXT} characters")
        elif isinstance(result, list) and len(result) > MAX_ITEMS:
            raise ExpressionTooCostly(f"it makes a list of more than {MAX_ITEMS} items")
        return result

    def visit_literal(self, node: Any, value: Any) -> Any:
        literal = node["value"]
        return Decimal(repr(literal)) if isinstance(literal, float) else literal

    def visit_flatten(self, node: Any, value: Any) -> Any:
        result = super().visit_flatten(node, value)
        self._budget.spend(len(result or ()))
        return result

    def visit_comparator(self, node: Any, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        # Comparing goes all the way down.
        weigh(left, self._budget)
        weigh(right, self._budget)
        operator = node["value"]
        if operator not in self._EQUALITY_OPS:
            comparable = (str, int, float, Decimal)
            if not all(isinstance(side, comparable) and not isinstance(side, bool) for side in (left, right)):
                return None
            if isinstance(left, str) is not isinstance(right, str):
                raise ExpressionFailed("a text and a number cannot be put in order")
        return self.COMPARATOR_FUNC[operator](left, right)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        arguments = [self.visit(child, value) for child in node["children"]]
        for argument in arguments:
            weigh(argument, self._budget, deep=node["value"] in _READ_TO_THE_END)
        if node["value"] == "join" and len(arguments) == 2:
            _check_join(*arguments)
        try:
            return self._functions.call_function(node["value"], arguments)
        except (TypeError, ArithmeticError):
            # The library checks the types of arguments, but not of everything inside them.
            raise ExpressionFailed(f"{node['value']}() cannot work with what it got") from None


def _check_join(glue: Any, parts: Any) -> None:
    if isinstance(glue, str) and isinstance(parts, list):
        length = len(glue) * len(parts) + sum(len(part) for part in parts if isinstance(part, str))
        if length > MAX_TEXT:
            raise ExpressionTooCostly(f"join() makes a text of more than {MAX_TEXT} characters")


def _check_nodes(node: Any) -> None:
    level = [node]
    for _ in range(MAX_DEPTH):
        if any(each["type"] == "slice" and each["children"][2] == 0 for each in level):
            raise UnusableExpression("The step of a slice cannot be 0.")
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise UnusableExpression(f"The expression is nested more than {MAX_DEPTH} deep.")


def _children(node: Any) -> list[Any]:
    # A slice keeps its bounds where other nodes keep nodes.
    return [child for child in node.get("children", ()) if isinstance(child, dict)]


def _calls(node: Any) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each["type"] == "function_expression":
            yield each
        waiting.extend(_children(each))


def _check_call(call: Any) -> None:
    known = Functions.FUNCTION_TABLE.get(call["value"])
    if known is None:
        raise UnusableExpression(
            f"There is no function {call['value']}(); known are {', '.join(sorted(Functions.FUNCTION_TABLE))}."
        )
    wanted, given = known["signature"], len(call["children"])
    variadic = bool(wanted and wanted[-1].get("variadic"))
    most = 5 if call["value"] == "lookupValue" else None
    if given < len(wanted) or (given > len(wanted) and not variadic) or (most is not None and given > most):
        least = f"at least {len(wanted)}" if variadic else str(len(wanted))
        raise UnusableExpression(f"{call['value']}() takes {least} arguments, not {given}.")


def _tables(calls: list[Any]) -> Iterator[tuple[str, str, str]]:
    for call in calls:
        if call["value"] != "lookupValue":
            continue
        table, source, _value, target = call["children"][:4]
        named = [each["value"] if each["type"] == "literal" else None for each in (table, source, target)]
        if not all(isinstance(each, str) for each in named):
            raise UnusableExpression(
                "lookupValue() names its table and columns literally, as in "
                "lookupValue('SITE-CODES', 'code', division, 'region')."
            )
        yield str(named[0]), str(named[1]), str(named[2])


def _parse_problem(error: Any, text: str) -> str:
    place = getattr(error, "lex_position", None)
    if isinstance(place, int) and 0 <= place < len(text):
        return f"This is no JMESPath: what stands at character {place + 1} ({text[place : place + 20]}) does not fit."
    return "This is no JMESPath: the expression ends too early."


def _any_of(types: Any) -> str:
    words = {"string": "a text", "number": "a number", "array": "a list", "object": "an object", "null": "nothing"}
    lists = {"array-string": "a list of texts", "array-number": "a list of numbers"}
    return " or ".join({**words, **lists}.get(str(each), str(each)) for each in types)
