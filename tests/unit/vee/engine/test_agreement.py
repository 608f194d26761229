"""The engine against the reference, on batches that hypothesis makes up."""

from __future__ import annotations

import copy
import dataclasses
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.vee import reference
from tests.unit.vee.engine.builders import START, facts, plan_of, spec
from tests.unit.vee.engine.talkative import Talkative
from tests.unit.vee.reference import Imd, Interval
from vee.codes import ComponentKind
from vee.engine import fixed_point, registry, runner
from vee.engine.batch import Batch
from vee.engine.context import Boundaries, NoHistory
from vee.engine.findings import RunResult


SCALE = 3
SECONDS = 4 * 3600
PER_DAY = 6

CONDITIONS = st.sampled_from([101000, 102000, 109000, 201000, 301000, 301100, 401000, 501000, 501000, 501000, 601000])
VALUES = st.one_of(
    st.none(),
    st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("0.28"), Decimal(1), Decimal("2.8"), Decimal("2.801")]),
    st.integers(-3000, 9000).map(lambda count: Decimal(count).scaleb(-SCALE)),
    st.integers(-(10**18), 10**18).map(lambda count: Decimal(count).scaleb(-SCALE)),
)
INTERVALS = st.builds(Interval, VALUES, CONDITIONS)
SIDES = st.one_of(st.none(), st.tuples(VALUES.filter(lambda value: value is not None), CONDITIONS))
REQUIRED: dict[str, dict[str, Any]] = {
    "dynamic_comparison_validation": {"formula": "imd_sum > imd_count * imd_median or history_outage_count > 0"},
}
"""Parameters of the rules that cannot do without."""
FACTS = st.builds(
    facts,
    uom=st.sampled_from([None, "KWH", "KW"]),
    multiplier=st.sampled_from([None, Decimal(1), Decimal("1.0"), Decimal(2)]),
    seconds_per_interval=st.sampled_from([None, SECONDS, 900]),
    component_seconds_per_interval=st.sampled_from([SECONDS, None]),
    component_id=st.integers(10, 15),
    service_point_id=st.sampled_from([None, 1]),
    device_id=st.sampled_from([None, 1]),
    consumption_reference_id=st.sampled_from([None, 20, 120]),
    allow_negative=st.booleans(),
)


@st.composite
def imds(draw: st.DrawFn) -> list[Imd]:
    length = draw(st.integers(1, 15))
    rows = st.lists(INTERVALS, min_size=length, max_size=length)
    return draw(st.lists(st.builds(Imd, rows, SIDES, SIDES), min_size=1, max_size=5))


class Sides(NoHistory):
    """Answers by the IMD's id with what stands beside it."""

    def __init__(self, given_imds: list[Imd]) -> None:
        self._imds = given_imds

    def boundaries(self, batch: Batch) -> Boundaries:
        def column(sides: list[Any]) -> tuple[Any, Any, Any]:
            return (
                np.array([fixed_point.to_fixed(side[0], SCALE) if side else 0 for side in sides], dtype=np.int64),
                np.array([side[1] if side else 0 for side in sides], dtype=np.int32),
                np.array([side is not None for side in sides]),
            )

        asked = [self._imds[about.imd_id] for about in batch.facts]
        return Boundaries(*column([imd.before for imd in asked]), *column([imd.after for imd in asked]))


def as_batch(given_imds: list[Imd], first: int = 0) -> Batch:
    pairs = [fixed_point.to_fixed_array([interval.value for interval in imd.intervals], SCALE) for imd in given_imds]
    shape = (len(given_imds), len(given_imds[0].intervals))
    return Batch(
        values=np.array([counts for counts, _ in pairs]).reshape(shape),
        valid=np.array([valid for _, valid in pairs]).reshape(shape),
        conditions=np.array([[i.condition for i in imd.intervals] for imd in given_imds], dtype=np.int32),
        set_by=np.zeros(shape, dtype=np.int32),
        kind=ComponentKind.INTERVAL,
        scale=SCALE,
        seconds_per_interval=SECONDS,
        starts=np.full(len(given_imds), START, dtype=np.int64),
        facts=[facts(imd_id=first + number) for number in range(len(given_imds))],
    )


