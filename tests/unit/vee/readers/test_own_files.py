"""The small files that the project ships for trials and its own tests."""

from __future__ import annotations

from pathlib import Path

from vee import readers
from vee.codes import Condition
from vee.readers import IntervalReadings, RegisterReading, RowError


FOLDER = Path(__file__).parents[3] / "data" / "nem12"


def read(name: str) -> list[readers.Item]:
    with (FOLDER / name).open("rb") as stream:
        return list(readers.open_reader(format="nem12", stream=stream, name=name))


class TestOwnFiles:
    def test_with_two_meters_give_four_days_and_a_register_read(self) -> None:
        items = read("own_two_meters.csv")

        days = [item for item in items if isinstance(item, IntervalReadings)]
        assert [(item.component, len(item.values)) for item in days] == [
            ("OWN0000001-E1", 48),
            ("OWN0000001-E1", 48),
            ("OWN0000001-B1", 48),
            ("OWN0000002-E1", 288),
        ]
        assert days[1].conditions == (
            [Condition.REGULAR] * 30
            + [Condition.EXTERNAL_ESTIMATED] * 4
            + [Condition.EXTERNAL_ESTIMATED_LOW] * 12
            + [Condition.MISSING] * 2
        )
        assert [item.component for item in items if isinstance(item, RegisterReading)] == ["OWN0000001-E1:REG"]
        assert not [item for item in items if isinstance(item, RowError)]

    def test_with_faults_give_the_one_good_day(self) -> None:
        items = read("own_with_faults.csv")

        assert [(item.line, getattr(item, "code", "")) for item in items] == [
            (3, "interval_count"),
            (4, "unknown_method"),
            (5, "quality_missing"),
            (6, ""),
        ]
