from __future__ import annotations

from decimal import Decimal

from integration.flows import canonical


class TestDigest:
    def test_does_not_mind_spaces_and_the_order_of_keys(self) -> None:
        assert canonical.digest(canonical.read(b'{"a": 1, "b": [2.50, null]}')) == canonical.digest(
            canonical.read(b'{ "b":[2.50,null],"a":1 }')
        )

    def test_minds_every_value(self) -> None:
        assert len({canonical.digest(value) for value in ({"a": "1"}, {"a": 1}, {"a": None}, {}, {"a": [1]})}) == 5


class TestRead:
    def test_keeps_every_digit(self) -> None:
        assert canonical.read(b"[0.1000000000000000000001]") == [Decimal("0.1000000000000000000001")]
