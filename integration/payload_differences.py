"""
What a mapping made of a message: two JSON documents held against each other, field by field. Plain Python.

Compared are the documents as they are; told are the values as people may read them, so that masking hides no change.
A mapping mostly moves values: one that turns up unchanged at another place is told as moved, not as lost and found.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


MOST_FIELDS = 2_000
"""How many fields of each side are compared; a person reads no more."""


class Difference(StrEnum):
    """What became of a field."""

    SAME = "same"
    MOVED = "moved"
    CHANGED = "changed"
    BEFORE = "before"
    """Only before."""
    AFTER = "after"
    """Only after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A field before and after: where it stands, such as `params[0].customerInfo.name`, and its value as JSON."""

    kind: Difference
    before_path: str = ""
    before: str = ""
    after_path: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class _Field:
    path: tuple[str | int, ...]
    value: Any
    shown: str

    @property
    def name(self) -> str:
        """The last name on the way to it, without case."""
        return next((part.lower() for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def text(self) -> str:
        """The value as text, so that 5 and "5" are found to be the same that moved."""
        return self.value if isinstance(self.value, str) else _json(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The lines, those of the document before first; `cut`: there are more fields than were compared."""

    lines: list[Line]
    cut: bool = False

    def counts(self) -> dict[str, int]:
        """Give how many lines are of each kind."""
        found = Counter(line.kind.value for line in self.lines)
        return {kind.value: found[kind.value] for kind in Difference}


def differences(before: Any, after: Any, *, before_shown: Any, after_shown: Any) -> Differences:
    """
    Hold two parsed documents against each other.

    :param before_shown: the same document as people may read it: of the same shape, with values masked.
    """
    left, left_cut = _fields(before, before_shown)
    right, right_cut = _fields(after, after_shown)
    pairs = _pairs(left, right)
    lines = []
    for field in left:
        partner = pairs.get(field.path)
        if partner is None:
            lines.append(Line(kind=Difference.BEFORE, before_path=_written(field.path), before=field.shown))
        else:
            lines.append(
                Line(
                    kind=_kind(field, partner),
                    before_path=_written(field.path),
                    before=field.shown,
                    after_path=_written(partner.path),
                    after=partner.shown,
                )
            )
    taken = {partner.path for partner in pairs.values()}
    lines += [
        Line(kind=Difference.AFTER, after_path=_written(field.path), after=field.shown)
        for field in right
        if field.path not in taken
    ]
    return Differences(lines=lines, cut=left_cut or right_cut)


def _kind(before: _Field, after: _Field) -> Difference:
    if before.path == after.path:
        return Difference.SAME if before.value == after.value else Difference.CHANGED
    return Difference.MOVED if before.text == after.text else Difference.CHANGED


def _pairs(left: list[_Field], right: list[_Field]) -> dict[tuple[str | int, ...], _Field]:
    """Give the partner of each field that has one: by place, by name and value, by value, by name."""
    at_place = {field.path: field for field in right}
    pairs = {field.path: at_place[field.path] for field in left if field.path in at_place}
    for key in (_name_and_value, _telling_value, _name_alone):
        taken = {partner.path for partner in pairs.values()}
        free = defaultdict(deque)  # type: ignore[var-annotated]
        for field in right:
            if field.path not in taken and (known := key(field)) is not None:
                free[known].append(field)
        waiting = [field for field in left if field.path not in pairs]
        asked = Counter(key(field) for field in waiting)
        for field in waiting:
            known = key(field)
            # By value or name alone only where there is one on either side: else it would be a guess.
            if known is None or not free[known]:
                continue
            if key is not _name_and_value and (len(free[known]) > 1 or asked[known] > 1):
                continue
            pairs[field.path] = free[known].popleft()
    return pairs


def _name_and_value(field: _Field) -> Any:
    return field.name, field.text


def _telling_value(field: _Field) -> Any:
    """Give a value that is not met twice by chance; None for one that is."""
    return field.text if len(field.text) >= 4 and field.value not in (None, True, False) else None


def _name_alone(field: _Field) -> Any:
    return field.name or None


def _fields(value: Any, shown: Any) -> tuple[list[_Field], bool]:
    found: list[_Field] = []
    for path, leaf, text in _leaves(value, shown, ()):
        if len(found) == MOST_FIELDS:
            return found, True
        found.append(_Field(path, leaf, _json(text)))
    return found, False


def _leaves(value: Any, shown: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    if isinstance(value, dict) and value:
        for name, nested in value.items():
            yield from _leaves(nested, shown[name], (*path, name))
    elif isinstance(value, list) and value:
        for place, nested in enumerate(value):
            yield from _leaves(nested, shown[place], (*path, place))
    else:
        yield path, value, shown


def _written(path: tuple[str | int, ...]) -> str:
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written or "$"


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)
