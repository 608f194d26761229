from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection

from tests.factories import vee as make
from vee import storage
from vee.codes import Condition
from vee.models import MeasurementBlock, MeasurementBlockHistory
from vee.storage import NO_VALUE, DayPieces, postgres


pytestmark = pytest.mark.django_db
AT = make.AT
DAY = int(make.DAY.timestamp())
REGULAR, MISSING = int(Condition.REGULAR), int(Condition.MISSING)


def pieces(
    values: list[list[int]],
    *,
    components: list[int] | None = None,
    starts: list[int] | None = None,
    first_slot: int = 0,
    conditions: list[list[int]] | None = None,
    edited: list[list[bool]] | None = None,
    imd: int = 1,
    seconds: int = 21_600,
    scale: int = 3,
    skip_identical: bool = True,
    readings: list[list[int]] | None = None,
) -> DayPieces:
    matrix = np.array(values, dtype=np.int64)
    count = len(values)
    return DayPieces(
        component_ids=np.array(components or [1] * count),
        block_starts=np.array(starts or [DAY] * count),
        first_slot=first_slot,
        values=matrix,
        conditions=np.where(matrix == NO_VALUE, MISSING, REGULAR).astype(np.int32)
        if conditions is None
        else np.array(conditions, dtype=np.int32),
        edited=None if edited is None else np.array(edited),
        imd_ids=np.full(count, imd),
        multipliers=np.full(count, 1_000_000),
        scale=scale,
        seconds_per_interval=seconds,
        skip_identical=skip_identical,
        readings=None if readings is None else np.array(readings, dtype=np.int64),
    )


def write(*parts: DayPieces) -> storage.WriteResult:
    return storage.write_blocks(pieces=parts, at=AT)


def block(component: int = 1, start: dt.datetime = make.DAY) -> MeasurementBlock:
    return MeasurementBlock.objects.get(pk=(component, start))


