"""Published examples of sums, limits and error values (`vectors/published_vectors.json` of the sample data)."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.vee.engine.builders import START, M, as_numbers, batch, facts, numbers, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, read, register, series
from vee.engine.findings import RunResult


def vector(sample_data: Path, name: str) -> dict[str, Any]:
    text = (sample_data / "vectors" / "published_vectors.json").read_text(encoding="utf-8")
    found: dict[str, Any] = next(one for one in json.loads(text, parse_float=Decimal)["vectors"] if one["id"] == name)
    return found


def half_hours(sample_data: Path, file: str) -> list[tuple[Decimal, list[Decimal | None]]]:
    """Each row's total of the day and its 48 values."""
    with (sample_data / file).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return [(Decimal(row[6]), [Decimal(text) if text else None for text in row[7:55]]) for row in rows]


def against_total(values: list[Decimal | None], total: Decimal, seconds: int = 1800) -> RunResult:
    """The sum check without any tolerance against a register that counted the total."""
    reads = {20: [read(START, None), read(START + len(values) * seconds, total)]}
    world = World(related_ids=(20,), known=[register(20)], reads=reads)
    return run_rule("sum_check", batch(values, seconds=seconds), history=world)


class TestSums:
    def test_cmep_intervals_of_a_day_equal_the_registers_step(self, sample_data: Path) -> None:
        expected = vector(sample_data, "cmep-sum")["expected"]
        lines = (sample_data / vector(sample_data, "cmep-sum")["file"]).read_text(encoding="utf-8").splitlines()
        intervals, reads = (line.split(",")[14:] for line in lines[:2])
        values: list[Decimal | None] = [Decimal(text) for text in intervals[2 : 24 * 3 : 3]]
        step = Decimal(reads[5]) - Decimal(reads[2])

        assert (sum(value for value in values if value is not None), step) == (
            expected["interval_sum"],
            expected["register_delta"],
        )
        assert against_total(values, step, 3600).findings == []
        [finding] = against_total(values, step + 1, 3600).findings
        assert finding.observed == "1"

    def test_banes_half_hours_equal_the_days_total(self, sample_data: Path) -> None:
        published = vector(sample_data, "banes-sum")
        days = half_hours(sample_data, published["file"])

        assert [str(total) for total, _ in days] == [name for name in published["expected"] if name != "pass"]
        for total, values in days:
            assert against_total(values, total).findings == []

    def test_banes_a_missing_half_hour_is_no_verdict_and_its_true_value_a_pass(self, sample_data: Path) -> None:
        published = vector(sample_data, "banes-missing")
        (total, values), *_ = half_hours(sample_data, published["file"])
        truth = published["expected"]["true_missing_value"]
        missing = against_total(values, total)

        assert missing.findings == []
        assert missing.row_log(0)[0].reason == "values are missing"
        assert against_total([truth if value is None else value for value in values], total).findings == []
        assert len(against_total([truth * 2 if value is None else value for value in values], total).findings) == 1


class TestUsagePerDay:
    def test_oracle_a_day_of_24_hours_of_100_is_2400_a_day(self, sample_data: Path) -> None:
        world = World(intervals={OWN: series([100] * 24, start=START - DAY, seconds=3600)})
        parameters = {"historical_look_first": "LAST_READING", "historical_pre_window": 0, "high_tolerance_pct": 100}
        [finding] = run_rule("high_low_check", batch([100] * 23 + ["100.01"], seconds=3600), parameters, world).findings

        assert finding.limit == str(vector(sample_data, "oracle-adu")["expected"])


class TestErrorValues:
    def test_energy_sparks_the_overflow_of_32_bits_is_no_value(self, sample_data: Path) -> None:
        assert "4294967.295" in vector(sample_data, "es-dcc-bad")["rule"]

        result = run_rule("head_end_error_value_check", batch([1, "4294967.295", 2]))

        assert numbers(result.batch) == as_numbers(1, M, 2)


class TestNegative:
    @pytest.mark.parametrize(("allowed", "fails"), [(False, True), (True, False)])
    def test_energy_sparks_negative_values_of_export_meters_are_right(
        self, sample_data: Path, allowed: bool, fails: bool
    ) -> None:
        value = vector(sample_data, "es-negative-export")["expected"]["value"]
        given = batch([value, 1], about=[facts(allow_negative=allowed)])

        assert bool(run_rule("negative_consumption_check", given, {"scope": "ANY_INTERVAL"}).findings) == fails
