"""Enroll Sync Ack in plain Python: what DERMS may send, and what DACS gets."""

from __future__ import annotations

from typing import Any

import pytest

from integration.flows import enroll_ack_message, sync_acknowledgement
from integration.flows.contract import MessageRefused
from tests.unit.integration.flows import sync_samples as samples


KEY = "15449036987849"


def findings(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(MessageRefused) as refused:
        enroll_ack_message.read(document)
    return [(finding.pointer, finding.code) for finding in refused.value.findings]


class TestRead:
    def test_takes_an_acknowledgement_with_one_response(self) -> None:
        ack = enroll_ack_message.read(samples.acknowledgement("ERROR", "not known"))

        assert (ack.sync_request_id, ack.code, ack.text) == (KEY, "ERROR", "not known")
        assert ack.pointer == "/responses/0/dacsMessageId"

    @pytest.mark.parametrize("name", ["ackType", "responseCode"])
    def test_takes_the_sync_request_beside_the_code(self, name: str) -> None:
        ack = enroll_ack_message.read({"dacsMessageId": KEY, name: "SUCCESS"})

        assert (ack.sync_request_id, ack.code, ack.pointer) == (KEY, "SUCCESS", "/dacsMessageId")

    def test_takes_the_code_of_the_response(self) -> None:
        document = {"responses": [{"dacsMessageId": KEY, "responseCode": "FAILURE", "value": "down"}]}

        ack = enroll_ack_message.read(document)

        assert (ack.code, ack.text) == ("FAILURE", "down")

    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            ({"ackType": "SUCCESS"}, [("/responses/0/dacsMessageId", "required")]),
            ({"dacsMessageId": KEY}, [("/ackType", "invalid_choice")]),
            ({"dacsMessageId": KEY, "ackType": "MAYBE"}, [("/ackType", "invalid_choice")]),
            ({"dacsMessageId": "1" * 15, "ackType": "SUCCESS"}, [("/dacsMessageId", "max_length")]),
            ({"dacsMessageId": "a/b", "ackType": "SUCCESS"}, [("/dacsMessageId", "invalid")]),
            ({"dacsMessageId": 1, "ackType": "SUCCESS"}, [("/dacsMessageId", "invalid_type")]),
            ({"responses": {}}, [("/responses", "invalid_type")]),
            ({"responses": ["x"]}, [("/responses/0", "invalid_type")]),
            ([], [("", "invalid_type")]),
        ],
    )
    def test_names_each_misfit_by_its_pointer(self, document: Any, expected: list[tuple[str, str]]) -> None:
        assert findings(document) == expected

    def test_refuses_an_acknowledgement_of_two_sync_requests(self) -> None:
        document = samples.acknowledgement()
        document["responses"].append({**document["responses"][0], "dacsMessageId": "15449036987911"})

        assert findings(document) == [("/responses", "too_many")]


class TestBodies:
    def test_tells_dacs_that_derms_has_it(self) -> None:
        assert sync_acknowledgement.positive(sync_request_id=KEY, external_key="NMS1:901245778310") == {
            "syncRequestId": KEY,
            "hasError": False,
            "exceptionInfo": [],
            "externalIds": [{"entity": "DERMS-ENROLLMENT", "externalPk1": "NMS1:901245778310"}],
        }

    def test_names_no_external_key_that_is_not_known(self) -> None:
        assert sync_acknowledgement.positive(sync_request_id=KEY, external_key="")["externalIds"] == []

    def test_tells_dacs_that_derms_refused_it(self) -> None:
        text = "CIS person 5512034479 is not known"

        assert sync_acknowledgement.negative(sync_request_id=KEY, text=text, category=11104, number=11220) == {
            "syncRequestId": KEY,
            "hasError": True,
            "exceptionInfo": [
                {
                    "sequence": 1,
                    "messageCategory": 11104,
                    "messageNumber": 11220,
                    "comments": f"DERMS: {text}",
                    "messageParameters": [{"parameterSequence": 1, "messageParameterValue": text}],
                }
            ],
        }

    def test_keeps_within_the_lengths_of_dacs(self) -> None:
        body = sync_acknowledgement.negative(sync_request_id=KEY, text="x" * 3000, category=1, number=2)

        (exception,) = body["exceptionInfo"]
        assert len(exception["comments"]) == 254
        assert len(exception["messageParameters"][0]["messageParameterValue"]) == 2000
