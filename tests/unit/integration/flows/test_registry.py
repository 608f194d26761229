from __future__ import annotations

import pytest

from integration.flows import registry


class TestFind:
    @pytest.mark.parametrize(
        "code",
        [
            "OUTL_BA_DRMS_DACS_EVT_DVCRESV",
            "OUTL-BA-DRMS-DACS-EVT-DVCRESV",
            "outl_ba-drms_dacs-evt_dvcresv",
            "event_device_reservation",
            "Event-Device-Reservation",
        ],
    )
    def test_folds_hyphen_underscore_and_case(self, code: str) -> None:
        assert registry.find(code).identifier == "OUTL_BA_DRMS_DACS_EVT_DVCRESV"

    def test_keeps_the_two_device_score_flows_apart(self) -> None:
        assert registry.find("OUTL-BA-DRMS_DACS_SEND_DVCSCORE").name == "device_score"
        assert registry.find("OUTL-BA-DRMS_DACS_SEND_DVCSCOREC").name == "device_score_object_storage"

    def test_gives_the_status_acknowledgement_a_code_of_its_own(self) -> None:
        """C-05."""
        assert registry.find("OUTL-BA-DRMS_DACS_DEV_STAT_ACK").name == "device_status_ack"

    def test_knows_no_other_flow(self) -> None:
        with pytest.raises(registry.UnknownFlow):
            registry.find("OUTL-BA-SOMETHING")


class TestDeclarations:
    def test_are_the_twelve_of_the_contract_with_unlike_codes_and_names(self) -> None:
        folded = {registry.fold(code) for each in registry.DECLARATIONS for code in (each.identifier, each.name)}

        assert len(registry.DECLARATIONS) == 12
        assert len(folded) == 24

    def test_are_all_available_in_this_version(self) -> None:
        assert [each.name for each in registry.DECLARATIONS if not each.available] == []

    @pytest.mark.parametrize(
        ("name", "uri", "served"),
        [
            ("event_device_reservation", "event-reservation-to-dacs", True),
            ("event_device_reservation", "RESERVEDEVICE", True),
            ("event_device_reservation", "", False),
            ("enrollment_sync", "", True),
            ("enrollment_request", "enroll", False),
        ],
    )
    def test_are_served_at_both_uris_whatever_their_case(self, name: str, uri: str, served: bool) -> None:
        """C-27."""
        assert registry.find(name).serves(uri) is served

    def test_never_use_a_reserved_uri(self) -> None:
        assert {uri.lower() for each in registry.DECLARATIONS for uri in each.uris} & registry.RESERVED_URIS == set()
