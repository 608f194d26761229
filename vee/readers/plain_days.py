"""
The values of many NEM12 days at once, where they are written plainly.

Plain is a 300 row whose values all have digits before and after a point, at most 9 and 6 of them, and no sign: what
meters send. Anything else is left to be read field by field, which finds the faults.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vee.readers.lines import Line
from vee.readers.numbers import Amounts


# Enough for numpy to pay, and little memory also where lines are long.
_LINES, _CHARACTERS = 256, 262_144
_DATE_BEGINS, _VALUES_BEGIN = 4, 13
_MOST_WHOLE, _DECIMALS = 9, 6
_LETTER = re.compile(r"[A-Za-z]")
_DIGITS = b"0123456789"
_COMMA, _POINT, _ZERO = ord(","), ord("."), ord("0")


@dataclass(frozen=True, slots=True)
class PlainDay:
    """A 300 row that was read already: its date, its values, and its text from the quality flag on."""

    date: str
    amounts: Amounts
    tail: str


def read_ahead(lines: Iterator[Line]) -> Iterator[tuple[Line, PlainDay | None]]:
    """Give the same lines in the same order; a plain 300 row comes with what was read of it."""
    for some in _batches(lines):
        days = _plain_days(some)
        for index, line in enumerate(some):
            yield line, days.get(index)


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    some: list[Line] = []
    characters = 0
    for line in lines:
        some.append(line)
        characters += len(line.text)
        if len(some) == _LINES or characters >= _CHARACTERS:
            yield some
            some, characters = [], 0
    yield some


def _plain_days(lines: list[Line]) -> dict[int, PlainDay]:
    found: list[tuple[int, int]] = []
    texts: list[bytes] = []
    counts: list[int] = []
    for index, line in enumerate(lines):
        if line.fault is not None or not line.text.startswith("300,"):
            continue
        flag = _LETTER.search(line.text, _VALUES_BEGIN)
        if flag is None or line.text[_VALUES_BEGIN - 1] != "," or not line.text.isascii():
            continue
        values = line.text[_VALUES_BEGIN : flag.start() - 1].encode()
        count = values.count(b",") + 1
        # Without its digits a plain row is nothing but points and commas in turn.
        if line.text[flag.start() - 1] == "," and values.translate(None, _DIGITS) == _shape(count):
            found.append((index, flag.start()))
            texts.append(values)
            counts.append(count)
    if not found:
        return {}
    numbers, plain = _read(b",".join(texts) + b",")
    ends = list(itertools.accumulate(counts))
    starts = [0, *ends[:-1]]
    all_plain = np.logical_and.reduceat(plain, starts).tolist()
    return {
        index: PlainDay(
            lines[index].text[_DATE_BEGINS : _VALUES_BEGIN - 1], Amounts(numbers[start:end]), lines[index].text[flag:]
        )
        for (index, flag), start, end, good in zip(found, starts, ends, all_plain, strict=True)
        if good
    }


@functools.lru_cache(maxsize=64)
def _shape(count: int) -> bytes:
    return b".," * (count - 1) + b"."


def _read(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give the numbers of a text of `digits.digits,` as counts of a millionth, and which of them are plain."""
    characters = np.frombuffer(text, dtype=np.uint8)
    points = np.flatnonzero(characters == _POINT)
    commas = np.flatnonzero(characters == _COMMA)
    wholes = points.copy()
    wholes[1:] -= commas[:-1] + 1
    decimals = commas - points - 1
    plain = (wholes >= 1) & (wholes <= _MOST_WHOLE) & (decimals >= 1) & (decimals <= _DECIMALS)
    digits = characters - np.uint8(_ZERO)
    numbers = np.zeros(len(points), dtype=np.int64)
    for place in range(min(int(wholes.max()), _MOST_WHOLE)):
        _add(numbers, digits, points - 1 - place, wholes > place, 10 ** (_DECIMALS + place))
    for place in range(min(int(decimals.max()), _DECIMALS)):
        _add(numbers, digits, points + 1 + place, decimals > place, 10 ** (_DECIMALS - 1 - place))
    return numbers, plain


def _add(
    numbers: NDArray[np.int64], digits: NDArray[np.uint8], at: NDArray[np.intp], there: NDArray[np.bool_], worth: int
) -> None:
    """Add what the digits at these places are worth; most numbers of a file have as many digits."""
    if there.all():
        numbers += digits[at] * np.int64(worth)
    else:
        numbers[there] += digits[at[there]] * np.int64(worth)
