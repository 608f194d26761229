from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from vee.engine.lone_peaks import lone_peaks


def expected(values: list[int], tolerance: Decimal) -> bool:
    """Ask as the rule is written: with a division, and three ranked values."""
    *_, third, _, highest = sorted(values)
    return highest > 0 and (third <= 0 or Decimal(highest - third) / third > tolerance)


class TestLonePeaks:
    @pytest.mark.parametrize("width", [3, 8, 23, 24, 96, 288])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_finds_what_ranking_finds_whatever_the_width(self, width: int, order: str) -> None:
        random = np.random.default_rng(width)
        values = random.integers(-5, 40, (400, width)) ** 3
        values[:200] = values[:200] // 50 + 400
        values[:100, 1] = random.integers(3_000, 6_000, 100)
        tolerance = Decimal("1.8")

        peaks, alone = lone_peaks(np.asarray(values, order=order), tolerance)

        assert peaks.tolist() == [max(row) for row in values.tolist()]
        assert alone.tolist() == [expected(row, tolerance) for row in values.tolist()]
        assert 0 < alone.sum() < len(alone)

    def test_decides_equality_exactly(self) -> None:
        values = np.array([[100, 100, 280], [100, 100, 281]])

        assert lone_peaks(values, Decimal("1.8"))[1].tolist() == [False, True]
