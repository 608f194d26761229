"""What an expression of an overlay may cost, and what is raised when it costs more. Plain Python."""

from __future__ import annotations

from typing import Any


MAX_LENGTH = 1_000
"""Characters of an expression."""
MAX_DEPTH = 40
"""Nodes inside each other."""
MAX_STEPS = 50_000
"""Of one evaluation."""
MAX_TEXT = 65_536
"""Characters of a text that an expression makes or reads whole."""
MAX_ITEMS = 10_000
"""Items of a list that an expression makes."""


class ExpressionFailed(ValueError):
    """The expression cannot be evaluated on this message. The text names no value of it."""


class ExpressionTooCostly(ExpressionFailed):
    """The expression goes over a limit on this message."""


class Budget:
    """Steps that are left; several evaluations may share one."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """
        Take steps.

        :raises ExpressionTooCostly: when there are not as many left.
        """
        self.left -= steps
        if self.left < 0:
            raise ExpressionTooCostly("it needs more steps than an expression may take; pick fewer elements")


def weigh(value: Any, budget: Budget, *, deep: bool = True) -> None:
    """Spend steps for what a value holds: what refers to one thing many times counts many times."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            budget.spend(1 + len(each) // 64)
            continue
        budget.spend(1)
        items = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        if deep:
            budget.spend(len(items))
            waiting.extend(items)
        else:
            budget.spend(len(items))
