from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration.flows import csv_blocks, csv_pieces, csv_rows, reservation_mapping
from integration.flows.csv_blocks import Block
from integration.flows.csv_rows import FileUnreadable, Header, Layout, Record, Row
from integration.flows.event_device_reservation import FLOW


LAYOUT = Layout(required=("id", "nic"), optional=("start",))
REQUEST = reservation_mapping.check_request(
    {
        "drmsInstanceId": "NMS1",
        "messageId": "M-1",
        "eventId": "EVT-1",
        "eventType": "EMERGENCY",
        "eventStartDateTime": "2027-06-02T00:00:00Z",
        "eventEndDateTime": "2027-06-02T06:00:00Z",
    }
)
_IDS = st.sampled_from(["1", "27", "", "x" * 121, "A 1", " 2 ", "\u00e9", "a\tb", "\u2028"])
_TIMES = st.sampled_from(["", "2027-06-02T01:00:00Z", "2027-06-02T05:00+00:00", "2027-06-02", "2027-06-02T09:00:00Z"])
_CLEAN = st.tuples(
    st.sampled_from(["1", "27"]), st.just("N4"), st.just("ECOBEE"), _TIMES.filter(lambda text: "T0" in text)
)
_CELLS = st.tuples(_IDS, _IDS, st.sampled_from(["ECOBEE", "h" * 51]), _TIMES)
_ODD = st.sampled_from(
    [
        *(b"", b"\r", b" ", b"1,2", b"1,2,3,4,5", b"\xff,N,H,", b"1,\x00,H,", b"1,a\rb,H,", b",,,"),
        *(b'"1",N,"H, I",', b'1,"A\nB",H,', b'1,"A\r\nB ""C""",H,', b'1,A"B,C"D,H', b'1,"A"B,H,', b'1,"open,H,'),
    ]
)
_ROWS = st.one_of(
    _CLEAN.map(lambda cells: ",".join(cells).encode()), _CELLS.map(lambda cells: ",".join(cells).encode()), _ODD
)
_FILES = st.builds(
    lambda mark, names, rows, end, last: mark + end.join([names, *rows]) + last,
    st.sampled_from([b"", csv_rows.BOM]),
    st.sampled_from(
        [
            b"recordId,nicId,headEndSystemId,reservationStartDateTime",
            b"nicId,recordId,headEndSystemId,reservationEndDateTime",
            b"recordId,nicId,other,headEndSystemId",
        ]
    ),
    st.lists(st.one_of(_ROWS, st.just(b"7,N7,NEST,2027-06-02T01:00:00Z")), max_size=30),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"\n", b"\r\n", b"\r"]),
)


def without_nic(block: Block) -> list[Row]:
    return [Row(row.line, row.values, ("nic", "is required")) for row in block.rows() if not row.values["nic"]]


def told(work: Callable[[], Any]) -> Any:
    """What a reading gives: its result, or why it refused the file."""
    try:
        return work()
    except FileUnreadable as error:
        return str(error), error.code, error.line, error.column


def one_by_one(content: bytes, header: Header) -> list[Row]:
    return [csv_rows.read_row(record, header) for record in records_of(content, header)]


def records_of(content: bytes, header: Header) -> Iterator[Record]:
    return csv_rows.records(io.BytesIO(content), offset=header.body_offset, line=header.body_line)


@given(content=_FILES, size=st.sampled_from([20, 100, 400, 32_768]))
@example(content=b"recordId,nicId,headEndSystemId\n1,A,H\n\x00\n", size=20)
def test_blocks_are_the_rows_that_are_read_one_by_one(content: bytes, size: int) -> None:
    header = csv_rows.read_header(io.BytesIO(content), reservation_mapping.LAYOUT)

    def in_blocks() -> list[Row]:
        stream = io.BytesIO(content)
        found = csv_blocks.blocks(stream, header=header, offset=header.body_offset, line=header.body_line)
        return [row for block in found for row in block.rows()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_pieces, "CHUNK_BYTES", size)
        found = told(in_blocks)

    assert found == told(lambda: one_by_one(content, header))