class TestWriteBlocks:
    def test_it_stores_a_whole_day_with_its_total(self) -> None:
        result = write(pieces([[1, 2, 3, 4]]))

        assert (result.inserted, result.replaced, result.unchanged) == (1, 0, 0)
        stored = block()
        assert stored.values.tolist() == [1, 2, 3, 4]
        assert stored.conditions is None
        assert stored.flags is None
        assert (stored.total, stored.missing, stored.version, stored.imd_id) == (10, 0, 1, 1)
        assert (stored.seconds_per_interval, stored.scale, stored.multiplier) == (21_600, 3, Decimal("1.000000"))
        assert stored.updated_at == AT

    def test_it_tells_the_first_and_last_interval_end_that_changed_per_component(self) -> None:
        result = write(pieces([[1, 2]], first_slot=1), pieces([[5]], components=[2], starts=[DAY + 86_400]))

        assert result.changes == (
            storage.Change(1, make.DAY + dt.timedelta(hours=12), make.DAY + dt.timedelta(hours=18)),
            storage.Change(2, make.DAY + dt.timedelta(hours=30), make.DAY + dt.timedelta(hours=30)),
        )

    def test_an_interval_without_a_value_is_null_and_does_not_count_in_the_total(self) -> None:
        write(pieces([[1, NO_VALUE, 3, 4]]))

        stored = block()
        assert stored.values.tolist() == [1, NO_VALUE, 3, 4]
        assert stored.conditions.tolist() == [REGULAR, MISSING, REGULAR, REGULAR]
        assert (stored.total, stored.missing) == (8, 1)

    def test_pieces_of_one_day_are_merged_into_one_block(self) -> None:
        result = write(pieces([[3, 4]], first_slot=2, imd=2), pieces([[1, 2]]))

        assert result.inserted == 1
        assert block().values.tolist() == [1, 2, 3, 4]
        assert block().version == 1

    def test_of_two_pieces_with_the_same_interval_the_later_counts(self) -> None:
        write(pieces([[1, 2, 3, 4], [1, 9, 3, 4]]))

        assert block().values.tolist() == [1, 9, 3, 4]

    def test_a_part_of_a_day_is_spliced_into_what_is_there(self) -> None:
        write(pieces([[1, 2]]))

        result = write(pieces([[7]], first_slot=3, imd=2))

        assert (result.inserted, result.replaced) == (0, 1)
        stored = block()
        assert stored.values.tolist() == [1, 2, NO_VALUE, 7]
        assert stored.conditions.tolist() == [REGULAR, REGULAR, 0, REGULAR]
        assert (stored.total, stored.missing, stored.version, stored.imd_id) == (10, 1, 2, 2)

    def test_a_replaced_block_is_kept_as_it_was(self) -> None:
        write(pieces([[1, NO_VALUE, 3, 4]], edited=[[True, False, False, False]]))

        write(pieces([[1, 2, 3, 4]], imd=2))

        kept = MeasurementBlockHistory.objects.get()
        assert (kept.measuring_component_id, kept.start, kept.version) == (1, make.DAY, 1)
        assert kept.values.tolist() == [1, NO_VALUE, 3, 4]
        assert kept.conditions.tolist() == [REGULAR, MISSING, REGULAR, REGULAR]
        assert kept.flags.tolist() == [1, 0, 0, 0]
        assert (kept.imd_id, kept.replaced_by_imd_id, kept.replaced_at) == (1, 2, AT)
        assert block().version == 2

    def test_identical_measurements_are_left_alone(self) -> None:
        write(pieces([[1, 2, 3, 4]]))

        result = write(pieces([[1, 2, 3, 4]], imd=2))

        assert (result.inserted, result.replaced, result.unchanged, result.changes) == (0, 0, 1, ())
        assert (block().version, block().imd_id) == (1, 1)
        assert not MeasurementBlockHistory.objects.exists()

    def test_identical_measurements_are_overwritten_where_that_is_asked_for(self) -> None:
        write(pieces([[1, 2, 3, 4]]))

        result = write(pieces([[1, 2, 3, 4]], imd=2, skip_identical=False))

        assert (result.replaced, len(result.changes)) == (1, 1)
        assert (block().version, block().imd_id) == (2, 2)

    def test_a_measurement_that_stays_keeps_its_mark_of_a_persons_edit(self) -> None:
        write(pieces([[1, 2, 3, 4]], edited=[[True, True, False, False]]))

        write(pieces([[1, 9, 3, 4]], imd=2))

        assert block().flags.tolist() == [1, 0, 0, 0]

    def test_a_missing_value_never_replaces_one_that_is_there(self) -> None:
        write(pieces([[1, 2, 3, 4]]))

        result = write(pieces([[NO_VALUE, 2, 3, 5]], imd=2))

        assert result.changes == (storage.Change(1, make.DAY + dt.timedelta(days=1), make.DAY + dt.timedelta(days=1)),)
        assert block().values.tolist() == [1, 2, 3, 5]

    def test_an_outage_replaces_a_value_because_it_says_something(self) -> None:
        write(pieces([[1, 2, 3, 4]]))

        write(pieces([[NO_VALUE, 2, 3, 4]], conditions=[[101_000, REGULAR, REGULAR, REGULAR]]))

        assert block().values.tolist() == [NO_VALUE, 2, 3, 4]

    def test_many_components_months_and_shapes_go_in_one_write(self) -> None:
        year = int(dt.datetime(2023, 12, 31, tzinfo=dt.UTC).timestamp())

        result = write(
            pieces([[1, 2, 3, 4], [5, 6, NO_VALUE, 8]], components=[3, 2], starts=[DAY, year]),
            pieces([[10, 11]], components=[4], seconds=43_200, scale=6),
        )

        assert result.inserted == 3
        assert block(3).values.tolist() == [1, 2, 3, 4]
        assert block(2, dt.datetime(2023, 12, 31, tzinfo=dt.UTC)).values.tolist() == [5, 6, NO_VALUE, 8]
        assert (block(4).values.tolist(), block(4).scale) == ([10, 11], 6)

    def test_another_interval_length_than_that_of_the_block_is_refused(self) -> None:
        write(pieces([[1, 2, 3, 4]]))

        with pytest.raises(storage.UnableToStoreMeasurements, match="have 21600 s"):
            write(pieces([[1, 2]], seconds=43_200))

        assert block().values.tolist() == [1, 2, 3, 4]

    def test_a_sum_that_does_not_fit_is_refused(self) -> None:
        with pytest.raises(storage.UnableToStoreMeasurements, match="64 bits"):
            write(pieces([[4 * 10**18, 4 * 10**18, 4 * 10**18, 0]]))

        assert not MeasurementBlock.objects.exists()

    def test_negative_and_large_values_keep_every_digit(self) -> None:
        write(pieces([[-1, 10**17 + 1, -(10**17) - 3, 0]], scale=9))

        assert block().values.tolist() == [-1, 10**17 + 1, -(10**17) - 3, 0]
        assert block().total == -3


