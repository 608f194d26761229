"""Substitution variables in paths and addresses: `{name}` stands for a value of the message. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote


_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


class VariableMissing(ValueError):
    """A path names a variable that the message has no value for."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The path names {{{name}}}, and the message has no value of that name.")
        self.name = name


def substituted(text: str, values: Mapping[str, object]) -> str:
    """
    Give a text with its variables replaced, each value quoted so that it stays one segment of a path.

    :raises VariableMissing: for a variable without a value, or with an empty one.
    """

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise VariableMissing(match[1])
        return quote(str(value), safe="")

    return _VARIABLE.sub(value_of, text)
