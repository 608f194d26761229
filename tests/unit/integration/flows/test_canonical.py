from __future__ import annotations

import json
from decimal import Decimal

import pytest

from integration.flows import canonical


class TestDigest:
    def test_does_not_mind_spaces_and_the_order_of_keys(self) -> None:
        assert canonical.digest(canonical.read(b'{"a": 1, "b": [2.50, null]}')) == canonical.digest(
            canonical.read(b'{ "b":[2.50,null],"a":1 }')
        )

    def test_minds_every_value(self) -> None:
        assert len({canonical.digest(value) for value in ({"a": "1"}, {"a": 1}, {"a": None}, {}, {"a": [1]})}) == 5


class TestRead:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"a":1.50,"a":2}',
            b"\xef\xbb\xbf[1]",
            b'"\\ud800"',
            b"[NaN]",
            b"1" * 60,
            b'{"z":1,"a":[true,null]}',
            b"1E5",
        ],
    )
    def test_reads_what_the_standard_library_reads(self, body: bytes) -> None:
        assert repr(canonical.read(body)) == repr(json.loads(body.decode("utf-8-sig"), parse_float=Decimal))

    def test_refuses_what_is_no_json(self) -> None:
        with pytest.raises(ValueError, match="Expecting value"):
            canonical.read(b"[1,]")

    def test_keeps_every_digit(self) -> None:
        assert canonical.read(b"[0.1000000000000000000001]") == [Decimal("0.1000000000000000000001")]
