"""JSON in: what the default stack accepts silently or answers with 500 is refused here (`reliability.md` 2.9)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

import msgspec
from django.conf import settings
from rest_framework.parsers import JSONParser

from foundation.api import problems


MAX_DEPTH = 64
MAX_KEYS = 2_000_000
MAX_DIGITS = 40
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_UNREAD = object()
_NO_SHAPE = bytes(range(256)).translate(None, b'"[]{}')
_BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_BAD_ESCAPE = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]")


class _Duplicate(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def parse_strict(raw: bytes) -> Any:
    """
    Read a JSON text exactly: decimals as Decimal, no NaN, no duplicate keys, no NUL, no lone surrogate.

    :raises problems.Malformed: when the text is no JSON, too deep, or holds a number of over 40 digits.
    :raises problems.InvalidBody: for a duplicate key, a NUL or a lone surrogate, naming it.
    """
    value = _read_plain(raw)
    return _read_exactly(raw) if value is _UNREAD else value


def _read_plain(raw: bytes) -> Any:
    """
    Read a text that is seen at once to be all right; `_UNREAD` when it is not, and `_read_exactly` has to say why.

    Without a backslash every quotation mark begins or ends a text. So a key that stands twice leaves fewer of them when
    what was read is written again; and when those next to each other are taken away two by two, one that is left tells
    that a bracket stands in a text.
    """
    if b"\\" in raw or b"0" * MAX_DIGITS in raw.translate(_DIGITS_AS_ZERO):
        return _UNREAD
    shape = raw.translate(None, _NO_SHAPE)
    brackets = shape.replace(b'""', b"")
    if b'"' in brackets or not _is_shallow(brackets):
        return _UNREAD
    try:
        value = _DECODER.decode(raw)
    except (ValueError, RecursionError):
        return _UNREAD
    return value if len(shape) - len(brackets) == _ENCODER.encode(value).count(b'"') else _UNREAD


def _is_shallow(brackets: bytes) -> bool:
    if len(brackets) <= MAX_DEPTH:
        return True
    brackets = brackets.translate(_BRACES_AS_BRACKETS)
    for _ in range(MAX_DEPTH):
        # The innermost level goes.
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return True
    return False


def _read_exactly(raw: bytes) -> Any:
    if not raw.strip():
        raise problems.Malformed("The body is empty; a JSON document is expected.")
    _refuse_depth(raw)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise problems.Malformed(f"The body is not UTF-8 (byte {error.start}).") from None
    try:
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except _Duplicate as error:
        raise problems.InvalidBody(
            f"The key {error.key!r} stands twice in one object.",
            errors=[{"pointer": "", "code": "duplicate_key", "message": f"{error.key!r} stands twice in one object"}],
        ) from None
    except (ValueError, RecursionError) as error:
        raise problems.Malformed(f"The body is not valid JSON: {error}") from None
    if b"\x00" in raw or _BAD_ESCAPE.search(raw):
        _refuse_unstorable(value)
    return value


def _refuse_depth(raw: bytes) -> None:
    # Counted on the bytes, before anything is built: the parser itself recurses.
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKETS.finditer(_STRINGS.sub(b'""', raw)):
        if match.group() in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise problems.Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.")
        else:
            depth -= 1


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_DIGITS + 8:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    value = Decimal(text)
    if not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
        raise ValueError(f"the number {text} is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


_DECODER = msgspec.json.Decoder(float_hook=_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Duplicate(key)
            seen.add(key)
    return made


def _refuse_unstorable(value: Any, pointer: str = "") -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise problems.InvalidBody(
                "A text holds a NUL character or half of a surrogate pair.",
                errors=[{"pointer": pointer, "code": "invalid_character", "message": "NUL or lone surrogate"}],
            )
    elif isinstance(value, dict):
        for key, nested in value.items():
            _refuse_unstorable(key, pointer)
            _refuse_unstorable(nested, f"{pointer}/{problems.escape_pointer(key)}")
    elif isinstance(value, list):
        for index, nested in enumerate(value):
            _refuse_unstorable(nested, f"{pointer}/{index}")


def read_limited(stream: IO[bytes], limit: int) -> bytes:
    """
    Read a body of at most `limit` bytes, whatever length it declares.

    :raises problems.TooLarge: when there is more.
    """
    raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise problems.TooLarge(f"The body is larger than {limit} bytes.")
    return raw


class StrictJSONParser(JSONParser):
    """DRF parser around `parse_strict`; the limit is `settings.API_MAX_BODY_BYTES`."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        if isinstance(parser_context, dict):
            # The request stands in its own context, by itself and by its view: what was read would wait in that ring
            # for the garbage collector, and each body would take new memory.
            parser_context.pop("request", None)
            parser_context.pop("view", None)
        return parse_strict(read_limited(stream, settings.API_MAX_BODY_BYTES))
