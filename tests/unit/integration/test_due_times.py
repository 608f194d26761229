"""When a schedule is due next."""

from __future__ import annotations

import datetime as dt

import pytest

from integration.due_times import UnableToReadSchedule, next_time, read_cron


def due(cron: str, after: str, zone: str = "UTC") -> str:
    return next_time(cron=cron, zone=zone, after=dt.datetime.fromisoformat(after)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("30 2 * * *", "2026-03-02T02:29:59+00:00", "2026-03-02 02:30"),
        ("30 2 * * *", "2026-03-02T02:30:00+00:00", "2026-03-03 02:30"),
        ("*/20 * * * *", "2026-03-02T10:05:00+00:00", "2026-03-02 10:20"),
        ("0 9-17/4 * * mon-fri", "2026-03-06T17:30:00+00:00", "2026-03-09 09:00"),
        ("0 0 1,15 * *", "2026-03-02T00:00:00+00:00", "2026-03-15 00:00"),
        ("0 0 13 * fri", "2026-03-02T00:00:00+00:00", "2026-03-06 00:00"),
        ("0 0 29 feb *", "2026-03-02T00:00:00+00:00", "2028-02-29 00:00"),
        ("0 0 * * 7", "2026-03-02T00:00:00+00:00", "2026-03-08 00:00"),
    ],
)
def test_gives_the_next_time(cron: str, after: str, expected: str) -> None:
    assert due(cron, after) == expected


def test_leaves_out_a_time_that_the_clock_change_skips_and_takes_a_double_one_once() -> None:
    place = "America/New_York"

    assert due("30 2 * * *", "2026-03-08T00:00:00-05:00", place) == "2026-03-09 06:30"
    first = next_time(cron="30 1 * * *", zone=place, after=dt.datetime.fromisoformat("2026-11-01T00:00:00-04:00"))
    assert first == dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)
    assert next_time(cron="30 1 * * *", zone=place, after=first) == dt.datetime(2026, 11, 2, 6, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "* * 0 * *", "٣ * * * *"],
)
def test_refuses_what_cannot_be_read(text: str) -> None:
    with pytest.raises(UnableToReadSchedule):
        read_cron(text)


@pytest.mark.parametrize(("cron", "zone"), [("0 0 31 2 *", "UTC"), ("0 0 * * *", "Mars/Phobos")])
def test_refuses_what_never_comes(cron: str, zone: str) -> None:
    with pytest.raises(UnableToReadSchedule):
        due(cron, "2026-03-02T00:00:00+00:00", zone)
