"""Which elements of a message a base mapping does not take up: paths and kinds, never values. Plain Python."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integration.flows.base_mappings import MAPPINGS
from integration.flows.mapping_declarations import MAX_PATH, ROWS, BaseMapping


MAX_NODES = 5_000
"""Values of a message that are looked at."""
MAX_DEPTH = 10
MAX_FOUND = 50
"""Paths that are told of one message."""
# A name that could hold somebody's data (an address, a number as a key) is not kept.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")


def unmapped(mapping: BaseMapping, message: Mapping[str, Any]) -> dict[str, str]:
    """Give path and kind of the elements that hold something and that nothing maps; null and "" hold nothing."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, Any, int]] = [("", message, 0)]
    looked_at = 0
    while waiting and looked_at < MAX_NODES and len(found) < MAX_FOUND:
        path, value, depth = waiting.pop()
        looked_at += 1
        if isinstance(value, Mapping):
            if depth < MAX_DEPTH:
                prefix = f"{path}." if path else ""
                waiting.extend(
                    (f"{prefix}{name}", below, depth + 1)
                    for name, below in value.items()
                    if isinstance(name, str) and _NAME.fullmatch(name)
                )
        elif isinstance(value, list):
            if depth < MAX_DEPTH:
                waiting.extend((f"{path}[]", below, depth + 1) for below in value)
        elif value is not None and value != "" and len(path) <= MAX_PATH and not _is_read(mapping.name, path):
            found[path] = _kind(value)
    return found


def unmapped_columns(mapping: BaseMapping, columns: Sequence[str]) -> dict[str, str]:
    """Give path and kind of a file's columns that nothing maps."""
    paths = [f"{ROWS}[].{name}" for name in columns[:MAX_NODES] if _NAME.fullmatch(name)]
    return {path: "text" for path in paths if not _is_read(mapping.name, path)}


@functools.lru_cache(maxsize=4_096)
def _is_read(mapping: str, path: str) -> bool:
    return MAPPINGS[mapping].reads(path)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float | Decimal) else "text"


def suggestion(mapping: BaseMapping, path: str) -> tuple[str, str]:
    """
    Give the element of the target that a source element would go to under its own name, and the expression for it.

    What stands in a list that a list of the target follows is seen from its item: the expression is its name there.
    """
    for target, source in mapping.lists.items():
        if source and path.startswith(f"{source}[]."):
            rest = path[len(source) + 3 :]
            return f"{target}[].{rest}", rest
    return path.replace("[]", ""), path
