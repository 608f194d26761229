"""NEM12 quality flags, methods and reasons, and the condition codes that they become (`vee.md` 9.4)."""

from __future__ import annotations

import re

from vee.codes import Condition
from vee.readers.base import RowRefused
from vee.readers.numbers import shown


VARIABLE = "V"
# Methods by installation type: 1-4 remotely read, 5 manually read interval, 6 accumulation, 7 unmetered.
METHODS = frozenset({*range(11, 26), *range(51, 60), *range(61, 70), *range(71, 76)})
OUTAGE_REASONS = frozenset({43, 79})
CONDITIONS: dict[str, Condition] = {
    "A": Condition.REGULAR,
    "S": Condition.EXTERNAL_ESTIMATED,
    "F": Condition.EXTERNAL_ESTIMATED_FINAL,
    "E": Condition.EXTERNAL_ESTIMATED_LOW,
    "N": Condition.MISSING,
}
_LOOKS_LIKE_A_FLAG = re.compile(r"[A-Za-z][0-9]{0,2}")
_FLAG = re.compile(r"([AEFNSV])([0-9]{2})?")
_REASON = re.compile(r"[0-9]{1,3}")


def looks_like_a_flag(text: str) -> bool:
    """Tell a quality flag, valid or not, from a value."""
    return bool(_LOOKS_LIKE_A_FLAG.fullmatch(text))


def read_flag(text: str) -> str:
    """
    Check a quality flag with its method and give its letter.

    A, N and V carry no method; E, F and S need one of the published methods.

    :raises RowRefused: with code `unknown_quality`, `method_missing`, `unknown_method` or `method_not_allowed`.
    """
    matched = _FLAG.fullmatch(text)
    if matched is None:
        raise RowRefused("unknown_quality", f"{shown(text)} is not a quality flag (A, E, F, N, S or V, and a method)")
    letter, method = matched[1], matched[2]
    if letter in "ANV":
        if method is not None:
            raise RowRefused("method_not_allowed", f"the flag {letter} carries no method, but {text} does")
    elif method is None:
        raise RowRefused("method_missing", f"the flag {letter} needs a method, e.g. {letter}14")
    elif int(method) not in METHODS:
        raise RowRefused("unknown_method", f"{text} names the method {method}, which does not exist")
    return letter


def read_reason(text: str) -> int | None:
    """
    Read a reason code; an empty one is None.

    :raises RowRefused: when it is no number.
    """
    if not text:
        return None
    if not _REASON.fullmatch(text):
        raise RowRefused("reason_invalid", f"{shown(text)} is not a reason code")
    return int(text)


def condition_of(letter: str, reason: int | None) -> int:
    """Give the condition code of a flag other than V; an outage reason comes before the flag."""
    if reason in OUTAGE_REASONS:
        return int(Condition.NO_READ_OUTAGE)
    return int(CONDITIONS[letter])
