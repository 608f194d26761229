from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookups.columns import Column
from lookups.transfer import MAX_BYTES, UnableToReadFile, read_csv, write_csv


COLUMNS = (Column(name="A"), Column(name="B"))
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


def problems_of(content: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(UnableToReadFile) as refused:
        read_csv(content=content)
    return [(problem.line, problem.column, problem.code) for problem in refused.value.problems]


class TestReadCsv:
    def test_reads_name_columns_and_rows_with_their_lines(self) -> None:
        parsed = read_csv(content=b'T-1\r\nA,B\r\n1,"x ""y"",\r\nz"\r\n2,\r\n')
        assert parsed.name == "T-1"
        assert parsed.columns == ("A", "B")
        assert parsed.rows == [{"A": "1", "B": 'x "y",\r\nz'}, {"A": "2", "B": ""}]
        assert parsed.lines == [3, 5]

    def test_reads_a_file_without_the_name_row(self) -> None:
        parsed = read_csv(content=b"A,B\n1,2\n")
        assert (parsed.name, parsed.columns, parsed.rows) == (None, ("A", "B"), [{"A": "1", "B": "2"}])

    def test_takes_a_name_row_that_a_spreadsheet_padded(self) -> None:
        assert read_csv(content=b"T-1,,\nA,B,C\n1,2,3\n").name == "T-1"

    def test_takes_a_byte_order_mark_and_blank_lines(self) -> None:
        parsed = read_csv(content=b"\xef\xbb\xbfT\n\nA,B\n\n1,2\n\n")
        assert (parsed.name, parsed.rows, parsed.lines) == ("T", [{"A": "1", "B": "2"}], [5])

    @pytest.mark.parametrize(
        ("_case", "content", "problems"),
        [
            ("empty", b"", [(1, "", "empty")]),
            ("only a name", b"T\n", [(2, "", "no_header")]),
            ("one column", b"T\nA\n1\n", [(2, "", "too_few")]),
            ("semicolons", b"T\nA;B\n1;2\n", [(2, "", "too_few")]),
            ("duplicate header", b"T\nA,B,A\n", [(2, "A", "duplicate_column")]),
            ("column without name", b"T\nA,B,\n", [(2, "", "no_column_name")]),
            ("ragged rows", b"T\nA,B\n1\n1,2\n1,2,3\n", [(3, "", "ragged"), (5, "", "ragged")]),
            ("NUL", b"T\nA,B\n1,2\n1,\x00\n", [(4, "", "nul")]),
            ("Latin-1", b"T\nA,B\n1,caf\xe9\n", [(3, "", "encoding")]),
            ("UTF-16", "T\nA,B\n".encode("utf-16"), [(1, "", "encoding")]),
            ("quote inside a quoted cell", b'T\nA,B\n"1"x,2\n', [(3, "", "quoting")]),
            ("quote never closed", b'T\nA,B\n1,"2\n3,4\n', [(3, "", "quoting")]),
            ("too large", b"x" * (MAX_BYTES + 1), [(1, "", "too_large")]),
        ],
    )
    def test_refuses_what_a_lenient_reader_would_repair(
        self, _case: str, content: bytes, problems: list[tuple[int, str, str]]
    ) -> None:
        assert problems_of(content) == problems


class TestWriteCsv:
    def test_writes_the_layout_of_oic(self) -> None:
        text = write_csv(name="T-1", columns=COLUMNS, rows=[{"A": "1", "B": 'a,"b"'}])
        assert text == 'T-1\r\nA,B\r\n1,"a,""b"""\r\n'

    @given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
    def test_reading_what_was_written_gives_the_same_rows(self, cells: list[tuple[str, str]]) -> None:
        rows = [{"A": first, "B": second} for first, second in cells]
        parsed = read_csv(content=write_csv(name="T-1", columns=COLUMNS, rows=rows).encode())
        assert (parsed.name, parsed.columns, parsed.rows) == ("T-1", ("A", "B"), rows)

    def test_for_people_no_cell_is_a_formula(self) -> None:
        rows = [{"A": "=1+1", "B": "-5"}, {"A": "@x", "B": "a=b"}]
        assert write_csv(name="T-1", columns=COLUMNS, rows=rows, for_people=True) == (
            "T-1\r\nA,B\r\n'=1+1,-5\r\n'@x,a=b\r\n"
        )

    def test_for_machines_every_character_is_kept(self) -> None:
        assert write_csv(name="T", columns=COLUMNS, rows=[{"A": "=1+1", "B": "\t"}]) == "T\r\nA,B\r\n=1+1,\t\r\n"
