from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import RequestFactory

from integration.logs import WithoutHealthRequests


def _record(message: Any, **extra: Any) -> logging.LogRecord:
    record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, message, (), None)
    record.__dict__.update(extra)
    return record


class TestFilter:
    @pytest.mark.parametrize(("path", "kept"), [("/health/ready", False), ("/metrics", False), ("/api/v1/imds/", True)])
    def test_looks_at_the_path_of_djangos_own_lines(self, path: str, kept: bool) -> None:
        record = _record("Service Unavailable: %s", request=RequestFactory().get(path))

        assert WithoutHealthRequests().filter(record) is kept

    @pytest.mark.parametrize(
        ("request_line", "kept"),
        [("GET /health/live", False), ("GET /metrics", False), ("GET /api/health/", True)],
    )
    def test_looks_at_the_request_of_structured_lines(self, request_line: str, kept: bool) -> None:
        record = _record({"event": "request_finished", "request": request_line})

        assert WithoutHealthRequests().filter(record) is kept

    def test_keeps_what_is_about_no_request(self) -> None:
        assert WithoutHealthRequests().filter(_record({"event": "broker_not_ready"})) is True
