"""The result table that reservations, cancellations and outcomes share, and what goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from integration.flows import dacs_participation
from integration.flows.acknowledgements import AckCode
from outbound.retry import FaultType
from outbound.transports import base


PROBLEM = b'{"problemDetailDocument": {"title": "Bad Request", "detail": "Event E-1 is not known."}}'


class Target:
    """Answers with what it was given, and keeps the call."""

    def __init__(self, told: base.Answer | base.TransportError) -> None:
        self.told = told
        self.calls: list[tuple[str, str, bytes | None, str | None]] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> base.Answer:
        self.calls.append((method, path, body, idempotency_key))
        if isinstance(self.told, base.TransportError):
            raise self.told
        return self.told


def answered(status: int, body: bytes = b"{}") -> base.Answer:
    return base.Answer(status=status, headers={"Content-Type": "application/json"}, body=body, elapsed_seconds=0.25)


def call(told: base.Answer | base.TransportError) -> tuple[Target, dacs_participation.ParticipationAnswer]:
    target = Target(told)
    answer = dacs_participation.call(
        client=target,
        service_path="/service",
        operation=dacs_participation.CANCEL,
        document={"eventExternalIdentifier": "E-1"},
        idempotency_key="NMS1/M-1",
    )
    return target, answer


def test_posts_the_document_under_its_key() -> None:
    target, answer = call(answered(200))

    assert target.calls == [("POST", "/service/preEventCancellation", b'{"eventExternalIdentifier":"E-1"}', "NMS1/M-1")]
    assert (answer.succeeded, answer.status, answer.seconds) == (True, 200, 0.25)


@pytest.mark.parametrize(
    ("status", "body", "code", "value", "fault_code"),
    [
        (200, b"{}", AckCode.SUCCESS, "", None),
        (204, b"", AckCode.SUCCESS, "", None),
        (200, b"<html>", AckCode.FAILURE, "DACS answered 200 with a body that is not JSON", "upstream_error"),
        (400, PROBLEM, AckCode.ERROR, "Event E-1 is not known.", None),
        (404, b"", AckCode.ERROR, "DACS answered 404 Not Found", None),
        (401, b"", AckCode.FAILURE, "DACS answered 401 Unauthorized", "401"),
        (429, b"", AckCode.FAILURE, "DACS answered 429 Too Many Requests", "429"),
        (500, PROBLEM, AckCode.FAILURE, "DACS answered 500 Internal Server Error: Event E-1 is not known.", "500"),
    ],
)
def test_reads_each_answer(status: int, body: bytes, code: AckCode, value: str, fault_code: str | None) -> None:
    _, answer = call(answered(status, body))

    assert (answer.code, answer.value) == (code, value)
    assert (answer.fault.code if answer.fault else None) == fault_code
    if answer.fault is not None:
        assert answer.fault.type is FaultType.REMOTE


@pytest.mark.parametrize(
    ("error", "value", "sent"),
    [
        (base.TargetUnreachable("10.0.0.1 refused"), "DACS cannot be reached", False),
        (base.TargetTimedOut("10.0.0.1 was late"), "DACS did not answer in time", True),
    ],
)
def test_a_call_that_failed_is_a_failure_and_names_no_host(error: base.TransportError, value: str, sent: bool) -> None:
    _, answer = call(error)

    assert (answer.code, answer.value, answer.sent, answer.status) == (AckCode.FAILURE, value, sent, 0)
    assert answer.response is None


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/rest/apis/cross/service/programEventParticipation"),
        ({"participation_path": ""}, "/rest/apis/cross/service/programEventParticipation"),
        ({"participation_path": "/ccs/participation/"}, "/ccs/participation"),
    ],
)
def test_the_path_is_the_connections(options: dict[str, Any], path: str) -> None:
    assert dacs_participation.base_path(options) == path


@pytest.mark.parametrize(
    ("response", "document"), [(None, None), (b"", None), (b"<html>", None), (b'{"a": 1}', {"a": 1})]
)
def test_gives_the_document_of_an_answer(response: bytes | None, document: Any) -> None:
    assert dacs_participation.document_of(response) == document
