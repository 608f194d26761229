"""Golden tests of `vee.md` 10.3 for labels and clock changes: GT-54 to GT-58."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.factories.readings import NEW_YORK, intervals, layout, read, refused
from vee.engine import calendar
from vee.readers import Item


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


class TestLabels:
    def test_gt_54_a_day_of_quarter_hours_has_96_labels_and_the_last_is_the_next_midnight(self) -> None:
        labels = calendar.interval_labels(utc(2024, 1, 1), 900, 96)

        assert len(labels) == 96
        assert labels[0] == utc(2024, 1, 1, 0, 15)
        assert labels[-1] == utc(2024, 1, 2)

    def test_gt_55_an_hourly_label_covers_the_hour_before_it(self) -> None:
        period = calendar.interval_of_label(utc(2010, 1, 1), 3600)

        assert period == (utc(2009, 12, 31, 23), utc(2010, 1, 1))


class TestLegalTime:
    """A feed whose naive times are those of the clock on the wall in New York, at the start of each hour."""

    def load(self, date: str, *times: str, **fields: Any) -> list[Item]:
        rows = ["meter,time,value", *(f"M1,{date} {time},{place}" for place, time in enumerate(times, 1))]
        shape = layout(**{"seconds_per_interval": 3600, "time_shift": "LEGAL", **fields})
        return read("csv:legal", "\n".join(rows).encode(), zone=NEW_YORK, layout=shape)

    def test_gt_56_a_spring_day_leaves_an_hour_out(self) -> None:
        [item] = intervals(self.load("2010-03-14", "00:00", "01:00", "03:00", "04:00"))

        assert (item.start, item.values) == (utc(2010, 3, 14, 5), [1, 2, 3, 4])
        assert item.end == utc(2010, 3, 14, 9)

    def test_gt_56_an_hour_that_the_clock_skips_is_an_error(self) -> None:
        assert refused(self.load("2010-03-14", "01:00", "02:00")) == [(3, "nonexistent_time")]

    def test_gt_57_an_autumn_day_has_an_hour_twice(self) -> None:
        [item] = intervals(self.load("2010-11-07", "00:00", "01:00", "01:00", "02:00"))

        assert (item.start, item.values) == (utc(2010, 11, 7, 4), [1, 2, 3, 4])
        assert item.end == utc(2010, 11, 7, 8)

    def test_gt_58_a_register_read_alone_in_the_repeated_hour_is_an_error(self) -> None:
        items = self.load("2010-11-07", "01:30", content="REGISTER", seconds_per_interval=None)

        assert refused(items) == [(2, "ambiguous_time")]
