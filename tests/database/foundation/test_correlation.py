"""One id from the request to what it causes."""

from __future__ import annotations

import re
import uuid

import pytest
import structlog
from django.test import Client

from foundation import correlation


@pytest.mark.django_db
class TestRequests:
    def test_a_request_keeps_the_id_that_its_caller_sent_and_is_told_it(self, client: Client) -> None:
        answer = client.get("/health/live", headers={"X-Correlation-Id": "DERMS-4711:a"})

        assert answer["X-Correlation-Id"] == "DERMS-4711:a"

    def test_the_request_id_of_a_proxy_is_taken_when_there_is_no_other(self, client: Client) -> None:
        answer = client.get("/health/live", headers={"X-Request-Id": "proxy-1"})
        both = client.get("/health/live", headers={"X-Request-Id": "proxy-1", "X-Correlation-Id": "peer-1"})

        assert (answer["X-Correlation-Id"], both["X-Correlation-Id"]) == ("proxy-1", "peer-1")

    @pytest.mark.parametrize("sent", ["", "two words", "a" * 101, 'x","level":"info', "a%0d%0ab", "ä"])
    def test_one_that_is_no_plain_word_is_replaced(self, client: Client, sent: str) -> None:
        answer = client.get("/health/live", headers={"X-Correlation-Id": sent})

        assert uuid.UUID(answer["X-Correlation-Id"])

    def test_errors_say_it_too(self, client: Client) -> None:
        answer = client.get("/api/v1/nothing-here/", headers={"X-Correlation-Id": "c-404"})

        assert (answer.status_code, answer["X-Correlation-Id"]) == (404, "c-404")

    def test_every_line_about_the_request_has_it(self, client: Client, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", logger="django_structlog")

        client.get("/api/v1/nothing-here/", headers={"X-Correlation-Id": "c-lines", "X-Request-Id": 'no"word'})

        lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
        assert [line["event"] for line in lines] == ["request_started", "request_finished"]
        assert {line["correlation_id"] for line in lines} == {"c-lines"}
        assert all(re.fullmatch(r"[0-9a-f-]{36}", line["request_id"]) for line in lines)

    def test_nothing_of_it_is_left_for_the_next_request(self, client: Client) -> None:
        client.get("/health/live", headers={"X-Correlation-Id": "first"})

        assert correlation.current() == ""


class TestBound:
    def test_inner_work_has_its_own_and_the_outer_one_comes_back(self) -> None:
        with structlog.contextvars.bound_contextvars(correlation_id="outer"):
            with correlation.bound("inner"):
                inner = correlation.current()
            with correlation.bound(""):
                none = correlation.current()
            after = correlation.current()

        assert (inner, none, after) == ("inner", "", "outer")

    def test_it_comes_back_after_an_error_too(self) -> None:
        with structlog.contextvars.bound_contextvars(correlation_id="outer"):
            with pytest.raises(ValueError, match="away"), correlation.bound("inner"):
                raise ValueError("away")

            assert correlation.current() == "outer"
