"""The result table of `integration.md` 3.1, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from integration.flows import dacs_answers
from integration.flows.dacs_answers import NOT_JSON
from outbound.retry import FaultType


STATUSES = {"PENDING": "SUCCESS", "ERROR": "ERROR", "VAL-ERROR": "ERROR", "VALERROR": "ERROR", "FAILURE": "ERROR"}


def read(status: int, document: Any) -> dacs_answers.RecordResult:
    return dacs_answers.read_answer(status=status, document=document, translate_status=STATUSES.get)


def enrollment(**members: Any) -> dict[str, Any]:
    return {"X1-DAEnroll": {"enrollmentId": "48213907551234", **members}}


class TestReadAnswer:
    def test_pending_is_a_success_with_the_enrollment_id(self) -> None:
        result = read(200, enrollment(status="PENDING"))

        assert (result.code, result.id, result.value) == ("SUCCESS", "48213907551234", "48213907551234")

    @pytest.mark.parametrize("status", ["ERROR", "VALERROR", "VAL-ERROR", "FAILURE", "SOMETHING NEW"])
    def test_any_other_status_is_an_error_with_the_message_text(self, status: str) -> None:
        result = read(200, enrollment(status=status, exception={"messageNumber": 7, "messageText": "No such program"}))

        assert (result.code, result.id, result.value) == ("ERROR", "48213907551234", "No such program")
        assert result.fault is None

    def test_says_the_status_when_there_is_no_text(self) -> None:
        assert read(200, enrollment(status="ERROR")).value == "DACS gave the enrollment the status ERROR"

    @pytest.mark.parametrize("http_status", [200, 400, 404, 409, 422, 500])
    @pytest.mark.parametrize(
        "document",
        [
            {"problemDetailDocument": {"serverMessage": {"number": 10589}}},
            {"problemDetailDocument": {"serverMessage": {"number": "10589"}}},
            {"problemDetailDocument": {"problemType": "https://dacs.example/message/11104/10589"}},
            {"messageNumber": 10589},
            enrollment(status="ERROR", exception={"messageNumber": 10589}),
            {"errors": [{"nested": [{"exception": {"messageNumber": 10589}}]}]},
        ],
    )
    def test_exists_already_is_a_success_at_any_depth_and_under_any_http_code(
        self, http_status: int, document: Any
    ) -> None:
        result = read(http_status, document)

        assert (result.code, result.id, result.value) == ("SUCCESS", "", "already exists")

    @pytest.mark.parametrize("http_status", [400, 404, 409, 422])
    def test_another_4xx_is_an_error_with_the_problem_s_detail(self, http_status: int) -> None:
        document = {
            "problemDetailDocument": {"title": "Bad Request", "detail": "Unknown premise", "stackTrace": "at x"}
        }

        result = read(http_status, document)

        assert (result.code, result.id, result.value) == ("ERROR", "", "Unknown premise")

    def test_a_4xx_without_a_body_is_told_by_its_status(self) -> None:
        assert read(404, NOT_JSON).value == "DACS answered 404 Not Found"

    @pytest.mark.parametrize("http_status", [401, 403, 408, 429, 500, 502, 503, 504])
    def test_what_the_target_cannot_do_is_a_remote_failure(self, http_status: int) -> None:
        result = read(http_status, NOT_JSON)

        assert result.code == "FAILURE"
        assert result.fault is not None
        assert (result.fault.type, result.fault.code) == (FaultType.REMOTE, str(http_status))

    @pytest.mark.parametrize("document", [NOT_JSON, [], "PENDING", {}, {"status": 7}, {"X1-DAEnroll": []}])
    def test_a_200_that_is_no_enrollment_is_a_remote_failure(self, document: Any) -> None:
        result = read(200, document)

        assert result.code == "FAILURE"
        assert result.fault is not None
        assert result.fault.code == "upstream_error"

    def test_a_number_that_only_looks_like_it_is_no_match(self) -> None:
        assert read(400, {"detail": "10589", "amount": 10589}).code == "ERROR"
