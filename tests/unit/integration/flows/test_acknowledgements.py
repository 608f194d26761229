from __future__ import annotations

import datetime as dt

import pytest

from integration.flows import acknowledgements


AT = dt.datetime(2023, 6, 1, 19, 20, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))


class TestWorst:
    @pytest.mark.parametrize(
        ("codes", "expected"),
        [
            (["SUCCESS", "SUCCESS"], "SUCCESS"),
            (["SUCCESS", "ERROR", "SUCCESS"], "ERROR"),
            (["ERROR", "FAILURE", "SUCCESS"], "FAILURE"),
            (["FAILURE", "ERROR"], "FAILURE"),
        ],
    )
    def test_is_the_maximum_under_success_error_failure(self, codes: list[str], expected: str) -> None:
        assert acknowledgements.worst(codes) == expected

    def test_has_no_answer_for_an_empty_collection(self) -> None:
        with pytest.raises(ValueError):
            acknowledgements.worst([])


class TestMessageAcknowledgement:
    def test_has_the_guide_s_names_and_times_in_true_utc(self) -> None:
        entry = acknowledgements.response(
            code="SUCCESS", answer_id="48", value="48", message_id="M-1", dacs_message_id="48", at=AT
        )

        made = acknowledgements.message_acknowledgement(responses=[entry], at=AT)

        assert made == {
            "ackType": "SUCCESS",
            "whenISO": "2023-06-01T17:20:05.000Z",
            "responses": [
                {
                    "id": "48",
                    "value": "48",
                    "responseCode": "SUCCESS",
                    "responseTimeISO": "2023-06-01T17:20:05.000Z",
                    "dacsMessageId": "48",
                    "messageId": "M-1",
                }
            ],
        }
