"""Counts of who found what, and how they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Count:
    """How many days or intervals are labelled, how many each of two found, and how many of those are labelled."""

    labelled: int
    ours: int
    theirs: int
    both: int
    labelled_ours: int
    labelled_theirs: int

    @property
    def only_ours(self) -> int:
        """What they did not find."""
        return self.ours - self.both

    @property
    def only_theirs(self) -> int:
        """What we did not find."""
        return self.theirs - self.both

    @property
    def agree(self) -> bool:
        """Whether both found the same."""
        return self.ours == self.theirs == self.both


def count(labelled: Mask, ours: Mask, theirs: Mask) -> Count:
    """
    Count two findings over the same days or intervals.

    :raises ValueError: when the masks are not of one shape.
    """
    if not labelled.shape == ours.shape == theirs.shape:
        raise ValueError(f"masks of {labelled.shape}, {ours.shape} and {theirs.shape} cannot be compared")
    return Count(
        labelled=int(labelled.sum()),
        ours=int(ours.sum()),
        theirs=int(theirs.sum()),
        both=int((ours & theirs).sum()),
        labelled_ours=int((labelled & ours).sum()),
        labelled_theirs=int((labelled & theirs).sum()),
    )


def by_day(mask: Mask, per_day: int) -> Mask:
    """Tell on which days anything is marked: [components, intervals] to [components, days]."""
    return np.asarray(mask.reshape(mask.shape[0], -1, per_day).any(axis=2))


def comparison(rows: Sequence[tuple[str, Count]], counted_in: str) -> str:
    """Give a table of comparisons; how many of those found are labelled stands in brackets."""
    heads = (counted_in, "labelled", "ours", "theirs", "both", "only ours", "only theirs")
    lines = [
        (
            name,
            str(counted.labelled),
            f"{counted.ours} ({counted.labelled_ours})",
            f"{counted.theirs} ({counted.labelled_theirs})",
            str(counted.both),
            str(counted.only_ours),
            str(counted.only_theirs),
        )
        for name, counted in rows
    ]
    return table(heads, lines)


def shares(columns: Sequence[tuple[str, Mask]], rows: Sequence[tuple[str, Mask]], of: str) -> str:
    """Give a table of how many of each row's days each column's mask marks."""
    lines = [
        (name, str(int(chosen.sum())), *(str(int((chosen & found).sum())) for _, found in columns))
        for name, chosen in rows
    ]
    return table((of, "days", *(name for name, _ in columns)), lines)


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Give a table in Markdown, its columns as wide as they have to be; all but the first are numbers."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(heads), line(rule), *map(line, lines)])
