from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.readers.base import FileUnreadable
from vee.readers.edifact import Interchange, Segment


def segments(raw: bytes) -> list[Segment]:
    return list(Interchange(io.BytesIO(raw)).segments())


class TestSegments:
    def test_split_at_marks_that_are_not_released(self) -> None:
        [first, second] = segments(b"UNB+UNOC:3+a?+b:c?:d??'\r\nDTM+137:201912140000?+01:303'")

        assert first.elements == [["UNOC", "3"], ["a+b", "c:d?"]]
        assert (second.number, second.tag, second.component(0, 1)) == (2, "DTM", "201912140000+01")

    def test_keep_a_released_terminator_and_drop_a_stray_release(self) -> None:
        [segment] = segments(b"UNB+it?'s+?a???'b'")

        assert segment.elements == [["it's"], ["a?'b"]]

    def test_have_no_release_where_the_advice_leaves_it_out(self) -> None:
        [segment] = segments(b"UNA:+.  'UNB+what?+x'")

        assert segment.elements == [["what?"], ["x"]]

    def test_give_what_is_not_there_as_empty(self) -> None:
        [segment] = segments(b"UNB'")

        assert (segment.tag, segment.component(0), segment.component(3, 4)) == ("UNB", "", "")

    @given(st.lists(st.text(alphabet="a?+:' \n", max_size=8), min_size=1, max_size=5))
    def test_give_back_what_was_released(self, texts: list[str]) -> None:
        def released(text: str) -> str:
            for mark in "?+:'":
                text = text.replace(mark, f"?{mark}")
            return text

        # White space at the end of a segment is a line end, not text.
        raw = "UNB+" + "+".join(map(released, texts)) + "+end'"

        [segment] = segments(raw.encode())

        assert segment.elements == [*([text] for text in texts), ["end"]]

    @pytest.mark.parametrize("size", [65_530, 65_536, 65_537, 131_072])
    def test_do_not_mind_where_a_piece_of_the_file_ends(self, size: int) -> None:
        filler = b"X+" + b"y" * 90 + b"'"
        head = b"UNB+1'" + filler * (size // len(filler))
        raw = head + b"Z+" + b"p" * (size - len(head) - 3) + b"?'q'END'"

        found = segments(raw)

        assert (found[-2].component(0)[-2:], found[-1].tag) == ("'q", "END")


class TestInterchange:
    @pytest.mark.parametrize("raw", [b"UNA++.? 'UNB'", b"UNA:+.?  UNB'", b"UNA:a.? 'UNB'", b"UNA:+x? 'UNB'"])
    def test_refuses_an_advice_that_cannot_be_used(self, raw: bytes) -> None:
        with pytest.raises(FileUnreadable) as refused:
            Interchange(io.BytesIO(raw))

        assert refused.value.code == "invalid_una"
