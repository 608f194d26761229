"""The requests of X1-ProgramEnrollment as they are read: names, limits, dates, and what counts as the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from assets import service_forms as forms


def request(**parts: Any) -> dict[str, Any]:
    return {
        "transactionId": "T-1",
        "customerInfo": {"cisPersonId": "1"},
        "programInfo": {"programCode": "P", "startDate": "2023-06-05"},
        "locationInfo": {"cisServicePointId": "2", "address1": "12 Alder Way"},
        "assetInfo": {"installationMethod": "X1UI", "assetOwnership": "W1OW", "assetList": [{"serialNo": "S"}]},
        **parts,
    }


class TestReadEnroll:
    def test_reads_the_names_of_the_guide(self):
        form = forms.read_enroll(request())

        assert (form.transaction_id, form.customer_info.cis_person_id) == ("T-1", "1")
        assert (form.location_info.cis_service_point_id, form.location_info.address1) == ("2", "12 Alder Way")
        assert (form.asset_info.installation_method, form.asset_info.asset_list[0].serial_no) == ("X1UI", "S")
        assert forms.start_date(form) == dt.date(2023, 6, 5)

    def test_leaves_what_it_does_not_know_alone(self):
        assert forms.read_enroll(request(enrollmentSource="X1BY", appointmentSlots={})).transaction_id == "T-1"

    @pytest.mark.parametrize(
        ("_case", "parts", "pointer"),
        [
            ("null", {"customerInfo": None}, "/customerInfo"),
            ("a list for an object", {"programInfo": []}, "/programInfo"),
            ("no code", {"programInfo": {"programCode": "", "startDate": "2023-06-05"}}, "/programInfo/programCode"),
            ("no date", {"programInfo": {"programCode": "P"}}, "/programInfo/startDate"),
            ("no such day", {"programInfo": {"programCode": "P", "startDate": "2023-02-29"}}, "/programInfo/startDate"),
            ("long ago", {"programInfo": {"programCode": "P", "startDate": "0001-01-01"}}, "/programInfo/startDate"),
            ("a space around the key", {"transactionId": " T-1"}, "/transactionId"),
            ("a line break in the key", {"transactionId": "T\n1"}, "/transactionId"),
            ("a long key", {"transactionId": "T" * 121}, "/transactionId"),
        ],
    )
    def test_refuses_at_the_place(self, _case, parts, pointer):
        with pytest.raises(forms.FormRefused) as refused:
            forms.read_enroll(request(**parts))

        assert refused.value.pointer == pointer

    @pytest.mark.parametrize("missing", ["specification", "assetType", "nicId", "headEndSystem"])
    def test_a_device_that_is_brought_is_named_whole(self, missing):
        asset = {"specification": "S", "assetType": "T", "nicId": "N", "headEndSystem": "H"}
        info = {"installationMethod": "X1SI", "assetOwnership": "W1CO"}
        assert forms.read_enroll(request(assetInfo={**info, "assetList": [asset]}))

        with pytest.raises(
            forms.FormRefused, match=f"{missing} is required when installationMethod is X1SI"
        ) as refused:
            forms.read_enroll(request(assetInfo={**info, "assetList": [asset, {**asset, missing: " "}]}))

        assert refused.value.pointer == f"/assetInfo/assetList/1/{missing}"


class TestReadUnenroll:
    def test_needs_little(self):
        form = forms.read_unenroll({"transactionId": "U-1", "programInfo": {"programCode": "P"}})

        assert (form.asset_info.asset_list, form.asset_info.removal_method, forms.end_date(form)) == ([], None, None)

    def test_reads_its_day(self):
        form = forms.read_unenroll(
            {"transactionId": "U-1", "programInfo": {"programCode": "P", "endDate": "2023-07-01"}}
        )

        assert forms.end_date(form) == dt.date(2023, 7, 1)

    def test_refuses_a_way_of_removal_that_there_is_none(self):
        document = {
            "transactionId": "U-1",
            "programInfo": {"programCode": "P"},
            "assetInfo": {"removalMethod": "X1XX"},
        }

        with pytest.raises(forms.FormRefused) as refused:
            forms.read_unenroll(document)

        assert refused.value.pointer == "/assetInfo/removalMethod"


class TestTheSame:
    def test_order_does_not_matter_and_values_do(self):
        first = {"a": 1, "b": {"c": Decimal("1.50"), "d": None}}

        assert forms.digest(first) == forms.digest({"b": {"d": None, "c": Decimal("1.50")}, "a": 1})
        assert forms.digest(first) != forms.digest({**first, "a": 2})

    def test_what_is_stored_is_plain_json_in_its_order(self):
        stored = forms.plain({"b": Decimal("1.5"), "a": ["ä", None, True]})

        assert stored == {"b": 1.5, "a": ["ä", None, True]}
        assert list(stored) == ["b", "a"]
