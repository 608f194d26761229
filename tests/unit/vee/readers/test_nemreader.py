"""
A second reader of the published NEM12 examples: `nemreader`, by another author, interval by interval.

In 104 files both read the same intervals with the same values and flags; only null data (flag N) has the number that
the file writes there, always 0, where ours has no value. In the file with a 300 row that is broken over three lines the
other reader counts the 400 rows behind it to the day before, whose own flag is A: 24 of its intervals become E52. Ours
refuses those rows.
"""

from __future__ import annotations

import datetime as dt
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import nemreader

from tests.factories.readings import intervals, read
from vee.codes import Condition


FLAGS = {
    Condition.REGULAR: "A",
    Condition.EXTERNAL_ESTIMATED: "S",
    Condition.EXTERNAL_ESTIMATED_LOW: "E",
    Condition.EXTERNAL_ESTIMATED_FINAL: "F",
    Condition.MISSING: "N",
}
BROKEN = "NEM12#Scenario10#ETSAMDP#NEMMCO.zip"


def ours(path: Path) -> dict[tuple[str, dt.datetime], tuple[Decimal | None, int]]:
    found = {}
    for item in intervals(read("nem12", path.read_bytes())):
        step = dt.timedelta(seconds=item.seconds_per_interval)
        for place, (value, condition) in enumerate(zip(item.values, item.conditions, strict=True), 1):
            found[item.component, (item.start + step * place).replace(tzinfo=None)] = (value, condition)
    return found


def theirs(path: Path) -> dict[tuple[str, dt.datetime], tuple[float, str]]:
    with warnings.catch_warnings():
        # It leaves its files open.
        warnings.simplefilter("ignore", ResourceWarning)
        file: Any = nemreader.read_nem_file(str(path))
    return {
        (f"{nmi}-{suffix}", reading.t_end): (reading.read_value, reading.quality_method)
        for nmi, channels in file.readings.items()
        for suffix, readings in channels.items()
        for reading in readings
    }


def paths(sample_data: Path) -> list[Path]:
    folder = sample_data / "nem12_aemo_examples"
    return [
        *sorted((folder / "nem12").iterdir()),
        *sorted((folder / "unzipped").glob("Example_NEM12_*.csv")),
        folder / "Example_NEM12_ManyNMIs.zip",
        folder / "Example_different_intervals.zip",
    ]


def differences(path: Path) -> list[tuple[str, dt.datetime, str, str]]:
    mine, other = ours(path), theirs(path)
    assert mine.keys() == other.keys(), path.name
    found = []
    for key, (value, condition) in mine.items():
        their_value, their_flag = other[key]
        flag = FLAGS[Condition(condition)]
        if flag == "N":
            assert (value, their_value) == (None, 0), path.name
        elif value is None or float(value) != their_value:
            found.append((*key, str(value), str(their_value)))
        if flag != their_flag[0]:
            found.append((*key, flag, their_flag))
    return found


class TestNemreader:
    def test_reads_the_examples_as_ours_does(self, sample_data: Path) -> None:
        whole = [path for path in paths(sample_data) if path.name != BROKEN]

        assert len(whole) == 104
        assert {path.name: differences(path) for path in whole if differences(path)} == {}

    def test_counts_the_quality_of_a_broken_day_to_the_day_before(self, sample_data: Path) -> None:
        found = differences(sample_data / "nem12_aemo_examples" / "nem12" / BROKEN)

        assert len(found) == 24
        assert {(component, flag, their_flag) for component, _, flag, their_flag in found} == {
            ("NEM1210191-B2", "A", "E52")
        }
        assert (min(end for _, end, _, _ in found), max(end for _, end, _, _ in found)) == (
            dt.datetime(2005, 1, 12, 12, 30),  # noqa: DTZ001  (the other reader's times have no zone)
            dt.datetime(2005, 1, 13),  # noqa: DTZ001
        )
