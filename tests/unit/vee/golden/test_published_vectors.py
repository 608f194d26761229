"""
Published examples (`vectors/published_vectors.json` of the sample data) of limits, qualities and negative values.

Those of sums and error values, of estimations and of registers stand in the other modules of this name; the last test
here holds that every example has one.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.factories.readings import intervals, read, registers
from tests.unit.vee.engine.builders import START, M, as_numbers, batch, numbers, run_rule
from vee.codes import Condition
from vee.engine.batch import Batch
from vee.engine.context import NoHistory


HERE = Path(__file__).parent
TESTS = HERE.parents[1] / "vee"
DAY = 86_400


def vectors(sample_data: Path) -> dict[str, dict[str, Any]]:
    text = (sample_data / "vectors" / "published_vectors.json").read_text(encoding="utf-8")
    return {one["id"]: one for one in json.loads(text, parse_float=Decimal)["vectors"]}


class LastMeasured(NoHistory):
    def __init__(self, label: int) -> None:
        self._label = label

    def last_measured(self, batch: Batch) -> Any:
        return np.full(batch.size, self._label, dtype=np.int64)


class TestInterpolation:
    def test_itron_linear_limit_fills_gaps_up_to_three_hours(self, sample_data: Path) -> None:
        for first, last, outcome in vectors(sample_data)["itron-linear-limit"]["gaps"]:
            begin, end = (dt.datetime.strptime(text, "%H:%M") for text in (first, last))  # noqa: DTZ007
            missing = int((end - begin).total_seconds()) // 900

            post = run_rule(
                "interval_interpolation_estimation", batch(["1", *[M] * missing, "1"]), {"max_hours": 3}
            ).batch

            assert bool(post.valid.all()) == (outcome == "filled"), (first, last)

    def test_oracle_one_sided_repeats_the_only_neighbour(self, sample_data: Path) -> None:
        assert vectors(sample_data)["oracle-one-sided"]["expected"].startswith("flat load")

        post = run_rule("interval_interpolation_estimation", batch([M, M, "80"])).batch

        assert numbers(post) == as_numbers(80, 80, 80)

    def test_oracle_highlow_claim_is_the_limit_per_day(self, sample_data: Path) -> None:
        # What the rule does with it is GT-18.
        assert Decimal(212) / 10 * 4 == vectors(sample_data)["oracle-highlow-claim"]["expected"]


class TestFiles:
    def test_nem13_2_a_forward_estimate_is_the_difference_of_its_reads(self, sample_data: Path) -> None:
        published = vectors(sample_data)["nem13-2"]

        reads = registers(read("nem13", (sample_data / published["file"]).read_bytes()))

        [reading] = [one for one in reads if one.reading == 999]
        assert reading.reading - reading.earlier[0].reading == 111
        assert reading.condition == Condition.EXTERNAL_ESTIMATED_LOW

    def test_nem12_quality_of_400_rows_is_that_of_each_interval(self, sample_data: Path) -> None:
        published = vectors(sample_data)["nem12-quality"]
        codes = {"F14": Condition.EXTERNAL_ESTIMATED_FINAL, "A": Condition.REGULAR, "S14": Condition.EXTERNAL_ESTIMATED}

        items = intervals(read("nem12", (sample_data / published["file"]).read_bytes()))

        found = next(item.conditions for item in items if len(set(item.conditions)) > 1)
        for span, flag in published["expected"].items():
            first, last = map(int, span.split("-"))
            assert set(found[first - 1 : last]) == {codes[flag]}, span

    def test_espi_quality_counts_and_sum(self, sample_data: Path) -> None:
        published = vectors(sample_data)["espi-quality"]
        expected = published["expected"]

        items = intervals(read("green_button", (sample_data / published["file"]).read_bytes()))

        values = [value for item in items for value in item.values if value is not None]
        assert (len(values), sum(values)) == (expected["intervals"], expected["sum_Wh"])
        estimated = sum(item.conditions.count(Condition.EXTERNAL_ESTIMATED) for item in items)
        assert estimated == expected["quality_8"] + expected["quality_7"]


class TestNegativeValues:
    """The peer replaces them; here they are found, and what follows is the group's business."""

    @pytest.mark.parametrize(("name", "count"), [("es-negative-1", 1), ("es-negative-7", 7)])
    def test_negative_half_hours_are_found(self, sample_data: Path, name: str, count: int) -> None:
        assert vectors(sample_data)[name]["expected"]["flag"] == "RNEG"
        day = batch([-1] * count + [Decimal("0.5")] * (48 - count), seconds=1800)

        [finding] = run_rule("negative_consumption_check", day, {"scope": "ANY_INTERVAL"}).findings

        assert (finding.first_interval, finding.last_interval, finding.count) == (0, count - 1, count)


class TestGaps:
    @pytest.mark.parametrize("days", [49, 50])
    def test_es_gap_limit_fills_holes_of_up_to_49_days(self, sample_data: Path, days: int) -> None:
        kept = vectors(sample_data)["es-gap-limit"]["expected"][str(days)] == "kept"

        requests = run_rule(
            "interval_create_estimation_imd_for_gap",
            batch(["1"] * 48, seconds=1800),
            {"max_hours": 49 * 24},
            LastMeasured(START - days * DAY),
        ).requests

        assert [(asked.start, asked.end) for asked in requests] == ([(START - days * DAY, START)] if kept else [])


def test_every_published_example_has_its_test(sample_data: Path) -> None:
    # uci-dst: tests of days whose count of values does not fit their length.
    text = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py"))
    told = re.sub(r"[^a-z0-9]+", "-", text.lower())

    assert [name for name in vectors(sample_data) if name not in told] == []
