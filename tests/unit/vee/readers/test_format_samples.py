"""
Published examples of the other formats, counted as their description counts them.

Where the description gives no count, the numbers were counted here from the files themselves. Two remarks: it says of
MSCONS SAMPLE01 that 34 stamps lie off the 15-minute grid and 4 are repeated; each stamp off the grid ends one interval
and begins the next (68 quantities), and the repeated stamps spoil five more, so that 73 of 2,976 are refused. And the
short file of nine half hours in UTF-16 (`with-nulls-and-empty-lines.csv`) has two damaged characters before its first
line, so that it is read only by a profile that skips that line.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.factories.readings import intervals, layout, read, refused, registers, summary
from vee.codes import Condition
from vee.readers import FileUnreadable, Item
from vee.readers.column_layout import ColumnLayout, Encoding


LONDON = ZoneInfo("Europe/London")
ZURICH = ZoneInfo("Europe/Zurich")


@pytest.fixture(scope="module")
def nem13_items(sample_data: Path) -> list[Item]:
    folder = sample_data / "nem12_aemo_examples"
    paths = [*sorted((folder / "nem13").iterdir()), *sorted((folder / "unzipped").glob("Example_NEM13_*.csv"))]
    return [item for path in paths for item in read("nem13", path.read_bytes())]


class TestNem13:
    def test_gives_both_reads_of_every_row(self, nem13_items: list[Item]) -> None:
        readings = registers(nem13_items)

        assert refused(nem13_items) == []
        assert len(readings) == 123
        assert {len(item.earlier) for item in readings} == {1}
        assert Counter(code for item in readings for code in (item.condition, item.earlier[0].condition)) == {
            Condition.REGULAR: 183,
            Condition.EXTERNAL_ESTIMATED_LOW: 35,
            Condition.EXTERNAL_ESTIMATED: 27,
            Condition.EXTERNAL_ESTIMATED_FINAL: 1,
        }

    def test_gives_the_reads_of_the_published_vectors(self, nem13_items: list[Item]) -> None:
        reads = {(item.component, item.earlier[0].reading, item.reading) for item in registers(nem13_items)}

        assert ("VABC005890-11:REG", Decimal("6342.8"), Decimal("7654.9")) in reads
        assert ("VDEF005890-11:REG", Decimal(888), Decimal(999)) in reads
        assert ("VDEF005890-41:REG", Decimal(950), Decimal(10015)) in reads


class TestGreenButton:
    def load(self, sample_data: Path, name: str, zone: str) -> list[Item]:
        return read("green_button", (sample_data / "espi" / name).read_bytes(), zone=ZoneInfo(zone))

    def test_gives_a_fortnight_with_its_day_of_23_hours(self, sample_data: Path) -> None:
        items = self.load(sample_data, "openespi_test_usage_data.xml", "America/New_York")

        assert summary(items) == {"rows": 1340, "intervals": 1340, "missing": 0, "refused": {}}
        found = intervals(items)
        assert {(item.component, item.uom, item.seconds_per_interval) for item in found} == {("5446AF3F-01", "WH", 900)}
        assert [len(item.values) for item in found] == [96] * 10 + [92] + [96] * 3
        assert found[0].start == dt.datetime(2012, 3, 1, 5, tzinfo=dt.UTC)
        assert Counter(code for item in found for code in item.conditions) == {
            Condition.REGULAR: 1338,
            Condition.EXTERNAL_ESTIMATED: 2,
        }

    def test_gives_hourly_readings_of_one_block(self, sample_data: Path) -> None:
        items = self.load(sample_data, "cew821_sample.xml", "America/Los_Angeles")

        assert summary(items) == {"rows": 362, "intervals": 362, "missing": 0, "refused": {}}
        assert sum(value for item in intervals(items) for value in item.values if value is not None) == 291_018

    @pytest.mark.parametrize(("name", "estimated"), [("01", 2), ("10", 0)])
    def test_gives_single_days(self, sample_data: Path, name: str, estimated: int) -> None:
        items = self.load(sample_data, f"openespi_test_usage_data_{name}.xml", "America/New_York")

        [item] = intervals(items)
        assert len(item.values) == 96
        assert item.conditions.count(Condition.EXTERNAL_ESTIMATED) == estimated


class TestMscons:
    def test_gives_six_channels_of_a_day(self, sample_data: Path) -> None:
        paths = sorted((sample_data / "mscons").glob("20191215*.txt"))

        found = [intervals(read("mscons", path.read_bytes(), zone=ZURICH)) for path in paths]

        assert [len(items) for items in found] == [1] * 6
        assert [(item.component[-14:], item.uom) for [item] in found] == [
            (f"1-1:{kind}.29.0*255"[-14:], "KWH" if kind < 3 else "KVARH") for kind in (1, 2, 5, 6, 7, 8)
        ]
        assert {(len(item.values), item.start) for [item] in found} == {
            (96, dt.datetime(2019, 12, 13, 23, tzinfo=dt.UTC))
        }

    def test_refuses_what_lies_off_the_grid_or_is_repeated(self, sample_data: Path) -> None:
        items = read("mscons", (sample_data / "mscons" / "MSCONS_TL_SAMPLE01.txt").read_bytes(), zone=ZURICH)

        assert summary(items) == {
            "rows": 2976,
            "intervals": 2903,
            "missing": 0,
            "refused": {"invalid_interval_length": 67, "interval_length_changed": 3, "repeated_interval": 3},
        }


class TestCmep:
    def test_gives_a_day_whose_hours_sum_up_to_its_register(self, sample_data: Path) -> None:
        raw = (sample_data / "cmep" / "cmep_real_water_interval_and_register.txt").read_bytes()

        items = read("cmep", raw)

        hours, other = intervals(items)
        [register] = registers(items)
        assert (hours.component, len(hours.values)) == ("BMETER0001-CF", 24)
        assert (other.component, other.values) == ("METER0002-CF", [3, 4])
        assert (register.component, register.reading) == ("BMETER0001-CF:REG", 2_932_046)
        assert (hours.start, hours.end) == (register.earlier[0].read_at, register.read_at)
        assert sum(value for value in hours.values if value is not None) == 479
        assert register.reading - register.earlier[0].reading == 479

    def test_gives_beacon_flow_and_reads_by_two_profiles(self, sample_data: Path) -> None:
        raw = (sample_data / "cmep" / "beacon-360-report.csv").read_bytes()
        quality = {"quality_column": "Estimated_Flag", "quality_conditions": {"0": 501000, "1": 401000}}
        # Times stand a minute before the hour that they end: no grid of hours, but a read of a register.
        reads = layout(
            content="REGISTER", component_column="Meter_ID", component_suffix=":REG", date_column="Read_Time",
            value_column="Read", uom="", uom_column="Read_Unit", seconds_per_interval=None, **quality,
        )  # fmt: skip

        items = read("csv:beacon-reads", raw, layout=reads)

        found = registers(items)
        assert refused(items) == []
        assert {(item.component, item.uom) for item in found} == {("1470158170:REG", "CCF")}
        assert [item.reading for item in found] == [Decimal("227.6")] * len(found)
        assert len(found) == raw.decode().count('"1470158170"')


DAY = layout(
    arrangement="ROW_PER_DAY", component_column="Meter Number", date_column="Reading Date", date_format="%d/%m/%y",
    value_column="00:00", seconds_per_interval=1800,
)  # fmt: skip
BARE_DAY = msgspec.structs.replace(DAY, has_header=False, component_column="#2", date_column="#3", value_column="#4")
READING = layout(
    component_column="MPR", date_column="ReadDatetime", date_format="%d %b %Y %H:%M:%S", value_column="kWh",
    seconds_per_interval=1800, label="END", quality_column="ReadType",
    quality_conditions={"Actual": 501000, "Estimated": 401000},
)  # fmt: skip
BANES = layout(
    arrangement="ROW_PER_DAY", component_column="M1_Code1", date_column="Date", date_format="%b %d %Y %I:%M%p",
    value_column="[00:30]", seconds_per_interval=1800, uom="", uom_column="Units", total_column="Total Units",
    total_tolerance="0.0005",
)  # fmt: skip
SHEFFIELD = layout(
    arrangement="ROW_PER_DAY", component_column="MPAN", date_column="ConsumptionDate", date_format="%d/%m/%Y",
    value_column="kWh_1", seconds_per_interval=1800,
)  # fmt: skip
SEQUENTIAL = layout(
    arrangement="ROW_PER_DAY", skip_rows=8, component_column="MPAN", date_column="Date", date_format="%d/%m/%y",
    value_column="00:30", seconds_per_interval=1800, uom="", uom_column="Type",
)  # fmt: skip


class TestEnergySparks:
    """Half-hourly files of schools, by column profiles, on the legal clock of London."""

    def load(self, sample_data: Path, name: str, by: ColumnLayout) -> list[Item]:
        raw = (sample_data / "energy_sparks_amr" / name).read_bytes()
        return read("csv:amr", raw, zone=LONDON, clock=LONDON, layout=by)

    @pytest.mark.parametrize(
        ("name", "by", "rows", "intervals", "missing", "refused"),
        [
            ("amr_data/row-per-day/valid.csv", DAY, 1, 48, 0, {}),
            ("amr_data/row-per-day/valid-no-header.csv", BARE_DAY, 1, 48, 0, {}),
            ("amr_data/row-per-day/some-missing-readings.csv", DAY, 3, 144, 20, {}),
            ("amr_data/row-per-day/all-missing-readings.csv", DAY, 1, 48, 20, {}),
            ("amr_data/row-per-day/no-readings.csv", DAY, 1, 48, 48, {}),
            ("amr_data/row-per-day/duplicate-rows.csv", DAY, 2, 48, 0, {"repeated_day": 1}),
            ("amr_data/row-per-day/incomplete-row.csv", DAY, 1, 0, 0, {"ragged_row": 1}),
            ("amr_data/row-per-day/malformed.csv", DAY, 2, 48, 0, {"unterminated_quote": 1}),
            ("amr_data/row-per-reading/valid.csv", READING, 48, 48, 0, {}),
            ("amr_data/row-per-reading/some-missing-readings.csv", READING, 94, 94, 0, {}),
            ("amr_highlands/example.csv", READING, 480, 480, 0, {}),
            ("amr_highlands/example-missing-half-hours.csv", READING, 526, 526, 0, {}),
            ("amr_highlands/example-offset.csv", READING, 382, 382, 0, {}),
            ("amr_upload_data_files/example-highlands-file.csv", READING, 48, 48, 0, {}),
            ("amr_upload_data_files/banes-example-file.csv", BANES, 5, 240, 0, {}),
            ("amr_upload_data_files/banes-example-file.xlsx", BANES, 5, 240, 0, {}),
            ("amr_upload_data_files/banes-bad-example-date-file.csv", BANES, 1, 0, 0, {"invalid_time": 1}),
            ("amr_upload_data_files/banes-bad-example-file.csv", BANES, 2, 48, 0, {"invalid_time": 1}),
            ("amr_upload_data_files/banes-bad-example-missing-data-file.csv", BANES, 2, 48, 1, {"day_total": 1}),
            (
                "amr_upload_data_files/banes-bad-example-missing-and-invalid-mpan-file.csv",
                BANES, 3, 0, 0, {"day_total": 2, "invalid_component": 1},
            ),
            ("amr_upload_data_files/example-sheffield-file.csv", SHEFFIELD, 2, 96, 0, {}),
            ("amr_upload_data_files/example-bad-sheffield-file.csv", SHEFFIELD, 2, 96, 0, {}),
            # The day on which clocks go back has 50 half hours; the file has 48 for it.
            (
                "amr_upload_data_files/example-bad-sheffield-proper-file.csv",
                SHEFFIELD, 88, 4176, 0, {"interval_count": 1},
            ),
            (
                "amr_upload_data_files/with-mixed-line-endings.csv",
                msgspec.structs.replace(BARE_DAY, component_column="#1"), 3, 144, 0, {},
            ),
            # Its last line is no row of readings but a remark on the time zone.
            ("amr_upload_data_files/with-carriage-return-line-endings.csv", SEQUENTIAL, 3, 96, 0, {"ragged_row": 1}),
            (
                "amr_upload_data_files/with-nulls-empty-lines-invalid-chars.csv",
                msgspec.structs.replace(READING, encoding=Encoding.UTF_16), 6, 6, 0, {},
            ),
        ],
    )  # fmt: skip
    def test_gives_its_intervals(
        self,
        sample_data: Path,
        name: str,
        by: ColumnLayout,
        rows: int,
        intervals: int,
        missing: int,
        refused: dict[str, int],
    ) -> None:
        items = self.load(sample_data, name, by)

        assert summary(items) == {"rows": rows, "intervals": intervals, "missing": missing, "refused": refused}

    @pytest.mark.parametrize(
        ("name", "by", "code"),
        [
            ("amr_data/row-per-day/empty.csv", DAY, "empty_file"),
            ("amr_data/row-per-day/empty-msft.csv", DAY, "empty_file"),
            ("amr_data/row-per-day/empty-with-header.csv", DAY, "no_data"),
            ("amr_data/row-per-reading/empty.csv", READING, "empty_file"),
            ("amr_data/row-per-reading/empty-msft.csv", READING, "empty_file"),
            ("amr_data/row-per-reading/empty-with-header.csv", READING, "missing_header"),
            ("amr_highlands/empty.csv", READING, "empty_file"),
            ("amr_upload_data_files/banes-example-file.xls", BANES, "spreadsheet"),
            ("amr_upload_data_files/not_a_csv.csv", READING, "encoding"),
            ("amr_upload_data_files/energy_assets_invalid.csv", READING, "missing_header"),
            ("amr_upload_data_files/with-nulls-and-empty-lines.csv", READING, "nul"),
            ("amr_upload_data_files/with-nulls-empty-lines-invalid-chars.csv", READING, "encoding"),
            ("amr_upload_data_files/date-test.xlsx", BANES, "missing_header"),
        ],
    )
    def test_refuses_what_is_no_such_file(self, sample_data: Path, name: str, by: ColumnLayout, code: str) -> None:
        with pytest.raises(FileUnreadable) as failed:
            self.load(sample_data, name, by)

        assert failed.value.code == code

    def test_gives_a_damaged_utf_16_file_when_its_first_line_is_skipped(self, sample_data: Path) -> None:
        name = "amr_upload_data_files/with-nulls-and-empty-lines.csv"

        items = self.load(sample_data, name, msgspec.structs.replace(READING, encoding=Encoding.UTF_16, skip_rows=1))

        assert summary(items)["intervals"] == 15

    def test_tells_actual_from_estimated(self, sample_data: Path) -> None:
        items = self.load(sample_data, "amr_data/row-per-reading/some-missing-readings.csv", READING)

        assert Counter(code for item in intervals(items) for code in item.conditions) == {
            Condition.REGULAR: 57,
            Condition.EXTERNAL_ESTIMATED: 37,
        }

    def test_leaves_out_the_value_that_the_total_knows(self, sample_data: Path) -> None:
        name = "amr_upload_data_files/banes-bad-example-missing-data-file.csv"

        [item] = intervals(self.load(sample_data, name, BANES))

        present = [value for value in item.values if value is not None]
        assert (len(present), sum(present)) == (47, Decimal("225.069"))
        assert Decimal("226.103") - sum(present) == Decimal("1.034")

    def test_gives_the_same_from_a_spreadsheet_as_from_text(self, sample_data: Path) -> None:
        def days(name: str) -> list[tuple[Any, ...]]:
            items = self.load(sample_data, f"amr_upload_data_files/{name}", BANES)
            return [(item.component, item.start, item.values) for item in intervals(items)]

        assert days("banes-example-file.xlsx") == days("banes-example-file.csv")

    def test_judges_every_file_of_the_folder(self, sample_data: Path) -> None:
        folder = sample_data / "energy_sparks_amr"

        assert len([path for path in folder.rglob("*.*") if path.is_file()]) == 38
