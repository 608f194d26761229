from __future__ import annotations

import json

from integration import payload_masking
from tests.unit.integration.flows.samples import record


class TestShown:
    def test_masks_names_phones_mail_and_addresses_at_any_depth(self) -> None:
        shown = json.loads(
            payload_masking.shown(json.dumps({"params": [record()]}).encode(), media_type="application/json")
        )

        customer, location = shown["params"][0]["customerInfo"], shown["params"][0]["locationInfo"]
        assert customer["name"] == "R••• D•••"
        assert customer["homePhone"] == "•••01"
        assert customer["businessPhone"] == ""
        assert customer["email"] == "d•••@example.org"
        assert location["address1"] == "•••"

    def test_keeps_what_people_search_by(self) -> None:
        text = payload_masking.shown(json.dumps(record()).encode(), media_type="application/json")

        for kept in ("DRMS-ENR-000917", "9930118842", "Redwood City", "411912345678"):
            assert kept in text

    def test_shows_all_to_those_who_may(self) -> None:
        text = payload_masking.shown(json.dumps(record()).encode(), media_type="application/json", mask=False)

        assert "Rivera, Dana" in text

    def test_does_not_show_what_it_cannot_mask(self) -> None:
        text = payload_masking.shown(b"<name>Dana Rivera</name>", media_type="text/html")

        assert "Dana" not in text
        assert text.startswith("24 bytes of text/html")

    def test_keeps_numbers_exact(self) -> None:
        assert "1.10" in payload_masking.shown(b'{"value": 1.10}', media_type="application/json")

    def test_cuts_what_is_too_long(self) -> None:
        text = payload_masking.shown(b'"' + b"x" * 500 + b'"', media_type="application/json", limit=100)

        assert text.endswith("402 more characters")