def rows_of(result: RunResult) -> list[list[tuple[Decimal | None, int, int]]]:
    post = result.batch
    return [
        list(
            zip(
                fixed_point.to_decimals(post.values[row], post.valid[row], SCALE),
                post.conditions[row].tolist(),
                post.set_by[row].tolist(),
                strict=True,
            )
        )
        for row in range(post.size)
    ]


def both_rules(limit: int, spike: dict[str, Any]) -> Any:
    return plan_of(
        spec("interval_interpolation_estimation", {"max_consecutive_intervals": limit}, id=5, sequence=1),
        spec("interval_spike_check", spike, id=6, sequence=2),
    )


# Rules that set missing intervals and no others.
FILLS = frozenset(
    {
        "interval_interpolation_estimation", "interval_averaging_estimation", "interval_profile_estimation",
        "interval_proxy_day_estimation",
    }
)  # fmt: skip
# Rules that put what was measured in the place of what came, whatever that was.
REPLACES = frozenset({"interval_replacement_rule", "final_measurement_replacement", "scalar_replacement_rule"})

SPIKES = st.fixed_dictionaries(
    {
        "tolerance": st.sampled_from(["1.8", "0", "0.333333333333", "12.5"]),
        "mode": st.sampled_from(["PER_24H", "WHOLE_IMD"]),
        "minimum_peak": st.sampled_from(["0", "0.28", "2.8005", "1000000000"]),
        "exclude_condition_range": st.sampled_from([[100_000, 299_999], [300_000, 399_999], None]),
    }
)