@given(content=_FILES, size=st.integers(1, 12), chunk=st.sampled_from([20, 100, 32_768]))
def test_segments_are_the_rows_that_are_read_one_by_one(content: bytes, size: int, chunk: int) -> None:
    header = csv_rows.read_header(io.BytesIO(content), reservation_mapping.LAYOUT)

    def in_segments() -> list[Row]:
        stream = io.BytesIO(content)
        rows: list[Row] = []
        for offset, line, count in list(csv_pieces.segments(stream, header=header, size=size)):
            block = csv_blocks.block_of(stream, header=header, offset=offset, line=line, count=count)
            assert (len(block), block.rows()[0].line) == (count, line)
            rows += block.rows()
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_pieces, "CHUNK_BYTES", chunk)
        found = told(in_segments)

    # The segments are planned to the end of the file before the first is read.
    planned = told(lambda: list(records_of(content, header)))
    assert found == (told(lambda: one_by_one(content, header)) if isinstance(planned, list) else planned)


@given(content=_FILES)
def test_refuses_the_rows_that_one_by_one_are_refused(content: bytes) -> None:
    header = csv_rows.read_header(io.BytesIO(content), reservation_mapping.LAYOUT)
    rows = told(lambda: one_by_one(content, header))
    if not isinstance(rows, list):
        return
    stream = io.BytesIO(content)
    blocks = list(csv_blocks.blocks(stream, header=header, offset=header.body_offset, line=header.body_line))

    refused = [row for block in blocks for row in FLOW.refused(block, REQUEST)]
    devices = [
        device
        for block in blocks
        for device in reservation_mapping.devices(block, without={row.line for row in refused})
    ]

    problems = [(row, row.problem or reservation_mapping.why_refused(row, REQUEST)) for row in rows]
    assert [(row.line, row.values, row.problem) for row in refused] == [
        (row.line, row.values, problem) for row, problem in problems if problem is not None
    ]
    assert devices == [reservation_mapping.device(row) for row, problem in problems if problem is None]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_clean_lines_are_read_at_once(ending: bytes) -> None:
    content = ending.join([b"id,nic", *(b"%d,N%d" % (number, number) for number in range(1000)), b""])
    stream = io.BytesIO(content)
    header = csv_rows.read_header(stream, LAYOUT)

    (block,) = csv_blocks.blocks(stream, header=header, offset=header.body_offset, line=header.body_line)

    assert block.calm
    assert list(block.lines) == list(range(2, 1002))
    assert block.columns["nic"][999] == "N999"


def test_counts_and_judges_every_row() -> None:
    content = b"id,nic\n" + b"".join(b"%d,%s\n" % (n, b"" if n % 100 == 0 else b"N") for n in range(1, 1001))

    found = csv_blocks.scan(io.BytesIO(content), layout=LAYOUT, refused=without_nic)

    assert (found.rows, found.refused, found.valid) == (1000, 10, 990)
    assert (found.faults[0].line, found.faults[0].column) == (101, "nic")


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11])
def test_segments_hold_every_row_once_and_can_be_read_alone(size: int) -> None:
    content = b"\xef\xbb\xbfid,nic\r\n" + b"".join(b'%d,"N\n%d"\r\n' % (n, n) for n in range(1, 11))
    stream = io.BytesIO(content)
    header = csv_rows.read_header(stream, LAYOUT)
    planned = list(csv_pieces.segments(stream, header=header, size=size))

    seen = []
    for offset, line, count in reversed(planned):
        rows = csv_blocks.block_of(stream, header=header, offset=offset, line=line, count=count).rows()
        assert (len(rows), rows[0].line) == (count, line)
        seen += [int(row.values["id"]) for row in rows]

    assert sorted(seen) == list(range(1, 11))
    assert sum(count for _, _, count in planned) == 10


class _Rows(io.RawIOBase):
    """A file of 200,000 rows that is made as it is read."""

    HEADER = b"id,nic\n"
    LENGTH = 29

    def __init__(self) -> None:
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def readline(self, size: int | None = -1) -> bytes:
        line = self.HEADER
        self._at += len(line)
        return line

    def read(self, size: int = -1) -> bytes:
        if self._at < len(self.HEADER):
            return self.HEADER[self._at :][:size]
        number, within = divmod(self._at - len(self.HEADER), self.LENGTH)
        last = min(number + size // self.LENGTH + 2, 200_000)
        content = b"".join(b"%06d,N%020d\n" % (row, row) for row in range(number, last))[within:][:size]
        self._at += len(content)
        return content


def test_reads_two_hundred_thousand_rows_in_constant_memory() -> None:
    tracemalloc.start()
    try:
        found = csv_blocks.scan(_Rows(), layout=LAYOUT, refused=without_nic)  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found.rows == 200_000
    assert peak < 1_000_000
