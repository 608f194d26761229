from __future__ import annotations

from lookups.columns import Column, check_columns, declare, find_column, read_columns
from lookups.folding import Folding


CODE = Column(name="CODE", folding=Folding.CASE, unique=True, aliases=("COED",))
TEXT = Column(name="TEXT")


class TestDeclare:
    def test_makes_the_first_column_of_a_new_table_unique_and_exact(self) -> None:
        assert declare(["A", "B"]) == (
            Column(name="A", folding=Folding.EXACT, unique=True),
            Column(name="B", folding=Folding.EXACT, unique=False),
        )

    def test_keeps_the_declarations_that_the_table_has(self) -> None:
        assert declare(["TEXT", "CODE", "NEW"], known=(CODE, TEXT)) == (TEXT, CODE, Column(name="NEW"))

    def test_takes_another_spelling_for_the_column(self) -> None:
        assert declare(["COED", "TEXT"], known=(CODE, TEXT)) == (CODE, TEXT)

    def test_gives_the_default_when_no_column_was_known(self) -> None:
        assert declare(["A", "B"], known=(CODE, TEXT))[0].unique is True


class TestFindColumn:
    def test_prefers_the_name_to_another_spelling(self) -> None:
        columns = (Column(name="X", aliases=("Y",)), Column(name="Y"))
        assert find_column(columns, "Y") == Column(name="Y")

    def test_gives_none_for_a_name_in_another_case(self) -> None:
        assert find_column((CODE,), "code") is None


class TestCheckColumns:
    def test_accepts_two_columns(self) -> None:
        assert check_columns((CODE, TEXT)) == []

    def test_refuses_one_column(self) -> None:
        assert [(error["pointer"], error["code"]) for error in check_columns((CODE,))] == [("/columns", "too_few")]

    def test_refuses_the_same_name_in_another_case(self) -> None:
        errors = check_columns((Column(name="A"), Column(name="a")))
        assert [(error["pointer"], error["code"]) for error in errors] == [("/columns/1", "duplicate")]

    def test_refuses_empty_and_padded_names(self) -> None:
        errors = check_columns((Column(name=""), Column(name=" A"), Column(name="B")))
        assert [(error["pointer"], error["code"]) for error in errors] == [
            ("/columns/0", "required"),
            ("/columns/1", "invalid"),
        ]


class TestReadColumns:
    def test_reads_what_was_stored(self) -> None:
        assert read_columns([CODE.as_json(), TEXT.as_json()]) == (CODE, TEXT)
