"""Every rule for registers judges a read alone as it does among others."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import DAY_LONG, START, Meters, hourly, plan_of, read, read_facts, scalar, spec
from vee.codes import ComponentKind
from vee.engine import registry, runner


SCALAR_RULES = [
    name for name, rule in registry.AVAILABLE.items() if rule.evaluate and ComponentKind.SCALAR in rule.kinds
]
COUNTS = st.integers(-(10**18), 10**18).map(lambda count: Decimal(count).scaleb(-6))
FACTS = st.builds(
    read_facts,
    component_id=st.sampled_from([10, 11, 12]),
    end=st.integers(-1, 3).map(lambda day: START + day * DAY_LONG),
    reading=st.one_of(st.none(), COUNTS),
    previous_reading=st.one_of(st.none(), COUNTS),
    previous_read_at=st.one_of(st.none(), st.integers(-2, 1).map(lambda day: START + day * DAY_LONG)),
    subtractive=st.booleans(),
    combined_multiplier=st.sampled_from([Decimal(1), Decimal("0.333333"), Decimal(40)]),
)
READS = st.lists(
    st.builds(
        read,
        st.integers(-40, 5),
        COUNTS,
        st.one_of(st.none(), COUNTS),
        condition=st.sampled_from([301000, 501000]),
        user_edited=st.booleans(),
    ),
    unique_by=lambda one: one.read_at,
    max_size=6,
)
ROWS = st.lists(
    st.tuples(FACTS, st.one_of(st.none(), COUNTS), st.sampled_from([201000, 301000, 501000])), min_size=1, max_size=5
)
HISTORIES = st.builds(
    lambda one, other, values: Meters({10: one, 11: other}, hourly(20, *values) if values else None),
    READS,
    READS,
    st.lists(st.one_of(st.none(), COUNTS), max_size=80),
)


@pytest.mark.parametrize("name", SCALAR_RULES)
@settings(max_examples=60, deadline=None)
@given(ROWS, HISTORIES)
def test_every_rule_judges_a_read_alone_as_it_does_among_others(name: str, rows: Any, history: Meters) -> None:
    about = [dataclasses.replace(facts, imd_id=number) for number, (facts, _, _) in enumerate(rows)]
    batch = scalar(*[value for _, value, _ in rows], about=about, conditions=[[code] for _, _, code in rows])
    steps = plan_of(spec(name), kind=ComponentKind.SCALAR)

    whole = runner.run(batch=batch, plan=steps, context=history)
    singles = [runner.run(batch=batch.take([row]), plan=steps, context=history) for row in range(batch.size)]

    for array in ("values", "valid", "conditions", "set_by"):
        together = getattr(whole.batch, array)
        assert np.array_equal(together, np.concatenate([getattr(one.batch, array) for one in singles]))
    assert {(f.row, f.message) for f in whole.findings} == {
        (row, f.message) for row, one in enumerate(singles) for f in one.findings
    }
    assert [whole.row_log(row) for row in range(batch.size)] == [one.row_log(0) for one in singles]
    assert not any(finding.exception_type == "RULE-FAILED" for finding in whole.findings)
