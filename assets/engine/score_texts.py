"""
A score calculation as text that people write, line by line, and back.

Formulas are `name = formula`, tables `name = 1, 1, 1.5`, reasons `CODE: condition`; empty lines mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assets.engine import score_words, scores


LINES = ("formulas", "tables", "reasons")
TEXTS = ("formulas", "tables", "eligible", "reasons")
_POINTER = re.compile(r"/(\w+)(?:/(\w+))?")


def texts(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Give the texts of a definition, and its windows as they are."""
    return {
        "formulas": "\n".join(f"{each['name']} = {each['expression']}" for each in definition.get("formulas", [])),
        "tables": "\n".join(
            f"{name} = {', '.join(str(row) for row in rows)}" for name, rows in definition.get("tables", {}).items()
        ),
        "eligible": definition.get("eligible", ""),
        "reasons": "\n".join(f"{each['code']}: {each['condition']}" for each in definition.get("reasons", [])),
        **{name: definition.get(name, score_words.DEFAULT[name]) for name in scores.WINDOWS},
    }


def definition(given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the definition that texts say; whether it makes sense, `scores.read` tells."""
    return {
        "formulas": [
            {"name": name.strip(), "expression": text.strip()}
            for name, _, text in (line.partition("=") for line in _lines(given["formulas"]))
        ],
        "tables": {
            name.strip(): [row.strip() for row in rows.split(",")]
            for name, _, rows in (line.partition("=") for line in _lines(given["tables"]))
        },
        "eligible": " ".join(given["eligible"].split()),
        "reasons": [
            {"code": code.strip(), "condition": text.strip()}
            for code, _, text in (line.partition(":") for line in _lines(given["reasons"]))
        ],
        **{name: given[name] for name in scores.WINDOWS},
    }


def place(pointer: str, given: Mapping[str, Any]) -> tuple[str, str]:
    """Give the text that a pointer into the definition means, and which of its lines in words: `formulas`, `line 3`."""
    found = _POINTER.match(pointer)
    name = found[1] if found else ""
    if name not in LINES or found is None or found[2] is None:
        return (name if name in (*TEXTS, *scores.WINDOWS) else ""), ""
    numbers = [number for number, line in enumerate(given[name].splitlines(), start=1) if line.strip()]
    if name == "tables":
        names = [line.partition("=")[0].strip() for line in _lines(given[name])]
        index = names.index(found[2]) if found[2] in names else 0
    else:
        index = int(found[2])
    return name, f"line {numbers[index]}" if index < len(numbers) else ""


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
