from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from lookups.columns import Column
from lookups.contents import NotText, as_text, check_rows, read_rows
from lookups.folding import Folding


CODE = Column(name="CODE", folding=Folding.CASE, unique=True, aliases=("COED",))
TEXT = Column(name="TEXT")


class TestAsText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("x", "x"),
            ("", ""),
            (None, ""),
            (0, "0"),
            (True, "true"),
            (False, "false"),
            (Decimal("1.50"), "1.50"),
            (Decimal("1E+2"), "100"),
            (0.5, "0.5"),
            (dt.date(2024, 1, 2), "2024-01-02"),
        ],
    )
    def test_gives_scalars_as_text(self, value: object, text: str) -> None:
        assert as_text(value) == text

    @pytest.mark.parametrize("value", [[], {}, ["x"], "a\x00b", "\ud800"])
    def test_refuses_what_has_no_plain_form(self, value: object) -> None:
        with pytest.raises(NotText):
            as_text(value)


class TestReadRows:
    def test_fills_columns_that_are_left_out(self) -> None:
        assert read_rows((CODE, TEXT), [{"CODE": 0}]) == ([{"CODE": "0", "TEXT": ""}], [])

    def test_takes_another_spelling_of_a_column(self) -> None:
        assert read_rows((CODE, TEXT), [{"COED": "a", "TEXT": "b"}]) == ([{"CODE": "a", "TEXT": "b"}], [])

    def test_refuses_unknown_columns_lists_and_columns_given_twice(self) -> None:
        _, errors = read_rows((CODE, TEXT), [{"CODE": "a", "COED": "b"}, {"C/D": "x"}, {"TEXT": []}])
        assert [(error["pointer"], error["code"]) for error in errors] == [
            ("/rows/0/COED", "duplicate"),
            ("/rows/1/C~1D", "unknown_column"),
            ("/rows/2/TEXT", "invalid_type"),
        ]


class TestCheckRows:
    def test_accepts_values_that_stand_once(self) -> None:
        assert check_rows((CODE, TEXT), [{"CODE": "a", "TEXT": "x"}, {"CODE": "b", "TEXT": "x"}]) == []

    def test_refuses_a_value_that_is_the_same_after_folding(self) -> None:
        (error,) = check_rows((CODE, TEXT), [{"CODE": "a", "TEXT": ""}, {"CODE": "A ", "TEXT": ""}])
        assert (error["pointer"], error["code"]) == ("/rows/1/CODE", "duplicate")
        assert error["message"] == (
            "CODE 'A ' stands already in row 1 (written 'a' there; compared with folding CASE); it may stand once."
        )

    def test_refuses_empty_unique_values_and_empty_rows(self) -> None:
        errors = check_rows((CODE, TEXT), [{"CODE": " ", "TEXT": "x"}, {"CODE": "", "TEXT": ""}])
        assert [(error["pointer"], error["code"]) for error in errors] == [
            ("/rows/1", "required"),
            ("/rows/0/CODE", "required"),
        ]
