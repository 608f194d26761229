from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Mapping

import pytest

from tests.factories.meter_data import day, nem12, stream
from vee import readers
from vee.readers import FileUnreadable, IntervalReadings, RowError, archives


GOOD = nem12(stream(), day("20260308", [1] * 48))
OTHER = nem12(stream("NMI0000002"), day("20260308", [1] * 47), day("20260309", [2] * 48))


def packed(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def read(raw: bytes) -> list[readers.Item]:
    return list(readers.open_reader(format="nem12", stream=io.BytesIO(raw), name="x.zip"))


class TestAnArchive:
    def test_is_read_member_by_member_with_lines_that_run_on(self) -> None:
        items = read(packed({"a.csv": GOOD, "dir/b#1.csv": OTHER}))

        assert [type(item) for item in items] == [IntervalReadings, RowError, IntervalReadings]
        assert len({item.line for item in items}) == 3
        assert items[1].line > items[0].line
        refused = items[1]
        assert isinstance(refused, RowError)
        assert refused.message.startswith("line 3 of 'dir/b#1.csv': ")

    def test_with_one_member_that_is_no_reading_file_gives_the_others(self) -> None:
        items = read(packed({"readme.txt": b"hello", "a.csv": GOOD, "empty.csv": b""}))

        assert [getattr(item, "code", "") for item in items] == ["missing_header", "", "empty_file"]

    def test_with_nothing_readable_is_refused(self) -> None:
        with pytest.raises(FileUnreadable) as refused:
            read(packed({"readme.txt": b"hello"}))

        assert refused.value.code == "missing_header"

    @pytest.mark.parametrize(
        ("members", "code"),
        [
            ({}, "empty_file"),
            ({"inner.zip": packed({"a.csv": GOOD})}, "nested_archive"),
            ({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}, "spreadsheet"),
        ],
    )
    def test_of_another_kind_is_refused(self, members: Mapping[str, bytes], code: str) -> None:
        with pytest.raises(FileUnreadable) as refused:
            read(packed(members))

        assert refused.value.code == code

    def test_that_is_encrypted_is_refused(self) -> None:
        raw = bytearray(packed({"a.csv": GOOD}))
        central = raw.index(b"PK\x01\x02")
        raw[6] |= 1
        raw[central + 8] |= 1

        with pytest.raises(FileUnreadable) as refused:
            read(bytes(raw))

        assert refused.value.code == "encrypted_archive"

    def test_that_is_cut_is_refused(self) -> None:
        raw = packed({"a.csv": GOOD})

        with pytest.raises(FileUnreadable) as refused:
            read(raw[: len(raw) // 2])

        assert refused.value.code == "damaged_archive"

    def test_whose_member_is_damaged_is_refused(self) -> None:
        raw = bytearray(packed({"a.csv": GOOD}))
        raw[40] ^= 0xFF

        with pytest.raises(FileUnreadable) as refused:
            read(bytes(raw))

        assert refused.value.code == "damaged_archive"

    def test_that_unpacks_to_much_more_than_its_size_is_refused_in_little_memory(self) -> None:
        bomb = packed({"a.csv": b"0" * (archives.RATIO_FREE + 8 * 1024**2)})
        tracemalloc.start()
        try:
            with pytest.raises(FileUnreadable) as refused:
                read(bomb)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert refused.value.code == "archive_too_large"
        assert peak < 8 * 1024**2

    def test_is_read_from_a_stream_that_cannot_seek(self) -> None:
        class Pipe(io.BytesIO):
            def seekable(self) -> bool:
                return False

        items = list(readers.open_reader(format="nem12", stream=Pipe(packed({"a.csv": GOOD})), name="x.zip"))

        assert [type(item) for item in items] == [IntervalReadings]


class TestMemory:
    def test_does_not_grow_with_the_file(self) -> None:
        rows = [stream(), *(day("20260308", ["0.125"] * 48) for _ in range(16_000))]
        raw = nem12(*rows)
        tracemalloc.start()
        try:
            count = sum(1 for _ in readers.open_reader(format="nem12", stream=io.BytesIO(raw), name="x"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert count == 16_000
        # The file itself has more than four megabytes, which io.BytesIO shares with its caller.
        assert peak < 2_000_000
