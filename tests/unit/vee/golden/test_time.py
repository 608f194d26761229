"""Golden tests of `vee.md` 10.3 for labels: GT-54, GT-55."""

from __future__ import annotations

import datetime as dt

from vee.engine import calendar


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
