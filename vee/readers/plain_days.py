"""
The values of many NEM12 days at once, where they are written plainly.

Plain is a 300 row whose values all have digits before and after a point, at most 9 and 6 of them, and no sign: what
meters send. Anything else is left to be read field by field, which finds the faults.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vee.readers.lines import LineBlock
from vee.readers.numbers import Amounts


_DATE_BEGINS, _VALUES_BEGIN = 4, 13
_MOST_WHOLE, _DECIMALS = 9, 6
_COMMA, _POINT, _ZERO, _NINE = ord(","), ord("."), ord("0"), ord("9")
_LETTERS = np.zeros(256, dtype=bool)
_LETTERS[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True


@dataclass(slots=True)
class PlainDay:
    """A 300 row that was read already: its date, its values, and its text from the quality flag on."""

    date: str
    amounts: Amounts
    tail: str


def plain_days(block: LineBlock) -> dict[int, PlainDay]:
    """Give what was read of the plain 300 rows of a block, by their places."""
    texts = block.texts
    found = [
        place
        for place, text in enumerate(texts)
        if text.startswith("300,") and len(text) > _VALUES_BEGIN and text.isascii() and place not in block.faults
    ]
    if not found:
        return {}
    text = "\n".join([texts[place] for place in found]).encode()
    characters = np.frombuffer(text, dtype=np.uint8)
    lengths = np.array([len(texts[place]) for place in found], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(lengths[:-1] + 1)))
    # The quality flag is the first letter of the row; a line has ended where none is found in it.
    late = np.append(np.flatnonzero(characters > _NINE), len(characters))
    flags = late[np.searchsorted(late, starts + _VALUES_BEGIN)]
    marks = np.flatnonzero(characters < _ZERO)
    firsts, lasts = np.searchsorted(marks, starts + _VALUES_BEGIN), np.searchsorted(marks, flags)
    counts, odd = np.divmod(lasts - firsts, 2)
    plain = (flags < starts + lengths) & (counts > 0) & (odd == 0)
    flags[~plain] = 0
    plain &= _LETTERS[characters[flags]]
    plain &= (characters[starts + _VALUES_BEGIN - 1] == _COMMA) & (characters[flags - 1] == _COMMA)
    rows = np.flatnonzero(plain)
    if not len(rows):
        return {}
    marks = _of_rows(marks, firsts[rows], counts[rows] * 2)
    first_of = np.concatenate(([0], np.cumsum(counts[rows][:-1])))
    numbers, are_plain = _read(characters, marks[::2], marks[1::2], first_of, starts[rows] + _VALUES_BEGIN)
    all_plain = np.logical_and.reduceat(are_plain, first_of)
    values = _split(numbers, counts[rows].tolist())
    heads, tails = (starts[rows]).tolist(), flags[rows].tolist()
    return {
        found[row]: PlainDay(
            texts[found[row]][_DATE_BEGINS : _VALUES_BEGIN - 1],
            Amounts(amounts, whole=True),
            texts[found[row]][flag - head :],
        )
        for row, amounts, head, flag, good in zip(rows.tolist(), values, heads, tails, all_plain.tolist(), strict=True)
        if good
    }


def _of_rows(marks: NDArray[np.intp], firsts: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give so many marks of each row, from its first one on, one row behind the other."""
    before = np.cumsum(counts) - counts
    return marks[np.arange(int(counts.sum())) + np.repeat(firsts - before, counts)]


def _split(numbers: NDArray[np.int64], counts: list[int]) -> list[NDArray[np.int64]]:
    if counts.count(counts[0]) == len(counts):
        return list(numbers.reshape(len(counts), counts[0]))
    return np.split(numbers, np.cumsum(counts)[:-1])


def _read(
    characters: NDArray[np.uint8],
    points: NDArray[np.intp],
    commas: NDArray[np.intp],
    first_of: NDArray[np.intp],
    begins: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """
    Give the numbers that stand as `digits.digits,` as counts of a millionth, and which of them are plain.

    `first_of` are the first numbers of the rows, which begin at `begins`; the others begin behind a comma.
    """
    wholes = points.copy()
    wholes[1:] -= commas[:-1] + 1
    wholes[first_of] = points[first_of] - begins
    decimals = commas - points - 1
    plain = (characters[points] == _POINT) & (characters[commas] == _COMMA)
    plain &= (wholes >= 1) & (wholes <= _MOST_WHOLE) & (decimals >= 1) & (decimals <= _DECIMALS)
    digits = characters - np.uint8(_ZERO)
    # Nine digits fit 32 bits; what is not plain is counted to nothing that is used.
    amounts, parts = np.zeros(len(points), dtype=np.int32), np.zeros(len(points), dtype=np.int32)
    for place in range(min(int(wholes.max()), _MOST_WHOLE)):
        _add(amounts, digits, points, -1 - place, wholes > place, 10**place)
    for place in range(min(int(decimals.max()), _DECIMALS)):
        _add(parts, digits, points, 1 + place, decimals > place, 10 ** (_DECIMALS - 1 - place))
    return amounts * np.int64(10**_DECIMALS) + parts, plain


def _add(
    numbers: NDArray[np.int32],
    digits: NDArray[np.uint8],
    points: NDArray[np.intp],
    away: int,
    there: NDArray[np.bool_],
    worth: int,
) -> None:
    """Add what the digits so far from the points are worth; most numbers of a file have as many digits."""
    if there.all():
        numbers += digits[points + away] * np.int32(worth)
    else:
        numbers[there] += digits[points[there] + away] * np.int32(worth)
