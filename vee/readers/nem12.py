"""
NEM12, the interval meter data file of the Australian market (`vee.md` 9.4).

    100  header                    300  one day of values of the stream
    200  stream: NMI, suffix, …    400  quality of a span of the day's intervals, when the day's flag is V
    900  end                       500  register read of the stream

Times are UTC+10 all year. Interval i (from 1) of a 300 row is `(date + (i - 1) * length, date + i * length]`. A stream
is the component `NMI-suffix`, its register reads `NMI-suffix:REG`. Rows counted are 300 rows, 500 rows that carry a
read, and every row that had to be refused; a 400 row belongs to its day, and a fault in it refuses the day once.
A file that ends without its 900 row may have been cut: the rows are kept and `missing_trailer` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from vee.readers import nem12_rows as rows
from vee.readers.base import (
    FileUnreadable,
    Item,
    Items,
    RowError,
    RowRefused,
    ZoneLookup,
)
from vee.readers.lines import Line, LineBlock, read_blocks
from vee.readers.numbers import shown
from vee.readers.plain_days import PlainDay, plain_days


def read(stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None) -> Items:
    """
    Give the readings and refused rows of one NEM12 text; `first` is the number of its first line.

    :raises FileUnreadable: when there is no NEM12 header, or nothing between header and end.
    """
    return _Reader().read(read_blocks(stream, first=first))


_KINDS = frozenset({"100", "200", "300", "400", "500", "900"})
# A day that one of these follows has no 400 rows.
_ENDS_A_DAY = ("200,", "300,")


class _Reader:
    """What is known at a row: whether the file is open, the current stream, and the day that waits for its 400 rows."""

    def __init__(self) -> None:
        self._stream: rows.Stream | None = None
        self._day: rows.Day | None = None
        self._header_seen = False
        self._open = False
        # A refused day takes its 400 rows with it.
        self._in_refused_day = False
        self._last = 0

    def read(self, blocks: Iterator[LineBlock]) -> Items:
        given = False
        for block in blocks:
            for item in self._block(block):
                given = True
                yield item
        if not self._header_seen:
            raise FileUnreadable("empty_file", "The file is empty.")
        for item in self._end():
            given = True
            yield item
        if not given:
            raise FileUnreadable("no_data", "There is no reading between the header and the end of the file.")

    def _block(self, block: LineBlock) -> Items:
        days = plain_days(block)
        texts, faults, last = block.texts, block.faults, len(block.texts) - 1
        for place, text in enumerate(texts):
            number = self._last = block.first + place
            plain = days.get(place)
            if plain is not None and self._open:
                # What nearly all rows are: a day that is read already and ends the one before it.
                if self._day is not None:
                    yield self._finished_day(self._day)
                alone = place < last and texts[place + 1].startswith(_ENDS_A_DAY)
                item = self._plain_day(plain, text, number, alone=alone)
                if item is not None:
                    yield item
            elif text.startswith("200,") and self._open and place not in faults:
                if self._day is not None:
                    yield self._finished_day(self._day)
                refused = self._open_stream(text, number)
                if refused is not None:
                    yield refused
            elif self._header_seen:
                yield from self._rows(block.line(place))
            elif place in faults or text.strip():
                _read_header(block.line(place))
                self._header_seen = self._open = True

    def _end(self) -> Items:
        yield from self._close_day()
        if self._open:
            message = "the file ends without its 900 row: it may have been cut"
            yield RowError(line=max(self._last, 1), code="missing_trailer", message=message)

    def _rows(self, line: Line) -> Items:
        """Give what is complete once this row is seen: the day before it, itself, or nothing yet."""
        if line.fault is None and not line.text.strip():
            return
        fields = [text.strip() for text in line.text.split(",")]
        kind = fields[0]
        if kind != "400":
            yield from self._close_day()
            self._in_refused_day = False
        try:
            self._forget_what_is_doubtful(kind, line)
            yield from self._row(kind, fields, line)
        except RowRefused as refused:
            yield RowError(line=refused.line or line.number, code=refused.code, message=refused.message)

    def _forget_what_is_doubtful(self, kind: str, line: Line) -> None:
        # A row that cannot be read may have begun a new stream: what follows must not be counted to the old one.
        if kind not in _KINDS or (line.fault is not None and kind == "200"):
            self._stream = None
        if kind not in _KINDS or (line.fault is not None and kind == "300"):
            self._in_refused_day = True

    def _row(self, kind: str, fields: list[str], line: Line) -> Items:
        number = line.number
        if line.fault is not None:
            self._refuse_day_of(kind, line)
        elif kind == "100":
            yield from self._header_again(fields, number)
        elif not self._open:
            raise RowRefused("after_end", "the row stands after the 900 row")
        elif kind == "200":
            self._stream = None
            self._stream = rows.read_stream(fields)
        elif kind == "300":
            self._open_day(fields, number)
        elif kind == "400":
            self._add_span(fields, number)
        elif kind == "500":
            read = rows.read_register(fields, self._needed_stream(), number)
            if read is not None:
                yield read
        elif kind == "900":
            self._open = False
            self._stream = None
        else:
            raise RowRefused("unknown_record", f"{shown(kind)} is not a NEM12 record")

    def _refuse_day_of(self, kind: str, line: Line) -> None:
        code, message = line.fault or ("", "")
        refused = RowRefused(code, message, line=line.number)
        if kind == "400" and self._day is not None:
            self._day.fault = self._day.fault or refused
        elif not (kind == "400" and self._in_refused_day):
            raise refused

    def _header_again(self, fields: list[str], number: int) -> Items:
        if fields[1:2] != ["NEM12"]:
            raise RowRefused("other_format", f"the header names {shown(','.join(fields[1:2]))}, not NEM12")
        if self._open:
            message = "a new header begins before the 900 row of the file before it: that file may have been cut"
            yield RowError(line=number, code="missing_trailer", message=message)
        self._open = True
        self._stream = None

    def _needed_stream(self) -> rows.Stream:
        if self._stream is None:
            raise RowRefused("no_stream", "no valid 200 row stands before this row")
        return self._stream

    def _open_day(self, fields: list[str], number: int) -> None:
        self._in_refused_day = True
        self._day = rows.read_day(fields, self._needed_stream(), number)
        self._in_refused_day = False

    def _open_stream(self, text: str, number: int) -> RowError | None:
        self._in_refused_day = False
        self._stream = None
        try:
            self._stream = rows.read_stream_text(text)
        except RowRefused as refused:
            return RowError(line=number, code=refused.code, message=refused.message)
        return None

    def _plain_day(self, plain: PlainDay, text: str, number: int, *, alone: bool) -> Item | None:
        """Take a day up; one that is `alone`, without 400 rows, is given at once."""
        self._in_refused_day = True
        try:
            stream = self._needed_stream()
            if len(plain.amounts) != stream.intervals:
                self._day = rows.read_day([field.strip() for field in text.split(",")], stream, number)
            elif alone and (item := rows.whole_plain_day(plain, stream, number)) is not None:
                self._in_refused_day = False
                return item
            else:
                self._day = rows.read_plain_day(plain, stream, number)
        except RowRefused as refused:
            return RowError(line=number, code=refused.code, message=refused.message)
        self._in_refused_day = False
        return None

    def _add_span(self, fields: list[str], number: int) -> None:
        if self._in_refused_day:
            return
        if self._day is None:
            raise RowRefused("span_without_day", "the 400 row follows no 300 row")
        if self._day.fault is None:
            try:
                rows.apply_span(self._day, fields)
            except RowRefused as refused:
                refused.line = number
                self._day.fault = refused

    def _close_day(self) -> Items:
        if self._day is not None:
            yield self._finished_day(self._day)

    def _finished_day(self, day: rows.Day) -> Item:
        self._day = None
        return rows.finish(day)


def _read_header(line: Line) -> None:
    if line.fault is not None:
        raise FileUnreadable(line.fault[0], f"The first line cannot be read: {line.fault[1]}.")
    fields = [text.strip() for text in line.text.split(",")]
    if fields[0] != "100":
        raise FileUnreadable("missing_header", "The file does not begin with a 100 header row.")
    if len(fields) < 2 or fields[1] != "NEM12":
        raise FileUnreadable("other_format", f"The header names {shown(','.join(fields[1:2]))}, not NEM12.")
