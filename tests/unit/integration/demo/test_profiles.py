from __future__ import annotations

import numpy as np

from integration.demo.profiles import Household, day_of, draw_household


TYPICAL = Household(
    base=0.2, morning_peak=0.8, morning_hour=7.25, evening_peak=1.6, evening_hour=19.0, midday=0.2, noise=0.05
)


class TestDayOf:
    def test_the_evening_is_the_highest_and_the_morning_a_peak_of_its_own(self) -> None:
        day = day_of(TYPICAL, intervals=96, seconds_per_interval=900, random=np.random.default_rng(1))
        hourly = day.reshape(24, 4).sum(axis=1)

        assert int(hourly.argmax()) in (18, 19)
        assert hourly[7] > 2 * hourly[3]
        assert hourly[7] > hourly[10]

    def test_energy_is_kept_to_three_decimals_and_positive(self) -> None:
        day = day_of(TYPICAL, intervals=92, seconds_per_interval=900, random=np.random.default_rng(2))

        assert day.shape == (92,)
        assert np.array_equal(day, np.round(day, 3))
        assert day.min() >= 0.001


class TestDrawHousehold:
    def test_customers_differ(self) -> None:
        random = np.random.default_rng(3)

        assert len({draw_household(random).evening_peak for _ in range(50)}) == 50
