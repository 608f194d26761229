from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outbound.texts import one_line, storable


class TestStorable:
    def test_replaces_what_a_database_refuses_and_keeps_the_rest(self) -> None:
        assert storable("a\x00b\ud800c\nÜ😀") == "a\ufffdb?c\nÜ😀"

    @given(st.text(st.characters(exclude_categories=())))
    def test_gives_utf_8_without_nul(self, text: str) -> None:
        assert b"\x00" not in storable(text).encode()


class TestOneLine:
    def test_leaves_no_line_break_and_no_control_character(self) -> None:
        assert one_line(" late\r\nBcc: x\x00\x1b[0m\u2028y ") == "late Bcc: x [0m y"

    @given(st.text())
    def test_gives_printable_text_only(self, text: str) -> None:
        assert one_line(text).isprintable()