class TestCutIntoDays:
    def test_it_cuts_at_the_borders_of_standard_days(self) -> None:
        cut = storage.cut_into_days(
            component_ids=np.array([1]),
            imd_ids=np.array([7]),
            multipliers=np.array([1_000_000]),
            starts=np.array([DAY + 5 * 3600 + 43_200]),
            standard_offsets=np.array([-5 * 3600]),
            values=np.arange(8)[np.newaxis],
            conditions=np.full((1, 8), REGULAR, dtype=np.int32),
            edited=None,
            scale=3,
            seconds_per_interval=21_600,
        )

        shape = [(piece.block_starts.tolist(), piece.first_slot, piece.values.tolist()) for piece in cut]
        midnight = DAY + 5 * 3600
        assert shape == [
            ([midnight], 2, [[0, 1]]),
            ([midnight + 86_400], 0, [[2, 3, 4, 5]]),
            ([midnight + 2 * 86_400], 0, [[6, 7]]),
        ]


class TestReadRange:
    def test_it_gives_labels_after_the_start_up_to_and_with_the_end(self) -> None:
        write(pieces([[1, 2, 3, 4], [5, 6, 7, 8]], starts=[DAY, DAY + 86_400]))

        series = storage.read_range(
            component_ids=[1, 2],
            start=make.DAY + dt.timedelta(hours=6),
            end=make.DAY + dt.timedelta(hours=30),
        )

        assert list(series) == [1]
        assert series[1].values.tolist() == [2, 3, 4, 5]
        assert series[1].ends.tolist() == [DAY + hours * 3600 for hours in (12, 18, 24, 30)]
        assert series[1].conditions.tolist() == [REGULAR] * 4

    def test_what_was_never_delivered_is_no_measurement(self) -> None:
        write(pieces([[1, NO_VALUE]], first_slot=1, edited=[[True, False]]))

        series = storage.read_range(component_ids=[1], start=make.DAY, end=make.DAY + dt.timedelta(days=1))[1]

        assert series.values.tolist() == [1, NO_VALUE]
        assert series.conditions.tolist() == [REGULAR, MISSING]
        assert series.edited.tolist() == [True, False]


