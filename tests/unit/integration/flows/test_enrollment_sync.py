"""Enrollment Sync in plain Python: what DACS may send, what DERMS gets, and what its answers mean."""

from __future__ import annotations

from typing import Any

import pytest

from integration.flows import dacs_messages, derms_answers, enrollment_sync_mapping, peer_calls
from integration.flows.contract import MessageRefused
from integration.flows.peer_calls import Call
from tests.unit.integration.flows import sync_samples as samples


STATUSES = {"ACTIVE": "ACTIVE", "PENDING": "INACTIVE", "RETIRED": "REMOVED", "GHOST": ""}


def mapped(**changes: Any) -> tuple[dict[str, Any], list[str]]:
    return enrollment_sync_mapping.map_sync(
        samples.sync(**changes)["sendDetails"], connection_id="NMS1_SITE_A", location_status=STATUSES.get
    )


def findings(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(MessageRefused) as refused:
        dacs_messages.check_sync(document)
    return [(finding.pointer, finding.code) for finding in refused.value.findings]


def answered(status: int, document: Any) -> derms_answers.DermsAnswer:
    return derms_answers.read(Call(request=b"{}", response=b"", status=status, document=document))


class TestCheckSync:
    def test_takes_the_sample_of_the_guide(self) -> None:
        message = dacs_messages.check_sync(samples.sync())

        assert message.sync_request_id == "15449036987849"
        assert message.division == "CA"
        assert message.subscription["subscriptionId"] == "901245778310"

    def test_takes_a_message_without_contact_because_derms_answers_that(self) -> None:
        document = samples.sync(contactInfo=None)

        assert dacs_messages.check_sync(document).sync_request_id == "15449036987849"

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"syncRequestId": ""}, [("/sendDetails/syncRequestId", "required")]),
            ({"syncRequestId": "1" * 15}, [("/sendDetails/syncRequestId", "max_length")]),
            ({"syncRequestId": "../secret"}, [("/sendDetails/syncRequestId", "invalid")]),
            ({"syncRequestId": 7}, [("/sendDetails/syncRequestId", "invalid_type")]),
            ({"subscriptionInfo": None}, [("/sendDetails/subscriptionInfo", "required")]),
            (
                {"subscriptionInfo__subscriptionId": None},
                [("/sendDetails/subscriptionInfo/subscriptionId", "required")],
            ),
            (
                {"subscriptionInfo__startDateTime": "10-15-2022 05:00:00PM"},
                [("/sendDetails/subscriptionInfo/startDateTime", "invalid_date_time")],
            ),
            ({"locationInfo__division": " "}, [("/sendDetails/locationInfo/division", "required")]),
            (
                {"locationInfo__controllableDevices": {}},
                [("/sendDetails/locationInfo/controllableDevices", "invalid_type")],
            ),
            (
                {"locationInfo__controllableDevices__0__nicId": "n" * 101},
                [("/sendDetails/locationInfo/controllableDevices/0/nicId", "max_length")],
            ),
            ({"contactInfo": "Rivera"}, [("/sendDetails/contactInfo", "invalid_type")]),
        ],
    )
    def test_names_each_misfit_by_its_pointer(self, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
        assert findings(samples.sync(**changes)) == expected

    @pytest.mark.parametrize("document", [None, [], {}, {"sendDetails": None}])
    def test_refuses_what_holds_no_details(self, document: Any) -> None:
        assert findings(document) == [("/sendDetails", "required")]

    def test_writes_paths_as_people_do(self) -> None:
        document = samples.sync(locationInfo__controllableDevices__0__nicId=5)

        with pytest.raises(
            MessageRefused, match=r"sendDetails\.locationInfo\.controllableDevices\[0\]\.nicId is not a text"
        ):
            dacs_messages.check_sync(document)


class TestMapSync:
    def test_gives_what_the_guide_shows(self) -> None:
        assert mapped() == (samples.SYNC_AT_DERMS, [])

    def test_maps_an_unenrollment(self) -> None:
        document, _ = mapped(
            subscriptionInfo__status="INACTIVE",
            subscriptionInfo__endDateTime="2023-07-01T07:00:00Z",
            locationInfo__controllableDevices__0__deviceLocationStatus="RETIRED",
        )

        assert document["subscriptionInfo"]["status"] == "INACTIVE"
        assert document["subscriptionInfo"]["endDateTimeISO"] == "2023-07-01T07:00:00Z"
        assert document["locationInfo"]["controllableDevices"][0]["deviceLocationStatus"] == "REMOVED"

    def test_tells_a_replacement_by_the_removal_of_the_old_device(self) -> None:
        old = samples.sync()["sendDetails"]["locationInfo"]["controllableDevices"][0]
        new = {**old, "deviceId": "771200349999", "nicId": "411912349999"}

        document, _ = mapped(
            locationInfo__controllableDevices=[
                {**old, "deviceLocationStatus": "RETIRED", "removalDateTime": "2023-06-20T07:00:00Z"},
                new,
            ]
        )

        first, second = document["locationInfo"]["controllableDevices"]
        assert (first["deviceLocationStatus"], first["removalDateTime"]) == ("REMOVED", "2023-06-20T07:00:00Z")
        assert (second["deviceLocationStatus"], second["nicId"]) == ("ACTIVE", "411912349999")
        assert "removalDateTime" not in second

    def test_passes_a_status_on_that_the_lookup_does_not_know(self) -> None:
        document, unknown = mapped(locationInfo__controllableDevices__0__deviceLocationStatus="MOTHBALLED")

        assert document["locationInfo"]["controllableDevices"][0]["deviceLocationStatus"] == "MOTHBALLED"
        assert unknown == ["MOTHBALLED"]

    def test_leaves_a_status_out_that_the_lookup_holds_empty(self) -> None:
        document, unknown = mapped(locationInfo__controllableDevices__0__deviceLocationStatus="GHOST")

        assert "deviceLocationStatus" not in document["locationInfo"]["controllableDevices"][0]
        assert unknown == []

    def test_leaves_out_a_contact_that_is_not_there(self) -> None:
        document, _ = mapped(contactInfo=None, locationInfo__controllableDevices=None)

        assert "contactInfo" not in document
        assert document["locationInfo"]["controllableDevices"] is None


class TestDermsAnswers:
    @pytest.mark.parametrize("status", [200, 202])
    def test_takes_a_success(self, status: int) -> None:
        answer = answered(status, samples.acknowledgement(value="Enrolled"))

        assert (answer.code, answer.text, answer.fault) == ("SUCCESS", "", None)

    def test_takes_a_refusal_of_the_data_as_an_answer(self) -> None:
        answer = answered(200, samples.acknowledgement("ERROR", "null CIS_PERSON_ID"))

        assert (answer.code, answer.text, answer.fault) == ("ERROR", "null CIS_PERSON_ID", None)

    @pytest.mark.parametrize(
        ("status", "document", "caller_status", "fault_type", "code"),
        [
            (200, samples.acknowledgement("FAILURE", "down"), 502, "REMOTE", "derms_failure"),
            (200, {"hello": "world"}, 502, "REMOTE", "upstream_error"),
            (200, {"ackType": "MAYBE"}, 502, "REMOTE", "upstream_error"),
            (200, peer_calls.NOT_JSON, 502, "REMOTE", "upstream_error"),
            (204, [], 502, "REMOTE", "upstream_error"),
            (400, samples.acknowledgement("ERROR", "no"), 400, "TECHNICAL", "400"),
            (404, None, 400, "TECHNICAL", "404"),
            (401, None, 502, "REMOTE", "401"),
            (429, None, 502, "REMOTE", "429"),
            (500, {"detail": "broken"}, 502, "REMOTE", "500"),
            (503, peer_calls.NOT_JSON, 502, "REMOTE", "503"),
        ],
    )
    def test_makes_a_fault_of_the_rest(
        self, status: int, document: Any, caller_status: int, fault_type: str, code: str
    ) -> None:
        answer = answered(status, document)

        assert answer.fault is not None
        assert (answer.caller_status, answer.fault.type, answer.fault.code) == (caller_status, fault_type, code)
        assert answer.code == "FAILURE"

    def test_says_what_derms_said(self) -> None:
        answer = answered(400, samples.acknowledgement("ERROR", "subscriptionInfo is required"))

        assert answer.fault is not None
        assert answer.fault.reason == "DERMS answered 400 Bad Request: subscriptionInfo is required"
        assert answer.refused

    def test_reads_the_worst_of_the_responses_when_there_is_no_overall_type(self) -> None:
        document = samples.acknowledgement("ERROR", "no")
        del document["ackType"]

        assert answered(200, document).code == "ERROR"

    def test_reads_an_acknowledgement_below_its_name(self) -> None:
        assert answered(200, {"MsgAck": samples.acknowledgement()}).code == "SUCCESS"
