from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, M, as_numbers, batch, numbers, run_rule
from tests.unit.vee.engine.world import Series, World, other_component
from vee.codes import ComponentKind, Condition


RULE = "interval_profile_estimation"
PROFILE = other_component(30, ComponentKind.INTERVAL, seconds=900)


def world(series: Series, factor: str = "PROFILE") -> World:
    return World(series={30: series}, factors={factor: 30}, facts=[PROFILE])


class TestIntervalProfileEstimation:
    def test_missing_intervals_take_the_profiles_values(self) -> None:
        result = run_rule(RULE, batch([1, M, M, 1]), history=world(Series([2, 3, 4, 5])))

        assert numbers(result.batch) == as_numbers(1, 3, 4, 1)
        assert result.batch.conditions[0].tolist() == [501000, 301300, 301300, 501000]

    def test_times_a_scale(self) -> None:
        result = run_rule(RULE, batch([1, M]), {"scale": "0.5"}, world(Series([2, "0.000003"])))

        assert numbers(result.batch) == as_numbers(1, "0.000002")

    def test_or_scaled_to_what_was_measured(self) -> None:
        result = run_rule(RULE, batch([6, M, 6, M]), {"scale_to_measured": True}, world(Series([1, 2, 3, M])))

        assert numbers(result.batch) == as_numbers(6, 6, 6, M)

    def test_and_by_the_scale_where_nothing_was_measured(self) -> None:
        parameters = {"scale_to_measured": True, "scale": 2}

        assert numbers(run_rule(RULE, batch([M, M]), parameters, world(Series([1, 2]))).batch) == as_numbers(2, 4)

    def test_what_the_profile_does_not_have_stays_missing_and_is_reported(self) -> None:
        outage = int(Condition.NO_READ_OUTAGE)
        profile = Series([1, 0, M], conditions=[501000, outage, 201000])
        result = run_rule(RULE, batch([M, M, M, M]), history=world(profile))

        assert numbers(result.batch) == as_numbers(1, M, M, M)
        [finding] = result.findings
        assert (finding.exception_type, finding.first_interval, finding.last_interval, finding.count) == (
            "NO-PROFILE", 1, 3, 3,
        )  # fmt: skip
        assert finding.message == "3 missing intervals were not estimated: the profile has no usable value for them."

    def test_no_profile_or_one_of_another_unit_is_reported(self) -> None:
        other_unit = world(Series([1]))
        other_unit.facts = [dataclasses.replace(PROFILE, uom="THERM")]
        for history in (World(), world(Series([1]), factor="OTHER"), other_unit):
            [finding] = run_rule(RULE, batch([M]), history=history).findings
            assert "the factor PROFILE names no profile of the component's unit" in finding.message

    def test_a_value_that_would_be_too_large_is_none(self) -> None:
        result = run_rule(RULE, batch([M, M]), {"scale": 10**9}, world(Series([1, 10_000])))

        assert numbers(result.batch) == as_numbers(10**9, M)
        assert [finding.exception_type for finding in result.findings] == ["NO-PROFILE"]

    def test_another_factor_may_be_named(self) -> None:
        result = run_rule(RULE, batch([M]), {"profile_factor": "VE07"}, world(Series([8]), factor="VE07"))

        assert numbers(result.batch) == as_numbers(8)

    def test_without_gaps_nothing_is_asked(self) -> None:
        history = world(Series([1]))
        run_rule(RULE, batch([1]), history=history)

        assert history.asked == []

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), min_size=2, max_size=60), st.integers(1, 1000))
    def test_scaled_to_what_was_measured_the_shape_of_the_profile_is_kept(
        self, profile: list[tuple[int, bool]], factor: int
    ) -> None:
        values = [value for value, _ in profile]
        given_batch = batch([M if gone else value * factor for value, gone in profile], scale=0)
        result = run_rule(RULE, given_batch, {"scale_to_measured": True}, world(Series(values, start=START)))

        times = factor if any(value for value, gone in profile if not gone) else 1
        assert result.batch.values[0].tolist() == [value * (times if gone else factor) for value, gone in profile]
