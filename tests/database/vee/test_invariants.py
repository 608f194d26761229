"""What holds whatever the readings are: the order in which they come, the number of runs, the number of workers."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import vee as make
from vee import queries
from vee.models import ImdPostVee, InitialMeasurement, MeasuringComponent, VeeException
from vee.operations import processing


pytestmark = pytest.mark.django_db
DAY = make.DAY
ONE_DAY = dt.timedelta(days=1)
SECONDS = 4 * 3600
PER_DAY = 6

VALUES = st.one_of(st.none(), st.integers(-50, 900).map(lambda count: str(count / 10)))
DAYS = st.lists(st.lists(VALUES, min_size=PER_DAY, max_size=PER_DAY), min_size=2, max_size=5)
WITHOUT_HISTORY = (
    {"rule": "uom_check"},
    {"rule": "negative_consumption_check", "severity": "INFO"},
    {"rule": "interval_spike_check", "severity": "INFO"},
)
WITH_HISTORY = (
    {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": {"max_consecutive_intervals": 2}},
    {
        "rule": "interval_averaging_estimation",
        "severity": "INFO",
        "parameters": {
            "comparison_search": ["NEIGHBOUR_DAY"], "eligible_condition_range": [300000, 699999], "max_days_back": 3,
        },
    },
    {"rule": "interval_spike_check", "severity": "INFO"},
)  # fmt: skip

_numbers = itertools.count(1)

# Each example has components of its own; the database is emptied once, at the end of the test.
with_database = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def type_with(*rules: dict[str, Any]) -> Any:
    group = make.vee_group(f"G{next(_numbers)}", *rules)
    return make.MeasuringComponentTypeFactory(initial_load_group=group, seconds_per_interval=SECONDS)


def load(one: MeasuringComponent, days: Sequence[Sequence[str | None]], order: Sequence[int]) -> None:
    for number in order:
        make.interval_imd(one, days[number], start=DAY + number * ONE_DAY, seconds=SECONDS)


def told(one: MeasuringComponent, days: int) -> list[Any]:
    """All that readers of measurements see of a component."""
    rows = queries.measurements(component=one, start=DAY - ONE_DAY, end=DAY + days * ONE_DAY)
    return [(row.end, row.value, row.condition) for row in rows]


class TestOrderOfArrival:
    @with_database
    @given(days=DAYS, data=st.data())
    def test_does_not_matter_to_rules_without_history(self, days: list[list[str | None]], data: st.DataObject) -> None:
        kind = type_with(*WITHOUT_HISTORY)
        first, second = (make.MeasuringComponentFactory(type=kind) for _ in range(2))
        order = data.draw(st.permutations(range(len(days))))

        load(first, days, range(len(days)))
        processing.process_due(at=make.AT)
        for number in order:
            load(second, days, [number])
            processing.process_due(at=make.AT)

        assert told(first, len(days)) == told(second, len(days))

    @with_database
    @given(days=DAYS, data=st.data(), chunk=st.sampled_from([1, 2, 500]))
    def test_does_not_matter_to_rules_with_history_when_days_wait_together(
        self, days: list[list[str | None]], data: st.DataObject, chunk: int
    ) -> None:
        kind = type_with(*WITH_HISTORY)
        first, second = (make.MeasuringComponentFactory(type=kind) for _ in range(2))

        load(first, days, range(len(days)))
        load(second, days, data.draw(st.permutations(range(len(days)))))
        processing.process_due(at=make.AT, chunk=chunk)

        assert told(first, len(days)) == told(second, len(days))


class TestPerformingAgain:
    @with_database
    @given(day=st.lists(VALUES, min_size=PER_DAY, max_size=PER_DAY), times=st.integers(1, 3))
    def test_gives_what_the_first_run_gave(self, day: list[str | None], times: int) -> None:
        rules = (
            *WITH_HISTORY,
            {"rule": "raise_missing_quantity_exception"},
            {"rule": "uom_check", "severity": "ISSUE"},
        )
        one = make.MeasuringComponentFactory(type=type_with(*rules))
        imd = make.interval_imd(one, day, seconds=SECONDS, uom="KW")
        processing.process_due(at=make.AT)
        before = self.evidence(imd)

        for _ in range(times):
            make.release(imd)

        assert self.evidence(imd) == before

    def evidence(self, imd: InitialMeasurement) -> Any:
        found = VeeException.objects.filter(imd=imd, open=True).order_by("pk")
        after = ImdPostVee.objects.filter(pk=imd.pk).first()
        return (
            InitialMeasurement.objects.get(pk=imd.pk).state,
            list(found.values_list("exception_type", "severity", "message", "observed", "limit", "count")),
            after and (after.values.tolist(), after.conditions.tolist(), after.rules.tolist()),
        )


@pytest.mark.skipif("connections['default'].vendor != 'postgresql'", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
class TestWorkers:
    @pytest.mark.parametrize("workers", [1, 2, 4])
    def test_their_number_does_not_matter(self, workers: int) -> None:
        kind = type_with(*WITH_HISTORY)
        components = [make.MeasuringComponentFactory(type=kind) for _ in range(4)]
        days = [
            [None if (day * 5 + place * 3) % 7 == 0 else str(day + place) for place in range(PER_DAY)]
            for day in range(12)
        ]
        for place, one in enumerate(components):
            load(one, days, sorted(range(len(days)), key=lambda number: (number * 7 + place) % len(days)))
        together = threading.Barrier(workers, timeout=30)

        def work(_: int) -> None:
            together.wait()
            try:
                while InitialMeasurement.objects.filter(state="PENDING").exists():
                    processing.process_due(at=make.AT, chunk=5)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(max_workers=workers) as pool:
            list(pool.map(work, range(workers)))

        assert set(InitialMeasurement.objects.values_list("state", flat=True)) == {"COMPLETE"}
        alone = make.MeasuringComponentFactory(type=kind)
        for number in range(len(days)):
            load(alone, days, [number])
            processing.process_due(at=make.AT)
        assert [told(one, len(days)) for one in components] == [told(alone, len(days))] * len(components)
