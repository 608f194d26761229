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
from vee.readers.lines import Line, read_lines
from vee.readers.numbers import shown
from vee.readers.plain_days import PlainDay, read_ahead


def read(stream: IO[bytes], *, first: int = 1, zone_of: ZoneLookup | None = None) -> Items:
    """
    Give the readings and refused rows of one NEM12 text; `first` is the number of its first line.

    :raises FileUnreadable: when there is no NEM12 header, or nothing between header and end.
    """
    return _Reader().read(read_lines(stream, first=first))


_KINDS = frozenset({"100", "200", "300", "400", "500", "900"})


class _Reader:
    """What is known at a row: whether the file is open, the current stream, and the day that waits for its 400 rows."""

    def __init__(self) -> None:
        self._stream: rows.Stream | None = None
        self._day: rows.Day | None = None
        self._open = False
        # A refused day takes its 400 rows with it.
        self._in_refused_day = False
        self._last = 0

    def read(self, lines: Iterator[Line]) -> Items:
        given = False
        header_seen = False
        for line, plain in read_ahead(lines):
            self._last = line.number
            if not header_seen:
                if line.fault is None and not line.text.strip():
                    continue
                _read_header(line)
                header_seen = self._open = True
                continue
            if plain is not None and self._open:
                # What nearly all rows are: a day that is read already and ends the one before it.
                given = True
                if self._day is not None:
                    yield self._finished_day(self._day)
                refused = self._open_plain_day(plain, line)
                if refused is not None:
                    yield refused
                continue
            for item in self._rows(line):
                given = True
                yield item
        if not header_seen:
            raise FileUnreadable("empty_file", "The file is empty.")
        for item in self._end():
            given = True
            yield item
        if not given:
            raise FileUnreadable("no_data", "There is no reading between the header and the end of the file.")

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

    def _open_plain_day(self, plain: PlainDay, line: Line) -> RowError | None:
        self._in_refused_day = True
        try:
            stream = self._needed_stream()
            if len(plain.amounts) == stream.intervals:
                self._day = rows.read_plain_day(plain, stream, line.number)
            else:
                self._day = rows.read_day([text.strip() for text in line.text.split(",")], stream, line.number)
        except RowRefused as refused:
            return RowError(line=line.number, code=refused.code, message=refused.message)
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
