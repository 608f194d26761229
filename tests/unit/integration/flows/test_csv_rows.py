from __future__ import annotations

import io

import pytest

from integration.flows import csv_rows
from integration.flows.csv_rows import FileUnreadable, Layout


LAYOUT = Layout(required=("id", "nic"), optional=("start",))


def parsed(content: bytes) -> list[tuple[int, dict[str, str], tuple[str, str] | None]]:
    stream = io.BytesIO(content)
    header = csv_rows.read_header(stream, LAYOUT)
    found = csv_rows.records(stream, offset=header.body_offset, line=header.body_line)
    return [(row.line, row.values, row.problem) for row in (csv_rows.read_row(record, header) for record in found)]


@pytest.mark.parametrize(
    "content", [b"id,nic\n1,A\n2,B\n", b"\xef\xbb\xbfnic,id\r\nA,1\r\n\r\nB,2", b'"id","nic"\n"1",A\n2,"B"\n']
)
def test_reads_columns_by_name_whatever_order_ends_and_mark(content: bytes) -> None:
    assert [values for _, values, _ in parsed(content)] == [{"id": "1", "nic": "A"}, {"id": "2", "nic": "B"}]


def test_knows_the_line_of_a_row_after_quoted_line_breaks() -> None:
    assert parsed(b'id,nic\n1,"A\nB ""C"""\n2,D\n') == [
        (2, {"id": "1", "nic": 'A\nB "C"'}, None),
        (4, {"id": "2", "nic": "D"}, None),
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [(b"1", "1 cells, the header 2"), (b"1,2,3", "3 cells"), (b'1,"A"B', "quotation marks"), (b'1,A"B"', None)],
)
def test_tells_what_is_wrong_with_one_row_and_goes_on(row: bytes, told: str | None) -> None:
    (_, _, problem), (_, values, _) = parsed(b"id,nic\n" + row + b"\n2,B\n")

    assert (problem is None) if told is None else (problem is not None and told in problem[1])
    assert values == {"id": "2", "nic": "B"}


def test_a_long_cell_is_a_row_and_an_endless_one_refuses_the_file() -> None:
    assert len(parsed(b"id,nic\n1," + b"x" * 200_000 + b"\n")[0][1]["nic"]) == 200_000
    with pytest.raises(FileUnreadable, match="longer than"):
        parsed(b'id,nic\n1,"' + b"x\n" * 600_000)
