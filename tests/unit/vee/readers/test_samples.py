"""
The published examples, counted as their description counts them.

105 files are NEM12: the 94 below `nem12/`, those below `unzipped/` that say so in their name (9), and the two zip
archives beside them. One of them (Scenario10 of ETSAMDP) has a 300 row that is broken over three lines; the
description leaves that file out, and so 104 give 127,872 intervals of 387 streams. Of the quality counts that the
description names, A, E and N are ours to the last interval. Its S and F (2,637 and 778) are 73 short of its own
total; ours (2,667 and 821) were counted a second time by hand from the 300 and 400 rows, and they add up.
"""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from vee import readers
from vee.codes import Condition
from vee.readers import FileUnreadable, IntervalReadings, RegisterReading, RowError


BROKEN = "NEM12#Scenario10#ETSAMDP#NEMMCO.zip"


def read(path: Path) -> list[readers.Item]:
    with path.open("rb") as stream:
        return list(readers.open_reader(format="nem12", stream=stream, name=path.name))


@pytest.fixture(scope="module")
def examples(sample_data: Path) -> Path:
    return sample_data / "nem12_aemo_examples"


@pytest.fixture(scope="module")
def files(examples: Path) -> list[Path]:
    return [
        *sorted((examples / "nem12").iterdir()),
        *sorted((examples / "unzipped").glob("Example_NEM12_*.csv")),
        examples / "Example_NEM12_ManyNMIs.zip",
        examples / "Example_different_intervals.zip",
    ]


class TestTheExamples:
    def test_give_every_interval_with_its_quality(self, files: list[Path]) -> None:
        whole = [path for path in files if path.name != BROKEN]

        items = [item for path in whole for item in read(path)]

        days = [item for item in items if isinstance(item, IntervalReadings)]
        assert (len(files), len(whole)) == (105, 104)
        assert [item for item in items if isinstance(item, RowError)] == []
        assert sum(len(item.values) for item in days) == 127_872
        assert len({item.component for item in days}) == 387
        assert {item.seconds_per_interval for item in days} == {300, 600, 900, 1800}
        assert Counter(code for item in days for code in item.conditions) == {
            Condition.REGULAR: 121_211,
            Condition.EXTERNAL_ESTIMATED_LOW: 3_101,
            Condition.EXTERNAL_ESTIMATED: 2_667,
            Condition.EXTERNAL_ESTIMATED_FINAL: 821,
            Condition.MISSING: 72,
        }
        assert sum(isinstance(item, RegisterReading) for item in items) == 26

    def test_with_the_broken_row_give_all_days_but_that(self, examples: Path) -> None:
        items = read(examples / "nem12" / BROKEN)

        assert [(item.line, item.code) for item in items if isinstance(item, RowError)] == [
            (27, "interval_count"),
            (28, "unknown_record"),
            (29, "unknown_record"),
            (32, "no_stream"),
        ]
        assert sum(len(item.values) for item in items if isinstance(item, IntervalReadings)) == 7 * 48

    def test_with_trailing_commas_are_read(self, examples: Path) -> None:
        items = read(examples / "unzipped" / "Example_WesternPower.csv")

        assert [type(item) for item in items] == [IntervalReadings] * 4

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("Example_empty_file.csv", "empty_file"),
            ("Example_NEM12_empty.csv", "no_data"),
            ("Example_NEM12_missing_header.csv", "missing_header"),
            ("Example_NEM12_powercor.csv", "missing_header"),
            ("Example_NEM12_powercor.csv.zip", "missing_header"),
            ("Example_NEM12_powercor_missing_fields.csv", "missing_header"),
        ],
    )
    def test_that_are_invalid_as_a_whole_are_refused(self, examples: Path, name: str, code: str) -> None:
        with pytest.raises(FileUnreadable) as refused:
            read(examples / "invalid" / name)

        assert refused.value.code == code

    @pytest.mark.parametrize(
        ("name", "refused", "accepted"),
        [
            ("Example_NEM12_15min_200_30min_300.csv", [(3, "interval_count")], 0),
            ("Example_NEM12_15min_200_30min_400.csv", [(3, "quality_missing")], 0),
            ("Example_NEM12_30min_200_15min_300.csv", [(3, "interval_count")], 0),
            ("Example_NEM12_30min_200_15min_400.csv", [(3, "interval_count")], 0),
            ("Example_NEM12_incomplete_interval.csv", [(3, "interval_count")], 3),
        ],
    )
    def test_that_have_invalid_rows_say_which(
        self, examples: Path, name: str, refused: list[tuple[int, str]], accepted: int
    ) -> None:
        items = read(examples / "invalid" / name)

        assert [(item.line, item.code) for item in items if isinstance(item, RowError)] == refused
        assert sum(isinstance(item, IntervalReadings) for item in items) == accepted

    def test_that_are_invalid_are_all_judged_here(self, examples: Path) -> None:
        assert len(list((examples / "invalid").iterdir())) == 11

    def test_of_nem13_are_refused(self, examples: Path) -> None:
        for path in sorted((examples / "nem13").iterdir()):
            with pytest.raises(FileUnreadable) as refused:
                read(path)
            assert refused.value.code == "other_format"


class TestTheSmallPackage:
    def test_gives_what_that_package_expects(self, sample_data: Path) -> None:
        folder = sample_data / "nem12_small"
        [source] = folder.glob("*VEC-small.csv")
        with (folder / "test-output-long.csv").open() as stream:
            rows = list(csv.DictReader(stream))

        got = {}
        for item in read(source):
            assert isinstance(item, IntervalReadings)
            for index, (value, condition) in enumerate(zip(item.values, item.conditions, strict=True)):
                start = item.start.timestamp() + index * item.seconds_per_interval
                got[item.component, start] = (value, condition)

        expected = {}
        for row in rows:
            start = dt_timestamp(row["interval_start_timestamp"])
            condition = Condition.NO_READ_OUTAGE if row["reason_code"] == "79" else Condition.REGULAR
            expected[f"{row['nmi']}-{row['nmi_suffix']}", start] = (Decimal(row["read_value"]), condition)
        assert got == expected

    def test_refuses_the_read_time_that_does_not_exist(self, sample_data: Path) -> None:
        items = read(sample_data / "nem12_small" / "sample-nem12.csv")

        assert [(item.line, item.code) for item in items if isinstance(item, RowError)] == [(34, "invalid_time")]
        assert sum(len(item.values) for item in items if isinstance(item, IntervalReadings)) == 1_728
        assert [item.reading for item in items if isinstance(item, RegisterReading)] == [
            Decimal("111.111"),
            Decimal("222.222"),
        ]


def dt_timestamp(text: str) -> float:
    import datetime as dt

    return dt.datetime.fromisoformat(text).timestamp()
