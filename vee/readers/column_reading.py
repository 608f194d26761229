"""One reading in a row."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from vee.codes import Condition
from vee.readers.base import Items, RegisterReading, RowError, RowRefused, ZoneLookup
from vee.readers.column_layout import ColumnLayout, Content, Label
from vee.readers.column_rows import Frame, read_frame
from vee.readers.column_times import RepeatedHour, instants, read_stamp
from vee.readers.numbers import scaled
from vee.readers.runs import Interval, Runs, local_day
from vee.readers.tables import Columns, Row, as_number


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    """A row whose instant may still be open."""

    line: int
    frame: Frame
    value: Decimal | None
    stamp: dt.datetime
    clock: dt.tzinfo | None


class ReadingReader:
    """Reads rows that hold one reading each."""

    def __init__(self, layout: ColumnLayout, columns: Columns, clocks: ZoneLookup, zone_of: ZoneLookup | None) -> None:
        """Read by a layout whose columns were found; `clocks` refuses a component whose clock is not known."""
        self._layout = layout
        self._columns = columns
        self._clocks = clocks
        self._zone_of = zone_of
        self._runs = Runs()
        self._repeated: RepeatedHour[_Reading] = RepeatedHour(layout)
        self._last: Interval | None = None

    def take(self, row: Row) -> Items:
        """Give what is complete once this row is seen."""
        try:
            reading = self._read(row)
            found = instants(reading.stamp, reading.clock)
        except RowRefused as refused:
            yield from self.close()
            yield RowError(line=row.number, code=refused.code, message=refused.message)
            return
        component, naive = reading.frame.component, reading.stamp
        if len(found) > 1:
            if not self._repeated.takes(component, naive):
                yield from self._release()
            self._repeated.hold(reading, component, naive, found)
            return
        yield from self._release()
        yield from self._place(reading, found[0])

    def close(self) -> Items:
        """Give what is still held."""
        yield from self._release()
        done = self._runs.close()
        if done is not None:
            yield done

    def _release(self) -> Items:
        for reading, instant in self._repeated.release():
            yield from self._place(reading, instant)

    def _read(self, row: Row) -> _Reading:
        columns, layout = self._columns, self._layout
        if not (row.open_end or columns.fit(row)):
            raise RowRefused("ragged_row", f"the row has {len(row.cells)} fields, the header {columns.width}")
        frame = read_frame(row, columns, layout)
        time = columns.cell("time_column", row) if "time_column" in columns else None
        stamp = read_stamp(columns.cell("date_column", row), time, layout)
        clock = self._clocks(frame.component) if stamp.tzinfo is None else None
        value = as_number(columns.cell("value_column", row), layout)
        if value is not None:
            value = scaled(value, layout.unit_factor)
        return _Reading(row.number, frame, value, stamp, clock)

    def _place(self, reading: _Reading, instant: dt.datetime | None) -> Items:
        try:
            placed = self._placed(reading, instant)
        except RowRefused as refused:
            done = self._runs.close()
            if done is not None:
                yield done
            yield RowError(line=reading.line, code=refused.code, message=refused.message)
            return
        done = self._runs.close() if isinstance(placed, RegisterReading) else self._runs.add(placed)
        if done is not None:
            yield done
        if isinstance(placed, RegisterReading):
            yield placed

    def _placed(self, reading: _Reading, instant: dt.datetime | None) -> Interval | RegisterReading:
        frame = reading.frame
        if instant is None:
            message = f"{reading.stamp:%Y-%m-%d %H:%M:%S} exists twice on the clock of {reading.clock}"
            raise RowRefused("ambiguous_time", message)
        if self._layout.content == Content.REGISTER:
            if reading.value is None:
                raise RowRefused("missing_value", "the row has no read")
            return RegisterReading(
                component=frame.component,
                read_at=instant,
                uom=frame.uom,
                reading=reading.value,
                condition=frame.condition,
                line=reading.line,
            )
        seconds = self._layout.seconds_per_interval or 0
        start = instant - dt.timedelta(seconds=seconds) if self._layout.label == Label.END else instant
        interval = Interval(
            component=frame.component,
            start=start,
            day=local_day(start, frame.component, self._zone_of),
            seconds=seconds,
            uom=frame.uom,
            value=reading.value,
            condition=int(Condition.MISSING) if reading.value is None else frame.condition,
            line=reading.line,
        )
        self._check(interval, reading)
        self._last = interval
        return interval

    def _check(self, interval: Interval, reading: _Reading) -> None:
        local = interval.start.astimezone(reading.clock or reading.stamp.tzinfo)
        offset = (local.utcoffset() or dt.timedelta()) - (local.dst() or dt.timedelta())
        if (int(interval.start.timestamp()) + int(offset.total_seconds())) % interval.seconds:
            message = f"{reading.stamp:%Y-%m-%d %H:%M:%S} does not lie on the grid of {interval.seconds} s"
            raise RowRefused("off_grid", message)
        last = self._last
        if last is None or last.component != interval.component:
            return
        if interval.start == last.start:
            raise RowRefused("repeated_interval", f"line {last.line} gave {reading.stamp:%Y-%m-%d %H:%M:%S} already")
