from __future__ import annotations

import json

import pytest

from outbound import masking
from outbound.substitution import VariableMissing, substituted


class TestSubstituted:
    @pytest.mark.parametrize(
        ("text", "values", "expected"),
        [
            ("/plain", {}, "/plain"),
            ("/a/{id}/b/{n}", {"id": "x", "n": 7}, "/a/x/b/7"),
            ("/a/{id}", {"id": "../../etc/p?q#f ü"}, "/a/..%2F..%2Fetc%2Fp%3Fq%23f%20%C3%BC"),
            ("/a/{id}", {"id": "{other}", "other": "x"}, "/a/%7Bother%7D"),
        ],
    )
    def test_puts_each_value_in_as_one_segment(self, text: str, values: dict[str, object], expected: str) -> None:
        assert substituted(text, values) == expected

    @pytest.mark.parametrize("values", [{}, {"id": ""}, {"id": None}, {"id": True}, {"id": ["x"]}])
    def test_refuses_a_variable_without_a_plain_value(self, values: dict[str, object]) -> None:
        with pytest.raises(VariableMissing, match=r"\{id\}") as refused:
            substituted("/a/{id}", values)

        assert refused.value.name == "id"


class TestMasking:
    def test_masks_at_any_depth_and_leaves_identifiers(self) -> None:
        content = json.dumps(
            {
                "eventId": "E-1",
                "customers": [{"first_name": "Jane Ann", "homePhone": "5550104477", "EMail": "j@x.org"}],
                "address1": "1 Main St",
                "password": "secret",
                "name": "",
                "amount": 1.5,
            }
        ).encode()

        assert json.loads(masking.shown(content, media_type="application/json")) == {
            "eventId": "E-1",
            "customers": [{"first_name": "J••• A•••", "homePhone": "•••77", "EMail": "j•••@x.org"}],
            "address1": "•••",
            "password": "•••",
            "name": "",
            "amount": "1.5",
        }

    def test_tells_what_is_no_json_by_its_size(self) -> None:
        assert masking.shown(b"<html>secret", media_type="text/html").startswith("12 bytes of text/html, not JSON")

    def test_cuts_what_is_long(self) -> None:
        shown = masking.shown(b'{"a": "' + b"x" * 100 + b'"}', media_type="", limit=20, indent=None)

        assert shown == '{"a": "xxxxxxxxxxxxx … 89 more characters'
