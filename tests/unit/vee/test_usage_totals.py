from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.engine.calendar import intervals_in_local_day, local_day_bounds, standard_offset_seconds
from vee.usage_totals import (
    ComponentFacts,
    RegisterRead,
    expected_intervals,
    issues_of,
    no_measurement,
    total_of_intervals,
    total_of_reads,
    without_trailing_zeros,
)


NO_VALUE = np.iinfo(np.int64).min
COUNTS = st.one_of(st.none(), st.integers(min_value=-(10**18), max_value=10**18))
CONDITIONS = st.sampled_from([201000, 301000, 301100, 401000, 501000, 601000])
ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]


def facts(**values: object) -> ComponentFacts:
    defaults: dict[str, object] = {
        "id": 1, "identifier": "MC-1", "kind": "INTERVAL", "uom": "KWH", "allow_negative": False,
        "seconds_per_interval": 900, "standard_offset": 0,
    }  # fmt: skip
    return ComponentFacts(**{**defaults, **values})  # type: ignore[arg-type]


class TestTotalOfIntervals:
    @given(
        rows=st.lists(st.tuples(COUNTS, CONDITIONS, st.booleans()), max_size=120),
        scale=st.integers(min_value=0, max_value=9),
        more=st.integers(min_value=0, max_value=5),
    )
    def test_it_is_what_decimal_arithmetic_gives(
        self, rows: list[tuple[int | None, int, bool]], scale: int, more: int
    ) -> None:
        values = np.array([NO_VALUE if count is None else count for count, _, _ in rows], dtype=np.int64)
        there = [row for row in rows if row[0] is not None]
        unit = Decimal(1).scaleb(-scale)

        found = total_of_intervals(
            component=facts(),
            expected=len(rows) + more,
            values=values,
            conditions=np.array([row[1] for row in rows], dtype=np.int32),
            edited=np.array([row[2] for row in rows], dtype=bool),
            scale=scale,
        )

        # At most 120 counts of 19 digits: far from the 28 digits at which Decimal would round.
        reference = sum((Decimal(count or 0) * unit for count, _, _ in there), Decimal(0))
        assert found.total == (reference if there else None)
        assert found.missing == len(rows) + more - len(there)
        assert found.estimated == sum(300_000 <= condition < 500_000 for _, condition, _ in there)
        assert found.user_edited == sum(edited for _, _, edited in there)
        assert found.negative == sum((count or 0) < 0 for count, _, _ in there)
        assert sum(found.conditions.values()) == len(rows)

    def test_a_sum_that_no_64_bits_hold_is_exact(self) -> None:
        values = np.full(100, 10**18, dtype=np.int64)

        found = total_of_intervals(
            component=facts(),
            expected=100,
            values=values,
            conditions=np.full(100, 501000, dtype=np.int32),
            edited=np.zeros(100, dtype=bool),
            scale=0,
        )

        assert found.total == Decimal(10) ** 20


class TestExpectedIntervals:
    @given(
        date=st.dates(min_value=dt.date(2015, 1, 1), max_value=dt.date(2035, 12, 31)),
        zone=st.sampled_from(ZONES),
        minutes=st.sampled_from([5, 15, 30]),
    )
    def test_a_local_day_has_as_many_as_it_is_long(self, date: dt.date, zone: str, minutes: int) -> None:
        start, end = local_day_bounds(date, zone)

        found = expected_intervals(
            start=int(start.timestamp()),
            end=int(end.timestamp()),
            seconds_per_interval=minutes * 60,
            standard_offset=standard_offset_seconds(zone),
        )

        assert found == intervals_in_local_day(date, zone, minutes * 60)

    @pytest.mark.parametrize(("date", "count"), [("2024-03-10", 92), ("2024-03-11", 96), ("2024-11-03", 100)])
    def test_the_days_of_the_clock_change_in_new_york(self, date: str, count: int) -> None:
        start = dt.datetime.fromisoformat(date).replace(tzinfo=ZoneInfo("America/New_York"))
        end = (start + dt.timedelta(days=1)).astimezone(dt.UTC)

        found = expected_intervals(
            start=int(start.timestamp()),
            end=int(end.timestamp()),
            seconds_per_interval=900,
            standard_offset=-18_000,
        )

        assert found == count

    def test_the_label_at_the_start_is_not_counted_and_the_one_at_the_end_is(self) -> None:
        assert expected_intervals(start=900, end=1800, seconds_per_interval=900, standard_offset=0) == 1
        assert expected_intervals(start=899, end=1799, seconds_per_interval=900, standard_offset=0) == 1
        assert expected_intervals(start=900, end=1799, seconds_per_interval=900, standard_offset=0) == 0


class TestTotalOfReads:
    def test_consumptions_are_added_up(self) -> None:
        reads = [RegisterRead(Decimal("1.5"), 501000, False), RegisterRead(Decimal("2.25"), 301000, True)]

        found = total_of_reads(component=facts(kind="SCALAR"), reads=reads, begins=False)

        assert (found.total, found.expected, found.missing) == (Decimal("3.75"), 2, 0)
        assert (found.estimated, found.user_edited) == (1, 1)

    def test_a_read_without_consumption_in_between_is_missing(self) -> None:
        reads = [RegisterRead(Decimal(1), 501000, False), RegisterRead(None, 501000, False)]

        assert total_of_reads(component=facts(kind="SCALAR"), reads=reads, begins=False).missing == 1

    @pytest.mark.parametrize(("begins", "missing"), [(True, 0), (False, 1)])
    def test_the_very_first_read_is_what_later_ones_are_subtracted_from(self, begins: bool, missing: int) -> None:
        reads = [RegisterRead(None, 501000, False), RegisterRead(Decimal(4), 501000, False)]

        found = total_of_reads(component=facts(kind="SCALAR"), reads=reads, begins=begins)

        assert (found.total, found.missing) == (Decimal(4), missing)

    @pytest.mark.parametrize("reads", [[], [RegisterRead(None, 501000, False)]])
    def test_a_period_without_consumption_lacks_a_read(self, reads: list[RegisterRead]) -> None:
        found = total_of_reads(component=facts(kind="SCALAR"), reads=reads, begins=True)

        assert (found.total, found.expected, found.missing) == (None, 1, 1)


class TestIssues:
    def test_no_measurement_is_said_instead_of_how_many_are_missing(self) -> None:
        issues = issues_of([no_measurement(component=facts(), expected=96)])

        assert [issue["code"] for issue in issues] == ["NO_MEASUREMENT"]

    def test_no_component_is_an_issue(self) -> None:
        assert [issue["code"] for issue in issues_of([])] == ["NO_COMPONENT"]


class TestWithoutTrailingZeros:
    @pytest.mark.parametrize(
        ("value", "text"), [("96.000000000", "96"), ("0.500", "0.5"), ("100", "100"), ("0E-9", "0"), ("-1.10", "-1.1")]
    )
    def test_a_total_is_written_as_people_do(self, value: str, text: str) -> None:
        assert str(without_trailing_zeros(Decimal(value))) == text

    def test_no_digit_is_lost(self) -> None:
        long = "123456789012345678901.123456789"

        assert str(without_trailing_zeros(Decimal(long))) == long
