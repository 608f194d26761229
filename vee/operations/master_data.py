"""
Master data in bulk: lines of mixed kinds, upserted by identifier, a result for each line in order (`api.md` 3).

Kinds are taken in the order in which they refer to each other, whatever the order of the lines, so that a line may
refer to another line of the same document. A refused line stops no other.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from foundation.api.decoding import DoesNotFit, convert
from foundation.api.parsers import parse_strict
from foundation.api.problems import Problem
from foundation.kept_texts import kept
from vee.events import SYSTEM
from vee.operations import master_data_kinds
from vee.operations.master_data_records import KINDS, Line


MAX_LINES = 100_000
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineResult:
    """What became of one line; `errors` (entries of a problem document) say why it was refused."""

    kind: str = ""
    id: str = ""
    outcome: str = ""
    errors: list[dict[str, str]] = field(default_factory=list)
    code: str = ""
    is_object: bool = True

    @property
    def refused(self) -> bool:
        """Whether nothing was stored for the line."""
        return bool(self.errors)


def upsert(lines: Sequence[bytes | Mapping[str, Any]], *, by: Any = SYSTEM, at: dt.datetime) -> list[LineResult]:
    """
    Create or change master data; a line is a JSON text or a parsed object with exact numbers.

    What a line leaves out stays as it is. What cannot change once data exists (kind, interval, scale, and the
    standard time of a service point) is refused with code `immutable`.
    """
    results: list[LineResult | None] = [None] * len(lines)
    by_kind: dict[str, list[tuple[int, Line]]] = defaultdict(list)
    for place, line in enumerate(lines):
        judged = _judge(line)
        if isinstance(judged, LineResult):
            results[place] = judged
        else:
            kind, typed = judged
            by_kind[kind].append((place, typed))
    with transaction.atomic():
        for kind in KINDS:
            if kind in by_kind:
                keeper = master_data_kinds.KEEPERS[kind]([line for _, line in by_kind[kind]], at)
                for place, line in keeper.ordered(by_kind[kind]):
                    results[place] = _apply(keeper, kind, line)
                keeper.save(by=str(by))
    return [result for result in results if result is not None]


def _judge(line: bytes | Mapping[str, Any]) -> LineResult | tuple[str, Line]:
    if isinstance(line, bytes):
        try:
            line = parse_strict(line)
        except Problem as problem:
            errors = problem.errors or [{"pointer": "", "code": "malformed", "message": str(problem.detail)}]
            return LineResult(errors=errors, code=problem.default_code, is_object=False)
    if not isinstance(line, Mapping):
        return _refused("", "", "", "invalid", kept("a JSON object is expected"), is_object=False)
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join(KINDS)
        return _refused("", "", "/kind", "invalid" if kind is not None else "required", kept(f"kind is one of {known}"))
    try:
        typed = convert(line, KINDS[kind])
    except DoesNotFit as error:
        identifier = line.get("id")
        shown = identifier[:60] if isinstance(identifier, str) else ""
        return LineResult(kind=kind, id=shown, errors=[error.as_error()], code="validation")
    return kind, typed


def _apply(keeper: master_data_kinds.Keeper, kind: str, line: Line) -> LineResult:
    identifier = getattr(line, "id", "")
    try:
        created, changed = keeper.apply(line)
    except master_data_kinds.LineRefused as refused:
        return LineResult(kind=kind, id=identifier, errors=refused.errors, code="validation")
    return LineResult(kind=kind, id=identifier, outcome=CREATED if created else UPDATED if changed else UNCHANGED)


def _refused(
    kind: str, identifier: str, pointer: str, code: str, message: str, *, is_object: bool = True
) -> LineResult:
    errors = [{"pointer": pointer, "code": code, "message": message}]
    return LineResult(
        kind=kind, id=identifier, errors=errors, code="validation" if is_object else "malformed", is_object=is_object
    )
