"""Lines of a text, however its bytes are cut, and their faults."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.readers import lines
from vee.readers.lines import MAX_LINE, read_blocks, read_lines


class Failing(io.BytesIO):
    """A stream that breaks where its content ends."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size) or self.fail()

    def fail(self) -> bytes:
        raise OSError("broken")


def told(content: bytes, **options: Any) -> list[tuple[int, str, str | None]]:
    return [
        (line.number, line.text, line.fault and line.fault[0]) for line in read_lines(io.BytesIO(content), **options)
    ]


class TestLines:
    @given(
        content=st.lists(st.sampled_from((b"a", b"bc,", b"\r", b"\n", b"\r\n", b"\xc3\xa4", b"\xff", b"\0"))).map(
            b"".join
        ),
        sizes=st.tuples(st.integers(1, 5), st.integers(1, 7)),
    )
    def test_are_those_of_the_text_however_it_is_cut(self, content: bytes, sizes: tuple[int, int]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lines, "_READ", sizes[0])
            patch.setattr(lines, "_PIECE", sizes[1])
            found = told(content)

        texts = re.split("\r\n|\r|\n", content.decode("utf-8", "surrogateescape"))
        expected = texts[:-1] if not texts[-1] else texts
        assert [text for _, text, _ in found] == expected
        assert [number for number, *_ in found] == list(range(1, len(expected) + 1))
        for _, text, fault in found:
            assert (fault == "encoding") == ("\udcff" in text)
            assert (fault == "nul") == ("\x00" in text and "\udcff" not in text)

    @pytest.mark.parametrize("end", [b"", b"\n"])
    def test_one_that_is_too_long_is_kept_in_its_beginning(self, end: bytes) -> None:
        content = (
            b"first\n" + b"x" * (3 * MAX_LINE) + b"\nshort\n" + b"y" * MAX_LINE + b"\n" + b"z" * (MAX_LINE - 1) + end
        )

        found = told(content)

        assert [(number, len(text), fault) for number, text, fault in found] == [
            (1, 5, None), (2, 100, "line_too_long"), (3, 5, None), (4, 100, "line_too_long"), (5, MAX_LINE - 1, None),
        ]  # fmt: skip

    def test_those_before_a_broken_stream_are_given(self) -> None:
        blocks = read_blocks(Failing(b"one\ntwo\nthr"))
        assert next(blocks).texts == ["one", "two"]
        with pytest.raises(OSError, match="broken"):
            next(blocks)
