from __future__ import annotations

import dataclasses

import numpy as np

from tests.unit.vee.engine.builders import M, batch
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, Runs, missing_runs, runs_of


def as_tuples(runs: Runs) -> list[tuple[int, int, int]]:
    return list(zip(runs.rows.tolist(), runs.firsts.tolist(), runs.lengths.tolist(), strict=True))


class TestRunsOf:
    def test_finds_runs_at_both_edges_and_never_across_rows(self) -> None:
        mask = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 1]], dtype=bool)

        assert as_tuples(runs_of(mask)) == [
            (0, 0, 1), (0, 2, 2), (1, 0, 2), (3, 0, 4), (4, 0, 1), (4, 3, 1),
        ]  # fmt: skip
        assert runs_of(mask).ends.tolist() == [1, 4, 2, 4, 1, 4]

    def test_finds_none_where_there_is_none(self) -> None:
        assert len(runs_of(np.zeros((2, 3), dtype=bool))) == 0


class TestMissingRuns:
    def test_goes_by_condition_and_by_value(self) -> None:
        # Regular; Missing with a value; no value but Regular; outage without a value; outage 0; other no-read; good.
        codes = [[501000, 201000, 501000, 101000, 102000, 109000, 501000]]
        runs = missing_runs(batch([1, 1, M, M, 0, 0, 1], conditions=codes), MISSING_RANGE, OUTAGE_RANGE)

        assert as_tuples(runs) == [(0, 1, 2), (0, 5, 1)]

    def test_does_not_depend_on_what_stands_where_no_value_is(self) -> None:
        given = batch([1, M, 3])
        other = dataclasses.replace(given, values=np.where(given.valid, given.values, np.iinfo(np.int64).min))

        assert as_tuples(missing_runs(given, MISSING_RANGE, OUTAGE_RANGE)) == [(0, 1, 1)]
        assert as_tuples(missing_runs(other, MISSING_RANGE, OUTAGE_RANGE)) == [(0, 1, 1)]
