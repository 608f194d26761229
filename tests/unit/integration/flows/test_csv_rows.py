from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from integration.flows import csv_rows
from integration.flows.csv_rows import FileUnreadable, Layout, Row


LAYOUT = Layout(required=("id", "nic"), optional=("start",))


def never(row: Row) -> None:
    return None


def parsed(content: bytes) -> list[tuple[int, dict[str, str], tuple[str, str] | None]]:
    stream = io.BytesIO(content)
    header = csv_rows.read_header(stream, LAYOUT)
    found = csv_rows.rows_of(stream, header=header, offset=header.body_offset, line=header.body_line, count=10**6)
    return [(row.line, row.values, row.problem) for row in found]


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


def test_counts_and_judges_every_row() -> None:
    content = b"id,nic\n" + b"".join(b"%d,%s\n" % (n, b"" if n % 100 == 0 else b"N") for n in range(1, 1001))

    found = csv_rows.scan(
        io.BytesIO(content),
        layout=LAYOUT,
        why_refused=lambda row: None if row.values["nic"] else ("nic", "is required"),
    )

    assert (found.rows, found.refused, found.valid) == (1000, 10, 990)
    assert (found.faults[0].line, found.faults[0].column) == (101, "nic")


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11])
def test_segments_hold_every_row_once_and_can_be_read_alone(size: int) -> None:
    content = b"\xef\xbb\xbfid,nic\r\n" + b"".join(b'%d,"N\n%d"\r\n' % (n, n) for n in range(1, 11))
    stream = io.BytesIO(content)
    header = csv_rows.read_header(stream, LAYOUT)
    planned = list(csv_rows.segments(stream, header=header, size=size))

    seen = []
    for offset, line, count in reversed(planned):
        rows = csv_rows.rows_of(stream, header=header, offset=offset, line=line, count=count)
        assert (len(rows), rows[0].line) == (count, line)
        seen += [int(row.values["id"]) for row in rows]

    assert sorted(seen) == list(range(1, 11))
    assert sum(count for _, _, count in planned) == 10


class _Rows(io.RawIOBase):
    """A file of 200,000 rows that is made as it is read."""

    def __init__(self) -> None:
        self._source: Iterator[bytes] = iter(())
        self._first = b""

    def seek(self, offset: int, whence: int = 0) -> int:
        self._source = self._lines()
        skipped = 0
        while skipped < offset:
            skipped += len(next(self._source))
        return offset

    def _lines(self) -> Iterator[bytes]:
        yield b"id,nic\n"
        for number in range(200_000):
            yield b"%d,N%020d\n" % (number, number)

    def readline(self, size: int | None = -1) -> bytes:
        return next(self._source, b"")

    def read(self, size: int = -1) -> bytes:
        return b"id,n"

    def tell(self) -> int:
        return len(b"id,nic\n")


def test_reads_two_hundred_thousand_rows_in_constant_memory() -> None:
    tracemalloc.start()
    try:
        found = csv_rows.scan(_Rows(), layout=LAYOUT, why_refused=never)  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found.rows == 200_000
    assert peak < 1_000_000
