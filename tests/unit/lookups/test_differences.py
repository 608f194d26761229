from __future__ import annotations

from lookups.columns import Column
from lookups.differences import Change, RowChange, compare
from lookups.states import State


KEYED = (Column(name="K", unique=True), Column(name="V"))
LOOSE = (Column(name="A"), Column(name="B"))


def state(columns: tuple[Column, ...], *rows: tuple[str, str], **given: object) -> State:
    names = [column.name for column in columns]
    return State(
        name="T",
        columns=columns,
        rows=tuple(dict(zip(names, row, strict=True)) for row in rows),
        **given,  # type: ignore[arg-type]
    )


class TestCompare:
    def test_is_empty_for_the_same_state(self) -> None:
        difference = compare(state(KEYED, ("a", "1")), state(KEYED, ("a", "1")))
        assert not difference
        assert difference.summary == "No change"

    def test_follows_a_row_by_its_unique_value(self) -> None:
        difference = compare(
            state(KEYED, ("a", "1"), ("b", "2"), ("c", "3")), state(KEYED, ("b", "9"), ("c", "3"), ("d", "4"))
        )
        assert difference.rows == (
            RowChange(change=Change.CHANGED, before_position=2, after_position=1, cells={"V": ("2", "9")}, label="b"),
            RowChange(
                change=Change.ADDED,
                before_position=None,
                after_position=3,
                cells={"K": ("", "d"), "V": ("", "4")},
                label="d",
            ),
            RowChange(
                change=Change.REMOVED,
                before_position=1,
                after_position=None,
                cells={"K": ("a", ""), "V": ("1", "")},
                label="a",
            ),
        )
        assert difference.reordered is False
        assert difference.summary == "Rows: 1 added, 1 changed, 1 removed"

    def test_sees_that_rows_changed_places(self) -> None:
        difference = compare(state(KEYED, ("a", "1"), ("b", "2")), state(KEYED, ("b", "2"), ("a", "1")))
        assert difference.rows == ()
        assert difference.reordered is True
        assert bool(difference) is True

    def test_compares_rows_in_order_without_a_unique_column(self) -> None:
        difference = compare(
            state(LOOSE, ("x", "1"), ("w", "1"), ("y", "2")), state(LOOSE, ("x", "1"), ("y", "2"), ("z", "3"))
        )
        assert [(row.change, row.before_position, row.after_position) for row in difference.rows] == [
            (Change.REMOVED, 2, None),
            (Change.ADDED, None, 3),
        ]

    def test_compares_place_by_place_when_rows_repeat_many_times(self) -> None:
        before = state(LOOSE, *[("x", "1")] * 300)
        after = state(LOOSE, *[("x", "1")] * 100, ("y", "2"), *[("x", "1")] * 201)
        assert [
            (row.change, row.before_position, row.after_position, row.cells) for row in compare(before, after).rows
        ] == [
            (Change.CHANGED, 101, 101, {"A": ("x", "y"), "B": ("1", "2")}),
            (Change.ADDED, None, 301, {"A": ("", "x"), "B": ("", "1")}),
            (Change.ADDED, None, 302, {"A": ("", "x"), "B": ("", "1")}),
        ]

    def test_names_changed_columns_and_settings(self) -> None:
        after = (Column(name="K", unique=True), Column(name="W"))
        difference = compare(state(KEYED, ("a", "1")), state(after, ("a", "1"), strict=True, description="d"))
        assert difference.columns == {
            "W": (None, {"name": "W", "folding": "EXACT", "unique": False}),
            "V": ({"name": "V", "folding": "EXACT", "unique": False}, None),
        }
        assert difference.settings == {"description": ("", "d"), "strict": (False, True)}
        assert difference.summary == "Rows: 1 changed; columns changed: W, V; description, strict changed"

    def test_details_name_the_first_cells(self) -> None:
        difference = compare(state(KEYED, ("a", "1"), ("b", "1")), state(KEYED, ("a", "2"), ("b", "2")))
        assert difference.details(limit=1) == "Rows: 2 changed: a: V '1' → '2'; …"