class TestEngine:
    @settings(max_examples=300, deadline=None)
    @given(imds(), st.integers(1, 4), SPIKES)
    def test_gives_the_values_codes_and_findings_of_the_reference(
        self, given_imds: list[Imd], limit: int, spike: dict[str, Any]
    ) -> None:
        result = runner.run(batch=as_batch(given_imds), plan=both_rules(limit, spike), context=Sides(given_imds))

        expected = copy.deepcopy(given_imds)
        found = []
        for row, imd in enumerate(expected):
            reference.interpolate(imd, limit=limit, scale=SCALE, rule_id=5)
            spans = reference.find_spikes(
                imd,
                tolerance=Decimal(spike["tolerance"]),
                per_day=PER_DAY if spike["mode"] == "PER_24H" else None,
                minimum_peak=Decimal(spike["minimum_peak"]),
                exclude=spike["exclude_condition_range"],
            )
            found.extend((row, *span) for span in spans)
        assert rows_of(result) == [
            [(interval.value, interval.condition, interval.set_by) for interval in imd.intervals] for imd in expected
        ]
        assert [(f.row, f.first_interval, f.last_interval, f.count) for f in result.findings] == found
        assert result.blocked.tolist() == [any(row == at for at, *_ in found) for row in range(len(given_imds))]

    @settings(max_examples=150, deadline=None)
    @given(imds(), st.integers(1, 4), SPIKES)
    def test_gives_for_n_imds_what_n_batches_of_one_give(
        self, given_imds: list[Imd], limit: int, spike: dict[str, Any]
    ) -> None:
        steps = both_rules(limit, spike)
        whole = runner.run(batch=as_batch(given_imds), plan=steps, context=Sides(given_imds))
        singles = [
            runner.run(batch=as_batch([imd], first=row), plan=steps, context=Sides(given_imds))
            for row, imd in enumerate(given_imds)
        ]

        assert rows_of(whole) == [rows_of(single)[0] for single in singles]
        assert [f.message for f in whole.findings] == [f.message for single in singles for f in single.findings]
        assert whole.blocked.tolist() == [single.blocked[0] for single in singles]
        assert whole.changed.tolist() == [single.changed[0] for single in singles]
        assert [whole.row_log(row) for row in range(len(singles))] == [single.row_log(0) for single in singles]

    @pytest.mark.parametrize("name", [name for name, rule in registry.AVAILABLE.items() if rule.evaluate])
    @settings(max_examples=40, deadline=None)
    @given(imds(), st.data())
    def test_every_rule_judges_an_imd_alone_as_it_does_among_others(
        self, name: str, given_imds: list[Imd], data: st.DataObject
    ) -> None:
        kind = min(registry.get(name).kinds)
        about = [dataclasses.replace(data.draw(FACTS), imd_id=row) for row in range(len(given_imds))]
        whole_batch = dataclasses.replace(as_batch(given_imds), facts=about, kind=kind)
        steps = plan_of(spec(name, REQUIRED.get(name)), kind=kind)
        context = data.draw(st.sampled_from([Sides(given_imds), Talkative()]))
        whole = runner.run(batch=whole_batch, plan=steps, context=context)
        singles = [
            runner.run(batch=whole_batch.take([row]), plan=steps, context=context) for row in range(len(given_imds))
        ]

        assert rows_of(whole) == [rows_of(single)[0] for single in singles]
        assert [dataclasses.replace(f, row=0) for f in whole.findings] == [f for s in singles for f in s.findings]
        assert [whole.row_log(row) for row in range(len(singles))] == [single.row_log(0) for single in singles]
        assert [dataclasses.replace(r, row=0) for r in whole.requests] == [r for s in singles for r in s.requests]
        assert not any(finding.exception_type == "RULE-FAILED" for finding in whole.findings)

    @pytest.mark.parametrize("name", [name for name, rule in registry.AVAILABLE.items() if rule.evaluate])
    @settings(max_examples=25, deadline=None)
    @given(imds(), st.data())
    def test_no_rule_touches_an_interval_that_it_may_not(
        self, name: str, given_imds: list[Imd], data: st.DataObject
    ) -> None:
        kind = min(registry.get(name).kinds)
        batch = dataclasses.replace(as_batch(given_imds), kind=kind)
        steps = plan_of(spec(name, REQUIRED.get(name)), kind=kind)
        context = data.draw(st.sampled_from([Sides(given_imds), Talkative()]))

        post = runner.run(batch=batch, plan=steps, context=context).batch

        touched = post.set_by != 0
        for name_of, before in (("values", batch.values), ("valid", batch.valid), ("conditions", batch.conditions)):
            assert np.array_equal(getattr(post, name_of)[~touched], before[~touched])
        for row, interval in np.argwhere(touched):
            given_interval = given_imds[row].intervals[interval]
            if name in FILLS:
                assert reference.is_missing(given_interval)
            elif name not in REPLACES:
                # An outage is no gap, and nothing to be scaled.
                assert not 101_000 <= given_interval.condition <= 102_999

    @settings(max_examples=150, deadline=None)
    @given(imds(), st.integers(1, 4))
    def test_leaves_what_was_given_untouched(self, given_imds: list[Imd], limit: int) -> None:
        batch = as_batch(given_imds)
        before = batch.copy()
        result = runner.run(batch=batch, plan=both_rules(limit, {}), context=Sides(given_imds))

        # Pre-VEE is not written to.
        for name in ("values", "valid", "conditions", "set_by"):
            assert np.array_equal(getattr(batch, name), getattr(before, name))
        # Post-VEE differs in estimated intervals only, and those were missing.
        kept = result.batch.set_by == 0
        assert np.array_equal(result.batch.values[kept], before.values[kept])
        assert np.array_equal(result.batch.conditions[kept], before.conditions[kept])
        assert np.array_equal(result.batch.valid[kept], before.valid[kept])
        for row, interval in np.argwhere(~kept):
            assert reference.is_missing(given_imds[row].intervals[interval])
        assert np.array_equal(result.changed, (~kept).any(axis=1))

    @settings(max_examples=150, deadline=None)
    @given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15), st.integers(1, 40))
    def test_keeps_the_energy_of_a_line_to_half_a_count_per_interval(self, first: int, last: int, gap: int) -> None:
        ends = [Decimal(first).scaleb(-SCALE), Decimal(last).scaleb(-SCALE)]
        missing = [Interval(None, 201000) for _ in range(gap)]
        imd = Imd([Interval(ends[0], 501000), *missing, Interval(ends[1], 501000)])
        steps = plan_of(spec("interval_interpolation_estimation", {"max_consecutive_intervals": gap}))
        result = runner.run(batch=as_batch([imd]), plan=steps, context=Sides([imd]))

        filled = fixed_point.row_sums(result.batch.values[:, 1:-1], result.batch.valid[:, 1:-1])[0]
        # The line is symmetric: what rounding takes on one side it gives on the other, but for ties.
        assert abs(2 * int(filled) - (first + last) * gap) <= gap
        assert bool(result.batch.valid.all())
