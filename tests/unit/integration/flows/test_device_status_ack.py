"""Device Status Ack in plain Python: what DERMS may answer, and what DACS gets."""

from __future__ import annotations

from typing import Any

import pytest

from integration.flows import device_status_answer
from integration.flows.contract import MessageRefused


KEY = "85810617092033"


class TestRead:
    @pytest.mark.parametrize("result", ["SUCCESS", "FAILURE"])
    def test_takes_both_answers(self, result: str) -> None:
        answer = device_status_answer.read({"dacsMessageId": KEY, "responseCode": result})

        assert (answer.communication_id, answer.result) == (KEY, result)

    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            ({"responseCode": "SUCCESS"}, [("/dacsMessageId", "required")]),
            ({"dacsMessageId": "1" * 31, "responseCode": "SUCCESS"}, [("/dacsMessageId", "max_length")]),
            ({"dacsMessageId": "a b", "responseCode": "SUCCESS"}, [("/dacsMessageId", "invalid")]),
            ({"dacsMessageId": KEY}, [("/responseCode", "required")]),
            ({"dacsMessageId": KEY, "responseCode": "ERROR"}, [("/responseCode", "invalid_choice")]),
            ({"dacsMessageId": KEY, "responseCode": ["SUCCESS"]}, [("/responseCode", "invalid_choice")]),
            ("SUCCESS", [("", "invalid_type")]),
        ],
    )
    def test_names_each_misfit_by_its_pointer(self, document: Any, expected: list[tuple[str, str]]) -> None:
        with pytest.raises(MessageRefused) as refused:
            device_status_answer.read(document)

        assert [(finding.pointer, finding.code) for finding in refused.value.findings] == expected


class TestToDacs:
    def test_gives_what_the_guide_shows(self) -> None:
        answer = device_status_answer.read({"dacsMessageId": KEY, "responseCode": "SUCCESS"})

        assert device_status_answer.to_dacs(answer) == {
            "responseDetail": {"transactionID": KEY, "result": {"status": "SUCCESS"}}
        }


class TestBoStatus:
    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            ({"boStatus": "COMPLETE", "communicationId": KEY}, "COMPLETE"),
            ({"X1-CtrlDvcStatusCheckResp": {"boStatus": "COMPLETE"}}, "COMPLETE"),
            ({}, ""),
            ([], ""),
            ({"boStatus": 7}, ""),
        ],
    )
    def test_finds_the_status(self, document: Any, expected: str) -> None:
        assert device_status_answer.bo_status(document) == expected
