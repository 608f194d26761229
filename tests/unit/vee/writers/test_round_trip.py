"""What a writer writes, the reader of the same name reads back: values and conditions, to the last digit."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.readings import intervals, read, refused, registers
from vee import writers
from vee.codes import Condition
from vee.writers import Channel, UnableToWrite


AT = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
NEW_YORK = ZoneInfo("America/New_York")
START = dt.datetime(2024, 3, 9, 5, tzinfo=dt.UTC)
STEP = dt.timedelta(minutes=15)
CHANNEL = Channel(component="NMI0000001-E1", uom="KWH", seconds_per_interval=900, scale=6, zone=NEW_YORK)
# Conditions for which each format has a flag of its own.
NEM12 = (
    Condition.REGULAR,
    Condition.EXTERNAL_ESTIMATED,
    Condition.EXTERNAL_ESTIMATED_LOW,
    Condition.EXTERNAL_ESTIMATED_FINAL,
    Condition.NO_READ_OUTAGE,
)
GREEN_BUTTON = (Condition.REGULAR, Condition.SUPER, Condition.EXTERNAL_ESTIMATED, Condition.EXTERNAL_ESTIMATED_LOW)


@dataclasses.dataclass(frozen=True)
class Row:
    end: dt.datetime
    value: Decimal | None
    condition: int
    reading: Decimal | None = None


def rows(values: Iterable[tuple[Decimal | None, int]], *, start: dt.datetime = START) -> list[Row]:
    return [
        Row(start + STEP * place, value, int(Condition.MISSING) if value is None else int(condition))
        for place, (value, condition) in enumerate(values, 1)
    ]


def written(format: str, found: list[Row], channel: Channel = CHANNEL) -> bytes:  # noqa: A002
    return "".join(writers.write(format, [(channel, found)], created_at=AT)).encode()


def read_back(format: str, raw: bytes, *, factor: int = 1) -> dict[dt.datetime, tuple[Decimal | None, int]]:  # noqa: A002
    items = read(format, raw)
    assert refused(items) == []
    found = {}
    for item in intervals(items):
        assert item.component == CHANNEL.component
        for place, (value, condition) in enumerate(zip(item.values, item.conditions, strict=True), 1):
            end = (item.start + dt.timedelta(seconds=item.seconds_per_interval * place)).astimezone(dt.UTC)
            found[end] = (None if value is None else value / factor, condition)
    return found


def expected(found: list[Row]) -> dict[dt.datetime, tuple[Decimal | None, int]]:
    return {row.end: (row.value, row.condition) for row in found}


def values(conditions: tuple[Condition, ...]) -> st.SearchStrategy[list[tuple[Decimal | None, int]]]:
    quantity = st.decimals(-(10**8), 10**8, places=6)
    return st.lists(st.tuples(st.none() | quantity, st.sampled_from(conditions)), min_size=1, max_size=200)


class TestNem12:
    @settings(max_examples=60, deadline=None)
    @given(values(NEM12))
    def test_comes_back_as_it_was(self, found: list[tuple[Decimal | None, int]]) -> None:
        series = rows(found)

        back = read_back("nem12", written("nem12", series))

        # A day of NEM12 is whole: what was not measured comes back as missing.
        assert {end: row for end, row in back.items() if end in expected(series)} == expected(series)
        assert {row for end, row in back.items() if end not in expected(series)} <= {(None, int(Condition.MISSING))}

    def test_names_the_stream_and_keeps_one_quality_on_the_day(self) -> None:
        start = dt.datetime(2024, 3, 9, 14, tzinfo=dt.UTC)

        lines = written("nem12", rows([(Decimal("0.21"), Condition.REGULAR)] * 96, start=start)).decode().splitlines()

        assert lines[0] == "100,NEM12,202603041506,TIELINE,"
        assert lines[1] == "200,NMI0000001,E1,,E1,,,KWH,15,"
        assert lines[2] == f"300,20240310,{','.join(['0.21'] * 96)},A,,,,"
        assert lines[3:] == ["900"]

    def test_writes_spans_where_the_quality_changes(self) -> None:
        start = dt.datetime(2024, 3, 9, 14, tzinfo=dt.UTC)
        series = [(Decimal(1), Condition.ESTIMATED_INTERPOLATED)] * 4 + [(Decimal(1), Condition.REGULAR)] * 92

        lines = written("nem12", rows(series, start=start)).decode().splitlines()

        assert lines[3:5] == ["400,1,4,S17,,", "400,5,96,A,,"]

    def test_keeps_an_outage_without_value(self) -> None:
        found = [Row(START + STEP, None, int(Condition.NO_READ_OUTAGE))]

        assert read_back("nem12", written("nem12", found))[START + STEP] == (None, Condition.NO_READ_OUTAGE)

    @pytest.mark.parametrize(
        "changes",
        [
            {"seconds_per_interval": 3600},
            {"seconds_per_interval": None},
            {"component": "M1"},
            {"component": "M 1-E1"},
            {"uom": "k,W"},
        ],
    )
    def test_refuses_a_channel_that_it_cannot_hold(self, changes: dict[str, object]) -> None:
        with pytest.raises(UnableToWrite):
            writers.check("nem12", dataclasses.replace(CHANNEL, **changes))

    def test_refuses_intervals_off_its_grid(self) -> None:
        with pytest.raises(UnableToWrite, match="not the end of an interval"):
            written("nem12", [Row(START + dt.timedelta(minutes=1), Decimal(1), int(Condition.REGULAR))])


class TestGreenButton:
    @settings(max_examples=60, deadline=None)
    @given(values(GREEN_BUTTON))
    def test_comes_back_as_it_was(self, found: list[tuple[Decimal | None, int]]) -> None:
        series = rows(found)

        assert read_back("green_button", written("green_button", series), factor=1000) == expected(series)

    @pytest.mark.parametrize(("uom", "scale"), [("KWH", 0), ("KWH", 2), ("KWH", 7), ("WH", 9), ("MWH", 6), ("M3", 3)])
    def test_keeps_every_digit_at_any_scale(self, uom: str, scale: int) -> None:
        channel = dataclasses.replace(CHANNEL, uom=uom, scale=scale)
        value = Decimal(123).scaleb(-scale) if scale else Decimal(123)

        [item] = intervals(read("green_button", written("green_button", rows([(value, Condition.REGULAR)]), channel)))

        factor = {"K": 1000, "M": 1_000_000}.get(uom[0], 1) if uom != "M3" else 1
        assert item.values == [value * factor]

    def test_writes_a_register_with_its_readings(self) -> None:
        channel = dataclasses.replace(CHANNEL, component="M1:REG", seconds_per_interval=None)
        found = [Row(START, Decimal("1.5"), int(Condition.REGULAR), Decimal("12345.6"))]

        [reading] = registers(read("green_button", written("green_button", found, channel)))

        assert (reading.component, reading.read_at, reading.reading) == ("M1:REG", START, Decimal(12_345_600))

    def test_escapes_names(self) -> None:
        channel = dataclasses.replace(CHANNEL, component='M<1>&"/é')

        [item] = intervals(read("green_button", written("green_button", rows([(Decimal(1), 501000)]), channel)))

        assert item.component == 'M<1>&"/é'

    def test_has_a_block_for_each_local_day(self) -> None:
        raw = written("green_button", rows([(Decimal(1), Condition.REGULAR)] * (96 + 92)))

        assert raw.count(b"<IntervalBlock ") == 2

    def test_refuses_a_unit_without_code(self) -> None:
        with pytest.raises(UnableToWrite, match="no code for the unit"):
            writers.check("green_button", dataclasses.replace(CHANNEL, uom="APPLES"))


class TestCsv:
    @settings(max_examples=60, deadline=None)
    @given(values(tuple(Condition)))
    def test_comes_back_as_it_was(self, found: list[tuple[Decimal | None, int]]) -> None:
        series = rows(found)

        assert read_back("csv", written("csv", series)) == expected(series)

    def test_refuses_a_register(self) -> None:
        with pytest.raises(UnableToWrite, match="register"):
            writers.check("csv", dataclasses.replace(CHANNEL, seconds_per_interval=None))


class TestWrite:
    def test_refuses_a_format_that_is_none(self) -> None:
        with pytest.raises(UnableToWrite, match="not a format"):
            writers.write("xml", [], created_at=AT)
        with pytest.raises(UnableToWrite, match="not a format"):
            writers.check("xml", CHANNEL)

    def test_takes_measurements_only_as_it_writes_them(self) -> None:
        taken = []

        def endless() -> Iterable[Row]:
            for place in range(1, 10_000_000):
                taken.append(place)
                yield Row(START + STEP * place, Decimal(1), int(Condition.REGULAR))

        pieces = writers.write("nem12", [(CHANNEL, endless())], created_at=AT)
        for _ in range(5):
            next(pieces)

        assert len(taken) < 500
