from __future__ import annotations

from typing import Any

import pytest

from integration.flows import enrollment_payload
from integration.flows.contract import MessageRefused
from tests.unit.integration.flows.samples import record


def findings(*records: Any) -> list[tuple[str, str]]:
    """Give what is wrong in the records that follow a clean one."""
    clean = record(messageId="CLEAN")
    checked = enrollment_payload.check_collection({"params": [clean, *records]})
    assert checked[0].valid
    return [(finding.pointer, finding.code) for each in checked for finding in each.findings]


class TestCheckCollection:
    def test_is_silent_about_a_clean_record(self) -> None:
        assert findings(record()) == []

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"messageId": ""}, "/messageId", "required"),
            ({"messageId": None}, "/messageId", "required"),
            ({"messageId": 917}, "/messageId", "invalid_type"),
            ({"messageId": "M" * 121}, "/messageId", "max_length"),
            ({"programInfo": None}, "/programInfo", "required"),
            ({"programInfo": []}, "/programInfo", "invalid_type"),
            ({"programInfo__programCode": " "}, "/programInfo/programCode", "required"),
            ({"programInfo__startDateTimeISO": ""}, "/programInfo/startDateTimeISO", "required"),
            (
                {"programInfo__startDateTimeISO": "10-15-2022 05:00:00PM"},
                "/programInfo/startDateTimeISO",
                "invalid_date_time",
            ),
            (
                {"programInfo__startDateTimeISO": "2023-06-05T00:00:00"},
                "/programInfo/startDateTimeISO",
                "invalid_date_time",
            ),
            (
                {"programInfo__startDateTimeISO": "20230605T000000Z"},
                "/programInfo/startDateTimeISO",
                "invalid_date_time",
            ),
            ({"programInfo__endDateTimeISO": "later"}, "/programInfo/endDateTimeISO", "invalid_date_time"),
            ({"customerInfo": "Dana"}, "/customerInfo", "invalid_type"),
            ({"customerInfo__name": "N" * 255}, "/customerInfo/name", "max_length"),
            ({"locationInfo__postal": 94061}, "/locationInfo/postal", "invalid_type"),
            ({"assetInfo__installationMethod": "X1XX"}, "/assetInfo/installationMethod", "invalid_choice"),
            ({"assetInfo__assetOwnership": ""}, "/assetInfo/assetOwnership", "required"),
            ({"assetInfo__assetList": []}, "/assetInfo/assetList", "required"),
            ({"assetInfo__assetList": {}}, "/assetInfo/assetList", "invalid_type"),
            ({"assetInfo__assetList__0": "one"}, "/assetInfo/assetList/0", "invalid_type"),
            ({"assetInfo__assetList__0__sequence": "1"}, "/assetInfo/assetList/0/sequence", "invalid_type"),
            ({"assetInfo__assetList__0__specification": ""}, "/assetInfo/assetList/0/specification", "required"),
            ({"assetInfo__assetList__0__assetType": None}, "/assetInfo/assetList/0/assetType", "required"),
            ({"assetInfo__assetList__0__nicId": ""}, "/assetInfo/assetList/0/nicId", "required"),
            ({"assetInfo__assetList__0__nicId": "9" * 101}, "/assetInfo/assetList/0/nicId", "max_length"),
            ({"assetInfo__assetList__0__headEndSystem": ""}, "/assetInfo/assetList/0/headEndSystem", "required"),
            (
                {"assetInfo__assetList__0__headEndSystem": "H" * 51},
                "/assetInfo/assetList/0/headEndSystem",
                "max_length",
            ),
        ],
    )
    def test_names_the_place_that_is_spoilt(self, changes: dict[str, Any], pointer: str, code: str) -> None:
        assert findings(record(**changes)) == [(f"/params/1{pointer}", code)]

    def test_names_every_place_and_not_only_the_first(self) -> None:
        spoilt = record(messageId="", assetInfo__assetList__0__nicId="", assetInfo__assetList__0__assetType="")

        assert findings(spoilt) == [
            ("/params/1/messageId", "required"),
            ("/params/1/assetInfo/assetList/0/assetType", "required"),
            ("/params/1/assetInfo/assetList/0/nicId", "required"),
        ]

    def test_asks_for_the_device_only_when_the_customer_brings_an_own_one(self) -> None:
        shipped = record(assetInfo__installationMethod="X1SD", assetInfo__assetList=[])
        utility_owned = record(messageId="M-2", assetInfo__assetOwnership="W1OW", assetInfo__assetList__0__nicId="")

        assert findings(shipped, utility_owned) == []

    def test_refuses_a_message_id_that_comes_twice_at_the_second_place(self) -> None:
        assert findings(record(), record()) == [("/params/2/messageId", "duplicate")]

    def test_allows_members_that_it_does_not_know(self) -> None:
        assert findings({**record(), "aLaterRelease": {"says": "more"}}) == []

    @pytest.mark.parametrize(
        ("document", "code"),
        [
            (None, "required"),
            ([], "required"),
            ({}, "required"),
            ({"params": {}}, "invalid_type"),
            ({"params": []}, "empty"),
            ({"params": [None]}, "invalid_type"),
            ({"params": [{}] * 5001}, "too_many"),
        ],
    )
    def test_refuses_what_is_no_collection_as_a_whole(self, document: Any, code: str) -> None:
        with pytest.raises(MessageRefused) as caught:
            enrollment_payload.check_collection(document)

        assert caught.value.findings[0].code == code

    def test_refuses_a_collection_without_one_valid_record(self) -> None:
        with pytest.raises(MessageRefused) as caught:
            enrollment_payload.check_collection({"params": [record(programInfo=None), record(messageId="")]})

        assert [finding.pointer for finding in caught.value.findings] == [
            "/params/0/programInfo",
            "/params/1/messageId",
        ]
        assert caught.value.message_id == "DRMS-ENR-000917"
