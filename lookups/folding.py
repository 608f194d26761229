"""How two values of a column are compared. Plain Python."""

from __future__ import annotations

import enum
import re


_PUNCTUATION = re.compile(r"[-_\s]")


class Folding(enum.StrEnum):
    """What a column disregards when a value is looked up or checked for being unique."""

    EXACT = "EXACT"
    CASE = "CASE"
    PUNCTUATION = "PUNCTUATION"


def fold(value: str, folding: Folding) -> str:
    """
    Give the form of a value that is compared.

    EXACT compares as written; CASE disregards case and the white space around; PUNCTUATION upper-cases and drops
    `-`, `_` and white space, so that VALERROR and VAL-ERROR are one (`integration.md` 4.4).
    """
    if folding is Folding.CASE:
        return value.strip().casefold()
    if folding is Folding.PUNCTUATION:
        return _PUNCTUATION.sub("", value).upper()
    return value
