"""What reports are made of: periods, due times, files, texts and drawings."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from integration.reports import drawing, files, parameters, periods, texts
from integration.reports.contract import Answer, Asked, Chart, Column, Kind, Line, Parameter, Report
from integration.reports.due_times import next_due
from integration.reports.periods import Period


NEW_YORK = ZoneInfo("America/New_York")
UTC = ZoneInfo("UTC")
# A Wednesday.
TODAY = dt.date(2026, 3, 11)
AT = dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC)


def day(month: int, number: int, year: int = 2026) -> dt.date:
    return dt.date(year, month, number)


class TestPeriods:
    @pytest.mark.parametrize(
        ("period", "first", "last"),
        [
            (Period.YESTERDAY, day(3, 10), day(3, 10)),
            (Period.LAST_7_DAYS, day(3, 4), day(3, 10)),
            (Period.LAST_31_DAYS, day(2, 8), day(3, 10)),
            (Period.LAST_WEEK, day(3, 2), day(3, 8)),
            (Period.LAST_13_WEEKS, day(12, 8, 2025), day(3, 8)),
            (Period.THIS_MONTH, day(3, 1), day(3, 11)),
            (Period.LAST_MONTH, day(2, 1), day(2, 28)),
        ],
    )
    def test_a_period_is_counted_from_the_day(self, period: Period, first: dt.date, last: dt.date) -> None:
        assert periods.days_of(period, today=TODAY) == (first, last)

    def test_on_a_monday_the_last_week_ended_yesterday(self) -> None:
        assert periods.days_of(Period.LAST_WEEK, today=day(3, 9)) == (day(3, 2), day(3, 8))

    @pytest.mark.parametrize(
        ("since", "until"), [(None, day(3, 1)), (day(3, 2), day(3, 1)), (day(1, 1, 2020), day(3, 1))]
    )
    def test_days_that_make_no_period_are_refused(self, since: Any, until: Any) -> None:
        with pytest.raises(periods.UnableToReadPeriod):
            periods.days_of(Period.CUSTOM, today=TODAY, since=since, until=until)

    def test_an_asked_day_of_a_clock_change_is_23_hours_long(self) -> None:
        asked = Asked(first=day(3, 8), last=day(3, 8), zone=NEW_YORK, at=AT)

        assert asked.ends_at - asked.begins_at == dt.timedelta(hours=23)
        assert asked.begins_at == dt.datetime(2026, 3, 8, 5, tzinfo=dt.UTC)


class TestDueTimes:
    def due(self, after: dt.datetime, **values: Any) -> dt.datetime:
        given: dict[str, Any] = {
            "frequency": "DAILY",
            "weekday": 1,
            "day_of_month": 1,
            "local_time": dt.time(6),
            "zone": NEW_YORK,
            **values,
        }
        return next_due(after=after, **given).astimezone(NEW_YORK)

    def test_a_local_time_stays_the_same_when_the_clocks_change(self) -> None:
        before = dt.datetime(2026, 3, 7, 11, tzinfo=dt.UTC)  # 06:00 at five hours west
        first = self.due(before)
        second = self.due(first)

        assert (first.day, first.hour, first.astimezone(dt.UTC).hour) == (8, 6, 10)
        assert second - first == dt.timedelta(hours=24)

    def test_a_time_that_is_skipped_is_due_an_hour_later_that_day(self) -> None:
        due = self.due(dt.datetime(2026, 3, 8, 5, tzinfo=dt.UTC), local_time=dt.time(2, 30))

        assert due.astimezone(dt.UTC) == dt.datetime(2026, 3, 8, 7, 30, tzinfo=dt.UTC)
        assert (due.day, due.hour, due.minute) == (8, 3, 30)

    def test_a_time_that_comes_twice_is_due_once(self) -> None:
        first = self.due(dt.datetime(2026, 11, 1, 4, tzinfo=dt.UTC), local_time=dt.time(1, 30))
        second = self.due(first, local_time=dt.time(1, 30))

        assert first.astimezone(dt.UTC) == dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)
        assert second.date() == day(11, 2)

    def test_weekly_and_monthly_have_their_days(self) -> None:
        assert self.due(AT, frequency="WEEKLY", weekday=1).date() == day(3, 16)
        assert self.due(AT, frequency="WEEKLY", weekday=3).date() == day(3, 18)
        assert self.due(AT, frequency="MONTHLY", day_of_month=31).date() == day(3, 31)
        assert self.due(dt.datetime(2026, 4, 1, tzinfo=dt.UTC), frequency="MONTHLY", day_of_month=31).date() == day(
            4, 30
        )


REPORT = Report(
    name="sample",
    title="Sample",
    description="",
    rights=(),
    answer=lambda asked: ANSWER,
    parameters=(
        Parameter(name="group", label="By", choices=lambda: [("A", "a"), ("B", "b")], default="A", required=True),
        Parameter(name="limit", label="Limit"),
    ),
)
ANSWER = Answer(
    columns=(
        Column(key="name", title="=Name"),
        Column(key="day", title="Day", kind=Kind.DATE),
        Column(key="count", title="Count", kind=Kind.COUNT),
        Column(key="share", title="Share", kind=Kind.PERCENT),
        Column(key="took", title="Took", kind=Kind.SECONDS),
        Column(key="when", title="When", kind=Kind.INSTANT),
    ),
    rows=[
        {"name": '=HYPERLINK("x")', "day": TODAY, "count": -3, "share": 12.5, "took": 61.25, "when": AT},
        {"name": "+1", "day": None, "count": None, "share": None, "took": None, "when": None},
    ],
)
ASKED = Asked(first=TODAY, last=TODAY, zone=NEW_YORK, at=AT)


class TestParameters:
    def test_what_is_left_out_is_as_the_report_has_it(self) -> None:
        asked = parameters.read(REPORT, {}, zone=UTC, at=AT)

        assert (asked.first, asked.last, asked.values) == (day(3, 4), day(3, 10), {"group": "A", "limit": None})

    def test_the_day_is_the_one_of_the_zone(self) -> None:
        late = dt.datetime(2026, 3, 11, 2, tzinfo=dt.UTC)

        assert parameters.read(REPORT, {"period": "YESTERDAY"}, zone=NEW_YORK, at=late).last == day(3, 9)
        assert parameters.read(REPORT, {"period": "YESTERDAY"}, zone=UTC, at=late).last == day(3, 10)

    def test_each_misfit_is_named(self) -> None:
        with pytest.raises(parameters.UnableToReadParameters) as refused:
            parameters.read(REPORT, {"period": "NEVER", "group": "C", "limit": "x", "other": "1"}, zone=UTC, at=AT)

        assert set(refused.value.errors) == {"period", "group", "limit", "other"}

    @pytest.mark.parametrize("since", ["2026-02-30", "yesterday", "2026-3-1'"])
    def test_a_day_that_is_none_is_refused(self, since: str) -> None:
        with pytest.raises(parameters.UnableToReadParameters):
            parameters.read(REPORT, {"period": "CUSTOM", "since": since, "until": "2026-03-01"}, zone=UTC, at=AT)


class TestFiles:
    def test_csv_holds_numbers_as_they_are_and_no_formula(self) -> None:
        heading, first, second = csv.reader(io.StringIO("".join(files.csv_rows(ANSWER, ASKED))))

        assert heading == ["'=Name", "Day", "Count", "Share (%)", "Took (s)", "When"]
        assert first == ['\'=HYPERLINK("x")', "2026-03-11", "-3", "12.5", "61.25", "2026-03-11T08:00:00-04:00"]
        assert second == ["+1", "", "", "", "", ""]

    def test_a_workbook_holds_numbers_and_texts_and_no_formula(self) -> None:
        book = load_workbook(io.BytesIO(files.content(ANSWER, ASKED, "XLSX")))
        rows = list(book.active.iter_rows(min_row=2))

        assert [cell.data_type for cell in rows[0]] == ["s", "d", "n", "n", "n", "s"]
        assert [cell.value for cell in rows[0]][2:5] == [-3, 12.5, 61.25]
        assert not any(cell.data_type == "f" for row in book.active.iter_rows() for cell in row)

    def test_a_workbook_leaves_out_what_the_format_forbids(self) -> None:
        answer = Answer(columns=[Column(key="name", title="Name")], rows=[{"name": "=a\x0bb\x01"}])

        book = load_workbook(io.BytesIO(files.content(answer, ASKED, "XLSX")))

        assert book.active["A2"].value == "'=ab"

    def test_a_file_is_named_for_its_days(self) -> None:
        assert files.file_name(REPORT, ASKED, "XLSX") == "sample_20260311-20260311.xlsx"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, Kind.COUNT, "–"),
        (1234567, Kind.COUNT, "1,234,567"),
        (99.9996, Kind.PERCENT, "99.99 %"),
        (100.0, Kind.PERCENT, "100.00 %"),
        (0.0001, Kind.PERCENT, "0.01 %"),
        (0.0, Kind.PERCENT, "0.00 %"),
        (45.25, Kind.SECONDS, "45.2 s"),
        (5400.0, Kind.SECONDS, "90.0 min"),
        (86_400.0, Kind.SECONDS, "24.0 h"),
        (864_000.0, Kind.SECONDS, "10.0 d"),
        (AT, Kind.INSTANT, "2026-03-11 08:00"),
    ],
)
def test_values_are_written_as_people_read_them(value: Any, kind: Kind, text: str) -> None:
    assert texts.shown(value, kind, zone=NEW_YORK) == text


class TestDrawings:
    def drawn(self, **values: Any) -> ET.Element:
        given: dict[str, Any] = {"title": "A <title>", "labels": ["2026-03-01", "2026-03-02", "2026-03-03"], **values}
        return ET.fromstring(drawing.svg(Chart(**given)))  # noqa: S314  ours

    def test_bars_are_stacked_to_their_sum(self) -> None:
        lines = [Line(title="a", values=[60, 50, 0]), Line(title="b", values=[40, None, 0])]
        bars = self.drawn(lines=lines, stacked=True, unit="%").findall("rect")

        heights = [float(bar.attrib["height"]) for bar in bars]
        whole = drawing.HEIGHT - 12 - 44
        assert heights == pytest.approx([whole * 0.6, whole * 0.4, whole * 0.5], abs=0.2)

    def test_a_line_is_not_drawn_over_a_gap(self) -> None:
        (path,) = self.drawn(lines=[Line(title="a", values=[1, None, 3])]).findall("path")

        assert path.attrib["d"].count("M") == 2
        assert " L" not in path.attrib["d"]

    def test_titles_are_escaped_and_nothing_is_styled_in_line(self) -> None:
        text = drawing.svg(Chart(title='"<b>', labels=["<i>"], lines=[Line(title="<u>", values=[1])], stacked=True))

        assert "<b>" not in text
        assert "<i>" not in text
        assert "style" not in text
