"""Published examples of register reads (`vectors/published_vectors.json` of the sample data)."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.vee.engine.builders import DAY_LONG, START, M, Meters, numbers, read, read_facts, run_rule, scalar
from vee.engine import registers
from vee.engine.registers import Register


DATA = os.environ.get("TIELINE_SAMPLE_DATA")

pytestmark = pytest.mark.skipif(DATA is None, reason="TIELINE_SAMPLE_DATA is not set: the data is not in the project")


def vector(name: str) -> dict[str, Any]:
    text = (Path(DATA or "") / "vectors" / "published_vectors.json").read_text(encoding="utf-8")
    return next(one for one in json.loads(text, parse_float=Decimal)["vectors"] if one["id"] == name)


class TestPublishedRegisterVectors:
    def test_eautomate_an_estimate_from_the_monthly_average(self) -> None:
        given, expected = vector("eautomate-scalar")["input"], vector("eautomate-scalar")["expected"]
        # Whole months of 30.25 days, the last one right before the estimate.
        history = Meters({10: [read("-30.25", 0), read(0, 0, given["avg_month"])]})
        about = read_facts(end=START + given["days"] * DAY_LONG)
        parameters = {"historical_pre_window": 91, "required_historical_data_pct": 10}

        result = run_rule("scalar_estimation", scalar(M, about=[about], scale=0), parameters, history)

        [usage] = numbers(result.batch)
        assert usage == expected["usage"]
        reading = registers.reading_after(Register(), Decimal(given["previous_read"]), usage, Decimal(1), 0)
        assert reading == expected["read"]

    def test_nem13_current_minus_previous_is_the_quantity(self) -> None:
        start, stop, quantity = vector("nem13-1")["input"]

        assert registers.consumption(Register(), start, stop, Decimal(1)) == quantity
        assert registers.consumption(Register(), Decimal(888), Decimal(999), Decimal(1)) == 111

    def test_nem13_a_quantity_that_does_not_fit_the_reads_is_told_apart(self) -> None:
        told = registers.consumption(Register(dials=7), Decimal(950), Decimal(10015), Decimal(1))

        assert told == 9065
        assert "9065" in vector("nem13-3")["expected"]
