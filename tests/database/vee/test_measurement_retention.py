from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest
from django.db import connection

from vee import storage, tasks
from vee.models import MeasurementBlock, MeasurementBlockHistory
from vee.operations import measurement_retention
from vee.storage import partitions


pytestmark = pytest.mark.django_db
AT = dt.datetime(2024, 6, 15, 12, tzinfo=dt.UTC)
# Of a day, as `write` has them.
INTERVALS = 4


@pytest.fixture(autouse=True)
def _partitions_unknown() -> None:
    """Months that other tests saw may be given up here: the clock of these tests is another."""
    partitions.forget_partitions()


def write(*days: dt.datetime, values: tuple[int, ...] = (1, 2, 3, 4)) -> None:
    count = len(days)
    storage.write_blocks(
        pieces=[
            storage.DayPieces(
                component_ids=np.ones(count, dtype=np.int64),
                block_starts=np.array([int(day.timestamp()) for day in days]),
                first_slot=0,
                values=np.tile(np.array(values, dtype=np.int64), (count, 1)),
                conditions=np.full((count, 4), 501_000, dtype=np.int32),
                edited=None,
                imd_ids=np.ones(count, dtype=np.int64),
                multipliers=np.full(count, 1_000_000, dtype=np.int64),
                scale=3,
                seconds_per_interval=21_600,
            )
        ],
        at=AT,
    )


def day(month: int, number: int = 1, year: int = 2024) -> dt.datetime:
    return dt.datetime(year, month, number, tzinfo=dt.UTC)


class TestMaintain:
    def test_gives_up_months_that_are_older_than_the_site_keeps(self) -> None:
        write(day(1, 31), day(2, 1), day(6, 1))
        write(day(1, 31), values=(9, 9, 9, 9))

        measurement_retention.maintain(at=AT, months_ahead=0, months_kept=4)

        assert set(MeasurementBlock.objects.values_list("start", flat=True)) == {day(2, 1), day(6, 1)}
        # What the block had been goes with it.
        assert not MeasurementBlockHistory.objects.exists()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass('vee_measurementblock_y2024m01') IS NULL")
                assert cursor.fetchone() == (True,)

    def test_keeps_all_for_ever_unless_told_otherwise(self) -> None:
        write(day(1, 31, year=2001))

        done = measurement_retention.maintain(at=AT, months_ahead=0, months_kept=0)

        assert done.retired == 0
        assert MeasurementBlock.objects.count() == 1

    def test_refuses_to_give_up_what_is_still_being_corrected(self) -> None:
        write(day(4))

        with pytest.raises(storage.KeptTooShort, match="3 months or more, not 2"):
            measurement_retention.maintain(at=AT, months_ahead=0, months_kept=2)

        assert MeasurementBlock.objects.count() == 1

    # The month is given up and made again: both have to be committed, on connections of their own.
    @pytest.mark.django_db(transaction=True)
    def test_a_late_reading_of_a_month_that_was_given_up_is_stored_all_the_same(self) -> None:
        write(day(1, 31))
        measurement_retention.maintain(at=AT, months_ahead=0, months_kept=4)

        write(day(1, 30))

        assert MeasurementBlock.objects.get().start == day(1, 30)

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="partitions are PostgreSQL's")
    @pytest.mark.django_db(transaction=True)
    def test_creates_the_months_to_come_once(self) -> None:
        at = dt.datetime(2150, 11, 15, tzinfo=dt.UTC)
        with connection.cursor() as cursor:
            # A database that is used again may have them from the run before.
            for month in ("2150m11", "2150m12", "2151m01"):
                cursor.execute(f"DROP TABLE IF EXISTS vee_measurementblock_y{month}")
        partitions.forget_partitions()

        first = measurement_retention.maintain(at=at, months_ahead=2, months_kept=0)
        second = measurement_retention.maintain(at=at, months_ahead=2, months_kept=0)

        assert first.created == [dt.date(2150, 11, 1), dt.date(2150, 12, 1), dt.date(2151, 1, 1)]
        assert second.created == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('vee_measurementblock_y2151m01') IS NOT NULL")
            assert cursor.fetchone() == (True,)

    def test_the_task_goes_by_the_settings(self, settings: object) -> None:
        settings.MEASUREMENT_MONTHS_AHEAD = 0  # type: ignore[attr-defined]
        settings.MEASUREMENT_MONTHS_KEPT = 3  # type: ignore[attr-defined]
        write(day(1, year=2001), day(2, year=2200))

        tasks.maintain_measurements()

        assert MeasurementBlock.objects.get().start == day(2, year=2200)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's function and view")
class TestSqlAccess:
    """A filter by component or day reaches the blocks: what it does not concern is not unnested."""

    def _plan(self, statement: str, parameters: list[object]) -> str:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", parameters)
            return "\n".join(row[0] for row in cursor.fetchall())

    def _unnested(self, plan: str) -> int:
        """Give how many measurements came out of the arrays that were spread."""
        spread = re.findall(r"ProjectSet .*\(actual rows=(\d+) loops=(\d+)\)", plan)
        return sum(int(rows) * int(loops) for rows, loops in spread)

    def test_the_view_filtered_by_block_start_unnests_one_day(self) -> None:
        write(*(day(month, number) for month in (1, 2, 3) for number in range(1, 21)))

        plan = self._plan("SELECT * FROM vee_measurement WHERE block_start = %s", [day(2, 3)])

        assert self._unnested(plan) == INTERVALS
        assert "y2024m01" not in plan

    def test_the_view_filtered_by_component_unnests_its_blocks_only(self) -> None:
        write(*(day(1, number) for number in range(1, 21)))

        plan = self._plan("SELECT * FROM vee_measurement WHERE measuring_component_id = %s", [2])

        assert "loops=" not in plan or "never executed" in plan

    def test_the_function_unnests_what_it_is_asked_for(self) -> None:
        write(*(day(month, number) for month in (1, 2, 3) for number in range(1, 21)))

        plan = self._plan("SELECT * FROM measurements(%s, %s, %s)", [day(2, 3), day(2, 5), [1]])

        assert self._unnested(plan) == 2 * INTERVALS
