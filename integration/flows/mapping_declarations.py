"""
What a base mapping says of itself: which source element becomes which target element, and what the target takes.

Declared as data beside each mapping function, so that people can read it and overlays can be checked against it. Paths
are written as `assetInfo.assetList[].nicId`: names with dots, `[]` for each item of a list. Plain Python.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integration.flows import message_fields


ROWS = "file"
"""How a source path names the rows of a message's file: `file[].nicId`."""

MAX_PATH = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,79}")


class Origin(enum.StrEnum):
    """How a target element comes about."""

    COPIED = "COPIED"
    RENAMED = "RENAMED"
    TRANSLATED = "TRANSLATED"
    CONVERTED = "CONVERTED"
    CONFIGURED = "CONFIGURED"
    CONSTANT = "CONSTANT"


class Kind(enum.StrEnum):
    """What a target element holds."""

    TEXT = "TEXT"
    WHOLE_NUMBER = "WHOLE_NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    INSTANT = "INSTANT"


_EXPECTED = {
    Kind.TEXT: "a text",
    Kind.WHOLE_NUMBER: "a whole number",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date such as 2023-06-05",
    Kind.INSTANT: "an ISO 8601 date-time with Z or an offset",
}


class NoPath(ValueError):
    """A text is no path to an element."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedField:
    """
    One line of a base mapping. A path that ends in `.*` stands for whatever is below.

    `source` is empty when the value does not come from the message; `lookup` is the table that translates it.
    """

    source: str
    target: str
    origin: Origin
    note: str = ""
    lookup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetField:
    """
    An element that the target knows, and what it takes there.

    `fixed`: the hub and its peers know the message by it, so that no overlay may change it.
    """

    path: str
    kind: Kind = Kind.TEXT
    longest: int | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    fixed: bool = False

    def misfit(self, value: Any) -> str:
        """Give what is wrong with a value, without the value itself; empty when it fits."""
        if not _is_of(self.kind, value):
            return f"it gives {kind_of(value)}, the target takes {_EXPECTED[self.kind]}"
        if self.longest is not None and len(value) > self.longest:
            return f"it gives a text of {len(value)} characters, the target takes {self.longest}"
        if self.choices and value not in self.choices:
            return f"the target takes one of {', '.join(self.choices)}"
        return ""

    @property
    def takes(self) -> str:
        """What the target takes, in words."""
        words = [_EXPECTED[self.kind]]
        if self.longest is not None:
            words.append(f"up to {self.longest} characters")
        if self.choices:
            words.append(f"one of {', '.join(self.choices)}")
        return ", ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseMapping:
    """
    A packaged mapping: its lines, its target's elements, and an example message to try things on.

    `lists` says which list of the source a list of the target follows, item by item; an empty one means that its items
    come from the message as a whole. `rows` are the example's rows when the message brings a file.
    """

    name: str
    flow: str
    title: str
    source: str
    target: str
    fields: tuple[MappedField, ...]
    targets: tuple[TargetField, ...]
    lists: Mapping[str, str] = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict, repr=False)
    rows: Sequence[Mapping[str, str]] = field(default=(), repr=False)

    def known(self, path: str) -> TargetField | None:
        """Give the target's element at a path; None when the target is not known to have it."""
        return next((each for each in self.targets if each.path == path), None)

    def lines_of(self, target: str) -> list[MappedField]:
        """Give the lines that make a target element, the exact ones before those that name all below."""
        exact = [line for line in self.fields if line.target == target]
        return exact or [line for line in self.fields if self.covers(line.target, target)]

    def reads(self, source: str) -> bool:
        """Whether the base mapping takes up a source element."""
        return any(line.source and self.covers(line.source, source) for line in self.fields)

    def covers(self, pattern: str, path: str) -> bool:
        """Whether a declared path names this element, itself or by `.*`, which ends at lists that are declared."""
        if pattern == path:
            return True
        if not pattern.endswith(".*") or not path.startswith(pattern[:-1]):
            return False
        lists = {*self.lists, *self.lists.values()} - {""}
        return not any(path.startswith(f"{each}[]") and not pattern.startswith(f"{each}[]") for each in lists)


def steps_of(path: str) -> tuple[str, ...]:
    """
    Give the steps of a path: names, and `[]` for each item of a list.

    :raises NoPath: when it is none.
    """
    if not path or len(path) > MAX_PATH:
        raise NoPath(f"A path has 1 to {MAX_PATH} characters.")
    steps: list[str] = []
    for part in path.split("."):
        name = part.removesuffix("[]")
        if not _NAME.fullmatch(name):
            raise NoPath(
                f"{path} is no path: names of letters, digits, _ and -, with dots between them and [] after a list, "
                "as in assetInfo.assetList[].nicId."
            )
        steps.append(name)
        if part.endswith("[]"):
            steps.append("[]")
    if steps[-1] == "[]":
        raise NoPath(f"{path} ends with a list: name a field of its items.")
    return tuple(steps)


def kind_of(value: Any) -> str:
    """Give what a value is, in words and without it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float | Decimal):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def _is_of(kind: Kind, value: Any) -> bool:
    if kind is Kind.WHOLE_NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is Kind.BOOLEAN:
        return isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind is Kind.INSTANT:
        return message_fields.is_instant(value)
    if kind is Kind.DATE:
        return _is_date(value)
    return True


def _is_date(text: str) -> bool:
    if len(text) != 10:
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def alike(parent: str, names: Sequence[str]) -> tuple[MappedField, ...]:
    """Declare elements that keep their name and their place below `parent`; what is empty is left out."""
    paths = [f"{parent}.{name}" if parent else name for name in names]
    return tuple(MappedField(source=path, target=path, origin=Origin.COPIED) for path in paths)


def texts(
    parent: str, names: Sequence[str], *, longest: int | None = None, lengths: Mapping[str, int] | None = None
) -> tuple[TargetField, ...]:
    """Declare texts of the target below `parent`; `lengths` by name win over `longest`."""
    return tuple(
        TargetField(path=f"{parent}.{name}" if parent else name, longest=(lengths or {}).get(name, longest))
        for name in names
    )
