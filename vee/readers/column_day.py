"""One day of intervals in a row."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from vee.codes import Condition
from vee.readers.base import IntervalReadings, Items, RowError, RowRefused, ZoneLookup
from vee.readers.clocks import meanings
from vee.readers.column_layout import ColumnLayout, DayColumns
from vee.readers.column_rows import read_frame
from vee.readers.column_times import read_day, start_of_day
from vee.readers.numbers import scaled
from vee.readers.tables import Cell, Columns, Row, as_number


class DayReader:
    """Reads rows that hold the intervals of a day side by side."""

    def __init__(self, layout: ColumnLayout, columns: Columns, clocks: ZoneLookup, zone_of: ZoneLookup | None) -> None:
        """Read by a layout whose columns were found; `clocks` refuses a component whose clock is not known."""
        self._layout = layout
        self._columns = columns
        self._clocks = clocks
        self._last: tuple[str, dt.date, int] | None = None

    def take(self, row: Row) -> Items:
        """Give the day, or why it is refused."""
        try:
            yield self._day(row)
        except RowRefused as refused:
            yield RowError(line=row.number, code=refused.code, message=refused.message)

    def close(self) -> Items:
        """Give what is still held, which is nothing: every day is given at once."""
        return iter(())

    def _day(self, row: Row) -> IntervalReadings:
        layout, columns = self._layout, self._columns
        frame = read_frame(row, columns, layout)
        day = read_day(columns.cell("date_column", row), layout)
        if self._last is not None and self._last[:2] == (frame.component, day):
            raise RowRefused("repeated_day", f"line {self._last[2]} gave {frame.component} on {day} already")
        clock = self._clocks(frame.component)
        if clock is None:
            raise RowRefused("zone_unknown", f"the time zone of {frame.component!a} is not known")
        cells = self._cells(row, day, clock)
        found = [_number(cell, place, layout) for place, cell in cells]
        self._check_total(row, found)
        values = [None if value is None else scaled(value, layout.unit_factor) for value in found]
        self._last = (frame.component, day, row.number)
        return IntervalReadings(
            component=frame.component,
            start=start_of_day(day, clock),
            seconds_per_interval=layout.seconds_per_interval or 0,
            uom=frame.uom,
            values=values,
            conditions=[int(Condition.MISSING) if value is None else frame.condition for value in values],
            line=row.number,
        )

    def _cells(self, row: Row, day: dt.date, clock: dt.tzinfo) -> list[tuple[int, Cell]]:
        """Give the cells of the day's intervals in order of time, each with its place from 1."""
        layout = self._layout
        seconds = layout.seconds_per_interval or 0
        length = start_of_day(day + dt.timedelta(days=1), clock) - start_of_day(day, clock)
        count, rest = divmod(int(length.total_seconds()), seconds)
        if rest:
            raise RowRefused("interval_count", f"{day} has {length}, which is no multiple of {seconds} s")
        given = list(enumerate(self._padded(row), 1))
        if layout.day_columns == DayColumns.CLOCK:
            given = [cell for cell in given if self._exists(cell, day, clock)]
        used, surplus = given[:count], given[count:]
        if len(used) < count:
            raise RowRefused("interval_count", f"{day} has {count} intervals on its clock, the row {len(used)}")
        filled = next((place for place, cell in surplus if as_number(cell, layout) is not None), None)
        if filled is not None:
            raise RowRefused("interval_count", f"{day} has {count} intervals on its clock, but value {filled} is there")
        return used

    def _padded(self, row: Row) -> list[Cell]:
        return self._columns.cells("value_column", row, self._layout.values_of_a_day)

    def _exists(self, cell: tuple[int, Cell], day: dt.date, clock: dt.tzinfo) -> bool:
        place, content = cell
        step = dt.timedelta(seconds=self._layout.seconds_per_interval or 0)
        naive = dt.datetime.combine(day, dt.time()) + step * (place - 1)
        found = meanings(naive, clock)
        if len(found) > 1:
            raise RowRefused("ambiguous_time", f"{naive:%Y-%m-%d %H:%M} exists twice on the clock of {clock}")
        if not found and as_number(content, self._layout) is not None:
            raise RowRefused("nonexistent_time", f"{naive:%Y-%m-%d %H:%M} does not exist on the clock of {clock}")
        return bool(found)

    def _check_total(self, row: Row, found: list[Decimal | None]) -> None:
        if "total_column" not in self._columns:
            return
        total = as_number(self._columns.cell("total_column", row), self._layout)
        # With a value missing the total cannot be compared.
        present = [value for value in found if value is not None]
        if total is None or len(present) < len(found):
            return
        if abs(sum(present, Decimal(0)) - total) > self._layout.total_tolerance:
            raise RowRefused(
                "day_total", f"the intervals sum up to {sum(present, Decimal(0)):f}, the row says {total:f}"
            )


def _number(cell: Cell, place: int, layout: ColumnLayout) -> Decimal | None:
    try:
        return as_number(cell, layout)
    except RowRefused as refused:
        raise RowRefused(refused.code, f"value {place}: {refused.message}") from None
