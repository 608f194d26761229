from __future__ import annotations

from decimal import Decimal

import pytest

from outbound.transports.base import Answer, AnswerUnreadable


def _answer(body: bytes, **headers: str) -> Answer:
    return Answer(
        status=200, headers={"Content-Type": headers.get("kind", "application/json")}, body=body, elapsed_seconds=0.1
    )


class TestJson:
    def test_fractions_are_exact_decimals(self) -> None:
        assert _answer(b'{"a": 0.1, "b": 3, "c": 12345678901234567890.123456789}').json() == {
            "a": Decimal("0.1"),
            "b": 3,
            "c": Decimal("12345678901234567890.123456789"),
        }

    def test_a_byte_order_mark_is_skipped(self) -> None:
        assert _answer(b'\xef\xbb\xbf{"a": 1}').json() == {"a": 1}

    def test_many_brackets_side_by_side_are_no_depth(self) -> None:
        assert len(_answer(b"[" + b",".join([b"{}"] * 1000) + b"]").json()) == 1000

    def test_brackets_in_a_text_are_no_depth(self) -> None:
        assert _answer(b'["' + b"[" * 1000 + b'\\"{"]').json() == ["[" * 1000 + '"{']

    @pytest.mark.parametrize(
        ("_case", "body"),
        [
            ("a login page", b"<!DOCTYPE html><html>"),
            ("empty", b""),
            ("cut", b'{"a": '),
            ("not UTF-8", b'{"a": "\xff"}'),
            ("NaN", b'{"a": NaN}'),
            ("Infinity", b'{"a": -Infinity}'),
            ("an endless number", b'{"a": 1e999999999}'),
            ("too deep", b"[" * 5000 + b"]" * 5000),
            ("too many digits", b'{"a": ' + b"9" * 5000 + b"}"),
        ],
    )
    def test_anything_else_is_unreadable_and_says_what_came(self, _case: str, body: bytes) -> None:
        with pytest.raises(AnswerUnreadable, match=r"The answer \(HTTP 200, text/html\) is not JSON") as caught:
            _answer(body, kind="text/html").json()
        assert "\n" not in str(caught.value)
        assert caught.value.sent is True


class TestExcerpt:
    def test_gives_one_short_printable_line(self) -> None:
        assert _answer(b"<h1>\r\nOops\x1b[31m</h1>\xff").excerpt() == "<h1>  Oops [31m</h1>�"
        assert len(_answer(b"x" * 100_000).excerpt()) == 500


class TestRepr:
    def test_shows_no_body(self) -> None:
        assert "canary" not in repr(_answer(b"canary"))
