from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.unit.vee.engine.builders import M, batch, numbers
from vee.engine.batch import distinct, in_range


class TestBatch:
    def test_refuses_arrays_that_do_not_fit_each_other(self) -> None:
        given = batch([1, 2], [3, 4])

        with pytest.raises(ValueError, match="are not one shape"):
            dataclasses.replace(given, conditions=given.conditions[:, :1])
        with pytest.raises(ValueError, match="2 rows, 1 starts and 2 facts"):
            dataclasses.replace(given, starts=given.starts[:1])

    def test_take_gives_the_rows_in_the_order_asked_for(self) -> None:
        taken = batch([1, 2], [3, M], [5, 6]).take([2, 0])

        assert [numbers(taken, row) for row in range(2)] == [[5, 6], [1, 2]]
        assert [about.imd_id for about in taken.facts] == [2, 0]
        assert taken.size == 2
        assert taken.length == 2

    def test_take_does_not_share_its_arrays(self) -> None:
        given = batch([1, 2])
        given.take([0]).values[0, 0] = 9

        assert numbers(given) == [1, 2]

    def test_read_only_refuses_to_be_written_to_and_leaves_the_original_writable(self) -> None:
        given = batch([1, 2])
        locked = given.read_only()

        for array in (locked.values, locked.valid, locked.conditions, locked.set_by, locked.starts):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
        given.values[0, 0] = 9
        assert locked.values[0, 0] == 9


class TestSpecialRows:
    def test_are_those_in_which_something_is_missing_or_not_regular(self) -> None:
        given = batch([1, 2], [3, M], [5, 6], [7, 8])
        given.conditions[2, 1] = 301_000
        given.conditions[3, 0] = 501_000

        assert given.special_rows.tolist() == [1, 2]

    def test_follow_a_batch_that_is_written_to_and_are_found_once_in_one_that_is_not(self) -> None:
        given = batch([1, 2], [3, 4])
        locked = given.read_only()
        assert given.special_rows.tolist() == []
        assert locked.special_rows is locked.special_rows

        given.valid[0, 0] = False

        assert given.special_rows.tolist() == [0]
        assert given.read_only().special_rows.tolist() == [0]

    def test_all_rows_may_lie_within_a_range_that_has_regular_in_it(self) -> None:
        given = batch([1, 2], [3, M])

        assert given.rows_within((100_000, 299_999)).tolist() == [1]
        assert given.rows_within((100_000, 299_999), (400_000, 600_000)).tolist() == [0, 1]


class TestInRange:
    def test_includes_both_ends(self) -> None:
        conditions = np.array([199_999, 200_000, 299_999, 300_000], dtype=np.int32)

        assert in_range(conditions, (200_000, 299_999)).tolist() == [False, True, True, False]


class TestDistinct:
    @pytest.mark.parametrize(("rows", "once"), [([], []), ([3], [3]), ([0, 0, 1, 4, 4, 4], [0, 1, 4])])
    def test_gives_each_row_once(self, rows: list[int], once: list[int]) -> None:
        assert distinct(np.array(rows, dtype=np.intp)).tolist() == once