class TestNeighbours:
    def test_it_gives_the_intervals_that_touch_a_period(self) -> None:
        write(pieces([[1, 2, 3, 4], [5, NO_VALUE, 7, 8]], starts=[DAY, DAY + 86_400]))

        found = storage.neighbours(
            component_ids=np.array([1, 1, 2]),
            starts=np.array([DAY + 6 * 3600, DAY + 30 * 3600, DAY]),
            ends=np.array([DAY + 24 * 3600, DAY + 30 * 3600, DAY + 86_400]),
            seconds_per_interval=21_600,
            standard_offsets=np.array([0, 0, 0]),
            scale=3,
        )

        assert found.before_present.tolist() == [True, True, False]
        assert found.before_values.tolist() == [1, 5, 0]
        assert found.after_present.tolist() == [True, False, False]
        assert found.after_values[0] == 5
        assert found.after_conditions[0] == REGULAR


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's function and view")
class TestSqlAccess:
    def test_the_function_gives_exact_values_labelled_at_interval_end(self) -> None:
        write(pieces([[1500, NO_VALUE]], first_slot=2, edited=[[True, False]]))

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT * FROM measurements(%s, %s, %s) ORDER BY measured_at",
                [make.DAY, make.DAY + dt.timedelta(days=1), [1]],
            )
            rows = cursor.fetchall()

        assert rows == [
            (1, make.DAY + dt.timedelta(hours=18), Decimal("1.500"), REGULAR, True),
            (1, make.DAY + dt.timedelta(hours=24), None, MISSING, False),
        ]

    def test_the_function_takes_the_ends_in_an_open_and_closed_range_that_need_not_be_ends_itself(self) -> None:
        write(pieces([[1, 2, 3, 4]]), pieces([[5, 6, 7, 8]], starts=[DAY + 86_400]))

        def between(first: float, last: float) -> list[int]:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT value * 1000 FROM measurements(%s, %s, %s) ORDER BY measured_at",
                    [make.DAY + dt.timedelta(hours=first), make.DAY + dt.timedelta(hours=last), [1]],
                )
                return [int(row[0]) for row in cursor.fetchall()]

        assert between(6, 18) == [2, 3]
        assert between(5.9, 18.1) == [1, 2, 3]
        assert between(18, 36) == [4, 5, 6]
        assert between(-24, 0) == []
        assert between(48, 72) == []
        assert between(6, 24 * 365 * 7_900) == [2, 3, 4, 5, 6, 7, 8], "until the year 9999, as no end is often written"

    def test_the_view_shows_where_each_block_starts(self) -> None:
        write(pieces([[1, 2, 3, 4]]))

        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(value) FROM vee_measurement WHERE block_start = %s", [make.DAY])
            assert cursor.fetchone() == (Decimal("0.010"),)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's planner")
class TestADayThatThePlannerDoesNotKnow:
    """Statistics of the table end before it, so it looks empty."""

    NAMES = ("HISTORY", "LOAD", "SUM_DAYS")

    @pytest.mark.parametrize("name", NAMES)
    def test_is_reached_block_by_block_through_the_key(self, name: str) -> None:
        count = 200
        parts = [
            pieces([[1]] * count, components=list(range(1, count + 1)), starts=[DAY + day * 86_400] * count)
            for day in range(3)
        ]
        write(*parts[:2])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE vee_measurementblock")
        write(parts[2])
        new, hour = make.DAY + dt.timedelta(days=2), dt.timedelta(hours=1)

        with connection.cursor() as cursor:
            cursor.execute(
                "EXPLAIN " + getattr(postgres, name).replace("{lock}", "FOR UPDATE"),
                {
                    "components": list(range(1, count + 1)), "starts": [int(new.timestamp())] * count, "at": AT,
                    "first": new - hour, "last": new + hour, "seconds": 86_400, "spi": 900, "scale": 3,
                },
            )  # fmt: skip
            plan = "\n".join(row[0] for row in cursor.fetchall())

        assert re.search(r"Index Cond: \(\(measuring_component_id = (k|s)\.component\) AND", plan), plan


