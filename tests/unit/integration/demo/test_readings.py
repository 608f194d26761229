from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from integration.demo.readings import (
    LONG_GAP_INTERVALS,
    SHORT_GAP_INTERVALS,
    Label,
    generate_day,
    local_day,
    master_data,
)


ON = date(2024, 5, 6)


class TestGenerateDay:
    def test_the_same_seed_gives_the_same_day(self) -> None:
        assert generate_day(run="R", meters=60, on=ON, seed=7) == generate_day(run="R", meters=60, on=ON, seed=7)

    def test_another_seed_gives_another_day(self) -> None:
        assert generate_day(run="R", meters=60, on=ON, seed=7) != generate_day(run="R", meters=60, on=ON, seed=8)

    def test_another_run_has_other_names_and_the_same_values(self) -> None:
        first = generate_day(run="A", meters=60, on=ON, seed=7)
        second = generate_day(run="B", meters=60, on=ON, seed=7)

        assert {day.component for day in first}.isdisjoint(day.component for day in second)
        assert [day.values for day in first] == [day.values for day in second]

    def test_labels_have_their_shares(self) -> None:
        labels = Counter(day.label for day in generate_day(run="R", meters=2_000, on=ON, seed=7))

        assert labels == {
            Label.CLEAN: 1_810,
            Label.SHORT_GAP: 80,
            Label.LONG_GAP: 30,
            Label.SPIKE: 40,
            Label.WRONG_UOM: 15,
            Label.WRONG_MULTIPLIER: 15,
            Label.UNKNOWN_COMPONENT: 10,
        }

    def test_every_label_is_there_in_a_small_day(self) -> None:
        assert {day.label for day in generate_day(run="R", meters=20, on=ON, seed=7)} == set(Label)

    def test_clean_days_pass_the_spike_limit_of_the_demo(self) -> None:
        for day in generate_day(run="R", meters=2_000, on=ON, seed=7):
            if day.label is Label.SPIKE:
                continue
            highest = sorted((value for value in day.values if value is not None), reverse=True)
            assert (highest[0] - highest[2]) / highest[2] <= 1.8, day.component

    def test_a_spike_fails_it_at_its_interval(self) -> None:
        for day in generate_day(run="R", meters=500, on=ON, seed=7):
            if day.label is Label.SPIKE:
                values = [value or 0.0 for value in day.values]
                highest = sorted(values, reverse=True)
                assert values.index(highest[0]) == day.affected[0]
                assert (highest[0] - highest[2]) / highest[2] > 1.8

    @pytest.mark.parametrize(
        ("label", "lengths"), [(Label.SHORT_GAP, SHORT_GAP_INTERVALS), (Label.LONG_GAP, LONG_GAP_INTERVALS)]
    )
    def test_a_gap_is_one_run_of_missing_values_inside_the_day(self, label: Label, lengths: tuple[int, int]) -> None:
        for day in generate_day(run="R", meters=500, on=ON, seed=7):
            if day.label is not label:
                continue
            missing = [index for index, value in enumerate(day.values) if value is None]
            assert tuple(missing) == day.affected
            assert missing == list(range(missing[0], missing[-1] + 1))
            assert lengths[0] <= len(missing) <= lengths[1]
            assert missing[0] >= 4
            assert missing[-1] < len(day.values) - 4

    def test_only_what_a_label_is_about_is_missing(self) -> None:
        for day in generate_day(run="R", meters=200, on=ON, seed=7):
            if day.label not in (Label.SHORT_GAP, Label.LONG_GAP):
                assert None not in day.values

    @pytest.mark.parametrize(
        ("_case", "on", "intervals"),
        [
            ("an ordinary day", date(2024, 5, 6), 96),
            ("clocks go forward", date(2024, 3, 10), 92),
            ("clocks go back", date(2024, 11, 3), 100),
        ],
    )
    def test_a_day_has_as_many_intervals_as_its_local_clock(self, _case: str, on: date, intervals: int) -> None:
        imd = generate_day(run="R", meters=20, on=on, seed=7)[0].as_imd()

        assert len(imd["values"]) == intervals


class TestLocalDay:
    def test_it_runs_from_midnight_to_midnight_in_new_york(self) -> None:
        start, end = local_day(date(2024, 3, 10))

        assert (start.isoformat(), end.isoformat()) == ("2024-03-10T05:00:00+00:00", "2024-03-11T04:00:00+00:00")


class TestMasterData:
    def test_every_meter_is_registered_but_the_unknown_ones(self) -> None:
        days = generate_day(run="R", meters=50, on=ON, seed=7)

        registered = {line["id"] for line in master_data(days) if line["kind"] == "measuring_component"}

        assert registered == {day.component for day in days if day.label is not Label.UNKNOWN_COMPONENT}


class TestAsImd:
    def test_it_has_the_fields_of_the_api(self) -> None:
        day = generate_day(run="R", meters=20, on=ON, seed=7)[0]

        imd = day.as_imd()

        assert {name: imd[name] for name in imd if name != "values"} == {
            "measuring_component": day.component,
            "start": "2024-05-06T04:00:00Z",
            "end": "2024-05-07T04:00:00Z",
            "seconds_per_interval": 900,
            "uom": day.uom,
            "kind": "INITIAL_LOAD",
            "multiplier": day.multiplier,
            "external_id": f"{day.component}-20240506",
        }
