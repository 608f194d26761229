from __future__ import annotations

import gc
import io
import json
import weakref
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.api import parsers, problems
from foundation.api.renderers import to_json


class TestParseStrict:
    def test_it_keeps_every_digit_of_a_decimal(self) -> None:
        assert parsers.parse_strict(b'{"a": 0.10}') == {"a": Decimal("0.10")}

    @pytest.mark.parametrize(
        "raw",
        [b"", b"   ", b"{", b"[1,]", b'{"a": NaN}', b'{"a": Infinity}', b"\xff\xfe", b'{"a": 1e400}', b"nul"],
    )
    def test_it_refuses_what_is_no_json(self, raw: bytes) -> None:
        with pytest.raises(problems.Malformed):
            parsers.parse_strict(raw)

    def test_it_refuses_deep_nesting_before_building_anything(self) -> None:
        with pytest.raises(problems.Malformed, match="deeper than 64"):
            parsers.parse_strict(b"[" * 100_000)

    def test_it_takes_the_deepest_legal_nesting(self) -> None:
        assert parsers.parse_strict(b"[" * 64 + b"]" * 64)

    def test_brackets_inside_strings_do_not_count_as_nesting(self) -> None:
        text = "[" * 500

        assert parsers.parse_strict(to_json({"a": text})) == {"a": text}

    def test_it_names_a_duplicate_key(self) -> None:
        with pytest.raises(problems.InvalidBody) as caught:
            parsers.parse_strict(b'{"a": 1, "a": 2}')

        assert caught.value.errors[0]["code"] == "duplicate_key"

    @pytest.mark.parametrize(
        ("raw", "pointer"),
        [
            (b'{"a": ["x", "\\u0000"]}', "/a/1"),
            (b'{"a/b": "\\ud800"}', "/a~1b"),
        ],
    )
    def test_it_points_at_text_that_cannot_be_stored(self, raw: bytes, pointer: str) -> None:
        with pytest.raises(problems.InvalidBody) as caught:
            parsers.parse_strict(raw)

        assert caught.value.errors[0]["pointer"] == pointer

    def test_it_refuses_a_number_of_too_many_digits(self) -> None:
        with pytest.raises(problems.Malformed, match="digits"):
            parsers.parse_strict(b"1" * 5_000)

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**30), 10**30)
            | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
            max_leaves=15,
        )
    )
    def test_what_is_written_is_read_again(self, value: object) -> None:
        assert parsers.parse_strict(json.dumps(value).encode()) == value


_TEXTS = st.text(st.sampled_from("a[]{}:,1 \u00e9\U0001f600"), max_size=4) | st.sampled_from(
    ["", "\\", '"', "\x00", "\ud800"]
)
_NUMBERS = st.sampled_from(
    ["0", "-1", "1.50", "1e5", "1E400", "01", "NaN", "7" * 39, "-" + "7" * 40, "7" * 41, "0." + "1" * 60]
)
_SPACE = st.sampled_from(["", "", " ", "\n", "\t", "\x0b"])


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quoted = st.builds(lambda text, plain: json.dumps(text, ensure_ascii=not plain), _TEXTS, st.booleans())
    member = st.builds(lambda key, gap, value: f"{key}{gap}:{value}", quoted, _SPACE, inner)
    return st.one_of(
        quoted,
        st.lists(inner, max_size=4).map(lambda parts: f"[{','.join(parts)}]"),
        st.lists(member, max_size=4).map(lambda parts: f"{{{','.join(parts)}}}"),
        st.builds(
            lambda depth, part: "[" * depth + part + "]" * depth, st.sampled_from([1, 30, 62, 63, 64, 65]), inner
        ),
        st.builds(lambda before, part, after: f"{before}{part}{after}", _SPACE, inner, _SPACE),
    )


def _told(read: Callable[[bytes], object], raw: bytes) -> object:
    try:
        return read(raw)
    except problems.Problem as problem:
        return type(problem), str(problem.detail), problem.errors


class TestWhatIsSeenAtOnce:
    @given(st.recursive(_NUMBERS | st.sampled_from(["null", "true", "nul", ""]), _joined, max_leaves=12))
    @example('{"a":1,"b":[{"c":2,"c":3}]}')
    @example("[" + ",".join(['"]"', *['["]"'] * 70, *['"["]'] * 70]) + "]")
    @example("\ufeff[1]")
    def test_is_what_the_exact_reader_gives(self, text: str) -> None:
        raw = text.encode("utf-8", "surrogatepass")

        assert repr(_told(parsers.parse_strict, raw)) == repr(_told(parsers._read_exactly, raw))

    def test_is_what_clean_messages_are(self) -> None:
        assert parsers._read_plain(b'{"a": [1.50, {"b": "x:y"}], "c": null}') == {
            "a": [Decimal("1.50"), {"b": "x:y"}],
            "c": None,
        }


class TestReadLimited:
    def test_it_refuses_one_byte_over_the_limit(self) -> None:
        with pytest.raises(problems.TooLarge, match="larger than 10 bytes"):
            parsers.read_limited(io.BytesIO(b"x" * 11), 10)

    def test_it_reads_a_body_of_exactly_the_limit(self) -> None:
        assert parsers.read_limited(io.BytesIO(b"x" * 10), 10) == b"x" * 10


class TestStrictJSONParser:
    def test_what_it_read_goes_with_its_request(self) -> None:
        """DRF puts the request into its own context: a ring that only the garbage collector would open."""
        seen: list[weakref.ref[Any]] = []

        class View(APIView):
            authentication_classes = ()
            permission_classes = ()
            throttle_classes = ()
            parser_classes = (parsers.StrictJSONParser,)

            def post(self, request: Request) -> HttpResponse:
                assert request.data == {"a": 1}
                seen.append(weakref.ref(request))
                return HttpResponse()

        asked = RequestFactory().post("/", b'{"a": 1}', content_type="application/json")
        gc.disable()
        try:
            assert View.as_view()(asked).status_code == 200
            assert seen[0]() is None
        finally:
            gc.enable()