class TestReadings:
    """What subtractive components showed, beside their consumption."""

    def test_stand_beside_the_values_and_are_spliced_like_them(self) -> None:
        write(pieces([[NO_VALUE, 2]], readings=[[10, 12]]), pieces([[7]], components=[2]))

        write(pieces([[3]], first_slot=2, readings=[[15]], imd=2))

        assert block().readings.tolist() == [10, 12, 15, NO_VALUE]
        assert block(2).readings is None
        assert MeasurementBlockHistory.objects.get().readings.tolist() == [10, 12, NO_VALUE, NO_VALUE]

    def test_another_reading_with_the_same_value_is_a_change(self) -> None:
        write(pieces([[1, 2]], readings=[[10, 12]]))

        same = write(pieces([[1, 2]], readings=[[10, 12]]))
        other = write(pieces([[1, 2]], readings=[[11, 13]]))

        assert (same.unchanged, other.replaced, len(other.changes)) == (1, 1, 1)
        assert block().readings.tolist() == [11, 13, NO_VALUE, NO_VALUE]

    def test_a_missing_one_does_not_replace_one_that_is_there(self) -> None:
        write(pieces([[NO_VALUE, 2]], readings=[[10, 12]]))

        result = write(pieces([[NO_VALUE, NO_VALUE]], readings=[[NO_VALUE, NO_VALUE]]))

        assert result.unchanged == 1
        assert block().readings.tolist()[:2] == [10, 12]

    def test_values_that_are_written_without_readings_leave_them(self) -> None:
        write(pieces([[1, 2]], readings=[[10, 12]]))

        write(pieces([[9]], first_slot=1))

        assert (block().values.tolist()[:2], block().readings.tolist()[:2]) == ([1, 9], [10, 12])

    def test_are_read_with_their_series_and_one_by_one(self) -> None:
        write(pieces([[NO_VALUE, 2]], readings=[[10, 12]], edited=[[False, True]]))

        series = storage.read_range(component_ids=[1], start=make.DAY, end=make.DAY + dt.timedelta(days=1))[1]
        labels = [(1, DAY + hours * 3600, 21_600, 0) for hours in (6, 12, 18)]
        found = storage.points(labels=[*labels, (1, DAY + 3600, 3600, 0), (9, DAY, 900, 0)])

        assert series.readings is not None
        assert series.readings.tolist() == [10, 12]
        assert found == [
            storage.Point(None, MISSING, False, 10), storage.Point(2, REGULAR, True, 12), None, None, None,
        ]  # fmt: skip


@pytest.mark.parametrize("multiplier", ["1", "0.000001", "40", "12000.25", "999999999.999999", "0", "-2.5"])
def test_new_blocks_keep_their_multiplier_and_when_they_were_written(multiplier: str) -> None:
    part = pieces([[1, 2, 3, 4], [5, 6, 7, 8]], components=[1, 2], edited=[[False] * 4, [True] * 4])
    part.multipliers[:] = int(Decimal(multiplier).scaleb(6))

    write(part)

    blocks = MeasurementBlock.objects.order_by("measuring_component_id")
    assert [block.multiplier for block in blocks] == [Decimal(multiplier)] * 2
    assert [block.updated_at for block in blocks] == [AT] * 2
    assert [block.values.tolist() for block in blocks] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert [block.flags is None for block in blocks] == [True, False]


def test_new_blocks_with_and_without_gaps_and_replaced_ones_go_together() -> None:
    write(pieces([[1, 2, 3, 4]]))
    given = [[9, 2, 3, 4], [5, 6, 7, 8], [5, NO_VALUE, 7, 8]]

    result = write(pieces(given, components=[1, 2, 3], imd=2))

    blocks = MeasurementBlock.objects.order_by("measuring_component_id")
    assert [block.values.tolist() for block in blocks] == given
    assert [(block.version, block.missing, block.total) for block in blocks] == [(2, 0, 18), (1, 0, 26), (1, 1, 20)]
    assert (result.inserted, result.replaced) == (2, 1)
    assert MeasurementBlockHistory.objects.get().values.tolist() == [1, 2, 3, 4]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's planner")
def test_totals_of_days_are_read_from_an_index_alone_in_a_new_partition_too() -> None:
    write(pieces([[1, 2, 3, 4]]))

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(
            "EXPLAIN SELECT measuring_component_id, sum(total) FROM vee_measurementblock "
            "WHERE measuring_component_id = 1 AND start >= %s AND start < %s GROUP BY 1",
            [make.DAY, make.DAY + dt.timedelta(days=1)],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Index Only Scan" in plan, plan
