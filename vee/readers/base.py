"""What every reader gives: readings and refused rows, in the order of the file, one at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal


# Gives a time zone of a measuring component, or None when it is not known: the one in which its days are counted, or
# the clock by which its naive times are read.
ZoneLookup = Callable[[str], dt.tzinfo | None]


class FileUnreadable(Exception):
    """A file is refused as a whole; `code` is for machines, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RowRefused(Exception):
    """A row cannot be accepted. Raised and caught inside the readers, which turn it into a `RowError`."""

    def __init__(self, code: str, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line


def refuse(fault: tuple[str, str] | None) -> None:
    """
    Refuse a row that came with a fault.

    :raises RowRefused: when there is one.
    """
    if fault is not None:
        raise RowRefused(*fault)


# Not frozen, which would make it three times as slow to create, and there is one for each day of a file.
@dataclass(slots=True, kw_only=True)
class IntervalReadings:
    """
    Consecutive interval values of one component.

    Value i covers `(start + i * seconds_per_interval, start + (i + 1) * seconds_per_interval]`. `rows` is the number
    of rows of the file that it stands for, `line` the first of them.
    """

    component: str
    start: dt.datetime
    seconds_per_interval: int
    uom: str
    values: Sequence[Decimal | None]
    conditions: list[int]
    line: int
    rows: int = 1
    regular: bool = field(default=False, compare=False)
    """Whether it is known that all conditions are Regular."""

    @property
    def end(self) -> dt.datetime:
        """The end of the last interval."""
        return self.start + dt.timedelta(seconds=self.seconds_per_interval * len(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRead:
    """A read before a register reading, where one row carries several."""

    read_at: dt.datetime
    reading: Decimal
    condition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterReading:
    """One read of a register at an instant; `earlier` are the reads before it that the same row tells of, in order."""

    component: str
    read_at: dt.datetime
    uom: str
    reading: Decimal
    condition: int
    line: int
    rows: int = 1
    earlier: tuple[EarlierRead, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """`rows` rows of the file, beginning at `line`, were refused and why."""

    line: int
    code: str
    message: str
    rows: int = 1


# Rows are accounted for by construction: every row that carries or should carry readings is in exactly one item,
# so that the sum of `rows` over readings and errors is the number of rows read.
Item = IntervalReadings | RegisterReading | RowError
Items = Iterator[Item]
